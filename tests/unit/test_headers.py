"""What is written beside a record that got a verdict."""

from decimal import Decimal

from decision.verdict import Hit, Verdict, points_of
from detector.headers import headers_of
from payments.transaction import Transaction

PAID = Transaction("1", "a", "b", Decimal(950))


def hits(count: int, length: int = 10, points: int = 100) -> tuple[Hit, ...]:
    return tuple(Hit(f"r{number}", Decimal(points), (("", "x" * length),)) for number in range(count))


def verdict(live: int = 0, shadow: int = 0, failed: str | None = None, length: int = 10, points: int = 100) -> Verdict:
    live_hits = hits(live, length, points)
    return Verdict(PAID, live_hits, points_of(live_hits), hits(shadow, length), (), failed)


def test_fraud_has_its_reasons_its_score_and_what_shadow_rules_and_failures_say_behind_them() -> None:
    assert headers_of(verdict(2, 1, failed="rule broken failed")) == [
        ("fraud.reason", b"r0: xxxxxxxxxx"),
        ("fraud.reason", b"r1: xxxxxxxxxx"),
        ("fraud.score", b"200"),
        ("shadow.reason", b"r0: xxxxxxxxxx"),
        ("rule.failed", b"rule broken failed"),
    ]


def test_what_is_legit_has_shadow_reasons_alone() -> None:
    assert headers_of(verdict(1, 1, points=99)) == [("shadow.reason", b"r0: xxxxxxxxxx")]
    assert headers_of(verdict(1, 0, points=99)) == []


def test_all_reasons_together_have_at_most_8_kilobytes_and_the_others_are_counted() -> None:
    added = headers_of(verdict(500, 500, length=200))
    reasons = [value or b"" for name, value in added if name == "fraud.reason"]
    assert sum(map(len, reasons[:-1])) <= 8_000
    assert reasons[-1] == f"and {500 - len(reasons) + 1} more".encode()
    shadow = [value or b"" for name, value in added if name == "shadow.reason"]
    assert shadow[-1] == f"and {500 - len(shadow) + 1} more".encode()
    assert sum(len(value or b"") for _, value in added) < 8_100


def test_a_long_failure_is_cut() -> None:
    assert headers_of(verdict(1, failed="x" * 10_000))[-1] == ("rule.failed", b"x" * 512)
