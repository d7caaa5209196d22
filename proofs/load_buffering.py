#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Where load buffering could change what is proved: what the checker's detector finds in the clients.

Runs `proofs` and `checked_models` with --load-buffering, and writes proofs/load_buffering.json and the table of
counts in docs/load-buffering.md; that takes ten minutes of a processor. With --check it runs the small searches only,
and fails if they do not find what the file says, or if docs/load-buffering.md has a reason for other reads than the
file lists. With --headers it runs nothing, and fails if the file is about other headers than those that are there.

The file has, for each search, the candidates as 'READ > WRITE', and which of them each client has, by their places in
that list; those that it does not name have none.
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
sys.path.insert(0, str(ROOT / "scripts"))
import headers  # noqa: E402

LIST = ROOT / "proofs" / "load_buffering.json"
PAGE = ROOT / "docs" / "load-buffering.md"
BEGIN, END = "<!-- load-buffering: begin -->", "<!-- load-buffering: end -->"

PGR = ("--letters", "pgr", "--spurious", "0")
POOLS = ("object_pool_one_cpu", "object_pool_two_cpus", "object_pool_sections_one_cpu", "object_pool_sections_two_cpus")
UPKEPT = ("upkept_pool_one_cpu", "upkept_pool_two_cpus", "upkept_pool_sections", "upkept_pool_idle",
          "upkept_pool_idle_sections")
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
    ("object_pool_sections_one_cpu", 3, PGR),
    *((family, 2, ("--spurious", "0")) for family in UPKEPT),
)
# One that takes longer is not finished. What it has shown so far is listed all the same.
MODELS = ("--skip-litmus", "--seconds", "10")

Entry = dict[str, Any]


def fail(message: str) -> NoReturn:
    sys.exit(f"load_buffering.py: {message}")


def run(program: pathlib.Path, *options: str) -> Any:
    command = [str(program), *options, "--json", "--load-buffering", "--partial"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        fail(f"{program.name} {' '.join(options)}: exit status {done.returncode}\n{done.stderr}{done.stdout[-2000:]}")
    return json.loads(done.stdout)


def entry_of(search: str, searched: dict[str, tuple[bool, list[str]]]) -> Entry:
    """Of each client or model whether it was finished, and its candidates."""
    of = {name: {each.split(" < ")[0] for each in found} for name, (_, found) in searched.items()}
    candidates = sorted(set().union(*of.values()))
    finished = [name for name, (done, _) in searched.items() if done]
    return {
        "search": search,
        "of": len(searched),
        "finished": len(finished),
        "none": sum(not of[name] for name in finished),
        "unfinished": [name for name in searched if name not in finished],
        "candidates": candidates,
        "clients": {name: [candidates.index(each) for each in sorted(found)] for name, found in of.items() if found},
    }


def clients_entry(build: pathlib.Path, family: str, calls: int, options: tuple[str, ...]) -> Entry:
    found = run(build / "proofs" / "proofs", "--family", family, "--calls", str(calls), *options)
    letters = " of p, g, r" if "--letters" in options else ""
    return entry_of(f"{family}, {calls} calls{letters}",
                    {each["client"]: (each["cut"] == 0, each["load_buffering"]) for each in found["clients"]})


def models_entry(build: pathlib.Path) -> Entry:
    found = run(build / "relacy_models" / "checked_models", *MODELS)
    return entry_of(f"models, as far as {MODELS[-1]} s each suffice",
                    {each["name"]: (not each["timed_out"], each["load_buffering"]) for each in found})


def text_of(entries: list[Entry]) -> str:
    """The file: a line for each value, and for each client."""
    def listed(entry: Entry) -> str:
        lines = [f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in entry.items() if key != "clients"]
        clients = ",\n".join(f"   {json.dumps(name)}: {json.dumps(each)}" for name, each in entry["clients"].items())
        lines.append(f'  "clients": {{\n{clients}\n  }}' if clients else '  "clients": {}')
        return " {\n" + ",\n".join(lines) + "\n }"
    searches = ",\n".join(listed(each) for each in entries)
    return f'{{"headers": "{headers.hash_of()}",\n"searches": [\n{searches}\n]}}\n'


def table_of(entries: list[Entry]) -> str:
    lines = ["| searched | finished | without a candidate |", "| --- | --- | --- |"]
    for each in entries:
        lines.append(f"| {each['search']} | {each['finished']:,} of {each['of']:,} | {each['none']:,} |")
    return "\n".join(lines)


def reads_of(entries: list[Entry]) -> set[str]:
    """Of clients: those that have a reason. The models' have none yet, and the page says so."""
    return {each.split(" > ")[0] for entry in entries if not entry["search"].startswith("models")
            for each in entry["candidates"]}


def check_headers() -> None:
    if json.loads(LIST.read_text())["headers"] != headers.hash_of():
        fail(f"{LIST.name} is about other headers; run proofs/load_buffering.py, which takes ten minutes")
    print(f"{LIST.name}: about these headers")


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
    entries = json.loads(LIST.read_text())["searches"]
    check_page(entries)
    known = {each["search"]: each for each in entries}
    for search in SMALL:
        found = clients_entry(build, *search)
        if found != known.get(found["search"]):
            fail(f"not what {LIST.name} says:\n{json.dumps(found, indent=1)}\n"
                 f"If that is meant, run proofs/load_buffering.py, and give docs/{PAGE.name} its reasons.")
    print(f"load buffering: {len(reads_of(entries))} reads could be overtaken, each with its reason")


def write(build: pathlib.Path) -> None:
    entries = [clients_entry(build, *search) for search in (*SMALL, *LARGE)] + [models_entry(build)]
    LIST.write_text(text_of(entries))
    before, rest = PAGE.read_text().split(BEGIN + "\n")
    PAGE.write_text(f"{before}{BEGIN}\n{table_of(entries)}\n{END}{rest.split(END)[1]}")
    check_page(entries)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "dev", help="the build directory")
    parser.add_argument("--check", action="store_true", help="run the small searches, and compare")
    parser.add_argument("--headers", action="store_true", help="run nothing, and compare the headers")
    options = parser.parse_args()
    if options.headers:
        check_headers()
    elif options.check:
        check(options.build)
    else:
        write(options.build)


if __name__ == "__main__":
    main()
