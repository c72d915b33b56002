"""Hypothesis strategies for records of any form: garbage, transactions, and what is one but for a little."""

from collections.abc import Sequence

from hypothesis import strategies as st

from messaging.batch import Record

_DIGITS = st.text("0123456789", min_size=1, max_size=30)
_SPELLINGS = st.sampled_from(
    (
        *("NaN", "nan", "Infinity", "-Infinity", "1e999999999", "1e-999999999", "1e9999999999999999999", "0e0", "-0"),
        *("01", "+1", "1.", ".5", "1e", "0x10", "1_000", "٩٠٠", "true", "null", "[1]", "{}", "9" * 5_000, '""'),
        *('"\\u0039"', '" 900"', '"NaN"', '"1E400"', "900", "900.0", "900.00000000000000001", "9e2", "-1e-400"),
    )
)
_NUMBERS = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(("", "-")),
    _DIGITS.map(lambda digits: digits.lstrip("0") or "0"),
    st.just("") | _DIGITS.map(".{}".format),
    st.sampled_from(("", "e5", "E-3", "e+400")),
)
AMOUNTS = _NUMBERS | _NUMBERS.map('"{}"'.format) | _SPELLINGS
_CHARACTERS = st.sampled_from(
    ("a", "é", "😀", " ", "\\n", "\\\\", "\\u0000", "\\ud800", "\\uDC00", "\\ud83d\\ude00", "\\x", "\x01", "ud800")
)
_STRINGS = st.lists(_CHARACTERS, max_size=4).map(lambda parts: '"{}"'.format("".join(parts)))
_NESTED = st.integers(0, 200).map(lambda depth: "[" * depth + "]" * depth)
_TOO_DEEP = st.sampled_from((1_000, 100_000)).map(lambda depth: "[" * depth)
_ANYTHING = _STRINGS | AMOUNTS | _NESTED | _TOO_DEEP | _STRINGS.map('{{"id":[{}]}}'.format)
_NAMES = st.sampled_from(('"id"', '"source"', '"target"', '"amount"', '"currency"', '"timestamp"', '"x"')) | _STRINGS
_WHOLE = ('"id":"1"', '"source":"a"', '"target":"b"')
_MORE = st.lists(st.builds("{}:{}".format, _NAMES, _ANYTHING), max_size=2)


@st.composite
def _objects(draw: st.DrawFn) -> bytes:
    """Return a transaction with other members among its own, in any order, now and then without one of its own."""
    own = draw(st.sampled_from((_WHOLE, _WHOLE, _WHOLE, _WHOLE[1:], _WHOLE[:2])))
    members = draw(st.permutations([*own, f'"amount":{draw(AMOUNTS)}', *draw(_MORE)]))
    return ("{" + draw(st.sampled_from((",", " , ", "\n,\t"))).join(members) + "}").encode(errors="surrogatepass")


@st.composite
def _damaged(draw: st.DrawFn, objects: st.SearchStrategy[bytes]) -> bytes:
    """Return one with some bytes of it cut out, and others in their place."""
    whole = draw(objects)
    begin = draw(st.integers(0, len(whole)))
    end = draw(st.integers(begin, min(len(whole), begin + 3)))
    return whole[:begin] + draw(st.binary(max_size=2) | st.sampled_from((b"}", b'"', b"\\", b",", b"\0"))) + whole[end:]


OBJECTS = _objects()
VALUES = (
    st.none() | st.binary(max_size=20) | OBJECTS | _damaged(OBJECTS) | OBJECTS.map(lambda text: b"\xef\xbb\xbf" + text)
)
_TIMES = st.sampled_from((-1, 0, 1, 1_700_000_000_000, 2**62)) | st.integers(-1, 2**62)
_HEADER_NAMES = st.text(max_size=4) | st.sampled_from(("fraud.reason", "__detector.errors.offset"))
_FIELDS = st.none() | st.binary(max_size=8)
HEADERS: st.SearchStrategy[Sequence[tuple[str, bytes | None]]] = st.lists(st.tuples(_HEADER_NAMES, _FIELDS), max_size=3)
RECORDS = st.builds(
    Record,
    topic=st.just("transactions"),
    partition=st.integers(0, 3),
    offset=st.integers(0, 2**62),
    timestamp=_TIMES,
    key=_FIELDS,
    value=VALUES,
    headers=HEADERS,
    problem=st.sampled_from((None, None, None, "")) | st.text(max_size=600),
)
