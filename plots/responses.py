#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Draw zstd_responses and zlib_responses: how long a response takes, and what its contexts and the process hold."""

from __future__ import annotations

import pathlib

import campaign as results
import style
from campaign import Campaign, Case, Contender, ResultError

NAME = "responses"
TITLE = "Small responses, compressed"
CAPTION = ("64 threads, of which at most four are active at once, each response compressed with a context of the pool: "
           "zstd, whose contexts are dear to make, and zlib, whose are not. Left: the time of one response. Right: the "
           "bytes of all contexts that exist, at their peak, and what the process holds. Medians of the rounds, "
           "whiskers are their quartiles.")
SCENARIOS = ("zstd_responses", "zlib_responses")
TIMES = (("p50_ns", "p50", "o", "white"), ("p99_ns", "p99", "s", "black"))
BYTES = (("peak_context_bytes", "contexts", "D", "white"), ("resident_bytes", "process, resident", "^", "black"))


def draw_panel(axes: style.Axes, campaign: Campaign, case: Case, contenders: list[Contender],
               counters: tuple[tuple[str, str, str, str], ...], unit: float) -> None:
    """One line for each contender, a mark for each counter."""
    for place, who in enumerate(contenders):
        values = [campaign.counter(case, who, name) for name, *_ in counters]
        middles = [value.median / unit for value in values if value]
        axes.plot(middles, [place] * len(middles), color="#999999", linewidth=1, zorder=1)
        for value, (_, label, marker, face) in zip(values, counters):
            if value is None:
                continue
            errors = [[each[0] / unit] for each in style.whiskers(value)]
            axes.errorbar(value.median / unit, place, xerr=errors, marker=marker, markersize=6, color="black",
                          markerfacecolor=face, linestyle="", capsize=2, label=label if place == 0 else None)
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    axes.set_xlim(low / 1.1, high * 1.1)
    style.log_axis(axes.xaxis, *axes.get_xlim())
    axes.set_ylim(len(contenders) - 0.4, -0.6)
    axes.set_yticks(range(len(contenders)), [who.label for who in contenders], fontsize=8)
    for tick, who in zip(axes.get_yticklabels(), contenders):
        tick.set_fontweight("bold" if who.own else "normal")
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="#dddddd", linewidth=0.5)
    axes.set_title(results.name_of(case))


def figure(paths: list[pathlib.Path]) -> style.Figure:
    campaign = results.load(paths)
    cases = [case for scenario in SCENARIOS for case in campaign.cases_of(scenario)]
    if not cases:
        raise ResultError(f"the campaign has no sample of {' or '.join(SCENARIOS)}")
    most = max(len(campaign.shown(case)) for case in cases)
    drawing, panels = style.new_figure(10.0, (0.24 * most + 1.0) * len(cases) + 0.8, len(cases), 2)
    for row, case in enumerate(cases):
        contenders = campaign.shown(case)
        times, held = panels[2 * row:2 * row + 2]
        draw_panel(times, campaign, case, contenders, TIMES, 1e3)
        draw_panel(held, campaign, case, contenders, BYTES, 2 ** 20)
        times.set_xlabel("time of a response, µs (log)")
        held.set_xlabel("MiB (log)")
    handles = [axes.get_legend_handles_labels() for axes in panels[:2]]
    style.legend_below(drawing, 4, [each for found, _ in handles for each in found],
                       [each for _, found in handles for each in found])
    return style.finish(drawing, style.provenance(campaign), legend=0.25)


if __name__ == "__main__":
    style.main(NAME, __doc__, figure)
