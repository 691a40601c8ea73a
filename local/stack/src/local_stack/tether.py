"""Turns into another program that the kernel kills as soon as the process that asked is gone.

Run by path, isolated: `python -I -S tether.py <parent pid> <program> [arguments]`. The tie survives
`exec`, so nothing stays in between, and no way to end the parent, not even `kill -9`, leaves the
child behind.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def end_with_parent(parent_pid: int, signal_number: int) -> None:
    """Have the kernel send this process a signal when the parent's thread that made it ends.

    Does nothing on systems other than Linux.

    Args:
        parent_pid: The parent that is expected; when it is gone already, the signal is sent now.
        signal_number: What to send.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal_number)
    if os.getppid() != parent_pid:
        os.kill(os.getpid(), signal_number)


if __name__ == "__main__":
    end_with_parent(int(sys.argv[1]), signal.SIGKILL)
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606  # the launcher chose the program
