"""Old events stay readable: fields are added, never removed, renamed or given another meaning."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from common.events import OUTCOME, DeadLetter, JobDue
from common.streams import DATA_FIELD, to_entry

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.json"))

READERS: dict[str, TypeAdapter[Any]] = {
    "job": TypeAdapter(JobDue),
    "run": OUTCOME,
    "dead": TypeAdapter(DeadLetter),
}
"""How each kind of event is read, by the first word of its golden files' names."""

BY_FILE = pytest.mark.parametrize("file", GOLDEN, ids=[file.stem for file in GOLDEN])


def _read(file: Path, document: object) -> BaseModel:
    event = READERS[file.stem.partition("_")[0]].validate_json(json.dumps(document))
    assert isinstance(event, BaseModel)
    return event


@BY_FILE
def test_an_old_event_is_read_and_written_with_all_it_said(file: Path) -> None:
    golden = json.loads(file.read_text())

    body = to_entry(_read(file, golden))[DATA_FIELD]

    assert isinstance(body, str)
    assert json.loads(body).items() >= golden.items()


@BY_FILE
def test_a_newer_writer_may_say_more(file: Path) -> None:
    golden = json.loads(file.read_text())

    assert _read(file, {**golden, "added_later": {"any": "thing"}}) == _read(file, golden)


@BY_FILE
def test_an_event_of_another_schema_version_is_not_misread(file: Path) -> None:
    golden = json.loads(file.read_text())

    with pytest.raises(ValidationError, match="schema_version"):
        _read(file, {**golden, "schema_version": 2})


def test_every_kind_of_event_has_a_golden_file() -> None:
    kinds = {type(_read(file, json.loads(file.read_text()))).__name__ for file in GOLDEN}

    assert kinds == {
        "JobDue",
        *("RunStarted", "RunProgress", "RunCompleted", "RunFailed", "RunCancelled"),
        "DeadLetter",
    }
