#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Write the report: one self-contained page with the targets, the figures, every number, and the method.

Reads the newest campaign and the newest checker run of the given results (default: all in bench/results),
and writes index.html and each figure as PNG and SVG. The same results give the same bytes.
"""

from __future__ import annotations

import argparse
import base64
import os
import pathlib
import sys
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import campaign as results
import style

try:
    import jinja2
except ModuleNotFoundError:
    sys.exit(f"report: {sys.executable} has no jinja2; on Debian: make setup-bench, and run the script "
             "with /usr/bin/python3")

import checker_speed
import cycles
import growth
import low_traffic
import memory
import orders
import overview
import proof_coverage
import ratios
import reasons
import responses
import scaling
import targets
from campaign import SUBJECT, UNTIMED, Campaign, Case, Contender, ResultError, Spread

REPORT = style.ROOT / "build" / "report"
TEMPLATE = "report.html"
FIGURES = (overview, ratios, scaling, cycles, responses, memory, low_traffic, orders, growth, checker_speed,
           proof_coverage)


# How numbers are written.


def with_quartiles(value: Spread | None, write: Callable[[float], str] = style.number) -> str:
    if value is None:
        return ""
    return f"{write(value.median)} ({write(value.low)} – {write(value.high)})"


def count(value: float) -> str:
    return f"{value:,.0f}" if value == round(value) or abs(value) >= 1000 else style.number(value)


def counters_of(campaign: Campaign, case: Case, who: Contender) -> list[tuple[str, str]]:
    """All that the scenario counts, in its order: the medians."""
    found = []
    for name in campaign.counter_names(case, who):
        value = results.known(campaign.counter(case, who, name)).median
        text = style.nanoseconds(value) if name.endswith("_ns") else count(value)
        found.append((name.removesuffix("_ns"), text))
    return found


# The parts of the page.

PLAIN = 1.5  # a loss that needs no explanation of its spread


@dataclass(frozen=True)
class Drawn:
    """A figure in the page, or why it is not there."""

    name: str
    title: str
    caption: str
    sources: tuple[str, ...] = ()  # more than one where it takes several sheets of paper
    refused: str = ""
    upright: bool = False  # it is higher than wide


def draw(module: types.ModuleType, paths: list[pathlib.Path], output: pathlib.Path) -> Drawn:
    try:
        figure = module.figure(paths)
    except ResultError as error:
        return Drawn(module.NAME, module.TITLE, module.CAPTION, refused=str(error))
    style.save(figure, output / module.NAME)
    shown = module.pages(paths) if hasattr(module, "pages") else [figure]
    sources = tuple(f"data:image/svg+xml;base64,{base64.b64encode(style.svg(each)).decode('ascii')}" for each in shown)
    return Drawn(module.NAME, module.TITLE, module.CAPTION, sources,
                 upright=figure.get_figheight() > figure.get_figwidth())


def target_row(verdict: targets.Verdict) -> dict[str, str]:
    measured, unit = verdict.measured, verdict.target.unit
    value = f"{with_quartiles(measured.value, count)} {unit}" if measured else ""
    if measured and verdict.target.decides is targets.worst:
        value += f", worst {count(measured.value.most)}"
    notes = [text for text in (measured.note if measured else "", verdict.remark) if text]
    return {"scenario": verdict.target.name, "aim": verdict.target.aim, "measured": value,
            "notes": "; ".join(notes), "says": verdict.says}


def scenario_tables(campaign: Campaign, own: Mapping[str, Contender]) -> list[dict[str, Any]]:
    """For each scenario that has one of our own, in the order of the results: every contender in every case."""
    tables = []
    for scenario in (each for each in campaign.scenarios if each in own):
        timed = scenario not in UNTIMED
        rows = []
        for case in campaign.cases_of(scenario):
            for who in campaign.contenders(case):
                rows.append({
                    "case": results.name_of(case), "who": who.label, "own": who.peer == own[scenario].peer,
                    "time": with_quartiles(campaign.time(case, who)) if timed else "",
                    "ratio": with_quartiles(campaign.ratio(case, who)) if timed else "",
                    "versus": with_quartiles(campaign.versus(case, who, campaign.subject(case, who))) if timed else "",
                    "counters": counters_of(campaign, case, who),
                })
        tables.append({"name": scenario, "words": results.SCENARIO_WORDS.get(scenario, scenario), "timed": timed,
                       "rows": rows})
    return tables


def loss_row(loss: results.Loss) -> dict[str, str]:
    return {"case": results.name_of(loss.case), "who": loss.who.label, "what": loss.what,
            "cost": style.nanoseconds(loss.cost_ns) if loss.cost_ns else "",
            "why": reasons.REASONS.get(loss.case.scenario, ""), "factor": with_quartiles(loss.factor),
            "surely": "yes" if loss.clear else "within the spread"}


def dearest(what: str, *campaigns: Campaign | None) -> list[str]:
    """The clear loss of time that costs a user most, as a sentence with its reason."""
    clear = [loss for loss in results.losses(*campaigns)
             if loss.what == "time" and loss.clear and loss.factor.median >= PLAIN]
    return [f"{what}: {results.name_of(loss.case)}, where {loss.who.label} needs {style.nanoseconds(loss.cost_ns)} "
            f"less: {reasons.REASONS.get(loss.case.scenario, 'not looked into')}." for loss in clear[:1]]


def in_short(campaign: Campaign, on_top: Campaign | None) -> list[str]:
    """The few sentences that somebody takes away."""
    hit = Case("pool", 1)
    own = campaign.time(hit, SUBJECT)
    if own is None:
        return []
    measured = [(campaign.versus(hit, who), text) for who, text in (
        (results.VECTOR, "a <code>thread_local</code> vector's"), (campaign.go, "Go's <code>sync.Pool</code>'s"),
        (Contender(results.BASE, "mutex_vector"), "a mutex and a vector's")) if who is not None]
    beside = [f"{style.number(1 / value.median)} of {text}" for value, text in measured if value]
    said = [f"A hit, a get with its put, takes {style.nanoseconds(own.median)} with one thread on this machine"
            + (f": {', '.join(beside)}." if beside else ".")]
    return [*said, *dearest("What costs a user of the pool most", campaign),
            *dearest("What costs a user most of what stands on top of it", on_top)]


def build_rows(campaign: Campaign) -> list[dict[str, str]]:
    rows = []
    for name, built in campaign.result["variants"].items():
        settings = [f"{key}={value}" for key, value in (built.get("environment") or {}).items()]
        preload = [f"preload {built['preload']}"] if built.get("preload") else []
        rows.append({"name": name, "program": built["program"], "compiler": built["compiler"],
                     "flags": style.short_flags(built["flags"]), "settings": ", ".join(preload + settings),
                     "pin": built.get("pin") or ""})
    return rows


def machine_of(result: dict[str, Any]) -> str:
    machine = result["machine"]
    governor = f"governor {machine['governor']}" if machine["governor"] else "governor not readable"
    parts = (style.machine_line(result), machine["architecture"], machine["distribution"], machine["libc"], governor)
    return " · ".join(part for part in parts if part)


def page(campaign: Campaign, figures: list[Drawn], on_top: Campaign | None = None) -> str:
    result = campaign.result
    verdicts = targets.verdicts(campaign)
    lost = results.losses(campaign, on_top)
    both = [campaign, *([on_top] if on_top else [])]
    loads = result.get("load", [])
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(pathlib.Path(__file__).resolve().parent), autoescape=True,
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)
    return environment.get_template(TEMPLATE).render(
        result=result,
        commit=style.commit_of(result),
        begun=result["date"][:16].replace("T", " ") + " UTC",
        machine=machine_of(result),
        builds=build_rows(campaign),
        load=f"{loads[0][0]:.2f}" if loads else "not recorded",
        targets=[target_row(each) for each in verdicts],
        counts={says: sum(each.says == says for each in verdicts) for says in ("met", "missed", targets.NOT_MEASURED)},
        in_short=in_short(campaign, on_top),
        figures=figures,
        losses=[loss_row(each) for each in lost],
        compared=sum(one.versus(case, one.subject(case, who), who) is not None
                     for one in both for case in one.timed_cases for who in one.rivals(case)),
        lost=len({(each.case, each.who) for each in lost if each.what == "time"}),
        scenarios=scenario_tables(campaign, dict.fromkeys(campaign.scenarios, SUBJECT)),
        on_top={"commit": style.commit_of(on_top.result), "machine": machine_of(on_top.result),
                "scenarios": scenario_tables(on_top, results.ON_TOP)} if on_top else None,
        proofs=proof_coverage.read(),
        most_drift=results.MOST_DRIFT,
        shared_cores=campaign.shared_cores,
        enough=results.ENOUGH,
    )


def write(paths: list[pathlib.Path], output: pathlib.Path) -> pathlib.Path:
    """Refuses before anything is written; says what it draws, since that takes a while."""
    campaign = results.load(paths)
    on_top = results.load_on_top(paths)
    checker = results.load_checker(paths)
    if checker and results.machine_name(checker) != results.machine_name(campaign.result):
        raise ResultError("the campaign and the checker run are of different machines "
                          f"({results.machine_name(campaign.result)}; {results.machine_name(checker)}); name the "
                          "files of one")
    figures = []
    for place, module in enumerate(FIGURES, 1):
        print(f"report: figure {place} of {len(FIGURES)}, {module.NAME}", file=sys.stderr)
        figures.append(draw(module, paths, output))
    written = output / "index.html"
    output.mkdir(parents=True, exist_ok=True)
    written.write_text(page(campaign, figures, on_top), encoding="utf-8")
    for figure in figures:
        if figure.refused:
            print(f"report: {figure.name} is not drawn: {figure.refused}", file=sys.stderr)
    return written


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", nargs="*", type=pathlib.Path, metavar="RESULT",
                        help="the JSON head of a result of bench/run.py")
    parser.add_argument("--output", type=pathlib.Path, metavar="FOLDER", default=REPORT,
                        help="where the page and its figures go (default: build/report)")
    options = parser.parse_args()
    try:
        written = write(options.results, options.output)
    except ResultError as error:
        sys.exit(f"report: {error}")
    print(f"written: {os.path.relpath(written)}")


if __name__ == "__main__":
    main()
