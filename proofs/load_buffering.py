#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Where load buffering could change what is proved: what the checker's detector finds in the clients.

Runs `proofs` with --load-buffering, and writes proofs/load_buffering.json and the table of counts
in docs/load-buffering.md; that takes minutes. With --check it runs the small searches only, and fails if
they do not find what the file says, or if docs/load-buffering.md has a reason for other reads than the file lists.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import re
import subprocess
import sys
from typing import Any, NoReturn

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIST = ROOT / "proofs" / "load_buffering.json"
PAGE = ROOT / "docs" / "load-buffering.md"
BEGIN, END = "<!-- load-buffering: begin -->", "<!-- load-buffering: end -->"

PGR = ("--letters", "pgr", "--spurious", "0")
POOLS = ("object_pool_one_cpu", "object_pool_two_cpus", "object_pool_sections_one_cpu", "object_pool_sections_two_cpus")
# Families, calls, other options. The small ones take seconds.
SMALL = (
    ("pool_dequeue", 5, ()),
    ("pool_dequeue_batches", 4, ()),
    *((family, 2, PGR) for family in POOLS),
    ("object_pool_one_cpu", 3, PGR),
)
LARGE = (
    ("pool_dequeue", 6, ()),
    ("pool_dequeue_batches", 5, ()),
    ("object_pool_two_cpus", 3, PGR),
)

Entry = dict[str, Any]


def fail(message: str) -> NoReturn:
    sys.exit(f"load_buffering.py: {message}")


def run(program: pathlib.Path, *options: str) -> Entry:
    command = [str(program), *options, "--json", "--load-buffering", "--partial"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        fail(f"{program.name} {' '.join(options)}: exit status {done.returncode}\n{done.stderr}{done.stdout[-2000:]}")
    found: Entry = json.loads(done.stdout)
    return found


def entry_of(name: str, searched: list[Entry]) -> Entry:
    """Of each read that could be overtaken the writes; and how many of those that were finished have none."""
    reads: dict[str, set[str]] = {}
    for each in searched:
        for candidate in each["load_buffering"]:
            read, write = candidate.split(" < ")[0].split(" > ")
            reads.setdefault(read, set()).add(write)
    finished = [each for each in searched if each["cut"] == 0]
    return {
        "search": name,
        "of": len(searched),
        "finished": len(finished),
        "none": sum(not each["load_buffering"] for each in finished),
        "overtaken": {read: sorted(writes) for read, writes in sorted(reads.items())},
    }


def clients_entry(build: pathlib.Path, family: str, calls: int, options: tuple[str, ...]) -> Entry:
    found = run(build / "proofs" / "proofs", "--family", family, "--calls", str(calls), *options)
    letters = " of p, g, r" if "--letters" in options else ""
    return entry_of(f"{family}, {calls} calls{letters}", found["clients"])


def table_of(entries: list[Entry]) -> str:
    lines = ["| searched | finished | without a candidate |", "| --- | --- | --- |"]
    for each in entries:
        lines.append(f"| {each['search']} | {each['finished']:,} of {each['of']:,} | {each['none']:,} |")
    return "\n".join(lines)


def reads_of(entries: list[Entry]) -> set[str]:
    return {read for each in entries for read in each["overtaken"]}


def reasons_in(page: str) -> set[str]:
    """The reads that the page has a row for: `| [a.b], [c.d] | ... |`."""
    rows = re.findall(r"^\| (\[[^|]*) \|", page, re.MULTILINE)
    return {label for row in rows for label in re.findall(r"\[([\w.]+)\]", row)}


def check_page(entries: list[Entry]) -> None:
    reads, reasons = reads_of(entries), reasons_in(PAGE.read_text())
    if reads != reasons:
        fail(f"{PAGE.name}: no reason for {sorted(reads - reasons)}; reasons for nothing: {sorted(reasons - reads)}")
    if table_of(entries) not in PAGE.read_text():
        fail(f"{PAGE.name}: its table is not that of {LIST.name}")


def check(build: pathlib.Path) -> None:
    entries = json.loads(LIST.read_text())
    check_page(entries)
    known = {each["search"]: each for each in entries}
    for search in SMALL:
        found = clients_entry(build, *search)
        if found != known.get(found["search"]):
            fail(f"not what {LIST.name} says:\n{json.dumps(found, indent=1)}\n"
                 f"If that is meant, run proofs/load_buffering.py, and give docs/{PAGE.name} its reasons.")
    print(f"load buffering: {len(reads_of(entries))} reads could be overtaken, each with its reason")


def write(build: pathlib.Path) -> None:
    entries = [clients_entry(build, *search) for search in (*SMALL, *LARGE)]
    LIST.write_text(json.dumps(entries, indent=1) + "\n")
    before, rest = PAGE.read_text().split(BEGIN + "\n")
    PAGE.write_text(f"{before}{BEGIN}\n{table_of(entries)}\n{END}{rest.split(END)[1]}")
    check_page(entries)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "dev", help="the build directory")
    parser.add_argument("--check", action="store_true", help="run the small searches, and compare")
    options = parser.parse_args()
    if options.check:
        check(options.build)
    else:
        write(options.build)


if __name__ == "__main__":
    main()
