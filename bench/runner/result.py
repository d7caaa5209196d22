# SPDX-License-Identifier: MIT
"""From a finished campaign's reports to its result, and where that is written.

Schema 2 is a campaign's, with samples; schema 1 has the runs of one program as Google Benchmark reports
them, for those without peers.
"""

from __future__ import annotations

import pathlib
import re
import statistics
from typing import Any

from .campaign import Campaign
from .programs import slot_of
from .provenance import ROOT
from .session import Runnable

RESULTS = ROOT / "bench" / "results"
# Not in bench/results: what is unfinished or refused is never published, and never lost.
KEPT = ROOT / "build" / "campaigns"
SCHEMA = 1
CAMPAIGN_SCHEMA = 2

# A round whose slot is further from the campaign's median than this was disturbed.
MOST_DRIFT = 0.05

Record = dict[str, Any]
Result = dict[str, Any]


def result_of(campaign: Campaign, runnables: list[Runnable], skipped: dict[str, str],
              header: dict[str, Any], records: list[Record]) -> Result:
    # Before the process that ran first in each round; in later rounds it is the campaign's own.
    loads = [next(each["load"] for each in records if each["round"] == turn)
             for turn in range(header["rounds"])]
    # In the order of the plan's processes, whatever the order in which they were run.
    order: list[tuple[str, ...]] = [task.key for each in runnables for task in each.tasks]
    records = sorted(records, key=lambda each: (each["round"], order.index(tuple(each["task"]))))
    if campaign.is_plain:
        return plain_result(runnables[0], header, records)
    samples, timelines, slots = samples_of(runnables, records)
    return {
        "schema": CAMPAIGN_SCHEMA,
        "campaign": campaign.name,
        "quick": header["quick"],
        "date": header["date"],
        "source": header["source"],
        "machine": header["machine"],
        "affinity": header["affinity"],
        "seed": campaign.seed,
        "min_time": header["min_time"],
        "rounds": header["rounds"],
        "slot_drift": drift(slots),
        "load": loads,
        "variants": {each.variant.name: variant_of(each, header, records) for each in runnables},
        "skipped": skipped,
        "samples": samples,
        "timelines": timelines,
    }


def variant_of(runnable: Runnable, header: dict[str, Any], records: list[Record]) -> dict[str, Any]:
    variant, program = runnable.variant, runnable.program
    first = next(each for each in records if each["task"][0] == variant.name)
    return {
        "program": variant.program,
        "preload": variant.preload,
        "environment": variant.environment,
        **program.build(first["report"]),
        "command": [variant.program, *program.arguments([], header["min_time"])[:-1]],
    }


def samples_of(runnables: list[Runnable],
               records: list[Record]) -> tuple[list[Record], list[Record], dict[int, list[float]]]:
    """All samples, all timelines, and the slots of each round's processes."""
    programs = {each.variant.name: each.program for each in runnables}
    samples: list[Record] = []
    timelines: list[Record] = []
    slots: dict[int, list[float]] = {}
    for record in records:
        name, scenario, _ = record["task"]
        program = programs[name]
        found = program.samples(record["report"])
        slot = slot_of(found) if program.has_slot else None
        if slot is not None:
            slots.setdefault(record["round"], []).append(slot)
        for sample in found:
            if sample["scenario"] != scenario:
                continue  # the anchor
            sample = {"variant": name, "round": record["round"], "slot_ns": slot, **sample}
            if timeline := sample.pop("timeline", None):
                timelines.append({"variant": name, "round": record["round"], "scenario": scenario,
                                  "peer": sample["peer"], **timeline})
            samples.append(sample)
    return samples, timelines, slots


def drift(slots: dict[int, list[float]]) -> float:
    """The largest relative deviation of a round's median slot from the campaign's."""
    middle = statistics.median([slot for each in slots.values() for slot in each])
    return max(abs(statistics.median(each) / middle - 1) for each in slots.values())


def plain_result(runnable: Runnable, header: dict[str, Any], records: list[Record]) -> Result:
    program = runnable.program
    build = program.build(records[0]["report"])
    return {
        "schema": SCHEMA,
        "quick": header["quick"],
        "date": header["date"],
        "command": [runnable.variant.program, *program.arguments([], header["min_time"])[:-1]],
        "source": header["source"],
        "build": {key: build[key] for key in ("compiler", "flags", "optimized", "pin")},
        "machine": header["machine"],
        "affinity": header["affinity"],
        "load_before": records[0]["load"],
        "load_after": records[-1]["load"],
        "repetitions": header["rounds"],
        "google_benchmark": records[0]["report"]["context"],
        "runs": [run for each in records for run in each["report"]["benchmarks"]],
    }


# Where it goes.


def slug(text: str) -> str:
    return re.sub(r"[^a-z0-9.+]+", "_", text.lower()).strip("_")


def stem(result: Result) -> str:
    """Named by campaign or program, commit, CPU and compiler."""
    commit = result["source"]["commit"][:12] + ("_modified" if result["source"]["dirty"] else "")
    if result["schema"] == SCHEMA:
        name, compiler = result["command"][0], result["build"]["compiler"]
    else:
        name, compiler = result["campaign"], next(iter(result["variants"].values()))["compiler"]
    return "-".join((name, commit, slug(result["machine"]["cpu"]), slug(compiler)))


def new_path(folder: pathlib.Path, result: Result) -> pathlib.Path:
    """A further result of the same gets a number."""
    name = stem(result)
    path = folder / f"{name}.json"
    count = 1
    while path.exists():
        count += 1
        path = folder / f"{name}-{count}.json"
    return path
