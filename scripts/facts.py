#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Numbers in the documents, made from what they are about: the Makefile, the ledgers, the budgets of a hit, the
newest campaign.

A document has them between two marks, such as <!-- bounds: begin --> and <!-- bounds: end -->. Without an
option it says which documents are out of date, and fails if one is; --write makes them anew.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, Callable

import headers
import hit_path
import portable_path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "bench" / "user_loop"), str(ROOT / "plots"),
                str(ROOT / "examples" / "http_zstd")]

import campaign  # noqa: E402
import measure  # noqa: E402
import measure_loops  # noqa: E402
import targets as aims  # noqa: E402
from runner import files  # noqa: E402

COUNTED_CLIENTS = re.compile(r"^(\w+), (\d+) calls( of [\w, ]+)?$")

# What each family is, in the order of the table.
FAMILIES = {
    "pool_dequeue": "ring",
    "pool_dequeue_batches": "ring, two items at once",
    "object_pool_one_cpu": "pool, one CPU, portable pin",
    "object_pool_two_cpus": "pool, two CPUs, portable pin",
    "object_pool_sections_one_cpu": "pool, one CPU, sections",
    "object_pool_sections_two_cpus": "pool, two CPUs, sections",
    "upkept_pool_one_cpu": "pool with hooks and bounds, one CPU, portable pin",
}


def documents() -> list[Path]:
    """What tells what is: not history, and not what is generated as a whole."""
    named = [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    found = [path for pattern in ("docs/*.md", "*/README.md", "impl/tests/*.md", "checker/*/*.md")
             for path in sorted(ROOT.glob(pattern))]
    return named + [path for path in found if path.name != "proofs.md"]


def entries() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((ROOT / "proofs" / "ledger.json").read_text())["entries"]
    return found


def models() -> list[dict[str, Any]]:
    return [entry for entry in entries() if not COUNTED_CLIENTS.match(entry["subject"])]


def mutants() -> dict[str, int]:
    ledger = tomllib.loads((ROOT / "relacy_models" / "mutants.toml").read_text())
    return {kind: len(ledger[kind]) for kind in ("weakening", "operation", "patch")}


def would_run(target: str) -> str:
    """What `make TARGET` would run, with its variables filled in."""
    alone = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKEOVERRIDES", "MFLAGS")}
    told = subprocess.run(["make", "--no-print-directory", "-n", target], cwd=ROOT, capture_output=True, text=True,
                          check=True, env=alone)
    return re.sub(r"\\\n\s*", " ", told.stdout)


def sizes(target: str) -> dict[tuple[str, bool], str]:
    """For each family, without and with stopped threads: the calls of its clients, and their limit of time."""
    found = {}
    for command in re.split(r"&&|\n", would_run(target)):
        family = re.search(r"proofs/proofs .*--family (\w+)", command)
        calls = re.search(r"--calls (\d+)", command)
        if family and calls and family[1] in FAMILIES and "--reads" not in command:  # these are compared
            limit = re.search(r"--seconds (\d+)", command)
            size = calls[1] + (f", as far as {limit[1]} s each suffice" if limit else "")
            found[family[1], "--progress" in command] = size
    return found


def bounds() -> str:
    check, full = sizes("proofs"), sizes("check-full")
    lines = ["| clients of | calls in `make check` | in `make check-full` |", "| --- | --- | --- |"]
    for stops in (False, True):
        for family, words in FAMILIES.items():
            if (family, stops) in check:
                told = f"{words}; each thread stopped anywhere" if stops else words
                lines.append(f"| {told} | {check[family, stops]} | {full[family, stops]} |")
    for target, where in (("proofs", check), ("check-full", full)):
        where["survey", False], where["seconds", False] = re.findall(r"(?:--within|checked_models .*--seconds) (\d+)",
                                                                     would_run(target))
    lines.append("| pool, every public call, and accidents; the cheapest first | "
                 f"up to 3, in {check['survey', False]} s | up to 3, in {full['survey', False]} s |")
    lines.append(f"| models | all, as far as {check['seconds', False]} s each suffice | "
                 f"all, as far as {full['seconds', False]} s each suffice |")
    return "\n".join(lines)


def ledger() -> str:
    everything = models()
    done = [entry for entry in everything if entry["proved"]]
    quick = sum(entry["seconds"] < 3 for entry in done)
    families = [entry for entry in entries() if COUNTED_CLIENTS.match(entry["subject"])]
    proved, clients = (sum(entry[key] for entry in families) for key in ("proved", "clients"))
    executions = sum(entry["executions"] for entry in entries())
    return "\n".join([
        "| in the ledger | proved | of |", "| --- | --- | --- |",
        f"| clients | {proved:,} | {clients:,} |",
        f"| models, with twelve million executions each | {len(done)} | {len(everything)} |",
        "",
        f"These are {executions:,} executions.",
        f"Of the models {quick} take less than three seconds, "
        f"the longest {max(each['seconds'] for each in done):.0f} s.",
    ])


def unfinished() -> str:
    """What the ledger has begun and not proved, and how far it is."""
    lines = ["| not finished in the ledger | what it is about | executions so far | of roughly |",
             "| --- | --- | --- | --- |"]
    for entry in entries():
        for name in entry["unfinished"]:
            size = entry["sizes"][name]
            guess = size["estimate"]
            known = guess is not None and guess["executions"] > size["executions"]
            told = f"{float(format(guess['executions'], '.2g')):,.0f}" if known else "not known"
            about = entry["property"] if name == entry["subject"] else entry["subject"]
            shown = name.replace("|", "\\|")
            lines.append(f"| `{shown}` | {about} | {size['executions']:,} | {told} |")
    return "\n".join(lines)


def bounded() -> str:
    """What came of bounded_pool's clients, by their sets."""
    proved = files.read(ROOT / "impl" / "tests" / "bounded_clients" / "proved.json")
    tested = re.search(r'--set "(.*)" --at-most (\d+)', (ROOT / "impl" / "tests" / "CMakeLists.txt").read_text())
    assert tested is not None
    lines = ["| clients | proved, of | executions | of these in `make test` |", "| --- | --- | --- | --- |"]
    for name in dict.fromkeys(row["set"] for row in proved["runs"]):
        rows = [row for row in proved["runs"] if row["set"] == name]
        done = [row for row in rows if row["verdict"] == "proved"]
        quick = sum(row["executions"] <= int(tested[2]) for row in done if re.search(tested[1], name))
        lines.append(f"| {name} | {len(done):,} of {len(rows):,} | {sum(row['executions'] for row in done):,} | "
                     f"{quick:,} clients |")
    unfinished, unseen = (sum(row["verdict"] == each for row in proved["runs"]) for each in ("unfinished", "not run"))
    told = f"Not finished, and so not proved: {unfinished:,}. Not run: {unseen:,}." if unfinished + unseen else ""
    if proved["tokens"] != headers.hash_of_sources(ROOT / name for name in proved["sources"]):
        told += "\nThat was before the headers or the clients were changed for the last time."
    return "\n".join([*lines, *(["", told] if told else [])])


def next_sizes() -> str:
    """What proofs/next_sizes.py has estimated."""
    known = json.loads((ROOT / "proofs" / "next_sizes.json").read_text())
    lines = ["| clients of | there are | looked at | executions | core hours |", "| --- | --- | --- | --- | --- |"]
    for size in known["sizes"]:
        letters = re.search(r"--letters (\w+)", size["options"])
        name = f"{size['family']}, {size['calls']} calls" + (f" of {', '.join(letters[1])}" if letters else "")
        if size["clients"] is None:
            lines.append(f"| {name} | more than five million | 0 | | |")
            continue
        error = round(100 * size["error"] / size["executions"])
        least = "at least " if size["not_estimated"] else ""
        told = f"± {error} %" if size["error"] else "counted"
        hours = size["core_hours"]
        cost = "less than 0.01" if hours < 0.01 else least + _two_digits(hours)
        large = f", {size['not_estimated']} too large" if size["not_estimated"] else ""
        lines.append(f"| {name} | {size['clients']:,} | {size['sampled']:,}{large} | "
                     f"{least}{_two_digits(size['executions'])}, {told} | {cost} |")
    return "\n".join([
        *lines, "",
        f"Headers {known['headers'][:12]}, seed {known['seed']}, {known['seconds']:g} s of a processor for each size.",
    ])


def _two_digits(number: float) -> str:
    rounded = float(f"{number:.2g}")
    return f"{rounded:,.0f}" if rounded >= 10 else f"{rounded:g}"


def killed() -> str:
    count = mutants()
    return "\n".join([
        "| kind of mutant | how many |", "| --- | --- |",
        f"| a memory order made weaker by one step: all that are not relaxed | {count['weakening']} |",
        f"| an atomic operation that does something else | {count['operation']} |",
        f"| an algorithm broken by a patch | {count['patch']} |",
        f"| together | {sum(count.values())} |",
    ])


def targets() -> str:
    """The targets of `make help` that say how long they take."""
    lines = ["| `make` | does | minutes |", "| --- | --- | --- |"]
    for name, does, minutes in re.findall(r"^([a-z0-9-]+):.*## (.*); (\d+) min$", (ROOT / "Makefile").read_text(),
                                          re.MULTILINE):
        lines.append(f"| `{name}` | {does} | {minutes} |")
    return "\n".join(lines)


def hit() -> str:
    budgets = [hit_path.of_the_pool(compiler, hit_path.LOOP) for compiler in hit_path.COMPILERS]
    return "\n".join([
        "On Linux, x86-64 or aarch64, with glibc 2.35 or later, one get and one put that hit cost",
        f"{min(budgets)} to {max(budgets)} instructions in a loop, none of them locked.",
    ])


def instructions() -> str:
    """Of a get and a put that hit: the budgets of the tests that count them."""
    lines = ["| compiler | a get and a put in a loop | a borrow and its return in a loop "
             "| a get and a put, as a function | the same on the portable pin |", "| --- | --- | --- | --- | --- |"]
    for compiler in hit_path.COMPILERS:
        loop, borrow, alone = (hit_path.of_the_pool(compiler, function)
                               for function in (hit_path.LOOP, hit_path.BORROW, hit_path.FUNCTION))
        portable = portable_path.COMPILERS.get(compiler, "not counted")
        lines.append(f"| `{compiler}` | {loop} | {borrow} | {alone} | {portable} |")
    return "\n".join(lines)


def options() -> str:
    """The same of pools with each option."""
    lines = ["| the pool has | " + " | ".join(f"`{name}`" for name in portable_path.COMPILERS) + " |",
             "| --- " * (1 + len(portable_path.COMPILERS)) + "|"]
    for option, budgets in portable_path.OPTIONS.items():
        told = "none of these" if option == "none" else option
        lines.append(f"| {told} | " + " | ".join(str(budgets[name]) for name in portable_path.COMPILERS) + " |")
    return "\n".join(lines)


def compared(target: aims.Target) -> str:
    """What a ratio is of: of 'as fast' more is better, of 'as long' less."""
    kinds = {"throughput": "the throughput", "bytes": "as many bytes"}
    return next((words for word, words in kinds.items() if word in target.aim),
                "as long" if target.at_most else "as fast")


def verdicts() -> str:
    """What the newest campaign says of each target."""
    lines = ["| scenario | wanted | measured: median (quartiles) | |", "| --- | --- | --- | --- |"]
    words = {case.label: name for name, case in campaign.NAMED}
    for verdict in aims.verdicts(campaign.load([])):
        target = verdict.target
        value = verdict.measured.value if verdict.measured else None
        unit = f"× {compared(target)}" if target.unit == "×" else target.unit
        told = f"{value.median:.3g} ({value.low:.3g} to {value.high:.3g}) {unit}" if value else ""
        says = f"**{verdict.says}**" if verdict.says == "missed" else verdict.says
        scenario, comma, rest = target.scenario.partition(",")
        known = words.get(target.scenario)
        named = f"{known} (`{scenario}`)" if known else f"`{scenario}`{comma}{rest}"
        lines.append(f"| {named} | {target.aim} | {told} | {says} |")
    return "\n".join(lines)


def user_loop() -> str:
    """The newest run of bench/user_loop that was kept."""
    found = [files.read(path) for path in (ROOT / "bench" / "results").glob("user_loop-*.json")]
    newest = max(found, key=lambda each: str(each["date"]))
    commit, day = newest["source"]["commit"][:12], newest["date"][:10]
    return measure_loops.table(newest["runs"]) + f"\n\nMeasured on {day}, on commit {commit}."


def server() -> str:
    """The example's server through a burst."""
    return measure.table_of(files.read(ROOT / "examples" / "http_zstd" / "measured.json"))


BLOCKS: dict[str, Callable[[], str]] = {
    "bounds": bounds, "ledger": ledger, "unfinished": unfinished, "bounded": bounded, "next_sizes": next_sizes,
    "mutants": killed, "targets": targets, "hit": hit,
    "instructions": instructions, "options": options, "verdicts": verdicts,
    "user_loop": user_loop, "server": server,
}


def renewed(text: str) -> str:
    for name, make in BLOCKS.items():
        marks = re.compile(rf"(<!-- {name}: begin -->\n).*?(<!-- {name}: end -->)", re.DOTALL)
        if marks.search(text):
            made = make()
            text = marks.sub(lambda found, made=made: f"{found[1]}{made}\n{found[2]}", text)  # type: ignore[misc]
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="change the documents")
    options = parser.parse_args()
    texts = {path: path.read_text(encoding="utf-8") for path in documents()}
    stale = [path for path, text in texts.items() if renewed(text) != text]
    for path in stale:
        if options.write:
            path.write_text(renewed(texts[path]), encoding="utf-8")
        print(f"{'written' if options.write else 'out of date'}: {path.relative_to(ROOT)}")
    if stale and not options.write:
        sys.exit("scripts/facts.py --write makes them anew")


if __name__ == "__main__":
    main()
