#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Print the README's tables of a campaign, as Markdown; --write puts them between the marks in README.md.

A cell of the first is the time for a get with its put as a multiple of poolproof's, and bold where the other one
is faster. The second has the scenarios in which another one wins most clearly, whether the first has them or not.
"""

from __future__ import annotations

import argparse
import pathlib
import sys

import campaign as results
import style
from campaign import (ALLOCATORS, BASE, NAMED, SUBJECT, VECTOR, Campaign, Case, Contender, Loss, ResultError, Spread,
                      name_of)

README = style.ROOT / "README.md"
BEGIN, END = "<!-- campaign: begin -->\n", "<!-- campaign: end -->\n"
SHOWN_LOSSES = 5
MISSING = "not measured"


def cell(value: Spread | None) -> str:
    if value is None:
        return MISSING
    text = f"{style.number(value.median)} ×"
    return f"**{text}**" if value.median < 1 else text


def best_allocator(campaign: Campaign, case: Case) -> str:
    allocators = [Contender(variant, "new_delete") for variant in ALLOCATORS]
    measured = [(value, who) for who in allocators if (value := campaign.versus(case, who))]
    if not measured:
        return MISSING
    value, best = min(measured, key=lambda each: each[0].median)
    return f"{cell(value)} ({best.variant})"


def worst_losses(*campaigns: Campaign | None) -> list[str]:
    """The scenarios in which another one is faster by most: one line each."""
    worst: dict[str, Loss] = {}
    for loss in results.losses(*campaigns):
        known = worst.get(loss.case.scenario)
        if loss.what == "time" and (known is None or loss.factor.median > known.factor.median):
            worst[loss.case.scenario] = loss
    ranked = sorted(worst.values(), key=lambda each: -each.factor.median)[:SHOWN_LOSSES]
    on_top = {scenario: f"`{own.peer}`: " for scenario, own in results.ON_TOP.items()}
    return [f"| {on_top.get(each.case.scenario, '')}{name_of(each.case)} | {each.who.label} | "
            f"{style.number(each.factor.median)} × |" for each in ranked]


def table(campaign: Campaign, on_top: Campaign | None = None) -> str:
    result = campaign.result
    columns = (("`thread_local` vector", VECTOR), ("Go `sync.Pool`", campaign.go),
               ("moodycamel, tokens", Contender(BASE, "moodycamel_tokens")),
               ("mutex + vector", Contender(BASE, "mutex_vector")))
    heads = ["get + put", "poolproof", "best `new`/`delete`", *(head for head, _ in columns)]
    lines = ["| " + " | ".join(heads) + " |", "| --- " * len(heads) + "|"]
    for label, case in NAMED:
        own = campaign.time(case, SUBJECT)
        cells = [label, style.nanoseconds(own.median) if own else MISSING, best_allocator(campaign, case),
                 *(cell(campaign.versus(case, who) if who else None) for _, who in columns)]
        lines.append("| " + " | ".join(cells) + " |")
    built = result["variants"][BASE]
    lines += ["", "Time as a multiple of poolproof's; bold where the other one is faster. "
              f"Medians of {result['rounds']} interleaved rounds; those in which another guest had a part of a core "
              "are left out where three others remain. "
              f"{style.machine_line(result)} · {built['compiler']} "
              f"{style.short_flags(built['flags'])} · commit {style.commit_of(result)}.", ""]
    if lost := worst_losses(campaign, on_top):
        lines += ["| where it loses most | to | which is faster by |", "| --- | --- | --- |", *lost, ""]
    return "\n".join(lines)


def split(readme: str) -> tuple[str, str, str] | None:
    """What stands before the marks, between them, and after them; None without marks."""
    before, begin, rest = readme.partition(BEGIN)
    between, end, after = rest.partition(END)
    return (before, between, after) if begin and end else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", nargs="*", type=pathlib.Path, metavar="RESULT",
                        help="the JSON head of a result of bench/run.py")
    parser.add_argument("--write", action="store_true", help="change README.md instead of printing")
    options = parser.parse_args()
    try:
        printed = table(results.load(options.results), results.load_on_top(options.results))
    except ResultError as error:
        sys.exit(f"readme_table: {error}")
    if not options.write:
        print(printed, end="")
        return
    parts = split(README.read_text(encoding="utf-8"))
    if parts is None:
        sys.exit(f"readme_table: README.md lacks the lines {BEGIN.strip()} and {END.strip()}; put them where the "
                 "table shall be")
    README.write_text(parts[0] + BEGIN + printed + END + parts[2], encoding="utf-8")
    print("written: README.md")


if __name__ == "__main__":
    main()
