"""What goes wrong while the stack is started or watched."""


class StackError(Exception):
    """Told to the user in one line: what happened, and the way out."""
