#!/usr/bin/python3
"""Draw latency percentiles: of the users of a pool while it cleans up, and of small compressed responses."""

from __future__ import annotations

import pathlib

import campaign as results
import style
from campaign import SUBJECT, Campaign, Case, ResultError

NAME = "latency"
TITLE = "How long one call can take"
CAPTION = ("Above: a get with its put on another thread while the pool cleans up, and without cleaning up; what the "
           "machine itself does to a thread (interrupts, other programs) is in both. Below: one response that is "
           "compressed with a pooled zstd context, 64 threads. Medians of the rounds, whiskers are their quartiles.")
PERCENTILES = ("p50", "p95", "p99", "p99.9", "longest")


def draw_users(axes: style.Axes, campaign: Campaign, items: int) -> None:
    for cycles, label in ((0, "without cycles"), (1, "during cycles")):
        case = Case("pool_rotate", 1, (("items", items), ("cycles", cycles)))
        values = [campaign.counter(case, SUBJECT, f"user_{name}_ns") for name in PERCENTILES]
        points = [(place, value) for place, value in enumerate(values) if value is not None]
        look = {**style.line(2 * cycles), "markerfacecolor": "white" if cycles == 0 else None}
        errors = [[(value.median - value.low) / 1e3 for _, value in points],
                  [(value.high - value.median) / 1e3 for _, value in points]]
        axes.errorbar([place for place, _ in points], [value.median / 1e3 for _, value in points], yerr=errors,
                      capsize=2, label=label, **look)
    axes.set_xticks(range(len(PERCENTILES)), PERCENTILES, fontsize=8)
    axes.set_yscale("log")
    axes.grid(axis="y", color="#dddddd", linewidth=0.5)
    axes.set_title(f"pool_rotate, {items:,} items")
    axes.set_xlabel("percentile of a get with its put")


def draw_responses(axes: style.Axes, campaign: Campaign, case: Case) -> None:
    found = [(p50, p99, who) for who in campaign.contenders(case)
             if (p50 := campaign.counter(case, who, "p50_ns")) and (p99 := campaign.counter(case, who, "p99_ns"))]
    found.sort(key=lambda each: (each[1].median, each[2]))
    for place, (p50, p99, who) in enumerate(found):
        axes.plot([p50.median / 1e3, p99.median / 1e3], [place, place], color="#999999", linewidth=1, zorder=1)
        for value, marker, filled in ((p50, "o", "white"), (p99, "s", "black")):
            errors = [[each[0] / 1e3] for each in style.whiskers(value)]
            axes.errorbar(value.median / 1e3, place, xerr=errors, marker=marker, markersize=6, color="black",
                          markerfacecolor=filled, capsize=2, linewidth=0.8,
                          label=("p50" if marker == "o" else "p99") if place == 0 else None)
    axes.set_xscale("log")
    style.log_axis(axes.xaxis, *axes.get_xlim())
    axes.set_ylim(len(found) - 0.4, -0.6)
    axes.set_yticks(range(len(found)), [who.label for _, _, who in found], fontsize=8)
    for label, (_, _, who) in zip(axes.get_yticklabels(), found):
        label.set_fontweight("bold" if who.own else "normal")
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="#dddddd", linewidth=0.5)
    axes.set_title(case.label)
    axes.set_xlabel("time of a response, µs (log)")
    axes.legend(loc="best", fontsize=8)


def figure(paths: list[pathlib.Path]) -> style.Figure:
    campaign = results.load(paths)
    sizes = sorted({case.argument("items") for case in campaign.cases_of("pool_rotate")})
    cases = campaign.cases_of("zstd_responses")
    if not sizes and not cases:
        raise ResultError("the campaign has neither pool_rotate nor zstd_responses")
    width, rows = 10.0, bool(sizes) + bool(cases)
    most = max((len(campaign.contenders(case)) for case in cases), default=0)
    heights = [2.9] * bool(sizes) + [0.22 * most + 1.1] * bool(cases)
    drawing, _ = style.new_figure(width, sum(heights) + 0.5)
    drawing.clear()
    grid = drawing.add_gridspec(rows, 1, height_ratios=heights)
    users = grid[0].subgridspec(1, max(len(sizes), 1))
    first = None
    for column, items in enumerate(sizes):
        first = drawing.add_subplot(users[column], sharey=first)
        draw_users(first, campaign, items)
        if column == 0:
            first.set_ylabel("µs (log)")
            first.legend(loc="upper left", fontsize=8)
    if first is not None:
        style.log_axis(first.yaxis, *first.get_ylim())
    responses = grid[-1].subgridspec(1, max(len(cases), 1))
    for column, case in enumerate(cases):
        draw_responses(drawing.add_subplot(responses[column]), campaign, case)
    return style.finish(drawing, style.provenance(campaign))


if __name__ == "__main__":
    style.main(NAME, __doc__, figure)
