"""The jobs of the example script, created once each though services die meanwhile."""

import http.client
import runpy
import time
import urllib.error
from collections.abc import Callable
from contextlib import closing
from typing import Any, cast

from local_stack.api import Api
from local_stack.errors import StackError
from local_stack.paths import CHECKOUT
from local_stack.stack import Stack

PATIENCE_SECONDS = 60.0
PAUSE_SECONDS = 0.2

Json = dict[str, Any]


def create_example_jobs(stack: Stack) -> list[Json]:
    """Create the jobs of `examples/create_example_jobs.py`; return them as the gateway answers.

    Raises:
        StackError: The gateway refused a job, or stays away for a minute.
    """
    script = runpy.run_path(str(CHECKOUT / "examples" / "create_example_jobs.py"))
    wanted = script["example_jobs"](script["WALLET"], script["TOKEN"], script["COLLECTION"])
    with closing(Api(stack.url, stack.check)) as api:
        return [_create_once(api, stack.url, script["create_job"], job) for job in wanted]


def _create_once(api: Api, url: str, create: Callable[[str, Json], Json], wanted: Json) -> Json:
    """Create a job; when its answer is lost, find out whether it exists before trying again."""
    known = {job["id"] for job in api.get("/jobs")}
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return create(url, wanted)
        except urllib.error.HTTPError as error:
            with error:
                refusal = f"the gateway refused a job ({error.code}): {error.read().decode()}"
            if error.code != 503 or time.monotonic() > deadline:
                raise StackError(refusal) from None
        except (OSError, http.client.HTTPException) as error:
            if time.monotonic() > deadline:
                raise StackError(f"the gateway does not answer: {error}") from None
        for job in api.get("/jobs"):
            same = (job["action"], job["type"]) == (wanted["action"], wanted["type"])
            if same and job["id"] not in known:
                return cast("Json", job)
        time.sleep(PAUSE_SECONDS)
