"""The local chain as part of the stack: an anvil that always comes with its known traffic."""

from datetime import UTC, datetime
from pathlib import Path

from local_chain.errors import LocalChainError
from local_chain.scenario import Scenario, build
from local_stack.errors import StackError
from local_stack.servers import AnvilServer


class SeededChain(AnvilServer):
    """An anvil that forgets its chain when it ends, and is given the very same one when it starts.

    The traffic's end is chosen once, and with it every block hash.
    """

    def __init__(self, log_path: Path) -> None:
        """Choose port and time.

        Args:
            log_path: File for its output.
        """
        super().__init__(log_path)
        self._end_time = datetime.now(UTC)

    def start(self) -> None:
        """Start it and plant the traffic.

        Raises:
            StackError: It does not start, or does something else than what was planned.
        """
        super().start()
        self.seed()

    def seed(self) -> Scenario:
        """Plant the traffic on the running node; return what was planted.

        Raises:
            StackError: The node did something else than what was planned, or is gone.
        """
        try:
            return build(self.url, self._end_time)
        except LocalChainError as error:
            raise StackError(f"the local chain could not be made: {error}") from error
