#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Draw what is proved: clients by their number of calls, models, and mutants by the engine that kills them.

Its data are proofs/ledger.json and relacy_models/mutants.toml; results that are named are not looked at.
"""

from __future__ import annotations

import json
import pathlib
import re
import tomllib
from dataclasses import dataclass, field
from typing import Any

import style

NAME = "proof_coverage"
TITLE = "What is proved"
CAPTION = ("Clients (all programs of that many calls) and models of which the checker has visited every execution that "
           "RC11 allows, and mutants of the headers that a check kills. Crossed: not finished, so not proved.")
LEDGER = style.ROOT / "proofs" / "ledger.json"
MUTANTS = style.ROOT / "relacy_models" / "mutants.toml"
KINDS = {"weakening": "a weaker order", "operation": "another operation", "patch": "a patch"}
STOPS = "the others return"


@dataclass
class Coverage:
    """What both ledgers say, counted."""

    clients: list[tuple[str, int, int]] = field(default_factory=list)  # what, proved, of
    models: int = 0
    models_proved: int = 0
    executions: int = 0
    unfinished: list[tuple[str, int]] = field(default_factory=list)
    headers: str = ""
    # By kind of mutant: how many, killed by Relacy, by a client on the checker, by a model on it.
    mutants: dict[str, tuple[int, int, int, int]] = field(default_factory=dict)

    @property
    def clients_proved(self) -> int:
        return sum(proved for _, proved, _ in self.clients)

    @property
    def clients_known(self) -> int:
        return sum(known for _, _, known in self.clients)

    @property
    def mutants_known(self) -> int:
        return sum(known for known, *_ in self.mutants.values())


def killers(mutant: dict[str, Any]) -> tuple[bool, bool, bool]:
    """Whether Relacy kills it, a client on the checker, a model on the checker."""
    if mutant["verdict"] != "killed":
        return False, False, False
    only_checker = mutant.get("engine") == "checker"
    killer = mutant.get("checker", "")
    by_model = only_checker or killer.startswith("model ")
    return not only_checker, bool(killer) and not by_model, by_model


def read() -> Coverage:
    ledger = json.loads(LEDGER.read_text(encoding="utf-8"))
    found = Coverage(headers=ledger["headers"])
    for entry in ledger["entries"]:
        found.executions += entry["executions"]
        if entry["unfinished"]:
            found.unfinished.append((entry["subject"], len(entry["unfinished"])))
        if re.search(r", \d+ calls( of [\w, ]+)?$", entry["subject"]):
            stopped = ", threads stopped" if STOPS in entry["property"] else ""
            found.clients.append((entry["subject"] + stopped, entry["proved"], entry["clients"]))
        else:
            found.models += entry["clients"]
            found.models_proved += entry["proved"]
    mutants = tomllib.loads(MUTANTS.read_text(encoding="utf-8"))
    for kind in KINDS:
        votes = [killers(each) for each in mutants.get(kind, [])]
        relacy, client, model = (sum(vote[engine] for vote in votes) for engine in range(3))
        found.mutants[kind] = (len(votes), relacy, client, model)
    return found


def draw_share(axes: style.Axes, place: float, proved: int, known: int) -> None:
    axes.barh(place, proved, height=0.6, linewidth=0.6, **style.OWN)
    if proved < known:
        axes.barh(place, known - proved, left=proved, height=0.6, linewidth=0.6, **style.FASTER)
    text = f"all {known}" if proved == known else f"{proved} of {known}, the rest unfinished"
    axes.annotate(text, (known, place), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8)


def draw_proofs(axes: style.Axes, found: Coverage) -> None:
    rows = [*found.clients, ("models", found.models_proved, found.models)]
    for place, (_, proved, known) in enumerate(rows):
        draw_share(axes, place, proved, known)
    axes.set_yticks(range(len(rows)), [label for label, _, _ in rows], fontsize=8)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlim(0, 1.45 * max(known for _, _, known in rows))
    axes.set_title(f"Proved by the checker: {found.executions:,} executions")
    axes.set_xlabel("clients, or models")


def draw_mutants(axes: style.Axes, found: Coverage) -> None:
    looks = (("Relacy", style.SLOWER), ("checker, a client", style.OWN), ("checker, a model", style.DERIVED))
    for place, (known, *killed) in enumerate(found.mutants.values()):
        relacy, client, model = killed
        axes.barh(place - 0.2, relacy, height=0.36, linewidth=0.6, label=looks[0][0] if place == 0 else None,
                  **looks[0][1])
        axes.barh(place + 0.2, client, height=0.36, linewidth=0.6, label=looks[1][0] if place == 0 else None,
                  **looks[1][1])
        axes.barh(place + 0.2, model, left=client, height=0.36, linewidth=0.6,
                  label=looks[2][0] if place == 0 else None, **looks[2][1])
        for shift, count, text in ((-0.2, relacy, f"{relacy} of {known}"),
                                   (0.2, client + model, f"{client} + {model} of {known}")):
            axes.annotate(text, (count, place + shift), xytext=(4, 0), textcoords="offset points", va="center",
                          fontsize=8)
    axes.set_yticks(range(len(found.mutants)), [KINDS[kind] for kind in found.mutants], fontsize=8)
    axes.set_ylim(len(found.mutants) - 0.4, -0.6)
    axes.set_xlim(0, 1.45 * max(known for known, *_ in found.mutants.values()))
    axes.set_title(f"Killed mutants, of {found.mutants_known}")
    axes.set_xlabel("mutants")


def provenance(found: Coverage) -> str:
    return (f"proofs/ledger.json of the headers with sha256 {found.headers[:12]} · engine: checker, RC11 · "
            "relacy_models/mutants.toml\nproved: every execution visited once, none cut; "
            "'make proofs', 'make mutants' make them again")


def figure(_: list[pathlib.Path]) -> style.Figure:
    found = read()
    rows = len(found.clients) + 1
    drawing, (proofs, mutants) = style.new_figure(9.0, 0.36 * rows + 0.75 * len(found.mutants) + 2.4, 2, 1,
                                                  gridspec_kw={"height_ratios": [rows, 2 * len(found.mutants)]})
    draw_proofs(proofs, found)
    draw_mutants(mutants, found)
    for axes in (proofs, mutants):
        axes.tick_params(axis="y", length=0)
    style.legend_below(drawing, 3, *mutants.get_legend_handles_labels())
    return style.finish(drawing, provenance(found), legend=0.25)


if __name__ == "__main__":
    style.main(NAME, __doc__, figure)
