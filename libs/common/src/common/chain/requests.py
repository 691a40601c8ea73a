"""One JSON-RPC call: what is sent, and how its result is read. No I/O."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from common.chain.parsing import parse_block
from common.chain.types import Block

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Request(Generic[T]):
    """One call.

    Attributes:
        method: JSON-RPC method.
        params: Its parameters; a Block among them stands for the state at that block.
        parse: Turns the result into what is wanted; an InvalidAnswer that it raises is retried.
        attributes: For the span.
        decode: Reads the result out of the body of a plain answer faster than a JSON parser; None
            from it means that the body needs a closer look.
    """

    method: str
    params: Sequence[Any]
    parse: Callable[[Any], T]
    attributes: Mapping[str, str | int] = field(default_factory=dict)
    decode: Callable[[bytes], Any] | None = None

    @property
    def reads_state(self) -> bool:
        """Whether it names a block whose state it reads."""
        return any(isinstance(param, Block) for param in self.params)

    def form_params(self, *, by_hash: bool) -> list[Any]:
        """The parameters as they are sent.

        A state is named by its block's hash (EIP-1898) where the endpoint knows that: a node on
        another fork then refuses, instead of answering with a state that is not ours.
        """
        return [
            _block_param(param, by_hash=by_hash) if isinstance(param, Block) else param
            for param in self.params
        ]


def block_request(number: int, tag: str = "number") -> Request[Block]:
    """Asks for the header of the block with that number."""
    return Request("eth_getBlockByNumber", (hex(number), False), parse_block(tag, number))


def _block_param(block: Block, *, by_hash: bool) -> str | dict[str, str | bool]:
    if by_hash:
        return {"blockHash": block.hash, "requireCanonical": True}
    return hex(block.number)
