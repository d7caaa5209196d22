#!/usr/bin/python3
"""Draw what a miss costs as the shards that it must look through become more."""

from __future__ import annotations

import pathlib

import campaign as results
import style
from campaign import ResultError

NAME = "growth"
TITLE = "Costs as things grow"
CAPTION = ("A get that finds nothing anywhere, by the number of shards (one for each CPU) that it must know to be "
           "empty. Dotted: what it would be if it grew with them. Medians of the rounds, whiskers are their quartiles.")
SCENARIO = "miss"
ARGUMENT = "shards"


def figure(paths: list[pathlib.Path]) -> style.Figure:
    campaign = results.load(paths)
    cases = sorted(campaign.cases_of(SCENARIO), key=lambda case: case.argument(ARGUMENT))
    if not cases:
        raise ResultError(f"the campaign has no sample of '{SCENARIO}'")
    drawing, (axes,) = style.new_figure(7.2, 4.2)
    shards = [case.argument(ARGUMENT) for case in cases]
    for place, who in enumerate(sorted({who for case in cases for who in campaign.contenders(case)})):
        points = [(case.argument(ARGUMENT), value) for case in cases if (value := campaign.time(case, who))]
        errors = [[value.median - value.low for _, value in points],
                  [value.high - value.median for _, value in points]]
        axes.errorbar([count for count, _ in points], [value.median for _, value in points], yerr=errors, capsize=3,
                      label=who.label, **style.line(place))
        if who.own and len(points) > 1:
            first = points[0][1].median / points[0][0]
            axes.plot(shards, [first * count for count in shards], color="#999999", linestyle=":", linewidth=1,
                      label=f"{who.label}, if linear")
        for count, value in points:
            axes.annotate(style.number(value.median), (count, value.median), xytext=(0, 7),
                          textcoords="offset points", ha="center", fontsize=8)
    axes.set_xscale("log", base=2)
    axes.set_xticks(shards, [str(count) for count in shards])
    axes.minorticks_off()
    axes.set_yscale("log")
    style.log_axis(axes.yaxis, *axes.get_ylim())
    axes.grid(axis="y", color="#dddddd", linewidth=0.5)
    axes.set_xlabel("shards (log)")
    axes.set_ylabel("ns for a miss (log)")
    axes.legend(loc="upper left", fontsize=8)
    return style.finish(drawing, style.provenance(campaign))


if __name__ == "__main__":
    style.main(NAME, __doc__, figure)
