#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Draw what is proved: how deep clients go, in calls and threads, models, and mutants by the engine that kills them.

Its data are proofs/ledger.json and relacy_models/mutants.toml; results that are named are not looked at.
"""

from __future__ import annotations

import json
import pathlib
import re
import tomllib
from dataclasses import dataclass, field
from typing import Any

import families
import style

NAME = "proof_coverage"
TITLE = "What is proved"
CAPTION = ("How deep the proofs go: for each family of clients, all programs of so many calls by one, two and three "
           "threads, of which the checker has visited every execution that RC11 allows. Crossed: not all are finished, "
           "so that depth is not proved. Below, the mutants of the headers that a check kills.")
LEDGER = style.ROOT / "proofs" / "ledger.json"
MUTANTS = style.ROOT / "relacy_models" / "mutants.toml"
KINDS = {"weakening": "a weaker order", "operation": "another operation", "patch": "a patch"}
STOPS = "the others return"
LETTERS = {"p": "put", "g": "get", "r": "cycle"}
# Clients of every family are made for so many threads, at most (proofs/).
MOST_THREADS = 3


@dataclass(frozen=True)
class Depth:
    """What is proved of all clients of a family that make so many calls."""

    family: str
    calls: int
    letters: str  # of these calls alone; empty if of all
    stopped: bool  # each thread is stopped for ever, anywhere, and the others must return
    proved: int
    known: int
    unfinished: frozenset[int]  # clients of so many threads are not all proved

    @property
    def threads(self) -> range:
        return range(1, min(self.calls, MOST_THREADS) + 1)

    @property
    def label(self) -> str:
        alone = [LETTERS[letter] for letter in self.letters.split(", ") if letter]
        calls = f"\n{self.calls} calls" + (f" ({', '.join(alone)})" if alone else "")
        return families.WORDS[self.family] + calls + (", threads stopped anywhere" if self.stopped else "")


@dataclass
class Coverage:
    """What both ledgers say, counted."""

    clients: list[Depth] = field(default_factory=list)
    models: int = 0
    models_proved: int = 0
    models_begun: int = 0
    executions: int = 0
    unfinished: list[tuple[str, int]] = field(default_factory=list)
    headers: str = ""
    # By kind of mutant: how many, killed by Relacy, by a client on the checker, by a model on it.
    mutants: dict[str, tuple[int, int, int, int]] = field(default_factory=dict)

    @property
    def clients_proved(self) -> int:
        return sum(each.proved for each in self.clients)

    @property
    def clients_known(self) -> int:
        return sum(each.known for each in self.clients)

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
        if told := re.search(r"^(\w+), (\d+) calls(?: of ([\w, ]+))?$", entry["subject"]):
            unfinished = frozenset(name.count("|") + 1 for name in entry["unfinished"])
            found.clients.append(Depth(told[1], int(told[2]), told[3] or "", STOPS in entry["property"],
                                       entry["proved"], entry["clients"], unfinished))
            if unfinished:
                found.unfinished.append((found.clients[-1].label.replace("\n", ", "), len(entry["unfinished"])))
        else:
            found.models += entry["clients"]
            found.models_proved += entry["proved"]
            found.models_begun += len(entry["unfinished"])
    mutants = tomllib.loads(MUTANTS.read_text(encoding="utf-8"))
    for kind in KINDS:
        votes = [killers(each) for each in mutants.get(kind, [])]
        relacy, client, model = (sum(vote[engine] for vote in votes) for engine in range(3))
        found.mutants[kind] = (len(votes), relacy, client, model)
    return found


def draw_depth(axes: style.Axes, place: float, depth: Depth) -> None:
    for threads in range(1, MOST_THREADS + 1):
        if threads not in depth.threads:
            continue
        look = style.FASTER if threads in depth.unfinished else style.OWN
        across = place + 0.26 * (threads - 2)
        axes.barh(across, depth.calls, height=0.22, linewidth=0.6, **look)
        axes.annotate(str(threads), (0, across), xytext=(6, 0), textcoords="offset points", va="center",
                      fontsize=6)
    text = f"all {depth.known:,}" if depth.proved == depth.known else (
        f"{depth.proved:,} of {depth.known:,}; of {' and '.join(map(str, sorted(depth.unfinished)))} threads not all")
    axes.annotate(text, (depth.calls, place), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8)


def draw_proofs(axes: style.Axes, found: Coverage) -> None:
    for place, depth in enumerate(found.clients):
        draw_depth(axes, place, depth)
    axes.set_yticks(range(len(found.clients)), [depth.label for depth in found.clients], fontsize=8)
    axes.set_ylim(len(found.clients) - 0.4, -0.6)
    most = max(depth.calls for depth in found.clients)
    axes.set_xlim(0, 1.4 * most)
    axes.set_xticks(range(most + 1))
    axes.set_title(f"How deep: {found.executions:,} executions; models: {found.models_proved} of {found.models}")
    axes.set_xlabel("calls of a client; each bar is of clients with so many threads")


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
    rows = len(found.clients)
    drawing, (proofs, mutants) = style.new_figure(9.0, 0.45 * rows + 0.75 * len(found.mutants) + 2.4, 2, 1,
                                                  gridspec_kw={"height_ratios": [rows, 2 * len(found.mutants)]})
    draw_proofs(proofs, found)
    draw_mutants(mutants, found)
    for axes in (proofs, mutants):
        axes.tick_params(axis="y", length=0)
    style.legend_below(drawing, 3, *mutants.get_legend_handles_labels())
    return style.finish(drawing, provenance(found), legend=0.25)


if __name__ == "__main__":
    style.main(NAME, __doc__, figure)
