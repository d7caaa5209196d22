#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Draw what a miss costs, and what an empty pool holds, as the shards become more."""

from __future__ import annotations

import pathlib

import campaign as results
import style
from campaign import SUBJECT, ResultError, Spread

NAME = "growth"
TITLE = "Costs as things grow"
CAPTION = ("pool_miss: a get that finds nothing anywhere, and what an empty pool holds of memory, by the number of "
           "shards, one for each CPU (simulated), of which one is in use. Dotted: what it would be if it grew with "
           "them. Medians of the rounds, whiskers are their quartiles.")
SCENARIO = "pool_miss"

Point = tuple[int, Spread]


def draw_panel(axes: style.Axes, points: list[Point], unit: float, label: str) -> None:
    shards = [count for count, _ in points]
    middles = [value.median / unit for _, value in points]
    errors = [[(value.median - value.low) / unit for _, value in points],
              [(value.high - value.median) / unit for _, value in points]]
    axes.errorbar(shards, middles, yerr=errors, capsize=3, label="poolproof", **style.line(0))
    axes.plot(shards, [middles[0] * count / shards[0] for count in shards], color="#888888", linestyle=":",
              linewidth=1.2, label="if it grew with the shards")
    for count, middle in zip(shards, middles):
        axes.annotate(style.number(middle), (count, middle), xytext=(0, 7), textcoords="offset points", ha="center",
                      fontsize=8, bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5})
    axes.set_xscale("log", base=2)
    axes.margins(x=0.1, y=0.12)
    axes.set_xticks(shards, [str(count) for count in shards])
    axes.minorticks_off()
    axes.set_yscale("log")
    style.log_axis(axes.yaxis, *axes.get_ylim())
    axes.grid(axis="y", color="#dddddd", linewidth=0.5)
    axes.set_xlabel("shards (log)")
    axes.set_ylabel(label)
    axes.legend(loc="upper left", fontsize=8)


def figure(paths: list[pathlib.Path]) -> style.Figure:
    campaign = results.load(paths)
    cases = [(count, case) for case in campaign.cases_of(SCENARIO) if (count := case.argument("shards"))]
    times = [(shards, value) for shards, case in cases if (value := campaign.time(case, SUBJECT))]
    held = [(shards, value) for shards, case in cases if (value := campaign.counter(case, SUBJECT, "empty_bytes"))]
    if not times:
        raise ResultError(f"the campaign has no sample of '{SCENARIO}'")
    drawing, panels = style.new_figure(9.0, 4.0, 1, 1 + bool(held))
    draw_panel(panels[0], times, 1, "ns for a miss (log)")
    panels[0].set_title("Time of a miss")
    if held:
        draw_panel(panels[1], held, 1024, "KiB of an empty pool (log)")
        panels[1].set_title("Memory of an empty pool")
    return style.finish(drawing, style.provenance(campaign))


if __name__ == "__main__":
    style.main(NAME, __doc__, figure)
