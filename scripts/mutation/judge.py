# SPDX-License-Identifier: MIT
"""What becomes of a mutant: on Relacy by its model, on the checker by a search for what kills it."""

from __future__ import annotations

import json
import time
from pathlib import Path

from . import killers
from .build import CheckedModels, Models, Report
from .killers import Clients, Family, Finding
from .ledger import PLAYERS, Mutant, MutantError, Result
from .report import write_index


def judge(models: Models, mutant: Mutant) -> Result:
    """Runs the mutant and says what came of it: by the model of the ledger, or by all that reach it."""
    start = time.monotonic()
    if mutant.verdict != "killed":
        found, detail = survey(models, mutant.options)
    else:
        try:
            program = models.with_patches(mutant) if mutant.patches else None
            search = mutant.search if models.takes_searches else []
            report = models.run(mutant.by, mutant.options + search, program)
            found, detail = verdict_of(report, mutant)
        except MutantError as error:
            found, detail = "broken", str(error)
    return Result(mutant, found, detail, time.monotonic() - start)


def verdict_of(report: Report, mutant: Mutant) -> tuple[str, str]:
    if report["failed_by"] != "none":
        return "killed", f"{mutant.by}: {report['failed_by']}: {report['message']}".split("\n")[0]
    if mutant.options and not _reached(report):
        return "never reached", f"{mutant.by} does not reach the site"
    return "survived", f"{mutant.by} passes"


def _reached(report: Report) -> bool:
    """The changed site comes first in the list of sites."""
    return bool(report["sites"]) and report["sites"][0]["reached"] > 0


def survey(models: Models, options: list[str]) -> tuple[str, str]:
    """Runs every model with a change."""
    killing: list[str] = []
    reaching: list[str] = []
    for model in models.names():
        report = models.run(model, options)
        if report["failed_by"] != "none":
            killing.append(f"{model} ({report['failed_by']})")
        elif _reached(report):
            reaching.append(model)
    if killing:
        return "killed", ", ".join(killing)
    if not reaching:
        return "never reached", "no model reaches the site"
    return "survived", f"{len(reaching)} models that reach it pass"


class OnChecker:
    """Judges mutants on the checker, and keeps what it finds in a folder for each."""

    def __init__(self, models: CheckedModels, artefacts: Path, quick: bool, reads: tuple[str, ...] = ("merged",)):
        self.models = models
        self.artefacts = artefacts
        self.quick = quick
        self.reads = reads  # the ways in which the ledger's clients are searched: each must kill
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
            found, detail = verdict_of(self.models.run(model, mutant.options), mutant)
            return Finding(found, detail, f"model {model}")
        status, report = self._one(family, scripts, mutant.options, self.clients.program)
        detail = (report.splitlines() or ["it broke the program"])[0]
        return Finding("killed" if status == 1 else "survived", detail, mutant.checker)

    def _one(self, family: Family, scripts: str, options: list[str], program: Path) -> tuple[int, str]:
        """Exit status and report of one client: of the first way to search it in which it does not fail, if any."""
        status, report = 0, ""
        for how in self.reads:
            status, report = self.clients.one(family, scripts, [*options, "--reads", how], program)
            if status == 0:
                return status, f"--reads {how}: {report}"
        return status, report

    def _by_model(self, mutant: Mutant) -> Finding:
        """Judges a mutant by the model of the ledger alone."""
        program = self.models.with_patches(mutant) if mutant.patches else self.models.program
        report = self.models.run(mutant.by, mutant.options, program)
        found, detail = verdict_of(report, mutant)
        if found == "killed" and report["failed_by"] != "crash":
            return killers.killed_by_model(program, mutant.options, report)
        return Finding(found, detail, f"model {mutant.by}")

    def _by_client(self, mutant: Mutant) -> Finding:
        """Judges a patch by the client of the ledger alone."""
        name, _, scripts = mutant.checker.partition(" ")
        family = self.clients.family(name)
        if family is None:
            raise MutantError(f"{mutant.name}: 'checker' names no family's client")
        include = self.models.patched_headers(mutant, self.models.build / "mutants_on_checker" / mutant.folder())
        program = self.models.program_with(mutant, include, "proofs", {PLAYERS[name]})
        status, report = self._one(family, scripts, mutant.options, program)
        detail = (report.splitlines() or ["", ""])[1:2]
        command = self.clients.command(family, scripts, mutant.options, program)
        return Finding("killed" if status != 0 else "survived", " ".join(detail), mutant.checker, command=command)

    def _search(self, mutant: Mutant) -> Finding:
        if mutant.only_checker:
            known = self._by_model(mutant) if mutant.by else self._by_client(mutant)
            if known.command and known.found == "killed":
                killers.keep(known, self.artefacts / mutant.folder())
            return known
        program, models_program, include = self.clients.program, self.models.program, None
        if mutant.patches:
            include = self.models.patched_headers(mutant, self.models.build / "mutants_on_checker" / mutant.folder())
            sources = {PLAYERS[each.name] for each in killers.FAMILIES if each.name.startswith("object_pool")}
            if "pool_dequeue.hpp" in mutant.headers:
                sources.add(PLAYERS["pool_dequeue"])
            program = self.models.program_with(mutant, include, "proofs", sources)
        finding, searches = self.clients.smallest_failing(mutant.options, mutant.headers, program)
        if finding is None:
            if include is not None:
                source = self.models.entries[mutant.by]["file"]
                models_program = self.models.program_with(mutant, include, "checked_models", {source})
            finding = killers.smallest_failing_model(models_program, mutant.options, mutant.by)
        if finding is None:
            return killers.compared(self.clients, searches, mutant.site())
        killers.keep(finding, self.artefacts / mutant.folder())
        return finding

    def _write(self, mutant: Mutant, finding: Finding, seconds: float) -> None:
        place = self.artefacts / mutant.folder()
        place.mkdir(parents=True, exist_ok=True)
        known = {"mutant": mutant.name, "kind": mutant.kind, "seconds": round(seconds, 2), **vars(finding)}
        (place / "result.json").write_text(json.dumps(known, indent=1) + "\n")
        write_index(self.artefacts)
