"""Become a command that gets a signal when the process that started it is gone, however that ended.

    python die_with_parent.py PARENT_PROCESS_ID SIGNAL_NUMBER COMMAND [ARGUMENT ...]

A program of its own, because between fork and exec a process with threads must not run Python (`preexec_fn`).
Linux sends the signal when the *thread* that started this ends, see prctl(2), PR_SET_PDEATHSIG. Other systems have
nothing like it: there the command just starts.
"""

import ctypes
import os
import sys
from collections.abc import Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1
EXIT_NOT_STARTED, EXIT_NOT_FOUND = 126, 127  # as of a shell


def with_parent(signal_number: int, command: Sequence[str]) -> list[str]:
    """Return the command line that starts `command` so that it gets the signal when this process is gone."""
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), str(signal_number), *command]


def main() -> None:
    """Do what the module says."""
    parent, signal_number = int(sys.argv[1]), int(sys.argv[2])
    command = sys.argv[3:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal_number)
        if os.getppid() != parent:
            sys.exit(f"{Path(command[0]).name} was not started: the process that wanted it is gone")
    try:
        os.execvp(command[0], command)  # noqa: S606 - no shell is what is wanted
    except OSError as error:
        sys.stderr.write(f"{command[0]} cannot be started: {error.strerror}\n")
        sys.exit(EXIT_NOT_FOUND if isinstance(error, FileNotFoundError) else EXIT_NOT_STARTED)


if __name__ == "__main__":
    main()
