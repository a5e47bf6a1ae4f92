"""Bar charts as data: numbers that a template writes into the attributes of an SVG. Pure functions."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

LEAST = 0.6  # of a hundred: what is there can be seen, however small its share


@dataclass(frozen=True)
class Bar:
    """One bar, in hundredths of the chart's width. `id` and `label` are what the caller calls it, `level` is its colour."""

    id: str
    label: Any
    level: str  # "ok", "warn" or "bad"
    value: int
    share: int  # per cent of the whole, rounded; never 0 or 100 for a part that is neither
    x: float
    width: float


def bars(rows: Iterable[tuple[str, Any, str, int]], whole: int, *, stacked: bool = False) -> list[Bar]:
    """Rows of (id, label, level, value) as bars below each other, or as the pieces of one bar.

    A whole that is less than a value (a list that changed between two questions) counts as the largest value, or the sum.
    """
    rows = [(*row[:3], max(0, row[3])) for row in rows]
    values = [row[3] for row in rows]
    whole = max(whole, sum(values) if stacked else max(values, default=0), 1)
    found, x = [], 0.0
    for id, label, level, value in rows:
        width = round(min(max(100 * value / whole, LEAST if value else 0), 100 - x), 2)
        share = min(max(round(100 * value / whole), 1 if value else 0), 100 if value == whole else 99)
        found.append(Bar(id, label, level, value, share, round(x, 2) if stacked else 0, width))
        x += width if stacked else 0
    return found
