"""Wrong settings end a service with one line that names the variable and never its value."""

import pytest

from common.settings import ServiceSettings, WorkerSettings, load_settings


@pytest.fixture(autouse=True)
def _no_settings_of_the_developer(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("without-env-file"))


@pytest.mark.parametrize(
    ("model", "name", "value", "said"),
    [
        (ServiceSettings, "HEALTH_PORT", "s3cret", "HEALTH_PORT"),
        (WorkerSettings, "RPC_URLS", "https://node.example/s3cret", "rpc_urls"),
        (WorkerSettings, "RPC_URLS", '{"one": ["https://node.example/s3cret"]}', "RPC_URLS"),
        (WorkerSettings, "LEASE_SECONDS", "1", "HEARTBEAT_SECONDS"),
    ],
)
def test_a_wrong_variable_is_named_without_its_value(
    model: type[ServiceSettings],
    name: str,
    value: str,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(SystemExit) as end:
        load_settings(model)

    assert said in str(end.value.code)
    assert "s3cret" not in str(end.value.code)


def test_a_limit_of_an_unknown_action_is_refused_in_one_line_that_names_the_known_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GLOBAL_CONCURRENCY", '{"wallet_snapshots": 20, "wallet_snapshot": 5}')

    with pytest.raises(SystemExit) as end:
        load_settings(WorkerSettings)

    assert str(end.value.code).splitlines() == [
        "wrong settings in the environment or .env: GLOBAL_CONCURRENCY: Value error, no action is "
        "called wallet_snapshots: expected analyze_coin_flows, analyze_nft_movements, "
        "wallet_snapshot"
    ]


def test_thresholds_of_several_actions_are_told_to_all_workers_alike(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(
        "THRESHOLDS",
        '{"wallet_snapshot": {"spamScore": 0.8, "lookAlikeDigits": 5}, '
        '"analyze_coin_flows": {"whalePercentage": 2}, "analyze_nft_movements": {}}',
    )

    assert load_settings(WorkerSettings).thresholds == {
        "wallet_snapshot": {"spamScore": 0.8, "lookAlikeDigits": 5},
        "analyze_coin_flows": {"whalePercentage": 2},
        "analyze_nft_movements": {},
    }


KNOWN_ACTIONS = "analyze_coin_flows, analyze_nft_movements, wallet_snapshot"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ('{"spamScore": 0.8}', f"no action is called spamScore: expected {KNOWN_ACTIONS}"),
        (
            '{"wallet": {"spamScore": 0.8}, "wallet_snapshot": {}}',
            f"no action is called wallet: expected {KNOWN_ACTIONS}",
        ),
        (
            '{"wallet_snapshot": {"whalePercentage": 2}}',
            "wallet_snapshot: threshold 'whalePercentage': there is none of this name "
            "(known thresholds: spamScore, lookAlikeDigits, ",
        ),
        (
            '{"analyze_coin_flows": {"whalePercentage": 200}}',
            "analyze_coin_flows: threshold 'whalePercentage': Input should be less than or equal "
            "to 100, got 200 (known thresholds: largeTransferAmount, ",
        ),
    ],
)
def test_thresholds_that_no_action_has_are_refused_in_one_line_that_names_those_it_has(
    value: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THRESHOLDS", value)

    with pytest.raises(SystemExit) as end:
        load_settings(WorkerSettings)

    [line] = str(end.value.code).splitlines()
    start = "wrong settings in the environment or .env: THRESHOLDS: Value error, "
    assert line.startswith(start + said)


def test_endpoints_are_read_by_chain_and_hidden_in_print(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RPC_URLS", '{"1": ["https://node.example/s3cret"]}')

    settings = load_settings(WorkerSettings)

    assert settings.rpc_urls[1][0].get_secret_value() == "https://node.example/s3cret"
    assert "s3cret" not in repr(settings)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('{"1": {"requestsPerSecond": 25}}', [(25, None), (25, None)]),
        ('{"1": [{"requestsPerSecond": 25, "concurrency": 4}]}', [(25, 4)]),
        ("{}", []),
    ],
)
def test_limits_are_those_of_each_endpoint_or_of_all(
    value: str, expected: list[tuple[float, int | None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RPC_URLS", '{"1": ["https://one.example", "https://two.example"]}')
    monkeypatch.setenv("RPC_LIMITS", value)

    limits = load_settings(WorkerSettings).limits_of_endpoints().get(1, [])

    assert [(each.requests_per_second, each.concurrency) for each in limits] == expected


@pytest.mark.parametrize("limit", ['{"rps": 25}', '{"concurrency": 0}'])
def test_a_limit_that_cannot_be_meant_is_refused(
    limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RPC_LIMITS", f'{{"1": [{limit}]}}')

    with pytest.raises(SystemExit, match="RPC_LIMITS"):
        load_settings(WorkerSettings)
