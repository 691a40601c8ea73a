"""Error texts as providers send them, each with what it must be taken for."""

import pytest

from common.chain.classification import classify, suggested_range
from common.chain.errors import (
    AddressRequired,
    BatchTooLarge,
    CallReverted,
    ChainError,
    EndpointUnavailable,
    FilterTooLarge,
    InvalidRequest,
    LimitExceeded,
    MissingState,
    PrunedHistory,
    QuotaExhausted,
    RangeTooLarge,
    RateLimited,
    RequestTimedOut,
    ResultTooLarge,
    Unauthorized,
    UnsupportedMethod,
    UnsupportedTag,
)

ALCHEMY_SIZE = (
    "Log response size exceeded. You can make eth_getLogs requests with up to a 2K block range and"
    " no limit on the response size, or you can request any block range with a cap of 10K logs in"
    " the response. Based on your parameters and the response size limit, this block range should"
    " work: [0x112a880, 0x112af3f]"
)
ALCHEMY_RANGE = (
    "You can make eth_getLogs requests with up to a 500 block range. Based on your parameters, this"
    " block range should work: [0x1, 0x1f4]"
)

RANGES: list[tuple[int, int, str, int | None, tuple[int, int] | None]] = [
    (200, -32602, "exceed maximum block range 1000", 1_000, None),
    (200, -32602, "exceed max block range 5000", 5_000, None),
    (200, -32602, "query exceeds max block range 100000", 100_000, None),
    (400, -32600, ALCHEMY_RANGE, 500, (1, 500)),
    (200, -32602, "range 1000000 exceeds limit of 10000", 10_000, None),
    (413, -32614, "eth_getLogs is limited to a 10,000 range", 10_000, None),
    (200, -32600, "block range is too wide", None, None),
    (200, -32000, "block range too large", None, None),
    (200, -32000, "Block range limit exceeded.", None, None),
    (200, -32000, "eth_getLogs is limited to a 1000 blocks range", 1_000, None),
    (200, -32701, "exceed maximum block range: 50000", 50_000, None),
    (200, -32000, "maximum block range: 2000", 2_000, None),
    (200, -32047, "Invalid eth_getLogs request. Max range: 800", 800, None),
    (200, 35, "ranges over 10000 blocks are not supported on freetier", 10_000, None),
]


@pytest.mark.parametrize(("status", "code", "message", "max_blocks", "suggested"), RANGES)
def test_a_range_that_is_too_large_is_told_with_what_would_fit(
    status: int, code: int, message: str, max_blocks: int | None, suggested: tuple[int, int] | None
) -> None:
    error = classify(status, code, message)

    assert isinstance(error, RangeTooLarge)
    assert (error.max_blocks, error.suggested) == (max_blocks, suggested)


RESULTS = [
    (400, -32602, ALCHEMY_SIZE, (0x112A880, 0x112AF3F)),
    (
        200,
        -32602,
        "query exceeds max results 20000, retry with the range 18600000-18600512",
        (18_600_000, 18_600_512),
    ),
    (
        200,
        -32005,
        "query returned more than 10000 results. Try with this block range [0x1A, 0xFF].",
        (0x1A, 0xFF),
    ),
    (200, -32005, "query returned more than 10000 results", None),
    (200, -32003, "response too large", None),
    (200, -32008, "Response is too big", None),
    (200, -32000, "logs matched by query exceeds limit of 10000", None),
    (413, None, "HTTP 413", None),
    (413, None, "Request Entity Too Large", None),
]


@pytest.mark.parametrize(("status", "code", "message", "suggested"), RESULTS)
def test_an_answer_that_is_too_large_is_told_with_what_would_fit(
    status: int, code: int | None, message: str, suggested: tuple[int, int] | None
) -> None:
    error = classify(status, code, message)

    assert isinstance(error, ResultTooLarge)
    assert error.suggested == suggested


OTHERS: list[tuple[int, int | None, str, type[ChainError]]] = [
    (200, -32602, "exceed max addresses or topics per search position", FilterTooLarge),
    (200, -32602, "invalid block range params", InvalidRequest),
    (200, -32602, "block range extends beyond current head block", EndpointUnavailable),
    (200, 4444, "pruned history unavailable", PrunedHistory),
    (200, -32002, "request timed out", RequestTimedOut),
    (200, -32000, "query timeout exceeded", RequestTimedOut),
    (200, -32000, "execution aborted (timeout = 5s)", RequestTimedOut),
    (504, None, "HTTP 504", RequestTimedOut),
    (200, -32600, "batch too large", BatchTooLarge),
    (400, -32600, "Batch size too large", BatchTooLarge),
    (429, 429, "Your app has exceeded its compute units per second capacity.", RateLimited),
    (429, -32005, "project ID request rate exceeded", RateLimited),
    (
        429,
        -32007,
        "50/second request limit reached - reduce calls per second or upgrade your account",
        RateLimited,
    ),
    (429, None, "Too Many Requests", RateLimited),
    (200, 42903, "You reached the free tier", RateLimited),
    (429, None, "HTTP 429", RateLimited),
    (429, -32603, "busy", RateLimited),
    (200, -32005, "limit exceeded", LimitExceeded),
    (402, None, "HTTP 402", QuotaExhausted),
    (
        429,
        429,
        "Monthly capacity limit exceeded. Visit https://example.org/settings/billing to upgrade",
        QuotaExhausted,
    ),
    (
        200,
        -32701,
        "Please specify an address in your request or, to remove restrictions, order a dedicated"
        " full node",
        AddressRequired,
    ),
    (200, -32701, "Please specify address in your request or, to remove ...", AddressRequired),
    (200, -32000, "missing trie node 5c3d (path ) state 0x5c3d is not available", MissingState),
    (200, -32000, "header not found", MissingState),
    (200, -32000, "historical state 0xabcd is not available", MissingState),
    (200, -32000, "No state available for block 0x1", MissingState),
    (200, -39001, "finalized block not found", UnsupportedTag),
    (200, -32000, "safe is not a supported block tag", UnsupportedTag),
    (200, -32602, "malformed blocknumber", UnsupportedTag),
    (200, -32601, "the method eth_foo does not exist/is not available", UnsupportedMethod),
    (200, -32601, "Method not found", UnsupportedMethod),
    (200, 3, "execution reverted: Ownable: caller is not the owner", CallReverted),
    (200, -32000, "execution reverted", CallReverted),
    (200, -32000, "out of gas", CallReverted),
    (200, -32000, "gas required exceeds allowance (50000000)", CallReverted),
    (401, None, "HTTP 401", Unauthorized),
    (403, -32000, "Must be authenticated!", Unauthorized),
    (200, -32000, "invalid api key", Unauthorized),
    (200, -32602, "invalid argument 0: hex string without 0x prefix", InvalidRequest),
    (200, -32700, "parse error", InvalidRequest),
    (200, -32603, "Internal error", EndpointUnavailable),
    (200, -32000, "something new", EndpointUnavailable),
    (503, None, "HTTP 503", EndpointUnavailable),
    (502, None, "<html>Bad Gateway</html>", EndpointUnavailable),
    (200, None, "", EndpointUnavailable),
]


@pytest.mark.parametrize(("status", "code", "message", "kind"), OTHERS)
def test_an_error_is_told_by_its_text_then_its_code_then_the_status(
    status: int, code: int | None, message: str, kind: type[ChainError]
) -> None:
    error = classify(status, code, message)

    assert type(error) is kind
    assert str(error) == message


def test_only_errors_that_time_may_heal_are_worth_another_attempt() -> None:
    def is_retryable(message: str) -> bool:
        return classify(200, None, message).retryable

    assert is_retryable("header not found")
    assert is_retryable("Too Many Requests")
    assert not is_retryable("Method not found")
    assert not is_retryable("invalid api key")
    assert not is_retryable("pruned history unavailable")


def test_a_text_without_a_range_suggests_none() -> None:
    assert suggested_range("query returned more than 10000 results") is None
