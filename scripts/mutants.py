#!/usr/bin/env python3
"""Tests the comments: weakens every memory order of the headers by one step, and breaks every algorithm,
and sees whether the models notice. What came out is compared with relacy_models/mutants.toml.

Three kinds of mutants:
  weakening    one order of one labelled site, changed at run time
  operation    what one labelled operation does, changed at run time
  patch        a few words of a header, changed in a copy in the build tree; one model is compiled with it

Two engines: Relacy runs the models. With --engine checker our own searches for the smallest client of `proofs`
that fails, then for the smallest model; it keeps the report, replay and page of each in build/mutants, with an
INDEX.md. What no client and no model kills is certified equivalent or an alarm, and an alarm fails.

Verdicts: 'killed' (a model fails), 'kept' (no model fails, but Relacy cannot see such executions: the
ledger names the litmus test that shows it), 'equivalent' (the ledger gives the argument).
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import mutant_killers
from mutant_killers import Clients, Finding

ROOT = Path(__file__).resolve().parent.parent
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
}


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
    by: str | None = None
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


# ------------------------------------------------------------------------------------------ the ledger


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
        name = f"{label} -> {order}"
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


def _files(entry: dict) -> set[str]:
    return {change["file"] for change in entry["change"]}


def _mutant(entry: dict, name: str, kind: str, **rest) -> Mutant:
    return Mutant(
        name,
        kind,
        entry["verdict"],
        by=entry.get("by"),
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


# ------------------------------------------------------------------------------------- running models


class Models:
    """The program relacy_models, and how to make another one from changed headers."""

    program_name = "relacy_models"
    takes_searches = True  # the ledger's `search`: options of Relacy's program

    def __init__(self, build: Path, time_limit: float):
        self.build = build
        self.program = build / "relacy_models" / self.program_name
        self.time_limit = time_limit
        if not self.program.exists():
            raise MutantError(f"{self.program} is missing; 'make models' builds it")
        listed = subprocess.run([self.program, "--list", "--json"], capture_output=True, text=True, check=True)
        self.entries = {m["name"]: m for m in json.loads(listed.stdout)}

    def litmus(self) -> set[str]:
        return {name for name, entry in self.entries.items() if "litmus" in entry}

    def names(self) -> list[str]:
        """The models of the headers: neither litmus tests nor models that must fail."""
        return [n for n, m in self.entries.items() if "litmus" not in m and m["expected"] == "none"]

    def run(self, model: str, options: list[str], program: Path | None = None) -> dict:
        command = [program or self.program, "--model", model, "--json"]
        return self._report(command + ["--time-limit", str(self.time_limit)] + options)

    def _report(self, command: list[str | Path]) -> dict:
        run = subprocess.run(command, capture_output=True, text=True)
        report = mutant_killers.json_of(run)
        if report is None and run.returncode == 2:
            raise MutantError(f"{shlex.join(map(str, command))}: {run.stderr.strip()}")
        # A mutant may crash outright; that is noticed, too.
        return report or {"failed_by": "crash", "message": run.stderr.strip()[-200:], "sites": []}

    def with_patches(self, mutant: Mutant) -> Path:
        """Builds the program of mutant.by alone, with changed copies of the headers."""
        include = self.patched_headers(mutant, self.build / "mutants" / mutant.folder())
        return self.program_with(mutant, include, self.program_name, {self.entries[mutant.by]["file"]})

    def check_rebuilding(self, mutant: Mutant) -> None:
        """Sees the mutant's model pass when it is built as with_patches does, but of unchanged headers: else a program
        that is broken by how it is built would pass for a mutant that is killed."""
        control = replace(mutant, name="control", patches=[])
        report = self.run(control.by, control.search if self.takes_searches else [], self.with_patches(control))
        if report["failed_by"] != "none":
            raise MutantError(
                f"{control.by} fails when it is built again of unchanged headers, so that no patch can be judged:"
                f" {report['failed_by']}: {report['message']}"
            )

    def program_with(self, mutant: Mutant, include: Path, target: str, sources: set[str]) -> Path:
        """Builds a program with these sources compiled anew, and no other models or litmus tests."""
        place = include.parent
        listed = subprocess.run(["ninja", "-C", self.build, "-t", "commands", target], capture_output=True, text=True)
        commands = [shlex.split(line) for line in listed.stdout.splitlines() if " -c " in line]
        # The last command links the program: with the checker's library, if it is one of the checker's.
        libraries = [self.build / word for word in shlex.split(listed.stdout.splitlines()[-1]) if word.endswith(".a")]
        objects = []
        for command in commands:
            if f"{target}.dir" not in command[command.index("-o") + 1]:
                continue
            name = Path(command[-1]).name
            if name in sources:
                changed = [a.replace(str(HEADERS), str(include)) for a in command]
                changed[changed.index("-o") + 1] = str(place / f"{name}.o")
                self._compile(mutant, [*changed, "-Wno-error"])  # what a patch leaves unused is none of its faults
                objects.append(place / f"{name}.o")
            elif not name.endswith("_models.cpp") and not self._is_litmus(name):
                objects.append(self.build / command[command.index("-o") + 1])
        if not objects:
            raise MutantError(f"ninja knows no objects of {target} in {self.build}; 'make models' builds them")
        self._compile(mutant, [commands[0][0], *map(str, [*objects, *libraries]), "-o", str(place / target)])
        return place / target

    def patched_headers(self, mutant: Mutant, place: Path) -> Path:
        shutil.rmtree(place, ignore_errors=True)
        include = place / "include"
        shutil.copytree(HEADERS, include)
        for name, text in patched_texts(mutant).items():
            (include / "poolproof" / name).write_text(text)
        return include

    def _is_litmus(self, name: str) -> bool:
        return (ROOT / "relacy_models" / "litmus" / name).exists()

    def _compile(self, mutant: Mutant, command: list[str]) -> None:
        run = subprocess.run(command, cwd=self.build, capture_output=True, text=True)
        if run.returncode != 0:
            raise MutantError(f"{mutant.name}: does not compile:\n{run.stderr[-2000:]}")


class CheckedModels(Models):
    """The program checked_models: the same models on our own checker."""

    program_name = "checked_models"
    takes_searches = False

    def run(self, model: str, options: list[str], program: Path | None = None) -> dict:
        command = [program or self.program, "--model", model, "--json"]
        report = self._report(command + ["--seconds", str(self.time_limit)] + options)
        return report[0] if isinstance(report, list) else report


# ------------------------------------------------------------------------------------ on the checker


class OnChecker:
    """Judges mutants on the checker, and keeps what it finds in a folder for each."""

    def __init__(self, models: CheckedModels, artefacts: Path, quick: bool):
        self.models = models
        self.artefacts = artefacts
        self.quick = quick
        self.clients = Clients(models.build / "proofs" / "proofs")
        if not self.clients.program.exists():
            raise MutantError(f"{self.clients.program} is missing; 'make proofs' builds it")

    def judge(self, mutant: Mutant) -> Result:
        start = time.monotonic()
        try:
            finding = self._recorded(mutant) if self.quick else self._search(mutant)
        except (MutantError, RuntimeError) as error:
            finding = Finding("broken", str(error))
        seconds = time.monotonic() - start
        if not self.quick:
            self._write(mutant, finding, seconds)
        return Result(mutant, finding.found, f"{finding.by}: {finding.detail}", seconds)

    def _recorded(self, mutant: Mutant) -> Finding:
        """Sees the client or model of the ledger fail once more."""
        name, _, scripts = mutant.checker.partition(" ")
        family = self.clients.family(name)
        if family is None:
            model = scripts if name == "model" else mutant.by
            found, detail = _verdict_of(self.models.run(model, mutant.options), mutant)
            return Finding(found, detail, f"model {model}")
        status, report = self.clients.one(family, scripts, mutant.options, self.clients.program)
        detail = (report.splitlines() or ["it broke the program"])[0]
        return Finding("killed" if status == 1 else "survived", detail, mutant.checker)

    def _by_model(self, mutant: Mutant) -> Finding:
        """Judges a mutant by the model of the ledger alone."""
        program = self.models.with_patches(mutant) if mutant.patches else self.models.program
        report = self.models.run(mutant.by, mutant.options, program)
        found, detail = _verdict_of(report, mutant)
        if found == "killed" and report["failed_by"] != "crash":
            return mutant_killers.killed_by_model(program, mutant.options, report)
        return Finding(found, detail, f"model {mutant.by}")

    def _by_client(self, mutant: Mutant) -> Finding:
        """Judges a patch by the client of the ledger alone."""
        name, _, scripts = mutant.checker.partition(" ")
        family = self.clients.family(name)
        include = self.models.patched_headers(mutant, self.models.build / "mutants_on_checker" / mutant.folder())
        program = self.models.program_with(mutant, include, "proofs", {PLAYERS[name]})
        status, report = self.clients.one(family, scripts, mutant.options, program)
        detail = (report.splitlines() or ["", ""])[1:2]
        command = self.clients.command(family, scripts, mutant.options, program)
        return Finding("killed" if status != 0 else "survived", " ".join(detail), mutant.checker, command=command)

    def _search(self, mutant: Mutant) -> Finding:
        if mutant.only_checker:
            finding = self._by_model(mutant) if mutant.by else self._by_client(mutant)
            if finding.command and finding.found == "killed":
                mutant_killers.keep(finding, self.artefacts / mutant.folder())
            return finding
        program, models_program, include = self.clients.program, self.models.program, None
        if mutant.patches:
            include = self.models.patched_headers(mutant, self.models.build / "mutants_on_checker" / mutant.folder())
            sources = set(PLAYERS.values()) - {PLAYERS["pool_dequeue"]}
            if "pool_dequeue.hpp" in mutant.headers:
                sources.add(PLAYERS["pool_dequeue"])
            program = self.models.program_with(mutant, include, "proofs", sources)
        finding, searches = self.clients.smallest_failing(mutant.options, mutant.headers, program)
        if finding is None:
            if include is not None:
                source = self.models.entries[mutant.by]["file"]
                models_program = self.models.program_with(mutant, include, "checked_models", {source})
            finding = mutant_killers.smallest_failing_model(models_program, mutant.options, mutant.by)
        if finding is None:
            return mutant_killers.compared(self.clients, searches, mutant.site())
        mutant_killers.keep(finding, self.artefacts / mutant.folder())
        return finding

    def _write(self, mutant: Mutant, finding: Finding, seconds: float) -> None:
        place = self.artefacts / mutant.folder()
        place.mkdir(parents=True, exist_ok=True)
        known = {"mutant": mutant.name, "kind": mutant.kind, "seconds": round(seconds, 2), **vars(finding)}
        (place / "result.json").write_text(json.dumps(known, indent=1) + "\n")
        write_index(self.artefacts)


def write_index(artefacts: Path) -> None:
    """INDEX.md, of all results that are there."""
    lines = ["# Mutants on the checker", "", "| mutant | found | by | calls | executions | seconds | see | again |",
             "| --- | --- | --- | --- | --- | --- | --- | --- |"]
    for path in sorted(artefacts.glob("*/result.json")):
        known = json.loads(path.read_text())
        files = [f for f in ("report.txt", "page.html") if (path.parent / f).exists()]
        links = " ".join(f"[{f}]({path.parent.name}/{f})" for f in files)
        cells = [known["mutant"], known["found"], known["by"] or known["detail"], str(known["calls"] or ""),
                 str(known["executions"]), f"{known['seconds']:.1f}", links, shlex.join(known["command"])]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    (artefacts / "INDEX.md").write_text("\n".join(lines) + "\n")


def record(ledger: Path, artefacts: Path) -> None:
    """Writes into the ledger which client or model killed each mutant on the checker."""
    text = ledger.read_text()
    blocks = re.split(r"(?m)^(?=\[\[)", text)
    killers = {}
    for path in artefacts.glob("*/result.json"):
        known = json.loads(path.read_text())
        if known["found"] == "killed":
            killers[known["mutant"]] = known["by"]
    for i, block in enumerate(blocks):
        if not block.startswith("[["):
            continue
        kind, entries = next(iter(tomllib.loads(block).items()))
        entry = entries[0]
        name = f"{entry['site']} -> {entry['to']}" if kind == "weakening" else entry["name"]
        if name in killers:
            block = re.sub(r"(?m)^checker = .*\n", "", block)
            by = f"checker = {json.dumps(killers[name])}\n"
            blocks[i] = re.sub(r"(?m)^(by = .*\n)", lambda m: m.group(1) + by, block, count=1)
    ledger.write_text("".join(blocks))


def judge(models: Models, mutant: Mutant) -> Result:
    """Runs the mutant and says what came of it: by the model of the ledger, or by all that reach it."""
    start = time.monotonic()
    if mutant.verdict != "killed":
        found, detail = _survey(models, mutant.options)
    else:
        try:
            program = models.with_patches(mutant) if mutant.patches else None
            search = mutant.search if models.takes_searches else []
            report = models.run(mutant.by, mutant.options + search, program)
            found, detail = _verdict_of(report, mutant)
        except MutantError as error:
            found, detail = "broken", str(error)
    return Result(mutant, found, detail, time.monotonic() - start)


def _verdict_of(report: dict, mutant: Mutant) -> tuple[str, str]:
    if report["failed_by"] != "none":
        return "killed", f"{mutant.by}: {report['failed_by']}: {report['message']}".split("\n")[0]
    if mutant.options and not _reached(report):
        return "never reached", f"{mutant.by} does not reach the site"
    return "survived", f"{mutant.by} passes"


def _reached(report: dict) -> bool:
    """The changed site comes first in the list of sites."""
    return bool(report["sites"]) and report["sites"][0]["reached"] > 0


def _survey(models: Models, options: list[str]) -> tuple[str, str]:
    """Runs every model with a change."""
    killers, reaching = [], []
    for model in models.names():
        report = models.run(model, options)
        if report["failed_by"] != "none":
            killers.append(f"{model} ({report['failed_by']})")
        elif _reached(report):
            reaching.append(model)
    if killers:
        return "killed", ", ".join(killers)
    if not reaching:
        return "never reached", "no model reaches the site"
    return "survived", f"{len(reaching)} models that reach it pass"


# ----------------------------------------------------------------------------------------- the report


def print_table(results: list[Result], sites: dict[str, Site]) -> None:
    width = max(len(r.mutant.name) for r in results)
    for r in results:
        verdict = r.mutant.verdict if r.agrees() else f"{r.mutant.verdict}, BUT {r.found}"
        reason = r.detail if r.mutant.verdict == "killed" or not r.agrees() else r.mutant.why
        note = f"[{r.mutant.litmus}] " if r.mutant.litmus else ""
        print(f"{r.mutant.name:{width}}  {verdict:10}  {r.seconds:5.1f} s  {note}{reason}")
    kinds = ("weakening", "operation", "patch")
    counts = {k: [r for r in results if r.mutant.kind == k] for k in kinds}
    strong = sum(1 for s in sites.values() if s.order != "relaxed")
    print(f"\n{len(sites)} labelled sites, {strong} of them not relaxed")
    for kind in kinds:
        by_verdict = {}
        for r in counts[kind]:
            verdict = r.mutant.verdict if r.agrees() else r.found
            by_verdict[verdict] = by_verdict.get(verdict, 0) + 1
        shown = ", ".join(f"{n} {v}" for v, n in sorted(by_verdict.items())) or "none run"
        print(f"{kind + ' mutants':18} {len(counts[kind]):3}: {shown}")


def run_mutants(judge_one: Callable[[Mutant], Result], mutants: list[Mutant], jobs: int) -> list[Result]:
    results: list[Result] = []
    with ThreadPoolExecutor(jobs) as pool:
        for result in pool.map(judge_one, mutants):
            results.append(result)
            if sys.stderr.isatty():
                print(f"\r{len(results)} of {len(mutants)} mutants", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    return results


def survey(models: Models, sites: dict[str, Site], only: str) -> int:
    """Prints what kills each weakening, whatever the ledger says: to write the ledger by."""
    for site in sites.values():
        for order in site.weaker_orders():
            if re.search(only, f"{site.label} -> {order}"):
                found, detail = _survey(models, ["--weaken", f"{site.label}:{order}"])
                print(f"{site.label} -> {order}: {found}: {detail}", flush=True)
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "models", help="the build directory")
    parser.add_argument("--engine", choices=("relacy", "checker"), default="relacy", help="what runs the models")
    parser.add_argument("--quick", action="store_true", help="only what is killed with nothing compiled")
    parser.add_argument("--only", default="", metavar="REGEX", help="only mutants whose names match")
    parser.add_argument("--survey", action="store_true", help="run every weakening in every model")
    parser.add_argument("--artefacts", type=Path, default=ROOT / "build" / "mutants", help="where --engine checker writes")
    parser.add_argument("--record", action="store_true", help="with --engine checker: write the killers to the ledger")
    parser.add_argument("--results", type=Path, metavar="FILE", help="write what came of each, for the end of make check")
    parser.add_argument("--jobs", type=int, default=int(os.environ.get("JOBS", os.cpu_count() or 1)))
    parser.add_argument("--time-limit", type=float, default=120, metavar="S", help="seconds for one model")
    options = parser.parse_args()
    engine = CheckedModels if options.engine == "checker" else Models
    models = engine(options.build, options.time_limit)
    sites = read_sites()
    if options.survey:
        return survey(models, sites, options.only)
    ledger = read_ledger(sites, set(models.names()), models.litmus(), options.engine)
    mutants = [m for m in ledger if re.search(options.only, m.name)]
    if options.quick:
        mutants = [m for m in mutants if m.verdict == "killed" and m.kind != "patch"]
    if options.engine == "relacy":
        mutants = [m for m in mutants if not m.only_checker]
    if not mutants:
        raise MutantError(f"--only {options.only}: no mutant of that name")
    judge_one = functools.partial(judge, models)
    patched = next((m for m in mutants if m.patches), None)
    if isinstance(models, CheckedModels):
        judge_one = OnChecker(models, options.artefacts, options.quick).judge
    elif patched is not None:
        models.check_rebuilding(patched)
    results = run_mutants(judge_one, mutants, options.jobs)
    print_table(results, sites)
    if options.record:
        record(LEDGER, options.artefacts)
    if options.results:
        judged = [{"mutant": r.mutant.name, "kind": r.mutant.kind, "found": r.found, "agrees": r.agrees()} for r in results]
        options.results.write_text(json.dumps(judged, indent=1) + "\n")
    counts = {found: sum(1 for r in results if r.found == found) for found in ("killed", "certified", "alarm")}
    print(f"{options.engine}: {counts['killed']} killed, {counts['certified']} certified, {counts['alarm']} alarms")
    wrong = sum(1 for r in results if not r.agrees())
    print(f"{len(results) - wrong} passed, {wrong} failed")
    return 1 if wrong else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except MutantError as error:
        print(f"mutants: {error}", file=sys.stderr)
        sys.exit(2)
