"""What an endpoint means by an error: its words first, then its code, then the HTTP status.

The same code means different things at different providers (-32005 is a rate limit here and too
many logs there), so the text decides wherever it is known. Patterns of ranges come before those
of rates: "Log response size exceeded" is about a range, not about a rate.
"""

import re
from collections.abc import Callable

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
    ReorgDetected,
    RequestTimedOut,
    ResultTooLarge,
    Unauthorized,
    UnsupportedMethod,
    UnsupportedTag,
)

ErrorFactory = Callable[[str], ChainError]

_NUMBER = r"(0x[0-9a-f]+|\d[\d,]*)"
_SUGGESTED_RANGE = re.compile(
    r"(?:range should work:?|with (?:the|this) (?:block )?range)"
    rf"\s*\[?\s*{_NUMBER}\s*[-,]\s*{_NUMBER}"
)
_MAX_BLOCKS = re.compile(
    r"(?:max(?:imum)? (?:block )?range:?|exceeds limit of|limited to an?|up to an?|over"
    r"|less than|at most|maximum of) "
    r"(?P<count>\d[\d,]*)(?P<thousands>k\b)?(?! (?:results|logs))"
)


def _range_too_large(message: str) -> ChainError:
    return RangeTooLarge(
        message, suggested=suggested_range(message), max_blocks=_max_blocks(message.lower())
    )


def _result_too_large(message: str) -> ChainError:
    return ResultTooLarge(message, suggested=suggested_range(message))


_BY_TEXT: tuple[tuple[str, ErrorFactory], ...] = (
    (r"batch (?:size )?(?:is )?too large|maximum batch|batch (?:size )?limit", BatchTooLarge),
    (
        r"response size (?:is )?(?:exceeded|too large)|response (?:is )?too (?:big|large)"
        r"|returned more than|exceeds max results|exceeds limit of \d+ (?:logs|results)"
        r"|matched by query exceeds limit|too many (?:logs|results)|request entity too large",
        _result_too_large,
    ),
    (r"max addresses or topics|too many (?:addresses|topics)", FilterTooLarge),
    (
        r"block range (?:is )?too (?:wide|large)|block range limit|max(?:imum)? block range"
        r"|max range:|range \d+ exceeds limit|limited to an? [\d,]+ (?:blocks? )?range"
        r"|up to an? [\d,]+k? block range|ranges over [\d,]+ blocks|range should work",
        _range_too_large,
    ),
    (r"specify (?:an )?address", AddressRequired),
    (r"monthly capacity|/billing|quota|out of credits", QuotaExhausted),
    (
        r"too many requests|rate limit|request limit reached|request rate exceeded|has exceeded"
        r"|requests? per second",
        RateLimited,
    ),
    (r"not (?:currently )?canonical", ReorgDetected),
    (r"pruned history|history has been pruned", PrunedHistory),
    (
        r"(?:finalized|safe) block not found|(?:finalized|safe)\W* is not a supported"
        r"|malformed block ?number|(?:invalid|unknown|unsupported) block tag",
        UnsupportedTag,
    ),
    (
        r"missing trie node|header not found|no state available|state (?:is )?not available"
        r"|state .{0,80}not available|state .{0,20}pruned|block ?(?:is )?out ?of ?range",
        MissingState,
    ),
    (
        r"extends beyond current head|block not found|unknown block|header for hash not found",
        EndpointUnavailable,
    ),
    (
        r"execution reverted|out of gas|gas required exceeds|invalid opcode|stack underflow"
        r"|invalid jump|vm exception|evm error",
        CallReverted,
    ),
    (r"timed? ?out|timeout|deadline exceeded", RequestTimedOut),
    (r"api key|unauthori[sz]ed|must be authenticated|forbidden", Unauthorized),
    (
        r"method .{0,60}not (?:found|supported|available|exist)|unsupported method"
        r"|is not available|not whitelisted",
        UnsupportedMethod,
    ),
    (r"^limit exceeded\W*$", LimitExceeded),
)
_TEXTS = tuple((re.compile(pattern), factory) for pattern, factory in _BY_TEXT)

_BY_CODE: dict[int, ErrorFactory] = {
    3: CallReverted,
    429: RateLimited,
    4444: PrunedHistory,
    42903: RateLimited,
    -32000: EndpointUnavailable,
    -32002: RequestTimedOut,
    -32003: _result_too_large,
    -32005: LimitExceeded,
    -32007: RateLimited,
    -32008: _result_too_large,
    -32600: InvalidRequest,
    -32601: UnsupportedMethod,
    -32602: InvalidRequest,
    -32603: EndpointUnavailable,
    -32700: InvalidRequest,
}
_BY_STATUS: dict[int, ErrorFactory] = {
    400: InvalidRequest,
    401: Unauthorized,
    402: QuotaExhausted,
    403: Unauthorized,
    408: RequestTimedOut,
    413: _result_too_large,
    429: RateLimited,
    504: RequestTimedOut,
}


def classify(status: int | None, code: int | None, message: str) -> ChainError:
    """The error that an endpoint's refusal stands for.

    Args:
        status: HTTP status, where there was an answer.
        code: JSON-RPC error code, where there was one.
        message: The endpoint's words; they become the words of the error.

    Returns:
        An error to raise; one that nothing identifies is EndpointUnavailable.
    """
    text = message.lower()
    for pattern, factory in _TEXTS:
        if pattern.search(text):
            return factory(message)
    by_code = None if code is None else _BY_CODE.get(code)
    by_status = None if status is None else _BY_STATUS.get(status)
    if status == 429 or by_code is None:
        return (by_status or by_code or EndpointUnavailable)(message)
    return by_code(message)


def suggested_range(message: str) -> tuple[int, int] | None:
    """First and last block of a range that the endpoint says it would serve."""
    found = _SUGGESTED_RANGE.search(message.lower())
    return None if found is None else (_number(found[1]), _number(found[2]))


def _max_blocks(text: str) -> int | None:
    found = _MAX_BLOCKS.search(text)
    if found is None:
        return None
    return _number(found["count"]) * (1_000 if found["thousands"] else 1)


def _number(text: str) -> int:
    return int(text.replace(",", ""), 0)
