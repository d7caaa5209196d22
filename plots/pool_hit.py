#!/usr/bin/python3
"""Draw what a hit costs: one item taken and given back, as ratios to a bare thread_local slot.

Reads the newest of the given results of bench/run.py (default: all in bench/results) and writes
plots/figures/pool_hit.png and .svg.
"""

from __future__ import annotations

import argparse
import os
import pathlib

import style

LABELS = {
    "bare_slot": "bare thread_local slot",
    "checked_slot": "thread_local slot, checked",
    "two_exchanges": "two atomic exchanges",
    "pool": "object_pool: get, put",
    "pool_borrow": "object_pool: borrow",
    "new_delete": "new, delete",
    "mutex_vector": "mutex + vector",
}
SUBJECTS = ("pool", "pool_borrow")

Series = style.runner.Series


def hit_family(result: style.Result, threads: int) -> list[Series]:
    """The benchmarks of the figure, in its order; all of them, or none is drawn."""
    found = {each.name: each for each in style.runner.all_series(result["google_benchmark"])
             if each.threads == threads}
    missing = [name for name in LABELS if name not in found]
    if missing:
        style.fail(f"the result lacks {', '.join(missing)} with {threads} threads")
    return [found[name] for name in LABELS]


def draw_bar(axes: style.pyplot.Axes, place: int, each: Series, baseline: Series) -> float:
    """A bar from zero to the ratio of the medians, its range, its numbers; returns its far end."""
    middle, low, high = each.ratio(baseline)
    look = style.SUBJECT if each.name in SUBJECTS else style.BASELINE
    axes.barh(place, middle, height=0.62, linewidth=0.6, **look)
    axes.errorbar(middle, place, xerr=[[middle - low], [high - middle]], color="black", capsize=2.5,
                  linewidth=0.9)
    axes.annotate(f"{middle:.1f}  ({each.median():.3g} ns)", (high, place), xytext=(5, 0),
                  textcoords="offset points", va="center", fontsize=8)
    return high


def draw_panel(axes: style.pyplot.Axes, family: list[Series], title: str) -> None:
    baseline = family[0]
    ends = [draw_bar(axes, place, each, baseline) for place, each in enumerate(family)]
    axes.set_yticks(range(len(family)), [LABELS[each.name] for each in family])
    axes.invert_yaxis()
    axes.set_xlim(0, 1.32 * max(ends))
    axes.axvline(1, color="black", linewidth=0.7, linestyle=":")
    axes.tick_params(axis="y", length=0)
    axes.set_title(title)
    axes.set_xlabel("time, as a ratio to the bare slot (medians; whiskers: quartiles of both)")


def draw(result: style.Result) -> style.matplotlib.figure.Figure:
    style.apply()
    figure, (one, two) = style.pyplot.subplots(2, 1, figsize=(7.2, 6.4))
    draw_panel(one, hit_family(result, 1), "One thread takes an item and gives it back")
    draw_panel(two, hit_family(result, 2),
               "Two threads, each with an item (ns: wall time over the operations of both)")
    figure.tight_layout(rect=(0, 0.055, 1, 1), h_pad=2.0)
    style.sign(figure, result)
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", nargs="*", type=pathlib.Path, metavar="RESULT",
                        help="JSON of bench/run.py")
    parser.add_argument("--output", type=pathlib.Path, metavar="STEM",
                        default=style.FIGURES / "pool_hit",
                        help="writes STEM.png and STEM.svg (default: plots/figures/pool_hit)")
    options = parser.parse_args()
    for path in style.save(draw(style.newest_result(options.results)), options.output):
        print(f"written: {os.path.relpath(path)}")


if __name__ == "__main__":
    main()
