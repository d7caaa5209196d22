#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Draw live objects and resident memory over time: a burst, a rest, a burst."""

from __future__ import annotations

import pathlib
from typing import Any

import campaign as results
import style
from campaign import Contender, ResultError

NAME = "memory"
TITLE = "Memory over time"
CAPTION = ("memory_over_time: a burst of 16 threads, a rest, a burst of four, a rest. Under glibc, one line "
           "for each round; grey is what is in use. Where a pool has cycles, a timer runs one every 200 ms. What the "
           "process holds falls only as far as its allocator returns pages to the system.")


def draw_panel(axes: style.Axes, timelines: dict[Contender, list[dict[str, Any]]], key: str, unit: float) -> None:
    for place, (who, rounds) in enumerate(timelines.items()):
        look = style.line(place)
        for number, each in enumerate(rounds):
            step = max(1, len(each["seconds"]) // 8)
            axes.plot(each["seconds"], [value / unit for value in each[key]], markevery=(place % step, step),
                      label=who.label if number == 0 else None, alpha=1 if number == 0 else 0.35,
                      **{**look, "marker": look["marker"] if number == 0 else ""})
    axes.set_ylim(bottom=0)
    axes.set_xlim(left=0)
    axes.grid(axis="y", color="#dddddd", linewidth=0.5)
    axes.set_xlabel("seconds")


def figure(paths: list[pathlib.Path]) -> style.Figure:
    campaign = results.load(paths)
    timelines = campaign.timelines_of("memory_over_time")
    if not timelines:
        raise ResultError("the campaign has no timeline (memory_over_time)")
    drawing, (objects, resident) = style.new_figure(9.0, 6.2, 2, 1)
    draw_panel(objects, timelines, "live", 1)
    busy = next(iter(timelines.values()))[0]
    objects.fill_between(busy["seconds"], busy["in_use"], color="#d5d5d5", linewidth=0, label="in use")
    objects.set_title("Objects that exist")
    objects.set_ylabel("live objects")
    draw_panel(resident, timelines, "resident_bytes", 2 ** 20)
    resident.set_title("Memory of the process")
    resident.set_ylabel("resident MiB above the start")
    style.legend_below(drawing, 4, *objects.get_legend_handles_labels())
    return style.finish(drawing, style.provenance(campaign), legend=0.22 * -(-(len(timelines) + 1) // 4) + 0.1)


if __name__ == "__main__":
    style.main(NAME, __doc__, figure)
