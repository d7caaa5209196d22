# SPDX-License-Identifier: MIT
"""The programs that measure: how each is asked what it has, started, and understood.

Google Benchmark names a benchmark scenario/peer/key:value../real_time/threads:n, in pool_scenarios; the
programs without peers leave that part out. Go names it Benchmark_scenario/threads:n.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
import re
import statistics
from typing import Any

from .errors import RunnerError
from .provenance import build_flags, output_of

# What a pool's time is divided by: load a thread_local pointer, store null, store it back.
SLOT = ("pool", "bare_slot")
GO_PEER = "go_sync_pool"


@dataclasses.dataclass(frozen=True)
class Benchmark:
    name: str  # as the program has it
    scenario: str
    peer: str | None
    threads: int

    @property
    def is_slot(self) -> bool:
        return (self.scenario, self.peer, self.threads) == (*SLOT, 1)


def scenario_of(name: str) -> str:
    return name.split("/")[0]


def peer_of(name: str) -> str | None:
    parts = name.split("/")
    return parts[1] if len(parts) > 1 and not re.search(r":|_time$", parts[1]) else None


def arguments_of(name: str) -> dict[str, int]:
    """The scenario's own numbers in a name: items:1000 is one, threads:2 is not."""
    found = re.findall(r"/([a-z_]+):(\d+)", name)
    return {key: int(value) for key, value in found if key not in ("threads", "iterations", "repeats")}


class GoogleBenchmark:
    """A program on Google Benchmark; its report is that library's JSON."""

    has_slot = True

    def __init__(self, binary: pathlib.Path) -> None:
        self.binary = binary

    def benchmarks(self) -> list[Benchmark]:
        listed = output_of(str(self.binary), "--benchmark_list_tests=true")
        if not listed:
            raise RunnerError(f"{self.binary} lists no benchmarks: is it the program that "
                              "'make bench' builds?")
        return [Benchmark(name, scenario_of(name), peer_of(name), threads_of(name))
                for name in listed.splitlines()]

    def arguments(self, chosen: list[Benchmark], min_time: float) -> list[str]:
        names = "|".join(re.escape(each.name) for each in chosen)
        return ["--benchmark_format=json", "--benchmark_enable_random_interleaving=true",
                f"--benchmark_min_time={min_time}", f"--benchmark_filter=^({names})$"]

    def report(self, output: str) -> dict[str, Any]:
        """What the program found, without what names the machine's owner or its directories."""
        try:
            report: dict[str, Any] = json.loads(output)
        except json.JSONDecodeError:
            raise RunnerError(f"{self.binary.name} printed no JSON: is it a Google Benchmark "
                              "program?") from None
        report["context"].pop("host_name", None)
        report["context"]["executable"] = self.binary.name
        for run in report["benchmarks"]:
            if run.get("error_occurred"):
                raise RunnerError(f"{run['name']}: {run.get('error_message', 'failed')}")
        return report

    def build(self, report: dict[str, Any]) -> dict[str, Any]:
        context = report["context"]
        return {
            "compiler": context.get("compiler", "unknown").strip(),
            "flags": build_flags(self.binary),
            "optimized": context.get("optimized") == "yes",
            "pin": context.get("pin"),
            "allocator": context.get("allocator"),
        }

    def samples(self, report: dict[str, Any]) -> list[dict[str, Any]]:
        """A benchmark that the program repeats by itself counts as the median of that."""
        repeated: dict[tuple[int, int], list[dict[str, Any]]] = {}
        for run in report["benchmarks"]:
            if run["run_type"] == "iteration":
                place = run["family_index"], run["per_family_instance_index"]
                repeated.setdefault(place, []).append(run)
        return [sample_of_run(median_run(repeated[place])) for place in sorted(repeated)]


# What Google Benchmark writes of a run beside its counters.
RUN_FIELDS = {"name", "run_name", "run_type", "family_index", "per_family_instance_index",
              "repetitions", "repetition_index", "threads", "iterations", "real_time", "cpu_time",
              "time_unit", "label", "pairs", "wall_ns"}


def median_run(runs: list[dict[str, Any]]) -> dict[str, Any]:
    ordered = sorted(runs, key=lambda run: float(run["wall_ns"] / run["pairs"]))
    return ordered[(len(ordered) - 1) // 2]


def sample_of_run(run: dict[str, Any]) -> dict[str, Any]:
    name = run["run_name"]
    sample = {"scenario": scenario_of(name), "peer": peer_of(name), "threads": run["threads"],
              "arguments": arguments_of(name), "pairs": run["pairs"], "wall_ns": run["wall_ns"],
              "counters": {key: value for key, value in run.items() if key not in RUN_FIELDS}}
    if run.get("label", "").startswith("{"):
        sample["timeline"] = json.loads(run["label"])
    return sample


def threads_of(name: str) -> int:
    found = re.search(r"/threads:(\d+)", name)
    return int(found[1]) if found else 1


class GoTest:
    """A test program of Go's; its report is the text that it prints."""

    has_slot = False

    def __init__(self, binary: pathlib.Path) -> None:
        self.binary = binary

    def benchmarks(self) -> list[Benchmark]:
        """Go lists the benchmarks, but not their numbers of threads: those are in the report."""
        listed = output_of(str(self.binary), "-test.list=^Benchmark_") or ""
        found = re.findall(r"^Benchmark_(\w+)$", listed, re.MULTILINE)
        if not found:
            raise RunnerError(f"{self.binary} lists no benchmarks: is it the Go test program that "
                              "'make bench' builds?")
        return [Benchmark(f"Benchmark_{name}", name, GO_PEER, 0) for name in found]

    def arguments(self, chosen: list[Benchmark], min_time: float) -> list[str]:
        names = "|".join(each.name for each in chosen)
        return ["-test.run=^$", f"-test.bench=^({names})$", f"-test.benchtime={min_time}s"]

    LINE = re.compile(r"^Benchmark_(\w+)/threads:(\d+)((?:/[a-z_]+:\d+)*)(?:-\d+)?\s+\d+\s(.*)$",
                      re.MULTILINE)

    def report(self, output: str) -> dict[str, Any]:
        if not self.LINE.search(output):
            raise RunnerError(f"{self.binary.name} printed no result:\n{output.strip()}")
        if "--- FAIL" in output:
            raise RunnerError(f"{self.binary.name} failed:\n{output.strip()}")
        return {"go": output}

    def build(self, _: dict[str, Any]) -> dict[str, Any]:
        version = output_of("go", "version", str(self.binary)) or "unknown"
        return {"compiler": version.split()[-1], "flags": [], "optimized": True, "pin": None,
                "allocator": None}

    def samples(self, report: dict[str, Any]) -> list[dict[str, Any]]:
        return [self.sample(*line.groups()) for line in self.LINE.finditer(report["go"])]

    @staticmethod
    def sample(scenario: str, threads: str, rest: str, metrics: str) -> dict[str, Any]:
        values = {unit: float(value) for value, unit in
                  re.findall(r"([\d.e+-]+) (\S+)", metrics)}
        pairs = values.pop("pairs")
        nanoseconds = values.pop("ns/pair") * pairs
        values.pop("ns/op", None)
        return {"scenario": scenario, "peer": GO_PEER, "threads": int(threads),
                "arguments": arguments_of(rest), "pairs": pairs, "wall_ns": nanoseconds,
                "counters": values}


Program = GoogleBenchmark | GoTest

KINDS: dict[str, type[GoogleBenchmark] | type[GoTest]] = {
    "pool_scenarios": GoogleBenchmark,
    "pool_scenarios_elsewhere": GoogleBenchmark,
    "on_top_scenarios": GoogleBenchmark,
    "pool_go": GoTest,
    "checker_bench": GoogleBenchmark,
}

# Programs without peers, whose campaign is theirs alone and whose result is Google Benchmark's
# report.
PLAIN = ("checker_bench",)


def slot_of(samples: list[dict[str, Any]]) -> float:
    """Nanoseconds of the bare slot in one process."""
    found = [each["wall_ns"] / each["pairs"] for each in samples
             if (each["scenario"], each["peer"]) == SLOT and each["threads"] == 1]
    if not found:
        raise RunnerError("a process reports no bare slot: its numbers have no anchor")
    return float(statistics.median(found))
