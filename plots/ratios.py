#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Draw how long every contender takes beside poolproof, scenario by scenario, on a log scale."""

from __future__ import annotations

import pathlib

import campaign as results
import style
from campaign import SUBJECT, Campaign, Case, ResultError, known, name_of

NAME = "ratios"
TITLE = "Every peer beside poolproof"
CAPTION = ("Time for a get and a put as a multiple of poolproof's, medians of the rounds with their quartiles. Right "
           "of the line poolproof is faster; left of it, crossed and dark, the other is. Dotted: what could not be a "
           "pool (a slot cannot share or give memory back). A ratio goes through the bare slot that each process "
           "measured beside it, round by round; the time in brackets is the median as it was measured. So a ratio is "
           "not exactly the quotient of two times.")

ON_A_SHEET = 6  # panels that can be read on a sheet of paper

# The scenarios in their order, each with the number of threads that it is about.
THREADS = (("pool", 1), ("pool", 2), ("burst_16", 1), ("burst_16_borrow", 1), ("pool_borrow", 1),
           ("pool_overflow", 1), ("pool_overflow_1000", 1), ("pool_overflow_10000", 1), ("after_cycle", 1),
           ("many_pools", 1),
           ("pool_starvation", 2), ("producer_consumer", 2), ("oversubscribed", 64), ("thread_churn", 1),
           ("first_use", 1), ("pool_expensive_new", 1), ("zstd_responses", 64), ("zlib_responses", 64))


def cases(campaign: Campaign) -> list[Case]:
    return [case for scenario, threads in THREADS for case in campaign.cases_of(scenario)
            if case.threads == threads and campaign.time(case, SUBJECT)]


def draw_panel(axes: style.Axes, campaign: Campaign, case: Case) -> None:
    contenders = campaign.shown(case)
    values = [known(campaign.versus(case, who)) for who in contenders]
    low = min(value.low for value in values)
    high = max(value.high for value in values)
    reach = max(high / low, 3)
    for place, (who, value) in enumerate(zip(contenders, values)):
        wins = value.median < 1
        axes.barh(place, value.median - 1, left=1, height=0.66, linewidth=0.6, **style.role(who, wins))
        axes.errorbar(value.median, place, xerr=style.whiskers(value), color="black", capsize=2, linewidth=0.8)
        text = f"{style.number(value.median)}  ({style.nanoseconds(known(campaign.time(case, who)).median)})"
        axes.annotate(text, (max(value.high, 1), place), xytext=(4, 0), textcoords="offset points", va="center",
                      fontsize=7.5)
    axes.set_xscale("log")
    axes.set_xlim(min(low, 1) / reach ** 0.04, max(high, 1) * reach ** 0.5)
    style.log_axis(axes.xaxis, *axes.get_xlim())
    axes.set_ylim(len(contenders) - 0.4, -0.6)
    axes.set_yticks(range(len(contenders)), [who.label for who in contenders], fontsize=8)
    for label, who in zip(axes.get_yticklabels(), contenders):
        label.set_fontweight("bold" if who.own else "normal")
    axes.axvline(1, color="black", linewidth=0.9)
    axes.tick_params(axis="y", length=0)
    axes.set_title(name_of(case))
    through = "as measured" if case.scenario in results.COMPARED_BY_TIME else "through slots"
    axes.set_xlabel(f"time for a pair, {through}, × poolproof's (log)", fontsize=8)


def draw(campaign: Campaign, wanted: list[Case], columns: int = 2, width: float = 10.0) -> style.Figure:
    if not wanted:
        raise ResultError("the campaign has no sample of poolproof in any of the scenarios")
    rows = -(-len(wanted) // columns)
    heights = [max(len(campaign.shown(case)) for case in wanted[row * columns:(row + 1) * columns])
               for row in range(rows)]
    figure, panels = style.new_figure(width, sum(0.19 * count + 0.85 for count in heights) + 0.4, rows, columns,
                                      gridspec_kw={"height_ratios": heights})
    for axes, case in zip(panels, wanted):
        draw_panel(axes, campaign, case)
    for axes in panels[len(wanted):]:
        axes.set_visible(False)
    return style.finish(figure, style.provenance(campaign))


def figure(paths: list[pathlib.Path]) -> style.Figure:
    campaign = results.load(paths)
    return draw(campaign, cases(campaign))


def pages(paths: list[pathlib.Path]) -> list[style.Figure]:
    """The same as figures that fit a sheet of paper each."""
    campaign = results.load(paths)
    wanted = cases(campaign)
    return [draw(campaign, wanted[begin:begin + ON_A_SHEET]) for begin in range(0, len(wanted), ON_A_SHEET)]


if __name__ == "__main__":
    style.main(NAME, __doc__, figure)
