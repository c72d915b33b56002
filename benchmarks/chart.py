"""A bar chart as SVG."""

from collections.abc import Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape

LABEL_WIDTH = 260
BARS_WIDTH = 460
TEXT_WIDTH = 240
ROW_HEIGHT = 30
TOP = 50


class Bar(NamedTuple):
    """A bar of length `value`, with a thin line from `low` to `high`; `text` stands behind it."""

    label: str
    value: float
    low: float
    high: float
    text: str


def draw(title: str, bars: Sequence[Bar]) -> str:
    """Return the chart, its bars from top to bottom, as long as their values are to each other."""
    width, height = LABEL_WIDTH + BARS_WIDTH + TEXT_WIDTH, TOP + ROW_HEIGHT * len(bars) + 10
    longest = max((max(bar.value, bar.high) for bar in bars), default=0) or 1
    rows = [_row(bar, TOP + ROW_HEIGHT * number, BARS_WIDTH / longest) for number, bar in enumerate(bars)]
    attributes = 'xmlns="http://www.w3.org/2000/svg" font-family="sans-serif" font-size="13"'
    return "\n".join(
        [
            f'<svg {attributes} viewBox="0 0 {width} {height}">',
            f'<rect width="{width}" height="{height}" fill="#fff"/>',
            f'<text x="10" y="28" font-size="16" font-weight="bold">{escape(title)}</text>',
            *rows,
            "</svg>\n",
        ]
    )


def _row(bar: Bar, top: int, scale: float) -> str:
    middle = top + ROW_HEIGHT / 2
    low, high = (LABEL_WIDTH + value * scale for value in (bar.low, bar.high))
    colour = "#c2410c" if bar.label.startswith(("detector", "generator")) else "#94a3b8"
    return (
        f'<text x="{LABEL_WIDTH - 10}" y="{middle + 4}" text-anchor="end">{escape(bar.label)}</text>'
        f'<rect x="{LABEL_WIDTH}" y="{top + 5}" width="{bar.value * scale:.1f}" height="{ROW_HEIGHT - 10}" '
        f'fill="{colour}"/>'
        f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{middle}" y2="{middle}" stroke="#0f172a" stroke-width="2"/>'
        f'<text x="{max(high, LABEL_WIDTH + bar.value * scale) + 8:.1f}" y="{middle + 4}">{escape(bar.text)}</text>'
    )
