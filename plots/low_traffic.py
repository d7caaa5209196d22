#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Draw how a burst is given back by a pool that is called twice in an interval, and by nobody else."""

from __future__ import annotations

import pathlib

import campaign as results
import style
from campaign import SUBJECT, Case, ResultError, counted, known, spread

NAME = "low_traffic"
TITLE = "A burst, then little traffic"
CAPTION = ("low_traffic: 20,000 items are put, then a get and a put come each half interval. A point is what such a "
           "call has left; one line for each round. The calls themselves do the cycles' work: the longest of each "
           "round is compared with as many frees in a row as it made.")
INTERVAL = 0.1  # seconds; the scenario's
CASE = Case("low_traffic", 1)


def figure(paths: list[pathlib.Path]) -> style.Figure:
    campaign = results.load(paths)
    rounds = campaign.timelines_of("low_traffic").get(SUBJECT)
    if not rounds:
        raise ResultError("the campaign has no timeline (low_traffic)")
    drawing, (left, calls) = style.new_figure(9.0, 3.6, 1, 2, gridspec_kw={"width_ratios": [2, 1]})
    for number, each in enumerate(rounds):
        left.plot([second / INTERVAL for second in each["seconds"]], each["live"], marker="o", markersize=3,
                  linewidth=0.9, color="black", alpha=1 if number == 0 else 0.35)
    left.axvline(3, color="black", linewidth=0.8, linestyle=":")
    left.annotate("wanted: gone by here", (3, max(rounds[0]["live"])), xytext=(4, -2), textcoords="offset points",
                  fontsize=8, va="top")
    left.set_ylim(bottom=0)
    left.set_xlim(left=0)
    left.set_xlabel("intervals of the pool's cycles since the burst")
    left.set_ylabel("objects left")
    left.set_title("What is left")
    for place, counter in enumerate(("longest_ns", "longest_frees_ns")):
        values = campaign.rounds(CASE, SUBJECT, counted(counter)).values()
        value = known(spread(each / 1e6 for each in values))
        calls.bar(place, value.median, 0.6, color="#555555" if place == 0 else "#d5d5d5")
        calls.errorbar(place, value.median, yerr=[[value.median - value.low], [value.high - value.median]],
                       color="black", capsize=3, linewidth=0.8)
    calls.set_xticks([0, 1], ["longest call", "its frees alone"], fontsize=8)
    calls.set_ylabel("milliseconds")
    calls.set_title("What a call pays")
    return style.finish(drawing, style.provenance(campaign))


if __name__ == "__main__":
    style.main(NAME, __doc__, figure)
