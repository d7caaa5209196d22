#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Draw latency percentiles of a pool's users while it cleans up, and while it does not."""

from __future__ import annotations

import pathlib

import campaign as results
import style
from campaign import SUBJECT, Campaign, ResultError
from targets import rotation

NAME = "cycles"
TITLE = "How long a call can take while the pool cleans up"
CAPTION = ("pool_rotate: the gets and puts of pinned threads while another one retires and destroys that many items, "
           "and just before, for as long. What the machine itself does to a thread (interrupts, other programs) is "
           "in both. Medians of the rounds, whiskers are their quartiles.")
PERCENTILES = ("p50", "p95", "p99", "p99.9", "longest")


def draw_panel(axes: style.Axes, campaign: Campaign, items: int) -> None:
    for place, (when, label) in enumerate((("quiet", "without cycles"), ("cycle", "during cycles"))):
        values = [campaign.counter(rotation(items), SUBJECT, f"{when}_{name}_ns") for name in PERCENTILES]
        points = [(step, value) for step, value in enumerate(values) if value is not None]
        look = {**style.line(2 * place), "markerfacecolor": "white" if when == "quiet" else None}
        errors = [[(value.median - value.low) / 1e3 for _, value in points],
                  [(value.high - value.median) / 1e3 for _, value in points]]
        axes.errorbar([step for step, _ in points], [value.median / 1e3 for _, value in points], yerr=errors,
                      capsize=2, label=label, **look)
    axes.set_xticks(range(len(PERCENTILES)), PERCENTILES, fontsize=8)
    axes.set_yscale("log")
    axes.grid(axis="y", color="#dddddd", linewidth=0.5)
    axes.set_title(f"{items:,} items")
    axes.set_xlabel("percentile of a get or put")


def figure(paths: list[pathlib.Path]) -> style.Figure:
    campaign = results.load(paths)
    sizes = sorted({items for case in campaign.cases_of("pool_rotate") if (items := case.argument("items"))})
    if not sizes:
        raise ResultError("the campaign has no sample of 'pool_rotate'")
    drawing, panels = style.new_figure(10.0, 3.6, 1, len(sizes), sharey=True)
    for axes, items in zip(panels, sizes):
        draw_panel(axes, campaign, items)
    style.log_axis(panels[0].yaxis, *panels[0].get_ylim())
    panels[0].set_ylabel("µs (log)")
    panels[0].legend(loc="upper left", fontsize=8)
    return style.finish(drawing, style.provenance(campaign))


if __name__ == "__main__":
    style.main(NAME, __doc__, figure)
