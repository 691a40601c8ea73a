"""Every error is a problem document that names the place, the value and the way out."""

from typing import Any

import httpx
import pytest
from pymongo.asynchronous.database import AsyncDatabase

Body = dict[str, Any]
Database = AsyncDatabase[dict[str, Any]]

JSON = {"Content-Type": "application/json"}


def _problem(answer: httpx.Response, status: int, kind: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["type"] == f"/problems/{kind}"
    assert problem["status"] == status
    assert problem["instance"] == answer.request.url.path
    assert problem["title"]
    assert problem["detail"]
    return problem


REFUSED: list[tuple[str, Body, str, str]] = [
    ("unknown action", {"action": "mine_gold"}, "#/action", "known actions: analyze_coin_flows"),
    ("unknown type", {"type": "cron"}, "#/type", "'retry', 'recurring' or 'scheduled'"),
    ("zero interval", {"intervalMinutes": 0}, "#/intervalMinutes", "got 0"),
    ("negative interval", {"intervalMinutes": -1}, "#/intervalMinutes", "got -1"),
    ("tiny interval", {"intervalMinutes": 0.001}, "#/intervalMinutes", "at least one second"),
    ("huge interval", {"intervalMinutes": 525_601}, "#/intervalMinutes", "got 525601"),
    ("no interval", {"intervalMinutes": None}, "#/intervalMinutes", "15 suits this action"),
    ("interval as text", {"intervalMinutes": "15"}, "#/intervalMinutes", "got '15'"),
    ("interval as truth", {"intervalMinutes": True}, "#/intervalMinutes", "got True"),
    ("interval and time", {"scheduledAt": "2030-01-01T00:00:00Z"}, "#/scheduledAt", "leave it out"),
    ("no time", {"type": "scheduled", "intervalMinutes": None}, "#/scheduledAt", "needs the time"),
    ("unknown field", {"retries": 3}, "#/retries", "known here: action, payload"),
    ("snake case", {"max_attempts": 3}, "#/max_attempts", "maxAttempts"),
    ("too many attempts", {"maxAttempts": 21}, "#/maxAttempts", "got 21"),
    ("half an attempt", {"maxAttempts": 1.5}, "#/maxAttempts", "got 1.5"),
    ("no time at all", {"timeoutSeconds": 0}, "#/timeoutSeconds", "got 0"),
    ("payload as list", {"payload": []}, "#/payload", "dictionary"),
    ("bad address", {"payload": {"wallet": "0x12"}}, "#/payload/wallet", "40 hex digits"),
    ("no address", {"payload": {}}, "#/payload/wallet", "required"),
    (
        "option as text",
        {"payload": {"wallet": "0x" + "1" * 40, "options": {"includeNFTs": "yes"}}},
        "#/payload/options/includeNFTs",
        "got 'yes'",
    ),
    (
        "unknown option",
        {"payload": {"wallet": "0x" + "1" * 40, "options": {"a/b~c": 1}}},
        "#/payload/options/a~1b~0c",
        "known here: includeTransactions",
    ),
    (
        "number beyond 64 bits",
        {"payload": {"wallet": "0x" + "1" * 40, "chainId": 2**70}},
        "#/payload",
        "cannot be stored",
    ),
]


@pytest.mark.parametrize(
    ("change", "pointer", "words"),
    [case[1:] for case in REFUSED],
    ids=[case[0] for case in REFUSED],
)
async def test_a_wrong_part_is_named_with_what_was_expected(
    api: httpx.AsyncClient,
    database: Database,
    recurring: Body,
    change: Body,
    pointer: str,
    words: str,
) -> None:
    answer = await api.post("/jobs", json={**recurring, **change})

    problem = _problem(answer, 422, "invalid-request")
    [error] = problem["errors"]
    assert error["pointer"] == pointer
    assert words in error["detail"]
    assert await database["jobs"].count_documents({}) == 0


@pytest.mark.parametrize(
    "moment",
    [
        *("2030-01-01T00:00:00", "2030-01-01", "tomorrow", "", "1705312800", 1705312800, True),
        *("2030-02-30T00:00:00Z", "2030-01-01T25:00:00Z", "2030-01-01T00:00:00+99:00"),
        *("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "1969-12-31T23:59:59Z"),
        *("2030-01-01T00:00:00Z\n", "٢٠٣٠-01-01T00:00:00Z", {"$date": 0}),
    ],
)
async def test_a_time_without_zone_or_sense_is_refused(
    api: httpx.AsyncClient, one_time: Body, moment: object
) -> None:
    answer = await api.post("/jobs", json={**one_time, "scheduledAt": moment})

    [error] = _problem(answer, 422, "invalid-request")["errors"]
    assert error["pointer"] == "#/scheduledAt"


async def test_all_wrong_parts_are_named_at_once(api: httpx.AsyncClient) -> None:
    answer = await api.post("/jobs", json={"action": "mine_gold", "type": "retry"})

    problem = _problem(answer, 422, "invalid-request")
    assert [each["pointer"] for each in problem["errors"]] == ["#/action", "#/payload"]
    assert "(and 1 more)" in problem["detail"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "line 1, column 2"),
        (b"{'action': 1}", "double quotes"),
        (b'{"intervalMinutes": NaN}', "NaN is not a JSON number"),
        (b'{"intervalMinutes": -Infinity}', "-Infinity is not a JSON number"),
        (b'{"action": "a", "action": "b"}', "'action' appears twice"),
        (b'{"action": "\xff"}', "byte 12 is not UTF-8"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"a":' * 40_000, "nested too deeply"),
        (b'{"n": ' + b"9" * 10_000 + b"}", "integer"),
    ],
)
async def test_what_is_not_json_is_refused_as_such(
    api: httpx.AsyncClient, body: bytes, words: str
) -> None:
    answer = await api.post("/jobs", content=body, headers=JSON)

    assert words in _problem(answer, 400, "malformed-body")["detail"]


@pytest.mark.parametrize("body", ["[]", "3", '"text"', "null", "true"])
async def test_a_body_that_is_no_object_is_refused(api: httpx.AsyncClient, body: str) -> None:
    answer = await api.post("/jobs", content=body, headers=JSON)

    assert _problem(answer, 422, "invalid-request")["errors"][0]["pointer"] == "#"


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", None])
async def test_other_media_types_are_refused_with_the_right_one(
    api: httpx.AsyncClient, media_type: str | None
) -> None:
    headers = {"Content-Type": media_type} if media_type else {}

    answer = await api.post("/jobs", content=b'{"action": "a"}', headers=headers)

    problem = _problem(answer, 415, "unsupported-media-type")
    assert "Content-Type: application/json" in problem["detail"]


async def test_a_large_body_is_refused_whether_announced_or_not(api: httpx.AsyncClient) -> None:
    body = b'{"action": "' + b"a" * 256 * 1024 + b'"}'

    async def chunks() -> Any:
        for start in range(0, len(body), 10_000):
            yield body[start : start + 10_000]

    announced = await api.post("/jobs", content=body, headers=JSON)
    streamed = await api.post("/jobs", content=chunks(), headers=JSON)

    assert "262144 bytes" in _problem(announced, 413, "body-too-large")["detail"]
    _problem(streamed, 413, "body-too-large")
    assert (await api.get("/livez")).status_code == 200


async def test_an_unknown_route_is_a_problem(api: httpx.AsyncClient) -> None:
    _problem(await api.get("/jbos"), 404, "not-found")
    _problem(await api.get("/docs/assets/missing.js"), 404, "not-found")


async def test_a_wrong_method_is_answered_with_the_right_ones(api: httpx.AsyncClient) -> None:
    on_job = await api.put("/jobs/65a5c1d2e4b0a1b2c3d4e5f6")
    on_jobs = await api.delete("/jobs")

    _problem(on_job, 405, "method-not-allowed")
    assert on_job.headers["allow"] == "DELETE, GET, PATCH"
    assert on_jobs.headers["allow"] == "GET, POST"


UNKNOWN = "65a5c1d2e4b0a1b2c3d4e5f6"


@pytest.mark.parametrize("job_id", [UNKNOWN, "12", "g" * 24, "%00", "a%2Fb", "%FF", "' OR 1=1"])
async def test_an_id_that_names_no_job_is_not_found(api: httpx.AsyncClient, job_id: str) -> None:
    for method, path, body in [
        ("GET", f"/jobs/{job_id}", None),
        ("PATCH", f"/jobs/{job_id}", {"maxAttempts": 2}),
        ("DELETE", f"/jobs/{job_id}", None),
        ("POST", f"/jobs/{job_id}/trigger", None),
        ("GET", f"/jobs/{job_id}/runs", None),
    ]:
        answer = await api.request(method, path, json=body)
        assert answer.status_code == 404, (method, path, answer.text)
        assert answer.json()["type"] == "/problems/not-found"


@pytest.mark.parametrize(
    "run_id", [f"{UNKNOWN}:1", UNKNOWN, "12:34", f"{UNKNOWN}:x", "%00", f"{UNKNOWN}:²"]
)
async def test_an_id_that_names_no_run_is_not_found(api: httpx.AsyncClient, run_id: str) -> None:
    for path in (f"/runs/{run_id}", f"/runs/{run_id}/result"):
        answer = await api.get(path)
        assert answer.status_code == 404, answer.text
        assert answer.json()["type"] == "/problems/not-found"


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("/jobs?status=done", "status"),
        ("/jobs?type=cron", "type"),
        ("/jobs?action=mine_gold", "action"),
        ("/jobs?stauts=failed", "stauts"),
        ("/jobs?limit=0", "limit"),
        ("/jobs?limit=1001", "limit"),
        ("/jobs?limit=many", "limit"),
        ("/jobs?cursor=abc", "cursor"),
        ("/jobs?cursor=WzFd", "cursor"),
        ("/jobs?cursor=", "cursor"),
        ("/alerts?cursor=WyIxIiwiMiJd", "cursor"),
        ("/alerts?cursor=WzEwMDAwMDAwMDAwMDAwMDAwMDAwLCJhIl0=", "cursor"),
        ("/alerts?severity=dire", "severity"),
        (f"/jobs/{UNKNOWN}/runs?limit=-1", "limit"),
    ],
)
async def test_a_wrong_query_names_its_parameter(
    api: httpx.AsyncClient, path: str, parameter: str
) -> None:
    answer = await api.get(path)

    [error] = _problem(answer, 422, "invalid-request")["errors"]
    assert error["parameter"] == parameter


async def test_each_kind_of_problem_is_explained_at_its_type(api: httpx.AsyncClient) -> None:
    kinds = (await api.get("/problems")).json()

    assert len(kinds) >= 10
    for kind in kinds:
        assert (await api.get(kind["type"])).json() == kind
    _problem(await api.get("/problems/none"), 404, "not-found")
