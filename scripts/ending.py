# SPDX-License-Identifier: MIT
"""How a run of many tests or proofs says how far it is, on a terminal; and how it ends: in a few plain lines that say
what was done, and how it went."""

from __future__ import annotations

import queue
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import IO


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


def lines_or_ticks(stream: IO[str], seconds: float = 1.0) -> Iterator[str | None]:
    """Each line as soon as it is there; None after so long without one."""
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def read() -> None:
        for line in stream:
            lines.put(line)
        lines.put(None)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    while True:
        try:
            line = lines.get(timeout=seconds)
        except queue.Empty:
            yield None
            continue
        if line is None:
            return
        yield line


class Progress:
    """One line of a terminal, which says for how long, and what was heard last. Elsewhere nothing."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.heard = ""
        self.begun = time.monotonic()
        self.shown = sys.stdout.isatty()

    def show(self, heard: str | None = None) -> None:
        """What was heard; or that time has passed."""
        self.heard = self.heard if heard is None else heard
        if self.shown:
            seconds = time.monotonic() - self.begun
            spent = duration(seconds) if seconds > 59 else f"{seconds:.0f} s"
            print(f"\r\033[K{f'{self.what}, {spent}: {self.heard}'[:100]}", end="", flush=True)

    def clear(self) -> None:
        if self.shown:
            print("\r\033[K", end="", flush=True)


def table(rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of columns: the last is text, the others are numbers and set to the right."""
    filled = list(rows)
    widths = [max(map(len, column)) for column in zip(*filled)][:-1]
    return ["  ".join([*(cell.rjust(width) for cell, width in zip(row, widths)), row[-1]]) for row in filled]
