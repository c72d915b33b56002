"""One rule as data: when it hits, what a hit counts, and for which accounts it holds."""

import re
from typing import Literal

from msgspec import Struct

from decision.expression import translate, translate_number
from decision.history import NOTE_EXPECTED, is_note
from decision.scope import Scope

Mode = Literal["live", "shadow", "off"]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,99}")
_SHARE = re.compile(r"100|[0-9]{1,2}(\.[0-9]{1,9})?")


class InvalidRule(Exception):
    """A part of a rule, other than its expressions, that is not allowed; the message says what is expected."""


class Rule(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a rule says. `when` is a condition and `points` a number, both expressions; see docs/rules.md.

    `share` is the percentage of accounts that it holds for, with at most nine decimals. A rule that is `live` counts
    for the verdict, one in `shadow` is asked and its hits are only shown, one that is `off` is not asked.
    """

    when: str
    mode: Mode = "live"
    points: str = "100"
    share: str = "100"
    note: str = ""


def raise_if_invalid(name: str, rule: Rule | None) -> None:
    """Raise InvalidRule, or InvalidExpression, where a rule is not allowed, or its name; None: there is no rule."""
    if not _NAME.fullmatch(name):
        raise InvalidRule("a rule's name begins with a letter and has at most 100 letters, digits, dots, _ and -")
    if rule is None:
        return
    if not _SHARE.fullmatch(rule.share):
        raise InvalidRule(f"share {rule.share!r} is not a percentage from 0 to 100, with at most nine decimals")
    if not is_note(rule.note):
        raise InvalidRule(NOTE_EXPECTED)
    translate(rule.when, Scope())
    translate_number(rule.points, Scope())
