"""Builds a decoder for just those fields of a JSON object that are needed."""

import re
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal, InvalidOperation
from functools import partial
from operator import attrgetter
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec

from payments.decoded import NULL, Asked, DecodedTransaction
from payments.mapping import HALF_A_CHARACTER, MOST_STEPS, FieldMapping, Path
from payments.transaction import Transaction

_NOWHERE = "\x7f"  # begins the names of what no record holds
# Names that msgspec cannot decode, and those.
_STRANGE = re.compile(rf'["\\\x00-\x1f]|^{_NOWHERE}|{HALF_A_CHARACTER.pattern}')
_KINDS: Mapping[str, Any] = {
    "id": str,
    "source": str,
    "target": str,
    "amount": Any,
    "currency": str,
    "timestamp": Any,
}
_ATTRIBUTES = {name: "written_time" if name == "timestamp" else name for name in _KINDS}

UNEXPECTED = (ValueError, InvalidOperation, RecursionError, AttributeError)
Decode = Callable[[bytes], "DecodedTransaction"]


class _Unread:
    """The type of what no record holds."""


class _Leaf(NamedTuple):
    """A field to be decoded into an attribute; it is required where `default` is NODEFAULT."""

    attribute: str
    kind: Any
    default: Any


_Tree = dict[str, "_Leaf | _Tree"]
_HIDDEN = {f"{_NOWHERE}{name}": _Leaf(name, _Unread, None) for name in ("json", "wire", "opened")}


def build_decoder(
    mapping: FieldMapping, wanted: Collection[Path], want: Callable[[Path], None], *, accept_numbers: bool
) -> Decode:
    """Return a decoder for the mapped fields and those that are wanted besides.

    It returns transactions whose amount and time are whatever the JSON has there, and id, source and target text, or
    numbers too where it shall `accept_numbers`; a currency that may be missing may be None. It raises one of UNEXPECTED
    where it cannot read the value. `want` is called with a path that a rule asks for and that is not decoded yet.
    """
    if not all(map(can_be_decoded, mapping.paths.values())):
        return _raise_undecodable
    paths, tree = _paths(mapping), _mapped_tree(mapping, accept_numbers=accept_numbers)
    asked = {path: f"asked_{number}" for number, path in enumerate(wanted)}
    found = [path for path, attribute in asked.items() if _has_added(tree, path, _Leaf(attribute, msgspec.Raw, NULL))]
    is_flat = all(len(path) == 1 for path in paths.values())
    prefix = "" if is_flat else "wire."
    getters = {path: attrgetter(prefix + _attribute(tree, path)) for path in found}
    constants = {"timestamp_unit": mapping.timestamp_unit, "asked": Asked(getters, want)}
    if is_flat:
        return _decoder(_struct({**tree, **_HIDDEN}, DecodedTransaction, constants))
    get = attrgetter(*(_attribute(tree, path) for path in paths.values()))
    return partial(_nested, _struct({}, DecodedTransaction, constants), get, _decoder(_struct(tree)))


def _nested(
    transaction: Any, get: Callable[[Any], tuple[Any, ...]], decode: Callable[[bytes], Any], value: bytes
) -> Any:
    wire = decode(value)
    return transaction(*get(wire), value, wire)


def _decoder(struct: Any) -> Callable[[bytes], Any]:
    return msgspec.json.Decoder(struct, float_hook=Decimal).decode


def _struct(tree: _Tree, base: type | None = None, constants: Mapping[str, Any] = MappingProxyType({})) -> Any:
    """Return the msgspec struct of an object with these fields."""
    return msgspec.defstruct(
        Transaction.__name__,  # what Python calls it where a rule is wrong
        [_field(_name(step, branch), branch) for step, branch in tree.items()],
        bases=None if base is None else (base,),
        namespace={**constants},
        rename={_name(step, branch): step for step, branch in tree.items()},
        kw_only=bool(tree),
        frozen=True,
        gc=False,
    )


def _field(name: str, branch: "_Leaf | _Tree") -> tuple[str, Any, Any]:
    if isinstance(branch, _Leaf):
        return name, branch.kind, branch.default
    return (name, _struct(branch), msgspec.NODEFAULT) if _is_required(branch) else (name, _struct(branch) | None, None)


def _is_required(branch: "_Leaf | _Tree") -> bool:
    if isinstance(branch, _Leaf):
        return branch.default is msgspec.NODEFAULT
    return any(map(_is_required, branch.values()))


def _name(step: str, branch: "_Leaf | _Tree") -> str:
    """Return the name of the attribute for a field; any that is an identifier will do for an object."""
    return branch.attribute if isinstance(branch, _Leaf) else f"within_{step.encode().hex()}"


def _attribute(tree: _Tree, path: Path) -> str:
    """Return the dotted attribute into which a path is decoded."""
    names, branch = [], tree
    for step in path:
        found = branch[step]
        names.append(_name(step, found))
        branch = found if isinstance(found, dict) else {}
    return ".".join(names)


def _paths(mapping: FieldMapping) -> Mapping[str, Path]:
    """Return the path of each field; one that leads nowhere has a name that no record holds."""
    return {name: mapping.paths.get(name, (_NOWHERE + name,)) for name in _KINDS}


def _mapped_tree(mapping: FieldMapping, *, accept_numbers: bool) -> _Tree:
    tree: _Tree = {}
    kinds = {**_KINDS, **dict.fromkeys(("id", "source", "target"), str | int)} if accept_numbers else _KINDS
    for name, path in _paths(mapping).items():
        is_somewhere = name in mapping.paths
        default = msgspec.NODEFAULT if is_somewhere and mapping.is_required(name) else ""
        kind = kinds[name] if is_somewhere else _Unread
        optional = kind | None if kind is str and default == "" else kind
        _has_added(tree, path, _Leaf(_ATTRIBUTES[name], optional, default))
    return tree


def _has_added(tree: _Tree, path: Path, leaf: _Leaf) -> bool:
    """Add a leaf; return False where the path is one that is in the tree, or leads through it or from it."""
    *steps, last = path
    for step in steps:
        branch = tree.setdefault(step, {})
        if isinstance(branch, _Leaf):
            return False
        tree = branch
    return tree.setdefault(last, leaf) is leaf


def _raise_undecodable(_value: bytes) -> "DecodedTransaction":
    raise msgspec.DecodeError


def can_be_decoded(path: tuple[object, ...]) -> bool:
    """Tell whether these are names, not too many, and such as msgspec can decode fields of."""
    return len(path) <= MOST_STEPS and all(type(step) is str and not _STRANGE.search(step) for step in path)
