"""What is inside the pair's images, and what is not."""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.containers import stack

pytestmark = [pytest.mark.containers, pytest.mark.usefixtures("engine")]

BASE = "python:3.13-slim"
MOST_BYTES = 60_000_000
CONTEXT = (
    "docker-compose.yml",
    "docker-compose.kafka.yml",
    "Dockerfile",
    ".dockerignore",
    "requirements",
    "decision",
    "messaging",
    "payments",
    "runtime",
    *stack.PAIR,
)
OF_ONE_SERVICE: Mapping[str, set[str]] = {"generator": set(), "detector": {"decision"}}
PLACES = ("/app/", "/usr/local/lib/python3.13/", "/usr/local/bin/")
INSTALLED = "import importlib.metadata as m; print(*sorted({d.name for d in m.distributions()}))"


@pytest.fixture(params=stack.PAIR)
def service(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def image(service: str, images: Mapping[str, str]) -> str:
    return images[service]


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """A copy of what an image is made of, to be changed."""
    for name in CONTEXT:
        copy = shutil.copytree if (stack.ROOT / name).is_dir() else shutil.copy2
        copy(stack.ROOT / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def changed() -> Iterator[str]:
    """A project name for images that are built from a changed context, which are removed in the end."""
    project = f"{stack.PROJECT}-changed"
    yield project
    for service in stack.PAIR:
        stack.run(["docker", "image", "rm", f"{project}-{service}"])


def build(project: str, service: str, context: Path) -> str:
    stack.compose("build", service, settings={"COMPOSE_PROJECT_NAME": project}, folder=context)
    return f"{project}-{service}"


def inside(image: str, *command: str, user: str = "10001:10001") -> str:
    return stack.docker("run", "--rm", "--user", user, image, *command).strip()


def files(image: str) -> set[str]:
    return set(inside(image, "find", "/", "-xdev", "-type", "f", user="0").splitlines())


def layers(image: str) -> Sequence[str]:
    found: Sequence[str] = json.loads(stack.docker("image", "inspect", image))[0]["RootFS"]["Layers"]
    return found


def size(image: str) -> int:
    return int(stack.docker("image", "inspect", "--format", "{{.Size}}", image))


def test_only_the_service_and_what_it_stands_on_is_inside(service: str, image: str) -> None:
    stands_on = {"messaging", "payments", "requirements", "runtime"} | OF_ONE_SERVICE[service]
    assert set(inside(image, "ls", "-A", "/app").split()) == {service} | stands_on


def test_only_the_locked_packages_are_installed(image: str) -> None:
    added = set(inside(image, "python", "-c", INSTALLED).split()) - set(inside(BASE, "python", "-c", INSTALLED).split())
    lock = (stack.ROOT / "requirements" / "run.txt").read_text().splitlines()
    locked = [Requirement(line.rstrip("\\ ")) for line in lock if "==" in line]
    assert added == {package.name for package in locked if package.marker is None or package.marker.evaluate()}


def test_nothing_is_added_but_the_code_and_the_packages(image: str) -> None:
    added = files(image) - files(BASE)
    expected = {name for name in added if name.startswith(PLACES)}
    assert added == expected != set()


def test_the_image_adds_less_than_60_mb_to_its_base(image: str) -> None:
    assert 0 < size(image) - size(BASE) < MOST_BYTES


def test_changed_code_leaves_the_layer_of_the_dependencies_as_it_is(
    service: str, image: str, changed: str, context: Path
) -> None:
    for package in ("messaging", "payments", "runtime", service, *OF_ONE_SERVICE[service]):
        (context / package / "__init__.py").write_text('"""Changed."""\n')
    before, after = layers(image), layers(build(changed, service, context))
    folder_lock_and_packages = 3
    same = [old for old, new in zip(before, after, strict=True) if old == new]
    assert same == before[: len(layers(BASE)) + folder_lock_and_packages]


def test_the_user_is_a_number_that_is_not_root(image: str) -> None:
    assert stack.docker("image", "inspect", "--format", "{{.Config.User}}", image).strip() == "10001:10001"


def test_the_user_cannot_write_the_code(image: str) -> None:
    assert inside(image, "find", "/app", "-writable") == ""


def test_the_code_comes_compiled(service: str, image: str) -> None:
    sources = inside(image, "find", f"/app/{service}", "-name", "*.py").split()
    compiled = inside(image, "find", f"/app/{service}", "-name", "*.pyc").split()
    assert len(compiled) == len(sources) > 0


def test_a_checkout_that_only_its_owner_may_read_makes_a_working_image(
    service: str, changed: str, context: Path
) -> None:
    for path in context.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
    image = build(changed, service, context)
    assert "KAFKA_BOOTSTRAP_SERVERS" in inside(image, "python", "-m", service, "--help")


def test_bad_settings_end_with_one_line_and_code_2(image: str) -> None:
    done = stack.run(["docker", "run", "--rm", "--env", "LOG_FORMAT=prose", image])
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert "LOG_FORMAT='prose'" in line
