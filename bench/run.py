#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run a campaign of benchmarks and record where its numbers come from.

This is the only way to a published number. A campaign (bench/campaigns/*.toml) names variants: a program,
perhaps with an allocator preloaded or an environment. Each round runs a process for every variant and
scenario, scenario by scenario in random order; every C++ process also measures the bare slot, which ratios go
through. The result, with its provenance, goes to bench/results/. One whose slot drifts by more than 5 % is refused:
its samples are kept in build/campaigns/, and nowhere published.

An interruption loses nothing but the process that is running: --resume goes on.
"""

from __future__ import annotations

import argparse
import datetime
import os
import pathlib
import sys
from typing import Any

from runner.campaign import Campaign, load, tasks_of, what_is_missing
from runner.errors import RunnerError
from runner.files import write
from runner.programs import KINDS
from runner.provenance import ROOT, build_flags, digest, machine, newer_sources, source
from runner.result import KEPT, MOST_DRIFT, RESULTS, new_path, result_of
from runner.session import Partial, Runnable, run
from runner.tables import text

QUICK_MIN_TIME = 0.002
PARTS = ("variant", "scenario", "peer")  # by which a quick run may measure less than the whole
FEWEST_ROUNDS = 5  # fewer show no spread
REFUSED = 3  # the exit status
INTERRUPTED = 130


def runnables_of(campaign: Campaign, build: pathlib.Path,
                 options: argparse.Namespace) -> tuple[list[Runnable], dict[str, str]]:
    """What can be run here, and why the rest is left out; a variant that may not be is an error."""
    found: list[Runnable] = []
    skipped: dict[str, str] = {}
    known: set[str] = set()
    peers: set[str | None] = set()
    for variant in campaign.variants:
        binary = build / "bench" / variant.program
        if why := what_is_missing(variant, binary):
            if not variant.optional:
                raise RunnerError(f"{variant.name}: {why}")
            skipped[variant.name] = why
            print(f"run.py: {variant.name} is left out: {why}", file=sys.stderr)
            continue
        program = KINDS[variant.program](binary)
        benchmarks = program.benchmarks()
        known |= {each.scenario for each in benchmarks}
        peers |= {each.peer for each in benchmarks}
        found.append(Runnable(variant, program,
                              tasks_of(campaign, variant, benchmarks, options.peer)))
    # What is said of scenarios that only the variants have which were left out is not known to be
    # wrong.
    of_all = [] if options.variant else campaign.process_per_peer
    for scenario in (campaign.scenarios or []) + of_all:
        if found and scenario not in known:
            raise RunnerError(f"{options.campaign}: no program has a scenario '{scenario}'; there are "
                              f"{', '.join(sorted(known))}")
    for peer in options.peer or []:
        if found and peer not in peers:
            raise RunnerError(f"--peer: no program has a peer '{peer}'; there are "
                              f"{', '.join(sorted(filter(None, peers)))}")
    if not any(each.tasks for each in found):
        raise RunnerError(f"{options.campaign}: nothing of it is left to run")
    return [each for each in found if each.tasks], skipped


def narrow(campaign: Campaign, options: argparse.Namespace) -> None:
    """Only a part of the campaign, as a quick run may ask for."""
    known = [each.name for each in campaign.variants]
    for name in options.variant or []:
        if name not in known:
            raise RunnerError(f"--variant: '{name}' is none of {', '.join(known)}")
    if options.variant:
        campaign.variants = [each for each in campaign.variants if each.name in options.variant]
    if options.scenario:
        campaign.scenarios = options.scenario


def check(campaign: Campaign, options: argparse.Namespace) -> None:
    """What would make the result worthless, before the minutes are spent."""
    if options.output and options.output.exists():
        raise RunnerError(f"--output: {options.output} exists")
    if options.quick:
        if options.output and RESULTS in options.output.resolve().parents:
            raise RunnerError("--output: a quick run is never written to bench/results")
        return
    for part in PARTS:
        if getattr(options, part):
            raise RunnerError(f"--{part} measures a part: it needs --quick")
    if campaign.rounds < FEWEST_ROUNDS:
        raise RunnerError(f"{options.campaign}: {campaign.rounds} rounds show no spread: at least "
                          f"{FEWEST_ROUNDS} (or --quick)")
    if source()["commit"] is None:
        raise RunnerError("git names no commit: a number that is kept needs one (or --quick)")


def check_builds(runnables: list[Runnable]) -> None:
    for binary in {each.program.binary for each in runnables}:
        if newer := newer_sources(binary):
            others = f" and {len(newer) - 1} more" if len(newer) > 1 else ""
            raise RunnerError(f"{binary.name} is older than {newer[0]}{others}; 'make bench' builds "
                              "it again (or --quick)")
        if binary.name != "pool_go" and build_flags(binary) is None:
            raise RunnerError(f"no Ninja build above {binary} tells its flags: use 'make bench' (or "
                              "--quick)")


def header_of(campaign: Campaign, runnables: list[Runnable],
              options: argparse.Namespace) -> dict[str, Any]:
    """What must be the same in all processes of a campaign."""
    return {
        "campaign": digest(options.campaign),
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "quick": options.quick,
        "part": {each: getattr(options, each) for each in PARTS},
        "rounds": 1 if options.quick else campaign.rounds,
        "min_time": QUICK_MIN_TIME if options.quick else campaign.min_time,
        "source": source(),
        "machine": machine(),
        "affinity": sorted(os.sched_getaffinity(0)),
        "programs": {each.program.binary.name: digest(each.program.binary) for each in runnables},
    }


def warn(result: dict[str, Any]) -> None:
    builds = result.get("variants", {"": result.get("build")})
    loads = result["load"] if "load" in result else [result["load_before"]]
    if result["source"]["dirty"]:
        print("run.py: warning: the tree has changes that are not committed; the result says so",
              file=sys.stderr)
    if any(not each["optimized"] for each in builds.values()):
        print("run.py: warning: compiled without optimization", file=sys.stderr)
    if loads[0][0] > 0.5:
        print(f"run.py: warning: the load was {loads[0][0]:.2f} before the run; other work disturbs "
              "the numbers", file=sys.stderr)


def keep(result: dict[str, Any], options: argparse.Namespace) -> int:
    """Writes the result to where it belongs; one that is refused to where nobody publishes from."""
    drifted = result.get("slot_drift", 0.0) > MOST_DRIFT and not options.quick
    if drifted:
        path = new_path(KEPT, {**result, "campaign": f"rejected-{result['campaign']}"})
    elif options.output:
        path = options.output
    elif options.quick:
        return 0
    else:
        path = new_path(RESULTS, result)
    write(path, result)
    print(f"\nwritten: {os.path.relpath(path)}")
    if not drifted:
        return 0
    print(f"run.py: REJECTED: the bare slot of a round is {result['slot_drift']:.1%} off the "
          f"campaign's median, more than {MOST_DRIFT:.0%}: other work disturbed it. The samples are "
          "in the file above, which is no result; run the campaign again on a quiet machine.",
          file=sys.stderr)
    return REFUSED


def measure(options: argparse.Namespace) -> int:
    campaign = load(options.campaign)
    check(campaign, options)
    narrow(campaign, options)
    runnables, skipped = runnables_of(campaign, options.build.resolve(), options)
    if not options.quick:
        check_builds(runnables)
    header = header_of(campaign, runnables, options)
    partial = Partial(KEPT / f"{campaign.name}{'-quick' * options.quick}.jsonl", header)
    partial.begin(options.resume, options.restart or (options.quick and not options.resume))
    try:
        run(campaign, runnables, partial, header["rounds"], header["min_time"],
            sys.stderr)
    except KeyboardInterrupt:
        print(f"\nrun.py: interrupted; {len(partial.records)} processes are kept, and the same command "
              "with --resume goes on", file=sys.stderr)
        return INTERRUPTED
    except RunnerError as error:
        raise RunnerError(f"{error}\nrun.py: {len(partial.records)} processes are kept in "
                          f"{os.path.relpath(partial.path)}; --resume goes on") from None
    result = result_of(campaign, runnables, skipped, partial.header, partial.records)
    print(text(result))
    warn(result)
    status = keep(result, options)
    partial.end()
    return status


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("campaign", type=pathlib.Path, help="a file as in bench/campaigns")
    parser.add_argument("--quick", action="store_true",
                        help="a smoke test: one short round, never written to bench/results")
    parser.add_argument("--resume", action="store_true", help="go on with what was interrupted")
    parser.add_argument("--restart", action="store_true", help="throw away what was interrupted")
    parser.add_argument("--build", type=pathlib.Path, metavar="DIR",
                        default=ROOT / "build" / "release",
                        help="where the programs were built (default: build/release)")
    parser.add_argument("--output", type=pathlib.Path, metavar="FILE",
                        help="where to write the result's head; its tables lie beside it (default: a new "
                             "result in bench/results; with --quick nowhere)")
    for part in ("variant", "scenario", "peer"):
        parser.add_argument(f"--{part}", action="append", metavar="NAME",
                            help=f"only this {part} (needs --quick; may be repeated)")
    options = parser.parse_args()
    if options.resume and options.restart:
        parser.error("--resume and --restart exclude each other")
    return options


def main() -> int:
    try:
        return measure(parse_arguments())
    except RunnerError as error:
        print(f"run.py: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
