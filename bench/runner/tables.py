# SPDX-License-Identifier: MIT
"""What a result says, as text: medians, their spread, and ratios to the bare slot."""

from __future__ import annotations

import re
import statistics
from typing import Any

from .provenance import short_flags
from .result import SCHEMA

# A plain program's benchmarks.

COUNTERS = ("items_per_second", "executions")
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


def all_series(runs: list[dict[str, Any]]) -> list[Series]:
    """One series per benchmark, in the order of the program."""
    found: dict[tuple[str, int], tuple[tuple[int, int], Series]] = {}
    for run in runs:
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


def counter_cell(name: str, values: list[float]) -> str:
    middle = statistics.median(values)
    if name.endswith("_ns"):
        return f"{name.removesuffix('_ns')} {number(middle)}"
    return f"{name} {middle:.3g}"


def table(series: list[Series]) -> str:
    rows: list[tuple[str, ...]] = [("benchmark", "threads", "per iteration", "quartiles", "per item", "counters")]
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
            ", ".join([counter_cell(name, values) for name, values in counters.items()] +
                      [each.label] * bool(each.label)),
        ))
    return aligned(rows)


def aligned(rows: list[tuple[str, ...]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
                     for row in rows)


FOOT = """\
Time is wall time, medians of the repetitions. An item is what the program counts: an execution of the checker."""


# A campaign's samples.


def quartiles_cell(values: list[float]) -> str:
    if len(values) < 2:
        return ""
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return f"{low:.2f} .. {high:.2f}"


def round_slots(samples: list[dict[str, Any]]) -> dict[int, float]:
    """Each round's median slot, which Go's samples are divided by."""
    slots: dict[int, list[float]] = {}
    for sample in samples:
        if sample["slot_ns"] is not None:
            slots.setdefault(sample["round"], []).append(sample["slot_ns"])
    return {turn: statistics.median(each) for turn, each in slots.items()}


def campaign_table(samples: list[dict[str, Any]]) -> str:
    """Medians over the rounds: time of a pair, its ratio to the slot, and the counters."""
    slots = round_slots(samples)
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for sample in samples:
        arguments = " ".join(f"{key}={value}" for key, value in sample["arguments"].items())
        key = (sample["scenario"], arguments, str(sample["threads"]), sample["peer"],
               sample["variant"])
        groups.setdefault(key, []).append(sample)
    scenarios = list(dict.fromkeys(sample["scenario"] for sample in samples))
    rows: list[tuple[str, ...]] = [("scenario", "arguments", "threads", "peer", "variant", "per pair", "ratio",
                                    "quartiles", "counters")]
    for names, group in sorted(groups.items(),
                               key=lambda each: (scenarios.index(each[0][0]), each[0][1], int(each[0][2]))):
        times = [each["wall_ns"] / each["pairs"] for each in group]
        ratios = [time / (each["slot_ns"] or slots[each["round"]])
                  for time, each in zip(times, group) if each["slot_ns"] or each["round"] in slots]
        counters = {name: [each["counters"][name] for each in group if name in each["counters"]]
                    for name in group[0]["counters"]}
        rows.append((*names, number(statistics.median(times)),
                     f"{statistics.median(ratios):.2f}" if ratios else "", quartiles_cell(ratios),
                     ", ".join(counter_cell(*each) for each in counters.items())))
    return aligned(rows)


CAMPAIGN_FOOT = """\
A pair is a get with its put, of all threads together: wall time over pairs, medians of the rounds.
ratio: to bare_slot with one thread in the same process (Go: in the C++ processes of the round)."""


# Any result.


def commit_cell(result: dict[str, Any]) -> str:
    origin = result["source"]
    return (origin["commit"] or "no commit")[:12] + (" (modified)" if origin["dirty"] else "")


def build_cell(build: dict[str, Any]) -> str:
    flags = " ".join(short_flags(build["flags"])) if build["flags"] is not None else "flags unknown"
    pin = f"pin {build['pin']}" if build["pin"] is not None else ""
    preload = f"preloaded {build['preload']}" if build.get("preload") else ""
    return "; ".join(filter(None, (f"{build['compiler']} {flags}".strip(), pin, preload)))


def heading(result: dict[str, Any]) -> str:
    host = result["machine"]
    lines = [f"commit {commit_cell(result)}",
             f"{host['cpu']}, {host['logical_cpus']} CPUs, governor "
             f"{host['governor'] or 'not readable'}, Linux {host['kernel']}"]
    if result["schema"] == SCHEMA:
        lines[0] += f"; {build_cell(result['build'])}"
        rounds, loads = result["repetitions"], [result["load_before"], result["load_after"]]
    else:
        lines += [f"{name}: {build_cell(each)}" for name, each in result["variants"].items()]
        lines += [f"{name}: skipped, {why}" for name, why in result["skipped"].items()]
        lines.append(f"slot drift {result['slot_drift']:.1%}")
        rounds, loads = result["rounds"], result["load"]
    lines.append(f"{rounds} interleaved rounds; CPUs {result['affinity']}; load "
                 + ", ".join(f"{each[0]:.2f}" for each in loads))
    return "\n".join(lines)


def text(result: dict[str, Any]) -> str:
    """Everything that is printed of a result."""
    if result["schema"] == SCHEMA:
        series = all_series(result["runs"])
        return "\n\n".join((heading(result), table(series), FOOT))
    return "\n\n".join((heading(result), campaign_table(result["samples"]), CAMPAIGN_FOOT))
