"""How a run of many tests or proofs ends: in a few plain lines that say what was done, and how it went."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def duration(seconds: float) -> str:
    """Of a run, as one would say it: 0.4 s, 12 s, 3 min 20 s, 1 h 5 min."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def table(rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of columns: the last is text, the others are numbers and set to the right."""
    filled = list(rows)
    widths = [max(map(len, column)) for column in zip(*filled)][:-1]
    return ["  ".join([*(cell.rjust(width) for cell, width in zip(row, widths)), row[-1]]) for row in filled]
