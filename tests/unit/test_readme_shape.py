"""The README's example of other transactions: its settings read its record."""

import re
from decimal import Decimal
from io import StringIO
from pathlib import Path

from dotenv import dotenv_values

from payments.mapping import FieldMapping
from payments.reading import TransactionReader
from runtime.settings import read_settings

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
SECTION = README.partition("## Use your own transactions")[2].partition("\n## ")[0]


def test_its_settings_read_its_record() -> None:
    value, texts = re.findall(r"```(?:json)?\n(.*?)```", SECTION, re.DOTALL)[:2]
    settings = {name: text or "" for name, text in dotenv_values(stream=StringIO(texts)).items()}
    read = TransactionReader(read_settings(FieldMapping, settings)).read(value.encode())
    assert (read.id, read.source, read.target, read.amount) == ("t-17", "4711", "m-9", Decimal("950.10"))
    assert read.timestamp == "2026-09-21T14:13:20.000Z"
    fields = re.findall(r"transaction\.field\((.*?)\)", SECTION)
    assert [read.field(*re.findall(r'"(.*?)"', names)) for names in fields] == ["DE", "192.0.2.7"]
