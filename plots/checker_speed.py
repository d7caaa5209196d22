#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Draw the checker's seconds beside GenMC's and beside its targets."""

from __future__ import annotations

import pathlib
import re
from typing import Any

import campaign as results
import style
from campaign import ResultError

NAME = "checker_speed"
TITLE = "The checker beside GenMC"
CAPTION = ("Seconds to visit every execution, one search on one core: medians, whiskers are the quartiles. GenMC 0.11, "
           "optimised, was measured on another machine of the kind (bench/README.md), so that its bars are no ratio "
           "of one run.")
README = style.ROOT / "bench" / "README.md"
ROW = re.compile(r"^\| `(\w+)` \|.*\| ([\d.]+) s \| ([\d.]+) s \|$", re.MULTILINE)


def references() -> dict[str, tuple[float, float]]:
    """GenMC's seconds and the target of each benchmark, as the table of bench/README.md has them."""
    found = {name: (float(genmc), float(goal))
             for name, genmc, goal in ROW.findall(README.read_text(encoding="utf-8"))}
    if not found:
        raise ResultError(f"{README}: no table with GenMC's seconds and the goals")
    return found


def load(paths: list[pathlib.Path]) -> dict[str, Any]:
    result = results.load_checker(paths)
    if result is None:
        raise ResultError("no result of checker_bench; 'make bench' makes one")
    return result


def provenance(result: dict[str, Any]) -> str:
    build = result["build"]
    return (f"commit {style.commit_of(result)} · {build['compiler']} {style.short_flags(build['flags'])} · "
            f"n = {result['repetitions']} repetitions\n{style.machine_line(result)} · {result['date'][:10]}")


def figure(paths: list[pathlib.Path]) -> style.Figure:
    result = load(paths)
    seconds, known = results.checker_seconds(result), references()
    names = [name for name in known if name in seconds]
    if not names:
        raise ResultError(f"the result has none of {', '.join(known)}")
    drawing, (axes,) = style.new_figure(8.4, 0.72 * len(names) + 1.7)
    for place, name in enumerate(names):
        genmc, goal = known[name]
        ours = seconds[name]
        first = place == 0
        axes.barh(place - 0.2, ours.median, height=0.36, linewidth=0.6, label="poolproof's checker" * first,
                  **style.OWN)
        axes.errorbar(ours.median, place - 0.2, xerr=style.whiskers(ours), color="black", capsize=2.5, linewidth=0.9)
        axes.barh(place + 0.2, genmc, height=0.36, linewidth=0.6, label="GenMC 0.11" * first, **style.SLOWER)
        axes.plot([goal, goal], [place - 0.44, place + 0.04], color="black", linewidth=2.2, label="target" * first)
        verdict = "met" if ours.median <= goal else "missed"
        axes.annotate(f"{ours.median:.3g} s, target {goal:g} s: {verdict}", (max(ours.high, goal), place - 0.2),
                      xytext=(6, 0), textcoords="offset points", va="center", fontsize=8)
        axes.annotate(f"{genmc:g} s", (genmc, place + 0.2), xytext=(4, 0), textcoords="offset points", va="center",
                      fontsize=8)
    least = min(min(seconds[name].low, known[name][1]) for name in names)
    most = max(max(seconds[name].high, known[name][0]) for name in names)
    axes.set_xscale("log")
    axes.set_xlim(least / 2.5, most * 6)
    style.log_axis(axes.xaxis, *axes.get_xlim())
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("seconds (log)")
    style.legend_below(drawing, 3, *axes.get_legend_handles_labels())
    return style.finish(drawing, provenance(result), legend=0.25)


if __name__ == "__main__":
    style.main(NAME, __doc__, figure)
