"""Records of other shapes than ours, and the settings by which they are read."""

import json
from collections.abc import Callable, Mapping
from typing import NamedTuple

from payments.transaction import Transaction


class Shape(NamedTuple):
    """`write` returns the value of a transaction with this number, between these accounts, of so many cents."""

    settings: Mapping[str, str]
    write: Callable[[int, int, int, int], bytes]


def from_germany(transaction: Transaction) -> str | None:
    """Find what the company's records have, and no others."""
    ip = transaction.field("device", "ip")
    return f"from {ip}" if transaction.field("country") == "DE" else None


def sees_x(transaction: Transaction) -> str | None:
    """Find whatever is in the field x that is not empty, and in the x within that."""
    found = (transaction.field("x"), transaction.field("x", "x"))
    return repr(found)[:50] if any(found) else None


def _json(fields: object) -> bytes:
    return json.dumps(fields).encode()


def _amount(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"


def _company(number: int, source: int, target: int, cents: int) -> bytes:
    device = {"ip": f"10.0.0.{source % 256}", "os": "ios"}
    country = "FR" if number % 3 else "DE"
    identities = {"tx_id": f"t-{number}", "card_id": source, "merchant_id": f"m-{target}"}
    return _json(
        {**identities, "amount_cents": cents, "ts": 1_790_000_000_000 + number, "country": country, "device": device}
    )


def _paysim(number: int, source: int, target: int, cents: int) -> bytes:
    names = {"nameOrig": f"C{source}", "nameDest": f"M{target}"}
    return _json({"step": 1 + number % 743, "type": "PAYMENT", "amount": cents / 100, **names, "isFraud": 0})


def _sparkov(number: int, source: int, target: int, cents: int) -> bytes:
    merchant = {"merchant": f"fraud_{target}", "category": "misc_net", "amt": cents / 100}
    return _json(
        {"cc_num": 4_000_000_000_000 + source, **merchant, "trans_num": f"{number:032x}", "unix_time": 1_371_816_865}
    )


def _debezium(number: int, source: int, target: int, cents: int) -> bytes:
    row = {"id": number, "payer": source, "payee": target, "amount": _amount(cents), "currency": "EUR"}
    payload = {"before": None, "after": row, "source": {"table": "payments"}, "op": "c", "ts_ms": 1_790_000_000_000}
    return _json({"schema": {"type": "struct", "fields": []}, "payload": payload})


def _connect(number: int, source: int, target: int, cents: int) -> bytes:
    payload = {"id": str(number), "from": str(source), "to": str(target), "amount": cents, "at": 1_790_000_000}
    return _json({"schema": {"type": "struct", "optional": False, "fields": []}, "payload": payload})


def _iso_20022(number: int, source: int, target: int, cents: int) -> bytes:
    amount = {"@Ccy": "EUR", "#text": _amount(cents)}
    transfer = {
        "PmtId": {"EndToEndId": f"E{number}"},
        "IntrBkSttlmAmt": amount,
        "DbtrAcct": {"Id": {"IBAN": f"DE{source:020}"}},
        "CdtrAcct": {"Id": {"IBAN": f"DE{target:020}"}},
    }
    header = {"CreDtTm": "2026-01-01T12:00:00.000Z"}
    return _json({"Document": {"FIToFICstmrCdtTrf": {"GrpHdr": header, "CdtTrfTxInf": transfer}}})


def _framed(number: int, source: int, target: int, cents: int) -> bytes:
    fields = {"id": number, "source": source, "target": target, "amount": _amount(cents), "trace.id": "x"}
    return b"\x00\x00\x00\x00\x07" + _json(fields)


_TRANSFER = "Document.FIToFICstmrCdtTrf.CdtTrfTxInf"
SHAPES = {
    "a company's own": Shape(
        {
            "FIELD_ID": "tx_id",
            "FIELD_SOURCE": "card_id",
            "FIELD_TARGET": "merchant_id",
            "FIELD_AMOUNT": "amount_cents",
            "FIELD_TIMESTAMP": "ts",
            "AMOUNT_SCALE": "2",
        },
        _company,
    ),
    "PaySim": Shape(
        {"FIELD_ID": "", "FIELD_SOURCE": "nameOrig", "FIELD_TARGET": "nameDest", "FIELD_TIMESTAMP": "step"}, _paysim
    ),
    "Sparkov": Shape(
        {
            "FIELD_ID": "trans_num",
            "FIELD_SOURCE": "cc_num",
            "FIELD_TARGET": "merchant",
            "FIELD_AMOUNT": "amt",
            "FIELD_TIMESTAMP": "unix_time",
            "TIMESTAMP_UNIT": "s",
        },
        _sparkov,
    ),
    "Debezium": Shape(
        {
            "FIELD_ID": "payload.after.id",
            "FIELD_SOURCE": "payload.after.payer",
            "FIELD_TARGET": "payload.after.payee",
            "FIELD_AMOUNT": "payload.after.amount",
            "FIELD_CURRENCY": "payload.after.currency",
            "FIELD_TIMESTAMP": "payload.ts_ms",
        },
        _debezium,
    ),
    "Kafka Connect": Shape(
        {
            "FIELD_ID": "payload.id",
            "FIELD_SOURCE": "payload.from",
            "FIELD_TARGET": "payload.to",
            "FIELD_AMOUNT": "payload.amount",
            "FIELD_CURRENCY": "",
            "FIELD_TIMESTAMP": "payload.at",
            "AMOUNT_SCALE": "2",
        },
        _connect,
    ),
    "ISO 20022": Shape(
        {
            "FIELD_ID": f"{_TRANSFER}.PmtId.EndToEndId",
            "FIELD_SOURCE": f"{_TRANSFER}.DbtrAcct.Id.IBAN",
            "FIELD_TARGET": f"{_TRANSFER}.CdtrAcct.Id.IBAN",
            "FIELD_AMOUNT": f"{_TRANSFER}.IntrBkSttlmAmt.#text",
            "FIELD_CURRENCY": f"{_TRANSFER}.IntrBkSttlmAmt.@Ccy",
            "FIELD_TIMESTAMP": "Document.FIToFICstmrCdtTrf.GrpHdr.CreDtTm",
        },
        _iso_20022,
    ),
    "numbers as ids, framed": Shape({}, _framed),
}
