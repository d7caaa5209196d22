#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What a get and a put cost in a user's loop: compiles loops.cpp and patterns.cpp with -O2 and each compiler, and runs
them.

Prints a table of ratios and times for each compiler, beside the targets that are about such loops. Each number is of
one run; the middle one of RUNS runs is shown, and the lowest and the highest. --keep writes all of it to
bench/results, from where scripts/facts.py makes the table of docs/performance.md. Other work on the machine disturbs;
the thread's own time and the fastest rounds count, where it is not the wait of others that is measured.
"""
from __future__ import annotations

import argparse
import datetime
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "bench"))

from runner import files, provenance, result  # noqa: E402

HEADERS = ROOT / "impl" / "include"
FLAGS = ["-std=c++20", "-O2", "-pthread"]
ALLOCATORS = {"glibc": "", "jemalloc": "libjemalloc.so.2", "mimalloc": "libmimalloc.so.2",
              "tcmalloc": "libtcmalloc_minimal.so.4"}
# Other ways to run the loops: what the environment has more, and the arguments.
WITHOUT_SECTIONS: dict[str, tuple[dict[str, str], list[str]]] = {
    "portable": ({"POOLPROOF_PIN": "portable"}, []),
    "no_rseq": ({"GLIBC_TUNABLES": "glibc.pthread.rseq=0"}, []),
    "unregistered": ({}, ["unregistered"]),
}
PATTERNS = ("turns", "migration", "cycles", "low_traffic")
GO = {"pool": "get_put", "burst_16": "get_put_16", "pool_overflow": "get_put_100"}

# Of one run: numbers by variant and name.
Times = dict[str, dict[str, float]]


def best(times: Times, loop: str) -> float:
    return min(times[name][loop] for name in ALLOCATORS if name in times)


@dataclass(frozen=True)
class Row:
    """What is compared, what was wanted, and how it is read from one run."""

    what: str
    wanted: str
    measure: Callable[[Times], float]
    limit: float | None = None
    at_most: bool = True
    unit: str = "×"


def of(variant: str, loop: str, other: str, beside: str | None = None) -> Callable[[Times], float]:
    return lambda times: times[variant][loop] / times[beside or variant][other]


def plain(name: str, scale: float = 1) -> Callable[[Times], float]:
    return lambda times: times["glibc"][name] * scale


ROWS = (
    Row("a get and a put / a `thread_local` vector", "at most 1.45", of("glibc", "get_put", "vector"), 1.45),
    Row("the best allocator / a get and a put", "at least 2",
        lambda times: best(times, "new") / times["glibc"]["get_put"], 2, False),
    Row("a borrow / a get and a put", "at most 1.3", of("glibc", "borrow", "get_put"), 1.3),
    Row("bursts of 16: the best allocator / the pool", "at least 2",
        lambda times: best(times, "new_16") / times["glibc"]["get_put_16"], 2, False),
    Row("bursts of 1,000: the pool / the best allocator", "at most 1.25",
        lambda times: times["glibc"]["get_put_1000"] / best(times, "new_1000"), 1.25),
    Row("bursts of 10,000: the pool / the best allocator", "at most 1.25",
        lambda times: times["glibc"]["get_put_10000"] / best(times, "new_10000"), 1.25),
    Row("one of 100 pools at random / one of 100 vectors", "at most 1", of("glibc", "many_pools", "many_vectors"), 1),
    Row("two CPUs take turns, p50: the pool / mutex + vector", "at most 1.5",
        of("glibc", "turns_us", "turns_mutex_us"), 1.5),
    Row("100 gets after a cycle: the pool / mutex + vector", "at most 1",
        of("glibc", "after_cycle", "after_cycle_mutex"), 1),
    Row("first get after a migration, no other thread, p50", "at most 0.4 us", plain("migration_alone_us"), 0.4,
        unit="us"),
    Row("the same with an idle thread, beyond one membarrier", "at most 0.2 us",
        lambda times: times["glibc"]["migration_with_idle_us"] - times["glibc"]["migration_with_idle_membarrier_us"],
        0.2, unit="us"),
    *(Row(f"{words}: {loop} / Go", "at most 1", of(variant, name, name, "go"), 1)
      for variant, words in (("portable", "portable pin"), ("no_rseq", "glibc without rseq"),
                             ("unregistered", "unregistered thread"))
      for name, loop in (("get_put", "a get and a put"), ("get_put_16", "bursts of 16"),
                         ("get_put_100", "bursts of 100"))),
    Row("portable pin: a get and a put / two exchanges", "", of("portable", "get_put", "exchanges")),
    Row("construct, use, destroy / mutex + vector", "at most 5", of("glibc", "life", "life_mutex"), 5),
    Row("the same with a handle, beyond one membarrier / mutex + vector", "at most 5",
        lambda times: (times["glibc"]["life_lent"] - times["glibc"]["membarrier"]) / times["glibc"]["life_mutex"], 5),
    Row("longest call in cycles over 1,000,000 items, beyond as many frees", "at most 1 ms",
        plain("cycles_beyond_us", 1e-3), 1, unit="ms"),
    Row("longest call of 1,000 runs with little traffic, beyond as many frees", "",
        lambda times: (times["glibc"]["low_traffic_longest_us"] - times["glibc"]["low_traffic_frees_us"]) / 1e3,
        unit="ms"),
    Row("of those runs, all items gone within 3 intervals", "all",
        lambda times: times["glibc"]["low_traffic_in_time"], 1000, False, unit="runs"),
)


def numbers(program: Path, arguments: list[str], more: dict[str, str]) -> dict[str, float]:
    """What a program prints. Empty if the allocator is not installed."""
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=True,
                          env={**os.environ, **more})
    if "cannot be preloaded" in done.stderr:
        return {}
    return {name: float(value) for name, value in (line.split() for line in done.stdout.splitlines())}


def go_times(program: Path) -> dict[str, float]:
    """The fastest of several runs of each benchmark, in ns a pair."""
    done = subprocess.run([program, "-test.run", "none", "-test.bench", f"_({'|'.join(GO)})$/threads:1$", "-test.cpu",
                           "1", "-test.benchtime", "50ms", "-test.count", "7"], capture_output=True, text=True,
                          check=True)
    times: dict[str, float] = {}
    for name, value in re.findall(r"^Benchmark_(\w+)/threads:1\s.*?([\d.]+) ns/pair", done.stdout, re.MULTILINE):
        times[GO[name]] = min(times.get(GO[name], float("inf")), float(value))
    return times


def measure(loops: Path, patterns: Path, go: Path | None, rounds: int) -> Times:
    """Each variant once."""
    times = {name: numbers(loops, [str(rounds)], {"LD_PRELOAD": preload}) for name, preload in ALLOCATORS.items()}
    for name, (more, arguments) in WITHOUT_SECTIONS.items():
        times[name] = numbers(loops, [str(max(rounds // 4, 1)), *arguments], more)
    for pattern in PATTERNS:
        times["glibc"].update(numbers(patterns, [pattern], {}))
    if go is not None:
        times["go"] = go_times(go)
    for name in [name for name, found in times.items() if not found]:
        print(f"  without {name}: make setup-bench installs it")
        del times[name]
    return times


def measure_all(compilers: list[str], runs: int, rounds: int) -> list[dict[str, Any]]:
    """A row for each number; the compilers take turns."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for compiler in compilers:
            for source in ("loops", "patterns"):
                subprocess.run([compiler, *FLAGS, "-I", HEADERS, HERE / f"{source}.cpp", "-o",
                                Path(folder) / f"{source}-{compiler}"], check=True)
        go = Path(folder) / "pool_go" if shutil.which("go") else None
        if go is not None:
            subprocess.run(["go", "test", "-c", "-o", go], cwd=ROOT / "bench" / "go", check=True)
        for run in range(runs):
            for compiler in compilers:
                measured = measure(Path(folder) / f"loops-{compiler}", Path(folder) / f"patterns-{compiler}", go,
                                   rounds)
                rows += [{"compiler": compiler, "run": run, "variant": variant, "name": name, "value": value}
                         for variant, times in measured.items() for name, value in times.items()]
    return rows


def by_run(rows: list[dict[str, Any]], compiler: str) -> list[Times]:
    """The runs of a compiler."""
    runs: dict[int, Times] = {}
    for row in rows:
        if row["compiler"] == compiler:
            runs.setdefault(row["run"], {}).setdefault(row["variant"], {})[row["name"]] = row["value"]
    return list(runs.values())


def told(row: Row, runs: list[Times]) -> str:
    """The middle, the lowest and the highest; and whether the middle is what was wanted."""
    try:
        values = sorted(row.measure(times) for times in runs)
    except KeyError:
        return "not measured"
    middle = statistics.median(values)
    missed = row.limit is not None and (middle > row.limit if row.at_most else middle < row.limit)
    shown = [f"{value:.0f}" if value >= 100 else f"{value:.2f}" for value in (middle, values[0], values[-1])]
    strong = "**" if missed else ""
    unit = "" if row.unit == "×" else f" {row.unit}"
    return f"{strong}{shown[0]}{unit}{strong} ({shown[1]} to {shown[2]})"


def table(rows: list[dict[str, Any]]) -> str:
    """A row for each comparison, a column for each compiler; what is missed is bold."""
    compilers = list(dict.fromkeys(row["compiler"] for row in rows))
    lines = ["| what | wanted | " + " | ".join(compilers) + " |", "| --- | --- |" + " --- |" * len(compilers)]
    runs = {compiler: by_run(rows, compiler) for compiler in compilers}
    for row in ROWS:
        cells = " | ".join(told(row, runs[compiler]) for compiler in compilers)
        lines.append(f"| {row.what} | {row.wanted} | {cells} |")
    return "\n".join(lines)


def version(compiler: str) -> str:
    told_version = provenance.output_of(compiler, "-dumpfullversion" if compiler == "g++" else "-dumpversion")
    return f"{compiler} {(told_version or '').strip()}"


def main() -> int:
    """Reads the arguments; measures, prints, keeps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, metavar="N", help="runs of each program (default: 5)")
    parser.add_argument("--rounds", type=int, default=40, metavar="N", help="rounds of each run (default: 40)")
    parser.add_argument("--keep", action="store_true", help="write the numbers to bench/results")
    arguments = parser.parse_args()
    if arguments.runs < 1 or arguments.rounds < 1:
        parser.error("--runs and --rounds must be at least 1")
    compilers = [each for each in ("g++", "clang++") if shutil.which(each)]
    if not compilers:
        return 1
    head: dict[str, Any] = {
        "schema": result.SCHEMA,
        "quick": False,
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "command": ["user_loop", f"--runs={arguments.runs}", f"--rounds={arguments.rounds}"],
        "source": provenance.source(),
        "build": {"compiler": " and ".join(map(version, compilers)), "flags": FLAGS, "optimized": True, "pin": None},
        "machine": provenance.machine(),
        "load_before": list(os.getloadavg()),
    }
    head["runs"] = measure_all(compilers, arguments.runs, arguments.rounds)
    head["load_after"] = list(os.getloadavg())
    print(table(head["runs"]))
    if arguments.keep:
        path = result.new_path(result.RESULTS, head)
        files.write(path, head)
        print(f"written: {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
