"""Where keys and passwords are kept: a folder for each user, made once and then left alone.

    authority/   key.pem  ca.pem                   signs; for nobody else
    kafka/       key-and-certificate.pem  ca.pem   the broker's
    setup/       key.pem  certificate.pem  ca.pem  for the one who makes users, topics and ACLs
    generator/   password  ca.pem                  and so detector/, audit/ and operator/

What is missing is made, so a file that is deleted is replaced the next time: that is how secrets are rotated.
"""

import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path

from provisioning.certificates import Identity, make_authority, make_identity
from provisioning.principals import BROKER, SETUP, USERS

FOLDERS = ("authority", BROKER, SETUP, *USERS)
PASSWORD_BYTES = 32
_SECRET, _PUBLIC = 0o400, 0o444

Owners = Mapping[str, int]


def make_secrets(root: Path, hosts: Sequence[str], owners: Owners) -> Sequence[Path]:
    """Make what is missing in the folders under `root`, and return the new files.

    `hosts` are the names under which the broker is reached. `owners` are the user ids for which folders are made,
    which takes root; the others are for this process' user. A secret can be read by its owner alone.
    """
    for folder in FOLDERS:
        (root / folder).mkdir(mode=0o755, parents=True, exist_ok=True)
    authority, made = _authority(root / "authority")
    made += _certificates(root, authority, hosts, owners, again=bool(made))
    for user in USERS:
        made += _write_missing(root / user / "password", secrets.token_urlsafe(PASSWORD_BYTES), owners.get(user))
    return made


def _authority(folder: Path) -> tuple[Identity, list[Path]]:
    key, certificate = folder / "key.pem", folder / "ca.pem"
    if key.exists() and certificate.exists():
        return Identity(key.read_text(), certificate.read_text()), []
    authority = make_authority("fraud-detection")
    _write(key, authority.key, _SECRET, None)
    _write(certificate, authority.certificate, _PUBLIC, None)
    return authority, [key, certificate]


def _certificates(
    root: Path, authority: Identity, hosts: Sequence[str], owners: Owners, *, again: bool
) -> Sequence[Path]:
    """Make what the authority signs where it is missing, or `again`; let everybody have the authority's certificate."""
    made = []
    if again or not (root / BROKER / "key-and-certificate.pem").exists():
        broker = make_identity(authority, BROKER, hosts)
        made += [root / BROKER / "key-and-certificate.pem"]
        _write(made[-1], broker.key + broker.certificate, _SECRET, owners.get(BROKER))
    if again or not all((root / SETUP / name).exists() for name in ("key.pem", "certificate.pem")):
        setup = make_identity(authority, SETUP)
        made += [root / SETUP / "key.pem", root / SETUP / "certificate.pem"]
        _write(made[-2], setup.key, _SECRET, owners.get(SETUP))
        _write(made[-1], setup.certificate, _PUBLIC, owners.get(SETUP))
    for folder in FOLDERS[1:]:
        if again or not (root / folder / "ca.pem").exists():
            made += [root / folder / "ca.pem"]
            _write(made[-1], authority.certificate, _PUBLIC, owners.get(folder))
    return made


def _write_missing(path: Path, text: str, owner: int | None) -> Sequence[Path]:
    if path.exists():
        return []
    _write(path, text, _SECRET, owner)
    return [path]


def _write(path: Path, text: str, mode: int, owner: int | None) -> None:
    """Write the file in one step: nobody ever sees a part of it, or sees it as anyone but its owner may."""
    temporary = path.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _SECRET)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fchmod(descriptor, mode)
        if owner is not None:
            os.fchown(descriptor, owner, owner)
    temporary.replace(path)
