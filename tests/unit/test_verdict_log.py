"""What the log shows of a verdict."""

import logging
from decimal import Decimal
from typing import Any

import pytest

from decision.verdict import Hit, Verdict, points_of
from detector.verdict_log import VerdictLog
from payments.transaction import Transaction

PAID = Transaction("1", "a", "b", Decimal(50), "EUR")
SAW = (("amount", "50"), ('field["country"]', '"NG"'), ('field["device"]["ip"]', '"::1"'))


def hit(points: int = 100, name: str = "night") -> Hit:
    return Hit(name, Decimal(points), SAW)


def shown(
    caplog: pytest.LogCaptureFixture, *hits: Hit, fields: Any = (), shadow: Any = (), failed: str | None = None
) -> str:
    caplog.set_level(logging.INFO)
    verdict = Verdict(PAID, hits, points_of(hits), shadow, (), failed)
    VerdictLog("all", fields).write(verdict, is_fraud=verdict.is_fraud)
    return caplog.messages[-1]


def test_values_of_fields_are_shown_only_where_they_are_named(caplog: pytest.LogCaptureFixture) -> None:
    hidden = 'night: amount = 50, field["country"] = ***, field["device"]["ip"] = ***'
    assert shown(caplog, hit()).endswith(f"a -> b  {hidden}")
    assert caplog.records[-1].__dict__["fields"]["reasons"] == [hidden]
    one = 'night: amount = 50, field["country"] = ***, field["device"]["ip"] = "::1"'
    assert shown(caplog, hit(), fields={("device", "ip")}).endswith(one)
    assert shown(caplog, shadow=[hit()]).endswith(f"in shadow, {hidden}")


def test_points_are_shown_where_they_are_not_100(caplog: pytest.LogCaptureFixture) -> None:
    assert shown(caplog, hit(60)).endswith("  60 points")
    assert shown(caplog, hit(60), hit(60)).endswith("  120 points")
    assert "points" not in shown(caplog, hit())
    assert caplog.records[-1].__dict__["fields"]["score"] == "100"


def test_of_many_reasons_five_are_shown_and_the_others_counted(caplog: pytest.LogCaptureFixture) -> None:
    line = shown(caplog, *(hit(1, f"r{number}") for number in range(9)))
    assert [f"r{number}:" in line for number in range(9)] == [True] * 5 + [False] * 4
    assert line.endswith("  and 4 more  9 points")


def test_a_rule_that_failed_beside_others_is_shown(caplog: pytest.LogCaptureFixture) -> None:
    assert shown(caplog, hit(), failed="rule broken failed: KeyError").endswith("  rule broken failed: KeyError")
