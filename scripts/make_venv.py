"""Makes .venv hold what the locks say, then becomes a command.

    python -m scripts.make_venv EXIT_FAILED EXIT_STOPPED "LOCK ..." [COMMAND [ARGUMENT ...]]

The first lock is installed; it holds all that the others hold. Runs in the checkout's root, needs nothing but Python's
standard library, and imports nothing that does. The first two are the exit codes where it fails, and where a stop is
asked for before the command takes over. What was begun then is begun anew the next time.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path

from embedded_kafka.claims import folder_to_oneself
from embedded_kafka.die_with_parent import with_parent
from embedded_kafka.interruption import SIGNALS, begin
from embedded_kafka.waiting import Stopped, Waiting, tell
from runtime.process import end
from runtime.stop import Stop

VENV = Path(".venv")
PYTHON = VENV / "bin" / "python"
UNFINISHED = VENV / "unfinished"  # holds what is temporary, and says that what is in VENV cannot be relied on
OLDEST = "import sys; sys.exit(sys.version_info < (3, 11))"
LAST_LINES = 10
DOWNLOADED = re.compile(r"Downloading \S+ \(([\d.]+) (kB|MB)\)")
MEGABYTES = {"kB": 0.001, "MB": 1.0}


class Failed(Exception):
    """A step failed; the message is the end of what it said."""


def main() -> int:
    """Return the exit code, unless the command takes over."""
    held = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    waiting = Waiting(begin("venv"))
    exit_failed, exit_stopped = map(int, sys.argv[1:3])
    try:
        make_and_become(sys.argv[3].split(), sys.argv[4:], waiting, held)
    except Stopped:
        return exit_stopped
    except (Failed, OSError) as error:
        waiting.done()
        tell(f"{error}\n")
        return exit_failed
    return 0


def make_and_become(locks: Sequence[str], command: list[str], waiting: Waiting, held: Collection[int]) -> None:
    """Install, and become the command, if there is one. Raises Failed, OSError and Stopped."""
    make(locks, waiting)
    if command:
        become(command, waiting.stop, held)


def make(locks: Sequence[str], waiting: Waiting) -> None:
    """Install the first of the locks unless it is. Raises Failed, OSError and Stopped."""
    with folder_to_oneself(Path(), partial(waiting.pause, "Another process is making .venv")):
        if not is_installed(locks[0]):
            prepare(waiting)
            install(locks, waiting)
            waiting.done()


def become(command: list[str], stop: Stop, held: Collection[int]) -> None:
    """Become the command, for which these signals are held back, as they were for us. Raises Failed and Stopped.

    A signal that comes after the last look ends the process, as it does while the command has no say yet.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    if stop.requested:
        raise Stopped
    for number in SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, held)
    try:
        os.execvp(command[0], command)  # noqa: S606 - no shell is what is wanted
    except OSError as error:
        raise Failed(f"{command[0]} cannot be started: {error.strerror}") from error


def is_installed(lock: str) -> bool:
    """Whether a process that was quicker has installed the lock."""
    copy = VENV / lock
    return not UNFINISHED.exists() and copy.exists() and copy.read_bytes() == Path(lock).read_bytes() and is_usable()


def is_usable() -> bool:
    """Whether the environment's Python runs and is new enough."""
    return PYTHON.exists() and subprocess.run([PYTHON, "-c", OLDEST], check=False, capture_output=True).returncode == 0


def prepare(waiting: Waiting) -> None:
    """Leave an environment that can be installed into, and is marked as unfinished."""
    if UNFINISHED.exists() or not is_usable():
        shutil.rmtree(VENV, ignore_errors=True)
        UNFINISHED.mkdir(parents=True)
        run([sys.executable, "-m", "venv", str(VENV)], "Making .venv", waiting)
    UNFINISHED.mkdir(exist_ok=True)


def install(locks: Sequence[str], waiting: Waiting) -> None:
    """Install the first lock, and note that all of them are installed."""
    shutil.rmtree(VENV / "requirements", ignore_errors=True)
    # The lock is complete. Looking for dependencies, an older pip refuses `coverage[toml]` as soon as a newer is out.
    options = ["--disable-pip-version-check", "--progress-bar=off", "--no-deps", "--require-hashes"]
    pip = [str(PYTHON), "-m", "pip", "install", *options, "--requirement", locks[0]]
    try:
        run(pip, f"Installing {locks[0]} into .venv (only once)", waiting)
    except Failed:  # in order, as without a network: what is there stays
        shutil.rmtree(UNFINISHED)
        raise
    (VENV / "requirements").mkdir()
    for lock in locks:
        shutil.copyfile(lock, VENV / lock)
    shutil.rmtree(UNFINISHED)


def run(command: Sequence[str], step: str, waiting: Waiting) -> None:
    """Run a command to its end. It is killed, with all that it started, when a stop is asked for. Raises Failed."""
    log = UNFINISHED / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            with_parent(signal.SIGKILL, command),
            env={**os.environ, "TMPDIR": str(UNFINISHED.absolute())},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        while process.poll() is None:
            waiting.pause(step, detail(log.read_text(errors="replace")))
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if process.returncode != 0:
        raise Failed("\n".join(log.read_text(errors="replace").splitlines()[-LAST_LINES:]))


def detail(log: str) -> str:
    """Return how far pip is, from what it says."""
    packages = log.count("Collecting ")
    megabytes = sum(float(size) * MEGABYTES[unit] for size, unit in DOWNLOADED.findall(log))
    return f"{packages} packages, {megabytes:.0f} MB" if packages else ""


if __name__ == "__main__":
    end(main())
