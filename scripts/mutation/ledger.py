# SPDX-License-Identifier: MIT
"""The ledger relacy_models/mutants.toml: what can be changed in the headers, and what is said of each change."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
LEDGER = ROOT / "relacy_models" / "mutants.toml"
HEADERS = ROOT / "impl" / "include"

# The steps down from an order. The two halves of acq_rel can be weakened separately.
WEAKER = {
    "seq_cst": ("acq_rel",),
    "acq_rel": ("acquire", "release"),
    "acquire": ("relaxed",),
    "release": ("relaxed",),
    "relaxed": (),
}
# A load has no release half, a store no acquire half.
WEAKER_LOAD = WEAKER | {"seq_cst": ("acquire",)}
WEAKER_STORE = WEAKER | {"seq_cst": ("release",)}

# By family: the source of `proofs` that runs its clients on the headers.
PLAYERS = {
    "pool_dequeue": "dequeue_clients.cpp",
    "pool_dequeue_batches": "dequeue_clients.cpp",
    "object_pool_one_cpu": "portable_player.cpp",
    "object_pool_two_cpus": "portable_player.cpp",
    "object_pool_sections_one_cpu": "section_player.cpp",
    "object_pool_sections_two_cpus": "section_player.cpp",
    "object_pool_small": "small_portable_player.cpp",
    "object_pool_sections_small": "small_section_player.cpp",
    "wide_pool_three_cpus": "portable_player.cpp",
    "wide_pool_beyond": "portable_player.cpp",
    "wide_pool_sections_beyond": "section_player.cpp",
    "narrow_pool_one_cpu": "narrow_portable_player.cpp",
    "narrow_pool_two_cpus": "narrow_portable_player.cpp",
    "narrow_pool_sections_one_cpu": "narrow_section_player.cpp",
    "narrow_pool_sections_two_cpus": "narrow_section_player.cpp",
    "rare_pool_two_cpus": "portable_player.cpp",
    "rare_pool_sections_one_cpu": "section_player.cpp",
    "rare_pool_sections_two_cpus": "section_player.cpp",
    "upkept_pool_one_cpu": "portable_player.cpp",
    "upkept_pool_two_cpus": "portable_player.cpp",
    "upkept_pool_sections": "section_player.cpp",
    "upkept_pool_idle": "portable_player.cpp",
    "upkept_pool_idle_sections": "section_player.cpp",
}


Entry = dict[str, Any]


class MutantError(Exception):
    """Something that keeps the run from a verdict; the message says what to do."""


@dataclass(frozen=True)
class Site:
    """A labelled operation, or the failure half of a compare-and-swap."""

    label: str
    file: str
    line: int
    which: str
    op: str
    order: str

    def weaker_orders(self) -> tuple[str, ...]:
        if self.op == "load" or self.which == "fail":
            return WEAKER_LOAD[self.order]
        if self.op == "store":
            return WEAKER_STORE[self.order]
        return WEAKER[self.order]


@dataclass
class Mutant:
    """One change, and what the ledger says of it."""

    name: str
    kind: str
    verdict: str
    by: str = ""
    litmus: str | None = None
    why: str | None = None
    options: list[str] = field(default_factory=list)
    patches: list[dict[str, str]] = field(default_factory=list)
    search: list[str] = field(default_factory=list)
    headers: set[str] = field(default_factory=set)
    checker: str = ""  # the client or model that killed it on the checker
    only_checker: bool = False  # of sections, which Relacy and the clients have not: `by` judges it, on the checker

    def site(self) -> str:
        """The label of what a run-time change changes: lines move, labels do not. Empty for a patch."""
        return self.options[1].rsplit(":", 1)[0] if self.options else ""

    def folder(self) -> str:
        return re.sub(r"\W+", "_", self.name)


@dataclass
class Result:
    """What a run of the models has shown of a mutant."""

    mutant: Mutant
    found: str
    detail: str
    seconds: float

    def agrees(self) -> bool:
        if self.mutant.verdict == "killed":
            return self.found == "killed"
        return self.found in ("survived", "certified")


def read_sites() -> dict[str, Site]:
    """All labelled sites of the headers, by label."""
    lint = ROOT / "scripts" / "lint_orders.py"
    run = subprocess.run([sys.executable, str(lint), "--json"], capture_output=True, text=True)
    if run.returncode != 0:
        raise MutantError(f"the order labels are not in order; run {lint.name} first:\n{run.stdout}{run.stderr}")
    sites = {}
    for s in json.loads(run.stdout):
        sites[s["label"]] = Site(s["label"], s["file"], s["line"], s["which"], s["op"], s["order"])
    return sites


def read_ledger(sites: dict[str, Site], models: set[str], litmus: set[str], engine: str) -> list[Mutant]:
    """The ledger's mutants. Every possible weakening stands in it, and nothing else."""
    ledger = tomllib.loads(LEDGER.read_text())
    mutants = []
    complaints = []
    listed = set()
    for entry in ledger.get("weakening", []):
        label, order = entry["site"], entry["to"]
        name = name_of("weakening", entry)
        if label not in sites or order not in sites[label].weaker_orders():
            complaints.append(f"{name}: the headers have no such weakening any more; remove the entry")
            continue
        if name in listed:
            complaints.append(f"{name}: listed twice")
        listed.add(name)
        header = {Path(sites[label].file).name}
        mutants.append(_mutant(entry, name, "weakening", options=["--weaken", f"{label}:{order}"], headers=header))
    for site in sites.values():
        for order in site.weaker_orders():
            if f"{site.label} -> {order}" not in listed:
                complaints.append(f"{site.label} -> {order}: not in the ledger; see --survey")
    for entry in ledger.get("operation", []):
        label = entry["site"]
        if label not in sites:
            complaints.append(f"{entry['name']}: the headers have no site [{label}] any more")
            continue
        header = {Path(sites[label].file).name}
        does = ["--mutate", f"{label}:{entry['does']}"]
        mutants.append(_mutant(entry, entry["name"], "operation", options=does, headers=header))
    for entry in ledger.get("patch", []):
        mutants.append(_mutant(entry, entry["name"], "patch", patches=entry["change"], headers=_files(entry)))
    for mutant in mutants:
        complaints += _complaints(mutant, models, litmus, engine)
        try:
            patched_texts(mutant)  # also where it is not to be built: else only a whole run would tell
        except MutantError as error:
            complaints.append(str(error))
    if complaints:
        raise MutantError("\n".join([f"{LEDGER.relative_to(ROOT)} does not fit:"] + complaints))
    return mutants


def patched_texts(mutant: Mutant) -> dict[str, str]:
    """The headers that a patch changes, by name, as it leaves them."""
    texts: dict[str, str] = {}
    for change in mutant.patches:
        name = change["file"]
        text = texts.get(name) or (HEADERS / "poolproof" / name).read_text()
        found = text.count(change["find"])
        if found != 1:
            raise MutantError(f"{mutant.name}: the patch no longer applies: its text stands {found} times in {name}")
        texts[name] = text.replace(change["find"], change["replace"])
    return texts


def name_of(kind: str, entry: Mapping[str, Any]) -> str:
    return f"{entry['site']} -> {entry['to']}" if kind == "weakening" else str(entry["name"])


def _files(entry: Entry) -> set[str]:
    return {change["file"] for change in entry["change"]}


def _mutant(entry: Entry, name: str, kind: str, **rest: Any) -> Mutant:
    return Mutant(
        name,
        kind,
        entry["verdict"],
        by=entry.get("by", ""),
        litmus=entry.get("litmus"),
        why=entry.get("why"),
        search=shlex.split(entry.get("search", "")),
        checker=entry.get("checker", ""),
        only_checker=entry.get("engine") == "checker",
        **rest,
    )


def _complaints(mutant: Mutant, models: set[str], litmus: set[str], engine: str) -> list[str]:
    """What an entry lacks for its verdict."""
    if mutant.verdict == "killed" and mutant.only_checker and engine == "relacy":
        return []
    if mutant.verdict == "killed" and mutant.only_checker and not mutant.by:
        family = mutant.checker.partition(" ")[0]
        return [] if family in PLAYERS else [f"{mutant.name}: 'checker' names no family's client"]
    if mutant.verdict == "killed":
        return [] if mutant.by in models else [f"{mutant.name}: 'by' names no model"]
    if mutant.kind != "weakening":
        return [f"{mutant.name}: an algorithmic mutant must be killed"]
    if not mutant.why:
        return [f"{mutant.name}: 'why' gives no argument"]
    if mutant.verdict == "kept" and mutant.litmus not in litmus:
        return [f"{mutant.name}: 'litmus' names no litmus test"]
    if mutant.verdict not in ("kept", "equivalent"):
        return [f"{mutant.name}: there is no verdict '{mutant.verdict}'"]
    return []


def record(ledger: Path, killers: dict[str, str]) -> None:
    """Writes into the ledger which client or model killed each mutant on the checker; all else stays as it is."""
    import tomlkit  # only here: what reads needs no package

    document = tomlkit.parse(ledger.read_text())
    for kind in ("weakening", "operation", "patch"):
        for entry in document.get(kind, []):
            if killer := killers.get(name_of(kind, entry)):
                entry["checker"] = killer
    ledger.write_text(tomlkit.dumps(document))
