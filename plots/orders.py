#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Draw what a get and a put cost by the kind of memory operation that they are made of."""

from __future__ import annotations

import pathlib

import campaign as results
import style
from campaign import BASE, PORTABLE, SLOT, SUBJECT, Campaign, Case, Contender, ResultError, Spread, spread

NAME = "orders"
TITLE = "What a memory order costs here"
CAPTION = ("A get and a put with one thread, always a hit, by what they are made of. On x86-64 an acquire load and a "
           "release store are the same instructions as relaxed ones, so that they cost what plain ones do; what costs "
           "is a locked instruction, whatever its order. Its price is half of what two exchanges take more than the "
           "same slot with plain loads and stores.")
CASE = Case("pool", 1)
CHECKED, EXCHANGES = Contender(BASE, "checked_slot"), Contender(BASE, "two_exchanges")
ROWS = (
    (SLOT, "bare slot", "plain load, two plain stores"),
    (CHECKED, "checked slot", "the same, and a branch"),
    (SUBJECT, "poolproof, rseq pin", "two restartable sections: plain loads and stores, no lock"),
    (EXCHANGES, "two exchanges", "two locked: acquire, acq_rel"),
    (PORTABLE, "poolproof, portable pin", "two locked: acquire, acq_rel; plain loads and stores"),
    (Contender(BASE, "mutex_vector"), "mutex + vector", "four locked: lock and unlock, twice"),
)


def locked_instruction(campaign: Campaign) -> Spread | None:
    """Nanoseconds of one, round by round: what two exchanges take more than the slot without them."""
    found = campaign.pairs((CASE, EXCHANGES), (CASE, CHECKED), results.ns_per_pair)
    return spread((exchanges - slot) / 2 for exchanges, slot in found)


def figure(paths: list[pathlib.Path]) -> style.Figure:
    campaign = results.load(paths)
    # On a machine without rseq both variants have the portable pin.
    left_out = () if campaign.result["variants"][BASE].get("pin") == "rseq" else (SUBJECT,)
    rows = [(label, words, value, style.OWN if who.own else style.FLOOR if who.anchor else style.SLOWER)
            for who, label, words in ROWS if who not in left_out and (value := campaign.time(CASE, who))]
    if not rows:
        raise ResultError("the campaign has no sample of 'pool' with one thread")
    if one := locked_instruction(campaign):
        rows.append(("one locked instruction", "by difference", one, style.DERIVED))
    drawing, (axes,) = style.new_figure(9.0, 0.42 * len(rows) + 1.2)
    furthest = max(value.high for _, _, value, _ in rows)
    for place, (_, words, value, look) in enumerate(rows):
        axes.barh(place, value.median, height=0.62, linewidth=0.6, **look)
        axes.errorbar(value.median, place, xerr=style.whiskers(value), color="black", capsize=2.5, linewidth=0.9)
        axes.annotate(f"{style.nanoseconds(value.median)}  {words}", (value.high, place), xytext=(5, 0),
                      textcoords="offset points", va="center", fontsize=8)
    axes.set_xlim(0, 1.75 * furthest)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_yticks(range(len(rows)), [label for label, _, _, _ in rows])
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("ns for a get with its put (medians of the rounds; whiskers: their quartiles)")
    return style.finish(drawing, style.provenance(campaign))


if __name__ == "__main__":
    style.main(NAME, __doc__, figure)
