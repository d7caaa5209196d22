#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
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
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mutation import clauses, judge
from mutation.build import CheckedModels, Models
from mutation.ledger import LEDGER, ROOT, Mutant, MutantError, Result, Site, read_ledger, read_sites, record
from mutation.report import killers_in, print_table


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
                found, detail = judge.survey(models, ["--weaken", f"{site.label}:{order}"])
                print(f"{site.label} -> {order}: {found}: {detail}", flush=True)
    return 0


def judge_clauses(models: CheckedModels, mutants: list[Mutant], only: str, jobs: int) -> int:
    """Sees that each clause of the specification is needed."""
    needs = [need for need in clauses.table() if re.search(only, need.clause)]
    with ThreadPoolExecutor(jobs) as pool:
        complaints = list(pool.map(clauses.Judge(models, mutants).complaint, needs))
    for need, complaint in zip(needs, complaints, strict=True):
        print(f"{need.clause:14} {complaint or 'needed'}: {need.mutant}; {need.client}")
    failed = sum(map(bool, complaints))
    print(f"{len(needs) - failed} of {len(needs)} clauses are needed")
    return 1 if failed or not needs else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "dev", help="the build directory")
    parser.add_argument("--engine", choices=("relacy", "checker"), default="relacy", help="what runs the models")
    parser.add_argument("--quick", action="store_true", help="only what is killed with nothing compiled")
    parser.add_argument("--only", default="", metavar="REGEX", help="only mutants whose names match")
    parser.add_argument("--reads", choices=("merged", "each", "compared"), default="merged",
                        help="with --engine checker: how the ledger's clients are searched; compared: both ways, and"
                        " both must kill")
    parser.add_argument("--survey", action="store_true", help="run every weakening in every model")
    parser.add_argument("--clauses", action="store_true",
                        help="with --engine checker: see that each clause of the pool's specification is needed by a"
                        " mutant: --only chooses clauses")
    parser.add_argument("--artefacts", type=Path, default=ROOT / "build" / "mutants",
                        help="where --engine checker writes")
    parser.add_argument("--record", action="store_true", help="with --engine checker: write the killers to the ledger")
    parser.add_argument("--json", type=Path, metavar="FILE",
                        help="write what came of each, for the end of make check")
    parser.add_argument("--jobs", type=int, default=int(os.environ.get("JOBS", os.cpu_count() or 1)))
    parser.add_argument("--seconds", type=float, default=120, metavar="S", help="seconds for one model")
    options = parser.parse_args()
    engine = CheckedModels if options.engine == "checker" else Models
    models = engine(options.build.resolve(), options.seconds)
    sites = read_sites()
    if options.survey:
        return survey(models, sites, options.only)
    ledger = read_ledger(sites, set(models.names()), models.litmus(), options.engine)
    if options.clauses:
        if not isinstance(models, CheckedModels):
            parser.error("--clauses: with --engine checker")
        return judge_clauses(models, ledger, options.only, options.jobs)
    mutants = [m for m in ledger if re.search(options.only, m.name)]
    if options.quick:
        mutants = [m for m in mutants if m.verdict == "killed" and m.kind != "patch"]
    if options.engine == "relacy":
        mutants = [m for m in mutants if not m.only_checker]
    if not mutants:
        raise MutantError(f"--only {options.only}: no mutant of that name")
    judge_one: Callable[[Mutant], Result] = functools.partial(judge.judge, models)
    patched = next((m for m in mutants if m.patches), None)
    if isinstance(models, CheckedModels):
        reads = ("merged", "each") if options.reads == "compared" else (options.reads,)
        judge_one = judge.OnChecker(models, options.artefacts, options.quick, reads).judge
    elif patched is not None:
        models.check_rebuilding(patched)
    results = run_mutants(judge_one, mutants, options.jobs)
    print_table(results, sites)
    if options.record:
        record(LEDGER, killers_in(options.artefacts))
    if options.json:
        judged = [{"mutant": r.mutant.name, "kind": r.mutant.kind, "found": r.found, "agrees": r.agrees()}
                  for r in results]
        options.json.write_text(json.dumps(judged, indent=1) + "\n")
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
