#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the Relacy models of poolproof, and the litmus tests of Relacy itself.

Each model is a process of its own, for Relacy keeps global state; as many run at a time as there are
jobs. Prints one line for each model, the table of the litmus tests, and how often each labelled site of
the headers was reached. Fails if a model fails, or if a site is reached by no model.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LITMUS_FOLDER = "litmus"

# A model or site as it comes from JSON.
Record = dict[str, Any]


class Failure(Exception):
    """Something that makes the whole run impossible."""


def main() -> int:
    arguments = parse_arguments()
    try:
        if arguments.model:
            return run_one(arguments)
        return run_all(arguments)
    except Failure as failure:
        print(f"run.py: {failure}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--binary",
        type=Path,
        default=ROOT / "build" / "dev" / "relacy_models" / "relacy_models",
        help="the program relacy_models (default: %(default)s)",
    )
    parser.add_argument(
        "--jobs",
        type=int,
        default=int(os.environ.get("JOBS") or os.cpu_count() or 1),
        help="models that run at a time (default: $JOBS, else the number of cores)",
    )
    parser.add_argument("--model", help="run this one only, and show what Relacy prints")
    parser.add_argument(
        "--seed",
        default="1",
        metavar="SEED",
        help="a number, the seed of the random searches (default: 1); or with --model, what a failure "
        "printed as its SEED: runs that execution again",
    )
    parser.add_argument("--skip-litmus", action="store_true", help="run the models of the headers only")
    parser.add_argument(
        "--seconds", type=float, default=600, help="seconds for one model (default: 600)"
    )
    parser.add_argument(
        "--iterations",
        type=int,
        help="of the random searches of the headers' models (default: as each model says, 1000000)",
    )
    parser.add_argument(
        "--most-preemptions",
        type=int,
        metavar="N",
        help="at most so many in the searches of three threads and more that are bounded by them "
        "(default: as each model says)",
    )
    parser.add_argument("--json", type=Path, help="write all results to this file")
    parser.add_argument("--verbose", action="store_true", help="show the outcomes that were seen")
    arguments = parser.parse_args()
    if arguments.jobs < 1:
        parser.error("--jobs: at least 1")
    arguments.is_replay = ":" in arguments.seed
    if arguments.is_replay and not arguments.model:
        parser.error("--seed: to run an execution again, name its model with --model")
    if not arguments.is_replay and not arguments.seed.isdecimal():
        parser.error(f"--seed: '{arguments.seed}' is neither a number nor what a failure printed")
    if not arguments.binary.is_file():
        parser.error(f"--binary: there is no {arguments.binary}")
    return arguments


def run_one(arguments: argparse.Namespace) -> int:
    command = [str(arguments.binary), "--model", arguments.model]
    if arguments.is_replay:
        command += ["--replay", arguments.seed]
    else:
        command += ["--seed", arguments.seed, "--seconds", str(arguments.seconds)]
    return subprocess.run(command, check=False).returncode


def run_all(arguments: argparse.Namespace) -> int:
    start = time.monotonic()
    models = list_models(arguments.binary)
    if arguments.skip_litmus:
        models = [model for model in models if not is_litmus(model)]
    if not models:
        raise Failure("the program has no models")
    sites = labelled_sites()
    results = run_models(models, arguments)
    print_models([r for r in results if not is_litmus(r)], arguments.verbose)
    print_litmus([r for r in results if is_litmus(r)])
    unreached = print_sites(sites, [r for r in results if not is_litmus(r)])
    print_failures(results)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return print_summary(results, unreached, time.monotonic() - start)


def list_models(binary: Path) -> list[Record]:
    done = subprocess.run([binary, "--list", "--json"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failure(f"{binary} --list: {done.stderr.strip()}")
    models: list[Record] = json.loads(done.stdout)
    return models


# What only sections reach: Relacy has none, and the models of section_models.cpp run on the
# checker.
ONLY_BY_SECTIONS = ("magazine.hpp", "magazine_steps.hpp")


def is_litmus(model: Record) -> bool:
    return Path(__file__).parent.joinpath(LITMUS_FOLDER, str(model["file"])).is_file()


def labelled_sites() -> list[Record]:
    """The atomic operations of the headers, as their label lines name them."""
    lint = ROOT / "scripts" / "lint_orders.py"
    done = subprocess.run(
        [sys.executable, lint, "--json"], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise Failure(f"{lint.name}: {done.stderr.strip() or done.stdout.strip()}")
    return [site for site in json.loads(done.stdout) if Path(site["file"]).name not in ONLY_BY_SECTIONS]


def run_models(models: list[Record], arguments: argparse.Namespace) -> list[Record]:
    """Runs the models, the long ones first, and returns their results in the order of the list."""
    by_length = sorted(models, key=lambda model: bool(model["full"]))
    results: dict[str, Record] = {}
    with ThreadPoolExecutor(max_workers=arguments.jobs) as pool:
        futures = {pool.submit(run_model, model, arguments): model["name"] for model in by_length}
        try:
            for future in as_completed(futures):
                results[futures[future]] = future.result()
                show_progress(len(results), len(models), futures[future])
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    show_progress(0, 0, "")
    return [results[model["name"]] for model in models]


def run_model(model: Record, arguments: argparse.Namespace) -> Record:
    command = [str(arguments.binary), "--json", "--model", model["name"]]
    command += ["--seed", arguments.seed, "--seconds", str(arguments.seconds)]
    if arguments.iterations is not None and not is_litmus(model):
        command += ["--iterations", str(arguments.iterations)]
    if arguments.most_preemptions is not None and model["threads"] > 2:
        command += ["--most-preemptions", str(arguments.most_preemptions)]
    # The program stops by itself; this is for one that hangs inside an execution.
    patience = arguments.seconds + 60
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=patience
        )
    except subprocess.TimeoutExpired:
        return broken(model, f"no result after {patience:.0f} s")
    try:
        result: Record = json.loads(done.stdout)
        return result
    except json.JSONDecodeError:
        last_words = (done.stdout + done.stderr).strip()[-500:]
        return broken(model, f"no result, exit status {done.returncode}: {last_words}")


def broken(model: Record, complaint: str) -> Record:
    """The result of a process that gave none."""
    return model | {
        "search": "none",
        "exhaustive": False,
        "iterations": 0,
        "random_iterations": 0,
        "distinct_schedules": 0,
        "seconds": 0.0,
        "passed": False,
        "failed_by": "other",
        "complaints": [complaint],
        "outcomes": [],
        "state": "",
        "interleaving": "",
        "sites": [],
    }


def show_progress(done: int, total: int, name: str) -> None:
    if not sys.stderr.isatty():
        return
    text = f"{done}/{total} {name}" if total else ""
    print(f"\r{text:<78.78}", end="" if total else "\r", file=sys.stderr, flush=True)


def print_models(results: list[Record], verbose: bool) -> None:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    print("Models: property | threads | bound | search | iterations | seconds | verdict")
    for result in results:
        iterations = f"{result['iterations']:,} iterations"
        if result["random_iterations"]:
            iterations += f" ({result['distinct_schedules']:,} distinct random ones)"
        print(
            f"{result['name']}: {result['property']} | {result['threads']} | {result['bound']} | "
            f"{search_text(result)} | {iterations} | {result['seconds']:.2f} s | {verdict(result)}"
        )
        for outcome in result["outcomes"] if verbose else []:
            print(f"    {outcome['times']:>10,} x {outcome['text']}")


def search_text(result: Record) -> str:
    exhaustive = ", exhaustive for Relacy's semantics" if result["exhaustive"] else ""
    return str(result["search"]) + exhaustive


def verdict(result: Record) -> str:
    if not result["passed"]:
        return "FAILED"
    return "passed" if result["expected"] == "none" else f"fails as it must: {result['expected']}"


def print_litmus(results: list[Record]) -> None:
    if not results:
        return
    rows = [
        (
            result["name"],
            result["litmus"]["outcome"],
            result["litmus"]["relacy"],
            result["litmus"]["rc11"],
            result["litmus"]["iso"],
            "as recorded" if result["passed"] else "FAILED",
            result["litmus"]["program"],
        )
        for result in results
        if "litmus" in result
    ]
    print("\nLitmus tests: what Relacy shows, and what RC11 and ISO C++20 say of the outcome")
    print_table(("test", "outcome", "Relacy", "RC11", "ISO", "verdict", "program"), rows)
    print("\nTests of the engine")
    print_table(
        ("test", "property", "verdict"),
        [(r["name"], r["property"], verdict(r)) for r in results if "litmus" not in r],
    )


def print_table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    for row in [head, *rows]:
        print("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths)).rstrip())


def count_sites(results: list[Record], field: str) -> Counter[tuple[str, int, str]]:
    counts: Counter[tuple[str, int, str]] = Counter()
    for result in results:
        for site in result["sites"]:
            counts[site["file"], site["line"], site["which"]] += site[field]
    return counts


def print_sites(sites: list[Record], results: list[Record]) -> list[str]:
    """Prints how often each site was reached, and returns the labels of those that never were."""
    reached = count_sites(results, "reached")
    by_threads = count_sites(results, "reached_by_threads")
    rows = []
    unreached = []
    for site in sites:
        key = Path(site["file"]).name, site["line"], site["which"]
        if reached[key] == 0:
            unreached.append(site["label"])
        place = f"{key[0]}:{site['line']}"
        rows.append((site["label"], place, site["order"], f"{reached[key]:,}", f"{by_threads[key]:,}"))
    print("\nLabelled sites: how often the models reached them, in all and with other threads about")
    print_table(("site", "place", "order", "reached", "by threads"), rows)
    return unreached


def print_failures(results: list[Record]) -> None:
    for result in results:
        if result["passed"]:
            continue
        print(f"\n{result['name']} FAILED")
        for complaint in result["complaints"]:
            print(f"  {complaint}")
        if result["state"]:
            print(result["interleaving"].rstrip())
            print(f"  again: make models MODEL={result['name']} SEED={result['state']}")


def print_summary(results: list[Record], unreached: list[str], seconds: float) -> int:
    failed = sum(not result["passed"] for result in results)
    exhaustive = sum(result["exhaustive"] for result in results)
    iterations = sum(result["iterations"] for result in results)
    print(
        f"\n{len(results)} models and litmus tests, {exhaustive} of them searched in full, "
        f"{iterations:,} iterations, {seconds:.0f} s"
    )
    if unreached:
        print(f"sites that no model reaches: {', '.join(unreached)}")
    # That every site is reached counts as one more check.
    failed += bool(unreached)
    print(f"{len(results) + 1 - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
