"""The REST API as a patient client sees it: a service that is just restarting is asked again."""

import time
from collections.abc import Callable
from typing import Any

import httpx

from local_stack.errors import StackError

PATIENCE_SECONDS = 60.0
PAUSE_SECONDS = 0.2


class Api:
    """Reads from the gateway. A context manager, it keeps a connection open."""

    def __init__(self, url: str, check: Callable[[], None]) -> None:
        """Connect to nothing yet.

        Args:
            url: Base URL of the gateway.
            check: Raises when waiting longer is of no use.
        """
        self._check = check
        self._client = httpx.Client(base_url=url, timeout=10)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def get(self, path: str) -> Any:
        """Return the JSON at `path`, asking again while the gateway or its servers are away.

        Raises:
            StackError: It stays away for a minute, or answers with another error.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            self._check()
            try:
                answer = self._client.get(path)
            except httpx.HTTPError as error:
                wrong = type(error).__name__
            else:
                if answer.is_success:
                    return answer.json()
                wrong = f"{answer.status_code} {answer.text[:200]}"
                if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                    raise StackError(f"GET {path} failed: {wrong}")
            if time.monotonic() > deadline:
                raise StackError(f"GET {path} failed for {PATIENCE_SECONDS:.0f} s: {wrong}")
            time.sleep(PAUSE_SECONDS)
