"""What goes wrong between this package and a development node."""


class LocalChainError(Exception):
    """Base of every error of this package; its text says what was expected and the way out."""


class NodeUnreachableError(LocalChainError):
    """Nothing answers JSON-RPC at the given URL."""


class RpcError(LocalChainError):
    """The node answered a call with an error."""


class UnsuitableNodeError(LocalChainError):
    """The node answers, but the scenario cannot be built on it as it was started."""


class ScenarioError(LocalChainError):
    """A planned transaction did not do on the chain what the plan says."""
