"""Make .venv hold what locks say, then become a command: `python -m scripts.make_venv "LOCK ..." [COMMAND ...]`.

The first lock is installed; it holds all that the others hold. Runs in the checkout's root, needs nothing but Python's
standard library, and imports nothing that does. Exit code 1: it failed; where a stop is asked for, 0 with a command,
which has nothing to do then, 130 without. What was begun then is begun anew the next time.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from embedded_kafka.die_with_parent import with_parent
from embedded_kafka.interruption import begin
from embedded_kafka.locks import folder_to_oneself
from embedded_kafka.waiting import Stopped, Waiting, tell
from runtime.process import end

VENV = Path(".venv")
PYTHON = VENV / "bin" / "python"
UNFINISHED = VENV / "unfinished"  # holds what is temporary, and says that what is in VENV cannot be relied on
OLDEST = "import sys; sys.exit(sys.version_info < (3, 11))"
LAST_LINES = 10
EXIT_FAILED = 1
EXIT_STOPPED = 130
DOWNLOADED = re.compile(r"Downloading \S+ \(([\d.]+) (kB|MB)\)")
MEGABYTES = {"kB": 0.001, "MB": 1.0}


class Failed(Exception):
    """A step failed; the message is the end of what it said."""


def main() -> int:
    """Return the exit code, unless the command takes over."""
    held = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    waiting = Waiting(begin("venv"))
    locks, command = sys.argv[1].split(), sys.argv[2:]
    try:
        make(locks, waiting)
    except Stopped:
        return 0 if command else EXIT_STOPPED
    except (Failed, OSError) as error:
        waiting.done()
        tell(f"{error}\n")
        return EXIT_FAILED
    if command:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)
        os.execvp(command[0], command)  # noqa: S606 - no shell is what is wanted
    return 0


def make(locks: Sequence[str], waiting: Waiting) -> None:
    """Install the first of the locks unless it is. Raises Failed, OSError and Stopped."""
    with folder_to_oneself(Path(), partial(waiting.pause, "Another process is making .venv")):
        if not is_installed(locks[0]):
            prepare(waiting)
            install(locks, waiting)
            waiting.done()


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
    for copy in VENV.glob("requirements*.txt"):
        copy.unlink()
    # The lock is complete. Looking for dependencies, an older pip refuses `coverage[toml]` as soon as a newer is out.
    options = ["--disable-pip-version-check", "--progress-bar=off", "--no-deps", "--require-hashes"]
    pip = [str(PYTHON), "-m", "pip", "install", *options, "--requirement", locks[0]]
    try:
        run(pip, f"Installing {locks[0]} into .venv, this once", waiting)
    except Failed:  # in order, as without a network: what is there stays
        shutil.rmtree(UNFINISHED)
        raise
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
