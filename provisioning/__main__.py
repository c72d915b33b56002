"""`python -m provisioning`: run once before a secured Kafka starts (keys), and once after it (setup)."""

import argparse
import sys
from pathlib import Path

from confluent_kafka import KafkaException

from provisioning.cluster import SetupSettings, apply
from provisioning.principals import rights
from provisioning.store import FOLDERS, make_secrets
from runtime.settings import InvalidSettings, environment, read_settings

DESCRIPTION = """\
keys: makes the keys, certificates and passwords that are missing, in a folder for each user.
setup: makes the users, topics and ACLs on the Kafka that KAFKA_BOOTSTRAP_SERVERS and the other settings name.
Both can be repeated."""


def main() -> int:
    """Return the exit code: 0 done, 1 failed, 2 for bad settings or arguments."""
    options = _parser().parse_args()
    try:
        return _make(options) if options.step == "keys" else _set_up(options.directory)
    except InvalidSettings as invalid:
        return _fail("\n".join(f"provisioning: {mistake}" for mistake in invalid.mistakes), 2)
    except OSError as error:
        return _fail(f"provisioning: {error}", 1)
    except KafkaException as error:
        return _fail(f"provisioning: Kafka was not set up: {error.args[0].str()}", 1)


def _make(options: argparse.Namespace) -> int:
    made = make_secrets(options.directory, options.host, dict(options.owner))
    print(f"made {', '.join(str(path.relative_to(options.directory)) for path in made) or 'nothing: all is there'}")
    return 0


def _set_up(directory: Path) -> int:
    settings = read_settings(SetupSettings, environment())
    apply(settings, directory)
    print(f"users, topics and {len(rights(settings.consumer_group, settings.topics))} ACLs are as they should be")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m provisioning", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("step", choices=("keys", "setup"))
    parser.add_argument("directory", type=Path, help="the folder that holds a folder for each user")
    parser.add_argument("--host", action="append", default=[], help="keys: a name or address of the broker")
    parser.add_argument(
        "--owner", action="append", default=[], type=_owner, metavar="FOLDER=UID", help="keys: who may read a folder"
    )
    return parser


def _owner(text: str) -> tuple[str, int]:
    folder, _, uid = text.partition("=")
    if folder not in FOLDERS or not uid.isdecimal():
        raise argparse.ArgumentTypeError(f"expected FOLDER=UID, with one of {', '.join(FOLDERS)}")
    return folder, int(uid)


def _fail(message: str, code: int) -> int:
    print(message, file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
