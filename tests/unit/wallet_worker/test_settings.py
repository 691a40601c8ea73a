"""Explorers come from the environment, and their keys are never shown."""

import pytest

from common.settings import load_settings
from wallet_worker.settings import WalletWorkerSettings

KEY = "s3cretKEY"


@pytest.fixture(autouse=True)
def _no_settings_of_the_developer(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("without-env-file"))


def test_an_explorer_is_configured_by_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    api = f'{{"url": "https://explorer.example/{KEY}", "key": "{KEY}", "pageSize": 10000}}'
    monkeypatch.setenv("EXPLORER_APIS", f'{{"1": {api}}}')

    settings = load_settings(WalletWorkerSettings)

    assert settings.explorer_apis[1].page_size == 10_000
    assert settings.explorer_apis[1].key is not None
    assert settings.explorer_apis[1].key.get_secret_value() == KEY
    assert KEY not in repr(settings)


@pytest.mark.parametrize("value", [KEY, f'{{"1": "{KEY}"}}', f'{{"1": {{"key": "{KEY}"}}}}'])
def test_a_wrong_value_is_named_without_it(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("EXPLORER_APIS", value)

    with pytest.raises(SystemExit) as end:
        load_settings(WalletWorkerSettings)

    assert "explorer_apis" in str(end.value.code).lower()
    assert KEY not in str(end.value.code)
