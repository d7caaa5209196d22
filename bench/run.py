#!/usr/bin/env python3
"""Run the benchmarks and record where their numbers come from.

This is the only way to a published number. It runs the given Google Benchmark program with
interleaved repetitions, adds the provenance (commit, compiler and flags, machine, load), writes the
raw JSON to bench/results/, and prints medians, their spread and, of the pool's benchmarks, the ratios
to the bare slot.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import pathlib
import platform
import re
import shlex
import statistics
import subprocess
import sys
from typing import Any, NoReturn

ROOT = pathlib.Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results"
SCHEMA = 1
BASELINE = "pool/bare_slot"

# The benchmarks that do the same work as the baseline, so that a ratio to it means something.
HIT_FAMILY = "pool/"

# What the numbers do not depend on: results and figures are written after the measurement.
OUTPUTS = ("bench/results", "plots/figures")

# What a benchmark program is built from, beside its own file.
SOURCES = {
    "pool_bench": ("impl/include/poolproof/*.hpp", "bench/*.hpp", "bench/baselines/*.hpp",
                   "bench/scenarios/*.hpp"),
    "checker_bench": ("checker/include/checker/*.hpp", "checker/examples/go_ring.hpp"),
}


def fail(message: str) -> NoReturn:
    sys.exit(f"run.py: {message}")


# The machine.


def read_text(path: str) -> str | None:
    try:
        return pathlib.Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None


def cpu_info() -> dict[str, str]:
    """The first processor of /proc/cpuinfo, by field."""
    fields: dict[str, str] = {}
    for line in (read_text("/proc/cpuinfo") or "").splitlines():
        if not line.strip():
            break
        key, _, value = line.partition(":")
        fields[key.strip()] = value.strip()
    return fields


def cpu_model(info: dict[str, str]) -> str:
    """The marketing name, and the numbers that tell generations apart where it does not."""
    name = info.get("model name") or platform.machine()
    numbers = [f"{word} {info[key]}" for word, key in (("family", "cpu family"), ("model", "model"))
               if key in info]
    return f"{name} ({', '.join(numbers)})" if numbers else name


def distribution() -> str | None:
    for line in (read_text("/etc/os-release") or "").splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.partition("=")[2].strip('"')
    return None


def machine() -> dict[str, Any]:
    info = cpu_info()
    return {
        "cpu": cpu_model(info),
        "logical_cpus": os.cpu_count(),
        "virtualized": "hypervisor" in info.get("flags", "").split(),
        "governor": read_text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "architecture": platform.machine(),
        "kernel": platform.release(),
        "distribution": distribution(),
        "libc": " ".join(platform.libc_ver()),
    }


# The source and the build.


def git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True,
                              check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def source() -> dict[str, Any]:
    commit = git("rev-parse", "--verify", "HEAD")
    changes = git("status", "--porcelain", "--", ".", *(f":(exclude){path}" for path in OUTPUTS))
    return {"commit": commit, "dirty": changes is None or changes != ""}


def newer_sources(binary: pathlib.Path) -> list[str]:
    built = binary.stat().st_mtime
    patterns = (f"bench/{binary.name}.cpp", *SOURCES.get(binary.name, ()))
    paths = [path for pattern in patterns for path in sorted(ROOT.glob(pattern))]
    return [str(path.relative_to(ROOT)) for path in paths if path.stat().st_mtime > built]


def build_flags(binary: pathlib.Path) -> list[str] | None:
    """How Ninja compiled the program, without what names places; None where no build tells."""
    directory = next((each for each in binary.parents if (each / "build.ninja").is_file()), None)
    if directory is None:
        return None
    try:
        done = subprocess.run(["ninja", "-C", str(directory), "-t", "compdb"], capture_output=True,
                              text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    for entry in json.loads(done.stdout):
        if pathlib.Path(entry["file"]).name == f"{binary.name}.cpp":
            return without_places(shlex.split(entry["command"]))
    return None


def without_places(command: list[str]) -> list[str]:
    """Drops the compiler, the inputs, the outputs and the include directories."""
    flags = []
    words = iter(command[1:])
    for word in words:
        if word in ("-o", "-I", "-isystem", "-MF", "-MT", "-MQ"):
            next(words, None)
        elif word.startswith("-") and not word.startswith(("-c", "-I", "-isystem", "-M")):
            flags.append(word)
    return flags


# The run.


def benchmark_command(binary: pathlib.Path, options: argparse.Namespace) -> list[str]:
    command = [
        str(binary),
        "--benchmark_format=json",
        "--benchmark_enable_random_interleaving=true",
        f"--benchmark_repetitions={options.repetitions}",
        f"--benchmark_min_time={options.min_time}",
    ]
    if options.filter:
        command.append(f"--benchmark_filter={options.filter}")
    return command


def run_benchmarks(command: list[str]) -> dict[str, Any]:
    """The program's report, without what names the machine's owner or its directories."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        report = json.loads(done.stdout)
    except OSError as error:
        fail(f"cannot run {command[0]}: {error.strerror}")
    except subprocess.CalledProcessError as error:
        fail(f"{command[0]} failed with status {error.returncode}")
    except json.JSONDecodeError:
        fail(f"{command[0]} printed no JSON: is it a Google Benchmark program, "
             "and does the filter match?")
    context = report["context"]
    context.pop("host_name", None)
    context["executable"] = pathlib.Path(context["executable"]).name
    for run in report["benchmarks"]:
        if run.get("error_occurred"):
            fail(f"{run['name']}: {run.get('error_message', 'failed')}")
    return report


def measure(binary: pathlib.Path, options: argparse.Namespace) -> dict[str, Any]:
    command = benchmark_command(binary, options)
    date = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    load_before = os.getloadavg()
    origin = source()
    report = run_benchmarks(command)
    context = report["context"]
    return {
        "schema": SCHEMA,
        "quick": options.quick,
        "date": date,
        "command": [binary.name, *command[1:]],
        "source": origin,
        "build": {
            "compiler": context.get("compiler", "unknown").strip(),
            "flags": build_flags(binary),
            "optimized": context.get("optimized") == "yes",
            "pin": context.get("pin"),
        },
        "machine": machine(),
        "affinity": sorted(os.sched_getaffinity(0)),
        "load_before": list(load_before),
        "load_after": list(os.getloadavg()),
        "repetitions": options.repetitions,
        "google_benchmark": report,
    }


# The table.

COUNTERS = ("items_per_second", "constructed", "steals", "p50_ns", "p95_ns", "executions")
TIME_UNITS = {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9}


class Series:
    """All repetitions of one benchmark with one number of threads."""

    def __init__(self, name: str, threads: int) -> None:
        self.name = name
        self.threads = threads
        self.nanoseconds: list[float] = []  # per iteration
        self.counters: dict[str, list[float]] = {}
        self.label = ""

    def add(self, run: dict[str, Any]) -> None:
        self.nanoseconds.append(run["real_time"] * TIME_UNITS[run["time_unit"]])
        self.label = run.get("label", "")
        for counter in COUNTERS:
            if counter in run:
                self.counters.setdefault(counter, []).append(run[counter])

    def median(self) -> float:
        return statistics.median(self.nanoseconds)

    def quartiles(self) -> tuple[float, float]:
        if len(self.nanoseconds) < 2:
            return self.median(), self.median()
        low, _, high = statistics.quantiles(self.nanoseconds, n=4, method="inclusive")
        return low, high

    def ratio(self, baseline: Series) -> tuple[float, float, float]:
        """That of the medians, and how low and how high the quartiles of both let it be."""
        low, high = self.quartiles()
        baseline_low, baseline_high = baseline.quartiles()
        return self.median() / baseline.median(), low / baseline_high, high / baseline_low


def all_series(report: dict[str, Any]) -> list[Series]:
    """One series per benchmark, in the order of the program."""
    found: dict[tuple[str, int], tuple[int, Series]] = {}
    for run in report["benchmarks"]:
        if run["run_type"] != "iteration":
            continue
        name = re.sub(r"/(real_time|manual_time|iterations:\d+|threads:\d+)", "", run["run_name"])
        place = (run["family_index"], run["per_family_instance_index"])
        _, series = found.setdefault((name, run["threads"]), (place, Series(name, run["threads"])))
        series.add(run)
    return [series for _, series in sorted(found.values(), key=lambda each: each[0])]


def number(value: float) -> str:
    """Three significant digits and an SI-like scale for nanoseconds."""
    for limit, divisor, unit in ((1e3, 1.0, "ns"), (1e6, 1e3, "us"), (1e9, 1e6, "ms")):
        if value < limit:
            return f"{value / divisor:.3g} {unit}"
    return f"{value / 1e9:.3g} s"


def ratio_cell(each: Series, series: list[Series]) -> str:
    """Empty where the baseline does other work, or was filtered out."""
    if not each.name.startswith(HIT_FAMILY):
        return ""
    for baseline in series:
        if (baseline.name, baseline.threads) == (BASELINE, each.threads):
            middle, low, high = each.ratio(baseline)
            return f"{middle:.2f} ({low:.2f} .. {high:.2f})"
    return ""


def counter_cell(name: str, values: list[float]) -> str:
    middle = statistics.median(values)
    if name.endswith("_ns"):
        return f"{name.removesuffix('_ns')} {number(middle)}"
    return f"{name} {middle:.3g}"


def table(series: list[Series]) -> str:
    rows = [("benchmark", "threads", "per iteration", "quartiles", "per item", "ratio", "counters")]
    for each in series:
        low, high = each.quartiles()
        counters = dict(each.counters)
        items = counters.pop("items_per_second", None)
        rows.append((
            each.name,
            str(each.threads),
            number(each.median()),
            f"{number(low)} .. {number(high)}",
            number(1e9 / statistics.median(items)) if items else "",
            ratio_cell(each, series),
            ", ".join([counter_cell(name, values) for name, values in counters.items()] +
                      [each.label] * bool(each.label)),
        ))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
                     for row in rows)


def short_flags(flags: list[str]) -> list[str]:
    """Those that change the code: warnings do not."""
    return [flag for flag in flags if not flag.startswith("-W")]


def heading(result: dict[str, Any]) -> str:
    build, host, origin = result["build"], result["machine"], result["source"]
    commit = (origin["commit"] or "no commit")[:12] + (" (modified)" if origin["dirty"] else "")
    flags = " ".join(short_flags(build["flags"])) if build["flags"] is not None else "flags unknown"
    load = f"{result['load_before'][0]:.2f} before, {result['load_after'][0]:.2f} after"
    governor = host["governor"] or "not readable"
    pin = f"; pin {build['pin']}" if build["pin"] is not None else ""
    return "\n".join((
        f"commit {commit}; {build['compiler']} {flags}{pin}",
        f"{host['cpu']}, {host['logical_cpus']} CPUs, governor {governor}, Linux {host['kernel']}",
        f"{result['repetitions']} interleaved repetitions; CPUs {result['affinity']}; load {load}",
    ))


FOOT = """\
Time is wall time, medians of the repetitions. An item is what the program counts: a call of the pool,
an execution of the checker."""

POOL_FOOT = f"""\
With two threads time is that of both divided by the iterations of both: what scales perfectly halves.
ratio: to {BASELINE} with as many threads, of the medians of this run, and the range that the quartiles
of both allow. constructed and steals are per iteration."""


def foot(series: list[Series]) -> str:
    """What the columns mean; that of the ratio only if the baseline was run."""
    return f"{FOOT}\n{POOL_FOOT}" if any(each.name == BASELINE for each in series) else FOOT


# Where it goes.


def slug(text: str) -> str:
    return re.sub(r"[^a-z0-9.+]+", "_", text.lower()).strip("_")


def result_path(result: dict[str, Any]) -> pathlib.Path:
    """Named by commit, CPU and compiler; a further run of the same gets a number."""
    commit = result["source"]["commit"][:12] + ("_modified" if result["source"]["dirty"] else "")
    name = "-".join((result["command"][0], commit, slug(result["machine"]["cpu"]),
                     slug(result["build"]["compiler"])))
    path = RESULTS / f"{name}.json"
    count = 1
    while path.exists():
        count += 1
        path = RESULTS / f"{name}-{count}.json"
    return path


def write(path: pathlib.Path, result: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8") as file:
        json.dump(result, file, indent=1)
        file.write("\n")


def check(binary: pathlib.Path, options: argparse.Namespace) -> None:
    """Everything that would make the result worthless, before the minutes are spent."""
    if not binary.is_file():
        fail(f"{binary}: no such file; 'make bench' builds it")
    if options.output and options.output.exists():
        fail(f"{options.output} exists")
    if options.output and options.quick and RESULTS in options.output.resolve().parents:
        fail("a quick run is never written to bench/results")
    if options.quick:
        return
    if options.filter:
        fail("--filter measures a part: it needs --quick")
    if options.repetitions < 5:
        fail("fewer than 5 repetitions show no spread: more, or --quick")
    if newer := newer_sources(binary):
        others = f" and {len(newer) - 1} more" if len(newer) > 1 else ""
        fail(f"{binary.name} is older than {newer[0]}{others}; 'make bench' builds it again")
    if source()["commit"] is None:
        fail("git names no commit: a number that is kept needs one (or --quick)")
    if build_flags(binary) is None:
        fail(f"no Ninja build above {binary} tells its flags: use 'make bench' (or --quick)")


def warn(result: dict[str, Any]) -> None:
    if result["source"]["dirty"]:
        print("run.py: warning: the tree has changes that are not committed; the result says so",
              file=sys.stderr)
    if not result["build"]["optimized"]:
        print("run.py: warning: compiled without optimization", file=sys.stderr)
    if result["load_before"][0] > 0.5:
        print(f"run.py: warning: the load was {result['load_before'][0]:.2f} before the run; "
              "other work disturbs the numbers", file=sys.stderr)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", type=pathlib.Path,
                        help="the benchmark program, as 'make bench' built it")
    parser.add_argument("--quick", action="store_true",
                        help="a smoke test: 3 short repetitions, never written to bench/results")
    parser.add_argument("--repetitions", type=int, metavar="N", help="default: 15 (3 with --quick)")
    parser.add_argument("--min-time", type=float, metavar="SECONDS",
                        help="per repetition; default: 0.2 (0.01 with --quick)")
    parser.add_argument("--filter", metavar="REGEX", help="only these benchmarks (needs --quick)")
    parser.add_argument("--output", type=pathlib.Path, metavar="FILE",
                        help="where to write the JSON (default: a new file in bench/results; "
                             "with --quick nowhere)")
    options = parser.parse_args()
    if options.repetitions is None:
        options.repetitions = 3 if options.quick else 15
    if options.min_time is None:
        options.min_time = 0.01 if options.quick else 0.2
    if options.repetitions < 1:
        parser.error("--repetitions wants a positive number")
    if not options.min_time > 0:
        parser.error("--min-time wants a positive number of seconds")
    return options


def main() -> None:
    options = parse_arguments()
    binary = options.binary.resolve()
    check(binary, options)
    result = measure(binary, options)
    series = all_series(result["google_benchmark"])
    print(heading(result), table(series), foot(series), sep="\n\n")
    warn(result)
    if path := options.output or (None if options.quick else result_path(result)):
        write(path, result)
        print(f"\nwritten: {os.path.relpath(path)}")


if __name__ == "__main__":
    main()
