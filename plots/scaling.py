#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Draw the throughput of all threads together over their number, with its spread."""

from __future__ import annotations

import pathlib

import campaign as results
import style
from campaign import ALLOCATORS, BASE, PORTABLE, SUBJECT, VECTOR, Campaign, Case, Contender, ResultError, known

NAME = "scaling"
TITLE = "More threads"
CAPTION = ("Pairs of a get and a put per second, of all threads together: medians of the rounds, whiskers are their "
           "quartiles. More threads than CPUs share them.")
SCENARIOS = ("pool", "burst_16", "pool_overflow", "oversubscribed")


def drawn(campaign: Campaign) -> list[Contender]:
    """Those that one can tell apart: the pool on both pins, Go, and one of each kind of peer."""
    case = Case("pool", 1)
    allocators = [Contender(variant, "new_delete") for variant in ALLOCATORS]
    measured = [who for who in allocators if campaign.time(case, who)]
    best = sorted(measured, key=lambda who: known(campaign.time(case, who)).median)[:1]
    others = [Contender(BASE, peer) for peer in ("cpu_slot_stack", "moodycamel_tokens", "mutex_vector")]
    wanted = [SUBJECT, PORTABLE, *([campaign.go] if campaign.go else []), VECTOR, *best, *others]
    return [who for who in wanted if any(campaign.time(each, who) for each in campaign.cases_of("pool"))]


def draw_panel(axes: style.Axes, campaign: Campaign, scenario: str, contenders: list[Contender]) -> None:
    cases = [case for case in campaign.cases_of(scenario) if campaign.time(case, SUBJECT)]
    for place, who in enumerate(contenders):
        points = [(case.threads, value) for case in cases if (value := campaign.throughput(case, who))]
        middles = [value.median / 1e6 for _, value in points]
        errors = [[(value.median - value.low) / 1e6 for _, value in points],
                  [(value.high - value.median) / 1e6 for _, value in points]]
        axes.errorbar([threads for threads, _ in points], middles, yerr=errors, capsize=2, label=who.label,
                      **style.line(place))
    axes.set_xscale("log", base=2)
    axes.set_xticks([case.threads for case in cases], [str(case.threads) for case in cases])
    axes.minorticks_off()
    axes.set_yscale("log")
    style.log_axis(axes.yaxis, *axes.get_ylim())
    axes.grid(axis="y", color="#dddddd", linewidth=0.5)
    axes.set_title(results.SCENARIO_WORDS[scenario])
    axes.set_xlabel("threads")
    axes.set_ylabel("million pairs per second (log)")


def figure(paths: list[pathlib.Path]) -> style.Figure:
    campaign = results.load(paths)
    scenarios = [name for name in SCENARIOS if any(campaign.time(case, SUBJECT) for case in campaign.cases_of(name))]
    if not scenarios:
        raise ResultError(f"the campaign has no sample of poolproof in any of {', '.join(SCENARIOS)}")
    rows = -(-len(scenarios) // 2)
    drawing, panels = style.new_figure(9.0, 3.1 * rows + 1.0, rows, 2)
    contenders = drawn(campaign)
    for axes, scenario in zip(panels, scenarios):
        draw_panel(axes, campaign, scenario, contenders)
    for axes in panels[len(scenarios):]:
        axes.set_visible(False)
    style.legend_below(drawing, 4, *panels[0].get_legend_handles_labels())
    return style.finish(drawing, style.provenance(campaign), legend=0.5)


if __name__ == "__main__":
    style.main(NAME, __doc__, figure)
