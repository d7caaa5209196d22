#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the steps of `make check`, each a target of the Makefile, and says at the end in ten lines what was proved.

What the steps print goes to a file each, and to the terminal only what shows how far they are. Every number of the
ending is read from what the steps have left in the directory of --found: of what did not run, nothing is said.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import headers
from ending import Progress, lines_or_ticks

ROOT = Path(__file__).resolve().parent.parent
LAST_LINES = 25
# What a step prints of its own accord to say how far it is: a family of clients.
FAMILY = re.compile(r"^\w+, \d+ calls")
COMPILED = re.compile(r"^\[\d+/\d+\]")
RESULTS = {
    "proofs": ("proofs.lines", "survey.json"),
    "assembly": ("assembly.json",),
    "models-quick": ("relacy.json",),
    "mutants-quick": ("mutants-checker.json", "mutants-relacy.json"),
}
SUBJECTS = (("pool_dequeue", "ring"), ("object_pool", "pool"),
            ("wide_pool", "pool on three CPUs, all or two of which it is told"),
            ("narrow_pool", "pool with batches of 1 and budgets of 2"),
            ("rare_pool", "pool, try_get_near or reserve is called"),
            ("upkept_pool", "pool with hooks and bounds"))

Line = dict[str, Any]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--found", type=Path, required=True, help="where the steps leave what they found")
    parser.add_argument("steps", nargs="+", metavar="STEP", help="targets of the Makefile, in their order")
    options = parser.parse_args()
    start = time.monotonic()
    options.found.mkdir(parents=True, exist_ok=True)
    for old in options.found.iterdir():
        old.unlink()
    failed = next((step for step in options.steps
                   if not (run(step, options.found) and left(step, options.found))), None)
    print()
    if failed:
        log = options.found / f"{failed}.log"
        print("".join(log.read_text().splitlines(keepends=True)[-LAST_LINES:]), end="")
        print()
    for line in ending(options.found, time.monotonic() - start, failed is None):
        print(line)
    if failed:
        print(f"FAILED: the step '{failed}', above. Again: make {failed}. All that it said: {log}")
    return 1 if failed else 0


def run(step: str, place: Path) -> bool:
    """Runs a step and shows how far it is: on a terminal how long it has taken and its last line, else a line for each
    family."""
    begun = time.monotonic()
    progress = Progress(step)
    shown = begun
    print(f"{step}: begins", flush=True)
    command = ["make", "--no-print-directory", step]
    with (place / f"{step}.log").open("w") as log, subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace") as running:
        assert running.stdout is not None
        for line in lines_or_ticks(running.stdout):
            log.write(line or "")
            progress.show(line and line.rstrip())
            if line is None or progress.shown:
                continue
            if FAMILY.match(line) or (COMPILED.match(line) and time.monotonic() > shown + 20):
                shown = time.monotonic()
                print(f"  {line.rstrip()}", flush=True)
    progress.clear()
    ended = "done" if running.returncode == 0 else "FAILED"
    print(f"{step}: {ended}, {text_of(time.monotonic() - begun)}", flush=True)
    return running.returncode == 0


def left(step: str, place: Path) -> bool:
    """Whether a step has left what is said of it at the end: a pass of which nothing is known is none."""
    missing = [name for name in RESULTS.get(step, ())
               if not (place / name).is_file() or not (place / name).stat().st_size]
    if missing:
        with (place / f"{step}.log").open("a") as log:
            log.write(f"It passed, but left no {' and no '.join(missing)} in {place}.\n")
    return not missing


def text_of(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds // 60:.0f} min {seconds % 60:.0f} s"


def ending(found: Path, seconds: float, passed: bool) -> list[str]:
    """What is said of the results in `found`."""
    lines = [f"make check: {'everything holds' if passed else 'FAILED'}, "
             f"in {text_of(seconds)} on {os.cpu_count()} processors; "
             f"{headers_text()}"]
    lines += proofs(read_lines(found / "proofs.lines"), read_json(found / "survey.json"))
    lines += assembly(read_json(found / "assembly.json"))
    lines += searched(read_json(found / "relacy.json"))
    lines += mutants(read_json(found / "mutants-checker.json"), read_json(found / "mutants-relacy.json"))
    return lines


def read_lines(path: Path) -> list[Line]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def read_json(path: Path) -> list[Line]:
    lines: list[Line] = json.loads(path.read_text()) if path.exists() else []
    return lines


def headers_text() -> str:
    """Which headers, by the hash of their tokens and by the commit, if they are that commit's."""
    where = "impl/include"
    commit = git("log", "-1", "--format=%h", "--", where)
    changed = git("status", "--porcelain", "--", where)
    of = f", last changed in {commit}{', and since' if changed else ''}" if commit else ""
    return f"headers {headers.hash_of()[:12]}{of}"


def git(*arguments: str) -> str:
    try:
        done = subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True, check=False)
    except OSError:
        return ""  # an archive, without git
    return done.stdout.strip() if done.returncode == 0 else ""


def proofs(lines: list[Line], surveyed: list[Line]) -> list[str]:
    if not lines:
        return ["Proved: nothing was run."]
    searches = {line["search"]: line for line in lines if "shard" in line}
    others = [line for line in lines if "shard" not in line]
    executions = sum(line["complete"] for line in others if is_done(line))
    executions += sum(row["executions"] for row in surveyed)
    said = [f"Proved, in every execution that RC11 allows ({executions:,}), each visited once:"]
    for prefix, name in SUBJECTS:
        of = [line for line in others if "client" in line and searches[line["search"]]["family"].startswith(prefix)]
        if of:
            said += clients(name, of, searches)
    said += survey(surveyed)
    models = [line for line in others if "client" not in line]
    done = [line for line in models if is_done(line)]
    if models:
        least, most = min(line["threads"] for line in models), max(line["threads"] for line in models)
        said.append(f"  models: {len(done)} of {len(models)}, each with its own property and {least} to {most} threads")
    said.append(f"Not proved: {not_proved(others, searches)}.")
    return said


def is_done(line: Line) -> bool:
    return not line["errors"] and not line["cut"] and not line.get("timed_out")


def clients(name: str, lines: list[Line], searches: dict[str, Line]) -> list[str]:
    """How many of which family and size, and what was checked in them."""
    sizes: dict[str, dict[tuple[bool, int], list[Line]]] = {}
    for line in lines:
        search = searches[line["search"]]
        of = sizes.setdefault(search["family"], {})
        of.setdefault((search["progress"], search["calls"]), []).append(line)
    texts = []
    for family, of in sizes.items():
        said = []
        for (progress, calls), each in sorted(of.items()):
            done = sum(map(is_done, each))
            said.append(f"{'all' if done == len(each) else f'{done:,} of'} {len(each):,} of {calls} calls"
                        f"{' with each thread stopped anywhere' if progress else ''}")
        texts.append(f"{family}, {', '.join(said)}")
    threads = max(line["client"].count("|") + 1 for line in lines)
    properties = list(dict.fromkeys(searches[line["search"]]["property"] for line in lines))
    return [f"  {name}, clients of up to {threads} threads: {'; '.join(texts)}",
            *(f"    {each}" for each in properties)]


def survey(rows: list[Line]) -> list[str]:
    """Of the clients that were taken as long as there was time."""
    if not rows:
        return []
    machines = len({row["family"] for row in rows})
    small = [row for row in rows if row["calls"] <= 3]
    said = (f"  pool, every call and one event (refused memory, a migration, a throw, ...), on {machines} machines: "
            f"{proved_of(small)} clients of up to 3 calls")
    if larger := [row for row in rows if row["calls"] > 3]:
        said += (f"; of put, get and rotate, on {len({row['family'] for row in larger})} of them: "
                 f"{proved_of(larger)} clients of 4 and 5 calls")
    return [said + "; the cheapest first"]


def proved_of(rows: list[Line]) -> str:
    return f"{sum(row['proved'] for row in rows):,} of {sum(row['clients'] for row in rows):,}"


def not_proved(lines: list[Line], searches: dict[str, Line]) -> str:
    unfinished = [line for line in lines if not line["errors"] and not is_done(line)]
    texts = []
    for kind, of in (("clients", [line for line in unfinished if "client" in line]),
                     ("models", [line for line in unfinished if "client" not in line])):
        limits = {limit for line in of for limit in re.findall(r"--seconds (\S+)", line["search"])}
        if of:
            texts.append(f"{len(of)} {kind} that take more than {' or '.join(sorted(limits))} s "
                         "(make check-full gives them more)")
    return "; ".join([*texts, "larger programs"])


def assembly(results: list[Line]) -> list[str]:
    """Of the sections, of which the proofs run the steps in C++."""
    if not results:
        return []
    makers: dict[str, list[str]] = {}
    for each in results:
        makers.setdefault(each["architecture"], []).append(each["compiler"].split()[0])
    said = [f"{' and '.join(dict.fromkeys(of))} on {architecture}" for architecture, of in makers.items()]
    different = sum(len(each["different"]) for each in results)
    of = f"{different} of {sum(each['sections'] for each in results)}" if different else "none"
    return [f"The assembly of the sections was run instruction by instruction, as made by {'; by '.join(said)}: {of} "
            f"did other than the proved steps."]


def searched(results: list[Line]) -> list[str]:
    if not results:
        return []
    full = sum(result["exhaustive"] for result in results)
    failed = sum(not result["passed"] for result in results)
    random = sum(result["random_iterations"] for result in results)
    return [f"Searched on Relacy: {len(results)} models and litmus tests, {full} in full for its semantics, "
            f"{random:,} random "
            f"executions; {failed or 'none'} failed. What is random proves nothing."]


def mutants(checker: list[Line], other: list[Line]) -> list[str]:
    if not checker and not other:
        return []
    agreed = [f"{sum(each['agrees'] for each in results)} of {len(results)} on {engine}"
              for engine, results in (("the checker", checker), ("Relacy", other)) if results]
    return [f"Weakened orders and broken operations of the headers that are noticed: {', '.join(agreed)}."]


if __name__ == "__main__":
    sys.exit(main())
