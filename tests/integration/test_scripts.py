"""The scripts on a fresh clone: what they need, what they say, and what they make."""

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from embedded_kafka.choice import add_options
from tests.support.waiting import BUSY, wait_until

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted(path.name for path in (ROOT / "scripts").iterdir() if path.suffix == "" and path.is_file())
NOTHING = {"PATH": "/usr/bin:/bin"}
LOCKS = ("requirements/run.txt", "requirements/demo.txt", "requirements/dev.txt")
SECONDS = 60
PATIENCE = SECONDS * BUSY


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The scripts and what they need, in a folder of its own, with locks that are empty."""
    for name in ("scripts", "embedded_kafka", "runtime"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "requirements").mkdir()
    for number, name in enumerate(LOCKS):
        (tmp_path / name).write_text(f"# {number}\n")
    return tmp_path


def run(*words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHON": sys.executable, **settings}
    return subprocess.run(
        words, cwd="/", env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
    )


def with_installed(clone: Path, lock: str) -> None:
    """Make as if a process had installed what is in the lock, and before it what is in the smaller ones."""
    python = clone / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    (clone / ".venv" / "requirements").mkdir()
    for name in LOCKS[: LOCKS.index(lock) + 1]:
        shutil.copyfile(clone / name, clone / ".venv" / name)


@pytest.mark.parametrize("script", [script for script in SCRIPTS if script != "help"])
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_each_helps_at_once_with_nothing_installed(clone: Path, script: str, option: str) -> None:
    words = [str(clone / "scripts" / script), option]
    helped = subprocess.run(words, cwd="/", env=NOTHING, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert helped.returncode == 0
    assert helped.stderr == ""
    assert f"scripts/{script}" in helped.stdout
    assert not (clone / ".venv").exists()


def test_the_help_of_the_demo_names_all_that_it_understands() -> None:
    parser = argparse.ArgumentParser()
    add_options(parser)
    understood = set(re.findall(r"--[a-z-]+", parser.format_help())) - {"--help"}
    assert understood == set(re.findall(r"^# +(--[a-z-]+)", (ROOT / "scripts" / "demo").read_text(), re.MULTILINE))


@pytest.mark.parametrize("installed", LOCKS)
@pytest.mark.parametrize("wanted", ["run", "demo", "dev"])
def test_what_is_installed_is_taken_as_it_is_where_it_holds_what_is_wanted(
    clone: Path, installed: str, wanted: str
) -> None:
    with_installed(clone, installed)
    (clone / "scripts" / "make_venv.py").write_text("print('installing')\n")
    done = run(str(clone / "scripts" / "venv"), wanted, "echo", "the command")
    holds = LOCKS.index(installed) >= ["run", "demo", "dev"].index(wanted)
    assert done.stdout == ("the command\n" if holds else "installing\n")


def test_making_the_environment_needs_nothing_but_python() -> None:
    program = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import scripts.make_venv"
    subprocess.run([sys.executable, "-I", "-S", "-c", program], check=True)


def test_run_becomes_the_part_that_it_runs(clone: Path) -> None:
    with_installed(clone, "requirements/run.txt")
    (clone / "generator.py").write_text("import os, sys; print(os.getpid(), sys.argv[1:]); sys.exit(3)\n")
    words = [str(clone / "scripts" / "run"), "generator", "--some", "argument"]
    process = subprocess.Popen(words, cwd="/", stdout=subprocess.PIPE, text=True)
    said, _ = process.communicate(timeout=PATIENCE)
    assert said == f"{process.pid} ['--some', 'argument']\n"
    assert process.returncode == 3


def test_run_knows_what_it_can_run(clone: Path) -> None:
    done = run(str(clone / "scripts" / "run"), "no-such-part")
    assert done.returncode == 2
    assert "scripts/run generator|detector|audit|rules|embedded_kafka" in done.stderr


def test_an_environment_that_was_left_unfinished_is_made_anew(clone: Path) -> None:
    command = [str(clone / "scripts" / "venv"), "run", "echo", "the command"]
    with (clone / "said").open("wb") as said:
        process = subprocess.Popen(command, env={**os.environ, "PYTHON": sys.executable}, stdout=said, stderr=said)
    wait_until((clone / ".venv" / "bin" / "python").exists, SECONDS, "an environment that is being made")
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE) == 130
    assert (clone / ".venv" / "unfinished").exists()
    assert "Traceback" not in (clone / "said").read_text()
    done = run(*command)
    assert done.stdout == "the command\n", done.stderr
    assert not (clone / ".venv" / "unfinished").exists()
    assert (clone / ".venv" / "requirements" / "run.txt").exists()


def test_of_two_that_make_the_environment_at_once_one_waits_for_the_other(clone: Path) -> None:
    words = [str(clone / "scripts" / "venv"), "demo", ".venv/bin/python", "-c", "print('ready')"]
    environment = {**os.environ, "PYTHON": sys.executable}
    both = [subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
    said = [process.communicate(timeout=PATIENCE) for process in both]
    assert [output for output, _ in said] == [b"ready\n"] * 2
    assert sum(b"Making .venv" in errors for _, errors in said) == 1


def test_what_cannot_be_installed_is_said_and_what_was_there_stays(clone: Path) -> None:
    assert run(str(clone / "scripts" / "venv"), "run").returncode == 0
    (package,) = (clone / ".venv" / "lib").glob("python3*/site-packages")
    (package / "was_there.py").write_text("print('still there')\n")
    ask_for_what_does_not_exist(clone)
    done = run(str(clone / "scripts" / "venv"), "run", PIP_NO_INDEX="1")
    assert done.returncode == 1
    assert "no-such-package-anywhere" in done.stderr
    assert "Traceback" not in done.stderr
    assert run(str(clone / ".venv" / "bin" / "python"), "-m", "was_there").stdout == "still there\n"
    (clone / "requirements" / "run.txt").write_text("# 0\n")
    again = run(str(clone / "scripts" / "venv"), "run", ".venv/bin/python", "-m", "was_there")
    assert again.stdout == "still there\n"
    assert "Making .venv" not in again.stderr


def ask_for_what_does_not_exist(clone: Path) -> None:
    (clone / "requirements" / "run.txt").write_text("no-such-package-anywhere==1.0 --hash=sha256:" + "0" * 64 + "\n")


@pytest.mark.parametrize(("part", "code"), [("generator", 1), ("audit", 4)])
def test_where_nothing_can_be_installed_an_audit_was_not_made(clone: Path, part: str, code: int) -> None:
    ask_for_what_does_not_exist(clone)
    done = run(str(clone / "scripts" / "run"), part, PIP_NO_INDEX="1")
    assert done.returncode == code
    assert "no-such-package-anywhere" in done.stderr


@pytest.mark.parametrize(("part", "code"), [("generator", 1), ("audit", 4)])
def test_without_a_python_an_audit_was_not_made(clone: Path, part: str, code: int) -> None:
    (clone / "bin").mkdir()
    for name in ("cmp", "dirname", "sh"):
        (clone / "bin" / name).symlink_to(str(shutil.which(name)))
    done = run(str(clone / "scripts" / "run"), part, PATH=str(clone / "bin"), PYTHON="")
    assert done.returncode == code
    assert done.stderr.startswith("Python 3.11 or newer is needed and was not found")


@pytest.mark.parametrize(
    ("words", "code"), [(("run", "generator"), 130), (("run", "audit"), 130), (("demo",), 0), (("venv", "dev"), 130)]
)
def test_a_stop_while_packages_are_installed_is_a_success_of_the_demo_alone(
    clone: Path, words: tuple[str, ...], code: int
) -> None:
    said = clone / "said"
    with said.open("wb") as output:
        command = [str(clone / "scripts" / words[0]), *words[1:]]
        process = subprocess.Popen(command, env={**os.environ, "PYTHON": sys.executable}, stdout=output, stderr=output)
    wait_until(lambda: "Making .venv" in said.read_text(), SECONDS, "an environment that is being made")
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == code
    assert "Traceback" not in said.read_text()


def test_a_stop_where_all_is_installed_is_not_lost(clone: Path) -> None:
    with_installed(clone, "requirements/run.txt")
    words = [sys.executable, "-m", "scripts.make_venv", "1", "130", "requirements/run.txt", "echo", "the command"]
    hold = "import os, signal, sys; signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])"
    asked = f"{hold}; os.kill(os.getpid(), signal.SIGTERM); os.execv(sys.argv[1], sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", asked, *words], cwd=clone, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_a_command_that_is_not_there_is_one_line(clone: Path) -> None:
    done = run(str(clone / "scripts" / "venv"), "run", "no-such-command")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "no-such-command cannot be started: No such file or directory"
