"""The errors a run can end with.

    JobError                  an attempt failed; `retryable` says whether another one may succeed
    ├── PayloadError          the request cannot be carried out as it is written
    └── common.chain.errors   everything that reading a chain can raise

Whoever raises decides what the scheduler does next: that is the whole meaning of `retryable`.
"""


class JobError(Exception):
    """An attempt failed for a reason worth telling the user.

    Attributes:
        retryable: True when a later attempt may succeed without anybody changing anything.
    """

    def __init__(self, message: str, *, retryable: bool) -> None:
        super().__init__(message)
        self.retryable = retryable


class PayloadError(JobError):
    """The payload names something that cannot be analysed, such as an address without code."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retryable=False)
