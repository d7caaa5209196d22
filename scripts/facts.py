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
import textwrap
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
import families  # noqa: E402
import measure  # noqa: E402
import measure_loops  # noqa: E402
import targets as aims  # noqa: E402
from runner import files  # noqa: E402

COUNTED_CLIENTS = re.compile(r"^(\w+), (\d+) calls( of [\w, ]+)?$")

# Those that both targets prove to a number of calls, in the order of the table.
FAMILIES = {name: families.WORDS[name] for name in (
    "pool_dequeue", "pool_dequeue_batches", "object_pool_one_cpu", "object_pool_two_cpus",
    "object_pool_sections_one_cpu", "object_pool_sections_two_cpus", "wide_pool_three_cpus", "wide_pool_beyond",
    "wide_pool_sections_beyond", "narrow_pool_one_cpu", "narrow_pool_two_cpus", "narrow_pool_sections_one_cpu",
    "narrow_pool_sections_two_cpus", "rare_pool_two_cpus", "rare_pool_sections_one_cpu", "rare_pool_sections_two_cpus",
    "upkept_pool_one_cpu")}


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
            found[family[1], "--progress" in command] = size_of(calls[1], command)
    return found


def size_of(calls: str, command: str) -> str:
    """The calls of a search's clients, and how long it may take for one, or for all together."""
    told = calls
    for limit, words in (("--seconds", " each"), ("--total", ""), ("--within", "")):
        seconds = re.search(rf"{limit} (\d+)", command)
        if seconds:
            told = f"{'up to ' if limit == '--within' else ''}{calls}, as far as {seconds[1]} s{words} suffice"
    return told


def bounds() -> str:
    check, full = sizes("proofs"), sizes("check-full")
    lines = ["| clients of | calls in `make check` | in `make check-full` |", "| --- | --- | --- |"]
    for stops in (False, True):
        for family, words in FAMILIES.items():
            if (family, stops) in check:
                told = f"{words}; each thread stopped anywhere" if stops else words
                lines.append(f"| {told} | {check[family, stops]} | {full[family, stops]} |")
    for target, where in (("proofs", check), ("check-full", full)):
        where["survey", False], where["seconds", False] = re.findall(
            r"(?:--table .*--within|checked_models .*--seconds) (\d+)", would_run(target))
    lines.append("| pool, every public call, and accidents; the cheapest first | "
                 f"up to 3, in {check['survey', False]} s | up to 3, in {full['survey', False]} s |")
    lines.append("| of put, get and rotate, without sections, in the same time | up to 5 | up to 5 |")
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
        large = f", {size['not_estimated']} too large" if size["not_estimated"] else ""
        if 2 * size["not_estimated"] > size["sampled"]:
            lines.append(f"| {name} | {size['clients']:,} | {size['sampled']:,}{large} | no estimate | |")
            continue
        error = round(100 * size["error"] / size["executions"])
        least = "at least " if size["not_estimated"] else ""
        told = f"± {error} %" if size["error"] else "counted"
        hours = size["core_hours"]
        cost = "less than 0.01" if hours < 0.01 else least + _two_digits(hours)
        lines.append(f"| {name} | {size['clients']:,} | {size['sampled']:,}{large} | "
                     f"{least}{_two_digits(size['executions'])}, {told} | {cost} |")
    proved = json.loads((ROOT / "proofs" / "ledger.json").read_text())["headers"]
    older = "" if known["headers"] == proved else f", where the ledger is of {proved[:12]}"
    return "\n".join([
        *lines, "",
        f"Headers {known['headers'][:12]}{older}; seed {known['seed']}, {known['seconds']:g} s of a processor for each",
        "size.",
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
    for verdict in aims.verdicts(campaign.load([])):
        target = verdict.target
        value = verdict.measured.value if verdict.measured else None
        unit = f"× {compared(target)}" if target.unit == "×" else target.unit
        told = f"{value.median:.3g} ({value.low:.3g} to {value.high:.3g}) {unit}" if value else ""
        says = f"**{verdict.says}**" if verdict.says == "missed" else verdict.says
        lines.append(f"| {target.name} (`{target.scenario.partition(',')[0]}`) | {target.aim} | {told} | {says} |")
    return "\n".join(lines)


def header_lines() -> str:
    """How long each header is, comments included, and how many concepts the table has."""
    page = (ROOT / "docs" / "architecture.md").read_text()
    table = page.split("| concept | header |", 1)[1].split("\n\n", 1)[0]
    concepts = len(table.splitlines()) - 2
    lines = {path.stem: len(path.read_text().splitlines()) for path in headers.HEADERS.glob("*.hpp")}
    rows = [f"`{name}` {length}" for name, length in sorted(lines.items())]
    told = textwrap.fill(", ".join(rows), width=100, break_long_words=False, break_on_hyphens=False)
    return (f"These are {concepts} concepts.\n"
            f"The {len(lines)} headers have {sum(lines.values()):,} lines, comments included; more than 400 has "
            f"{' and '.join(f'`{name}`' for name, length in sorted(lines.items()) if length > 400) or 'none'}:\n"
            f"{told}.")


def user_loop() -> str:
    """The newest run of bench/user_loop that was kept."""
    found = [files.read(path) for path in (ROOT / "bench" / "results").glob("user_loop-*.json")]
    newest = max(found, key=lambda each: str(each["date"]))
    commit, day = newest["source"]["commit"][:12], newest["date"][:10]
    return measure_loops.table(newest["runs"]) + f"\n\nMeasured on {day}, on commit {commit}."


def server() -> str:
    """The example's server through a burst."""
    return measure.table_of(files.read(ROOT / "examples" / "http_zstd" / "measured.json"))


def ending() -> str:
    """How `make check` ended when docs/check-ending.txt was written: from 'make check:' to its last line. Wrapped to
    the width of a page."""
    said = (ROOT / "docs" / "check-ending.txt").read_text()
    lines = []
    for line in said.splitlines():
        indent = " " * (len(line) - len(line.lstrip()))
        lines += textwrap.wrap(line.strip(), 96, initial_indent=indent, subsequent_indent=indent + "    ")
    known = re.search(r"headers (\w+)", said)
    assert known is not None
    stale = "" if headers.hash_of().startswith(known[1]) else (
        "\nThat was before the headers were changed for the last time.\n")
    return "\n" + "".join(f"    {line}\n" for line in lines) + stale


def told(nanoseconds: float) -> str:
    value, unit = (nanoseconds, "ns") if nanoseconds < 999.5 else (nanoseconds / 1000, "us")
    return f"{float(f'{value:.3g}'):g} {unit}"


def factor(value: campaign.Spread) -> str:
    return f"{float(f'{value.median:.3g}'):,g}"


def on_top() -> campaign.Campaign:
    """The newest campaign of what stands on top of the pool."""
    found = campaign.load_on_top([])
    assert found is not None
    return found


def option_times() -> str:
    """A hit of a pool that has one option or hook."""
    measured = on_top()
    words = {"no_option": "no option", "on_drop": "the hook `on_drop`", "name": "a `name`",
             "reset": "`reset` that does next to nothing", "max_bytes": "`max_bytes`, with `size_of`"}
    lines = ["| the pool has | 1 thread | 2 threads |", "| --- | --- | --- |"]
    for option in campaign.OPTIONS:
        times = (campaign.known(measured.time(campaign.Case("one_option", threads),
                                              campaign.Contender(campaign.BASE, option))) for threads in (1, 2))
        lines.append(f"| {words.get(option, f'`{option}`')} | {' | '.join(told(each.median) for each in times)} |")
    return "\n".join(lines)


def waits() -> str:
    """A get and a return with a maximum, beside what else there is: the median, and all rounds."""
    measured = on_top()
    others = {"semaphore_mutex": "semaphore and mutex", "poco_object_pool": "Poco"}
    lines = ["| threads, items | `bounded_pool` | " + " | ".join(others.values()) + " |", "| --- " * 4 + "|"]
    for case in measured.cases_of("bounded"):
        took = campaign.known(measured.time(case, campaign.ON_TOP["bounded"]))
        cells = [f"{told(took.median)} ({told(took.least)} to {told(took.most)})"]
        for peer in others:
            value = campaign.known(measured.versus(case, campaign.Contender(campaign.BASE, peer),
                                                   campaign.ON_TOP["bounded"]))
            cells.append(f"{value.median:.2g} ({value.least:.2g} to {value.most:.2g})")
        lines.append(f"| {case.threads}, of {case.argument('most')} | {' | '.join(cells)} |")
    return "\n".join(lines)


def buffers() -> str:
    """A buffer of one thread beside each allocator, with the same one below the pool."""
    measured = on_top()
    allocators = [name for name in campaign.ALLOCATORS if name in measured.result["variants"]]
    lines = [f"| buffers | `buffer_pool` | {' | '.join(allocators)} |", "| --- " * (2 + len(allocators)) + "|"]
    for case in measured.cases_of("buffers"):
        if case.threads != 1:
            continue
        size, many = campaign.known_argument(case, "bytes"), campaign.known_argument(case, "at_once")
        unit = next((f"{size >> shift} {unit}" for shift, unit in ((20, "MiB"), (10, "KiB")) if size >> shift), None)
        took = campaign.known(measured.time(case, campaign.ON_TOP["buffers"]))
        cells = [f"{'one' if many == 1 else 'eight'} of {unit or f'{size} bytes'}",
                 told(took.median) + (" each" if many > 1 else "")]
        for name in allocators:
            rival = campaign.Contender(name, "new_delete")
            cells.append(factor(campaign.known(measured.versus(case, rival, measured.subject(case, rival)))))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


BLOCKS: dict[str, Callable[[], str]] = {
    "bounds": bounds, "ledger": ledger, "unfinished": unfinished, "bounded": bounded, "next_sizes": next_sizes,
    "mutants": killed, "targets": targets, "hit": hit,
    "instructions": instructions, "options": options, "verdicts": verdicts, "user_loop": user_loop,
    "headers": header_lines, "server": server,
    "ending": ending, "option_times": option_times, "waits": waits, "buffers": buffers,
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
