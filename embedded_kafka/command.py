"""Runs a command beside the broker, in the foreground: signals of the terminal or a supervisor reach it."""

import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from types import FrameType

import psutil

from embedded_kafka.die_with_parent import with_parent
from embedded_kafka.errors import CannotBeStarted
from runtime.stop import Stop

GRACE_SECONDS = 3
SECONDS_BETWEEN_LOOKS = 0.2
ENDED_BY_SIGNAL = 128
CTRL_C = ENDED_BY_SIGNAL + signal.SIGINT


def run(command: Sequence[str], environment: Mapping[str, str], stop: Stop) -> int:
    """Run `command` to its end and return its exit code: 128 + N when signal N ended it, 0 when that was Ctrl-C.

    A closed terminal (SIGHUP), which asks for a stop, ends the command with all that it started; then it is 0.
    Raises CannotBeStarted.
    """
    on_hang_up = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # for the command: we tell it, in order
    process = _started(command, environment)
    signal.signal(signal.SIGHUP, on_hang_up)
    # Ctrl-C reaches the whole foreground, the command too; `kill -INT` of this process alone is passed on later.
    signal.signal(signal.SIGINT, _give_it_a_moment)
    signal.signal(signal.SIGALRM, partial(_pass_on, process, signal.SIGINT))
    signal.signal(signal.SIGTERM, partial(_pass_on, process, signal.SIGTERM))
    while process.poll() is None:
        stop.wait(SECONDS_BETWEEN_LOOKS)
        if stop.requested:
            end_with_descendants(process.pid)
            return 0
    signal.alarm(0)
    return exit_code(process.returncode)


def _started(command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(with_parent(signal.SIGTERM, command), env=environment)
    except OSError as error:
        raise CannotBeStarted(command[0], error) from error


def exit_code(code: int) -> int:
    """Return what a shell would make of a Popen's return code, with 0 for Ctrl-C."""
    shell_code = code if code >= 0 else ENDED_BY_SIGNAL - code
    return 0 if shell_code == CTRL_C else shell_code


def end_with_descendants(process_id: int) -> None:
    """End a process and everything below it, whether or not it passes signals on; kill what takes over 3 s."""
    with suppress(psutil.NoSuchProcess):
        top = psutil.Process(process_id)
        everyone = [top, *top.children(recursive=True)]
        _signal_all(everyone, signal.SIGTERM)
        _, living = psutil.wait_procs(everyone, GRACE_SECONDS)
        _signal_all(living, signal.SIGKILL)


def _signal_all(processes: Sequence[psutil.Process], wanted: signal.Signals) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(wanted)


def _give_it_a_moment(_number: int, _frame: FrameType | None) -> None:
    signal.alarm(GRACE_SECONDS)


def _pass_on(process: subprocess.Popen[bytes], wanted: signal.Signals, _number: int, _frame: FrameType | None) -> None:
    process.send_signal(wanted)
