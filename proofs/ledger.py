#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Write the ledger of proofs: what the checker has explored, and of which headers.

Runs the programs `proofs` and `checked_models`, and writes proofs/ledger.json and docs/proofs.md. With --merge it
runs nothing, and takes what the shares of a search have written (`--shard I/N --lines FILE`), on whatever machines:
the entries are those of the undivided search. With --check it runs nothing, and fails if the ledger is about other
headers than those that are there, or if the table does not belong to it. With --certificate it writes nothing: it
prints what the shares come to, without the seconds, which is the same text for every number of shares.

What the ledger is about is the tokens of the headers: a comment may change. Nothing in it names a line.
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

LEDGER = ROOT / "proofs" / "ledger.json"
TABLE = ROOT / "docs" / "proofs.md"
HASH_MODULUS = 1 << 128

# What takes too long is bounded by executions, not by seconds: so the ledger is the same on a
# machine that is slow or has other work.

# The client searches: family, calls, and what else. What they say of themselves comes from the
# program.
SEARCHES = (
    ("pool_dequeue", 6, ()),
    ("pool_dequeue", 5, ("--progress",)),
    ("pool_dequeue_batches", 5, ()),
    ("pool_dequeue_batches", 4, ("--progress",)),
    ("object_pool_one_cpu", 3, ("--letters", "pgr", "--spurious", "0")),
    ("object_pool_two_cpus", 3, ("--letters", "pgr", "--spurious", "0")),
    ("object_pool_sections_one_cpu", 3, ("--letters", "pgr", "--spurious", "0")),
    ("object_pool_sections_two_cpus", 3, ("--letters", "pgr", "--spurious", "0", "--runs", "3000000", "--partial")),
    ("object_pool_one_cpu", 2, ("--letters", "pgr", "--progress", "--spurious", "0")),
    ("object_pool_two_cpus", 2, ("--letters", "pgr", "--progress", "--spurious", "0")),
    ("upkept_pool_one_cpu", 2, ("--spurious", "0")),
    ("upkept_pool_two_cpus", 3, ("--letters", "pgr", "--spurious", "0")),
    ("upkept_pool_sections", 2, ("--spurious", "0")),
    ("upkept_pool_idle", 3, ("--letters", "pgr", "--spurious", "0")),
)
# Every call and event, on each machine but those of small sizes that have sections: their clients
# of two calls take too long. What comes next is the survey's, which takes the cheapest first, and
# not next_sizes.py's.
MACHINES = (
    "object_pool_one_cpu",
    "object_pool_two_cpus",
    "object_pool_sections_one_cpu",
    "object_pool_sections_two_cpus",
    "object_pool_small",
    "wide_pool_three_cpus",
    "wide_pool_beyond",
    "wide_pool_sections_beyond",
    "narrow_pool_one_cpu",
    "narrow_pool_two_cpus",
    "rare_pool_two_cpus",
    "rare_pool_sections_one_cpu",
    "rare_pool_sections_two_cpus",
)
EVERY_CALL = tuple((family, 2, ("--spurious", "0")) for family in MACHINES)
MODELS = ("--skip-litmus", "--runs", "12000000", "--partial")

Entry = dict[str, Any]


def fail(message: str) -> NoReturn:
    sys.exit(f"ledger.py: {message}")


def run(program: pathlib.Path, options: tuple[str, ...], lines: pathlib.Path) -> None:
    if not program.exists():
        fail(f"{program} is missing; 'make proofs' builds it")
    lines.unlink(missing_ok=True)
    command = [str(program), *options, "--lines", str(lines)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        fail(f"{program.name} {' '.join(options)}: exit status {done.returncode}\n{done.stderr}{done.stdout[-2000:]}")


def read_lines(files: list[pathlib.Path]) -> dict[str, list[tuple[Entry, list[Entry]]]]:
    """Of each search the shares: what its first line says, and the lines about what was searched."""
    searches: dict[str, list[tuple[Entry, list[Entry]]]] = {}
    for path in files:
        for number, text in enumerate(path.read_text().splitlines(), start=1):
            try:
                line = json.loads(text)
                shares = searches.setdefault(line["search"], [])
                if "shard" in line:
                    shares.append((line, []))
                else:
                    shares[-1][1].append(line)
            except (json.JSONDecodeError, KeyError, IndexError, TypeError) as error:
                fail(f"{path}:{number}: not a line of 'proofs' or 'checked_models' ({error!r})")
    if not searches:
        fail("there is no line")
    return searches


def whole_of(search: str, shares: list[tuple[Entry, list[Entry]]]) -> tuple[Entry, list[Entry]]:
    """What the undivided search would have written."""
    first = shares[0][0]
    if {head["headers"] for head, _ in shares} != {headers.hash_of()}:
        fail(f"{search}: of other headers than those that are here")
    if len({(head["shard"].split("/")[1], head["whole"]) for head, _ in shares}) != 1:
        fail(f"{search}: shares of different searches are mixed")
    count = int(first["shard"].split("/")[1])
    seen = sorted(int(head["shard"].split("/")[0]) for head, _ in shares)
    missing = sorted(set(range(count)) - set(seen))
    if missing or len(seen) != count:
        fail(f"{search}: missing shares {missing} of {count}" if missing else f"{search}: a share is there twice")
    places: dict[int, list[Entry]] = {}
    for head, lines in shares:
        names: list[str] = []
        for line in lines:
            name = line.get("client") or line["name"]
            if name not in names:
                names.append(name)
            places.setdefault(int(head["shard"].split("/")[0]) + count * names.index(name), []).append(line)
    if sorted(places) != list(range(first["whole"])):
        fail(f"{search}: {len(places)} of {first['whole']} were searched")
    lines = [line for place in sorted(places) for line in places[place]]
    failed = [line.get("client") or line["name"] for line in lines if line["errors"] or not line.get("passed", True)]
    if failed:
        fail(f"{search}: fails, and what fails stands in no ledger: {', '.join(failed)}")
    return first, lines


def entries_of(files: list[pathlib.Path]) -> list[Entry]:
    entries = []
    for search, shares in read_lines(files).items():
        head, lines = whole_of(search, shares)
        entries += model_entries(lines) if "models" in head else [client_entry(head, lines)]
    return entries


def hash_of(searches: list[Entry]) -> str:
    """Of all graphs that were complete: they are added, so that their order is none."""
    return f"{sum(int(each['hash'], 16) for each in searches) % HASH_MODULUS:032x}"


def size_of(unfinished: Entry) -> Entry:
    """What is known of the size of a search that was not finished."""
    return {"executions": unfinished["complete"], "estimate": unfinished["estimate"]}


def text_of_size(size: Entry | None) -> str:
    """Such as ' (2,000 executions of about 3e+04 ± 8 %)'; nothing of a ledger that does not say."""
    if size is None:
        return ""
    estimate = size["estimate"]
    if estimate is None:
        return f" ({size['executions']:,} executions, no estimate)"
    error = round(100 * estimate["error"] / estimate["executions"])
    more = "more than were estimated: " if size["executions"] > estimate["executions"] else "of "
    more += "roughly" if estimate["rough"] else "about"
    return f" ({size['executions']:,} executions, {more} {estimate['executions']:.1e} ± {error} %)"


def client_entry(search: Entry, clients: list[Entry]) -> Entry:
    finished = [client for client in clients if client["cut"] == 0]
    stops = "; every thread stopped for ever after each of its operations" if search["progress"] else ""
    letters = re.search(r"--letters (\w+)", search["search"])
    return {
        "subject": f"{search['family']}, {search['calls']} calls" + (f" of {', '.join(letters[1])}" if letters else ""),
        "property": search["property"] + ("; the others return" if stops else ""),
        "bound": search["bound"] + stops,
        "clients": len(clients),
        "proved": len(finished),
        "unfinished": [client["client"] for client in clients if client["cut"] != 0],
        "sizes": {client["client"]: size_of(client) for client in clients if client["cut"] != 0},
        "executions": sum(client["complete"] for client in finished),
        "blocked": sum(client["blocked"] for client in finished),
        "hash": hash_of(finished),
        "seconds": round(sum(client["seconds"] for client in finished), 2),
    }


def model_entries(models: list[Entry]) -> list[Entry]:
    entries = []
    for model in models:
        done = not model["timed_out"]
        entries.append({
            "subject": model["name"],
            "property": model["property"],
            "bound": model["bound"],
            "clients": 1,
            "proved": 1 if done else 0,
            "unfinished": [] if done else [model["name"]],
            "sizes": {} if done else {model["name"]: size_of(model)},
            "executions": model["complete"] if done else 0,
            "blocked": model["blocked"] if done else 0,
            "hash": hash_of([model] if done else []),
            "seconds": round(model["seconds"], 2) if done else 0,
        })
    return entries


def table_of(ledger: dict[str, Any]) -> str:
    lines = [
        "# Proofs",
        "",
        "Generated by `proofs/ledger.py` from `proofs/ledger.json`; `make ledger` makes both anew, and `make lint` "
        "fails if they are",
        "about other headers than those in `impl/include`. Every execution that RC11 allows was explored, each once, "
        "by our own",
        "checker; `unfinished` is not proved. [verification.md](verification.md) says what this does not cover.",
        "",
        f"Headers: sha256 {ledger['headers']}",
        "",
        "| what | property | bound | proved | executions | blocked | seconds |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for entry in ledger["entries"]:
        proved = f"{entry['proved']} of {entry['clients']}"
        if entry["unfinished"]:
            proved += ", unfinished: " + ", ".join(
                f"`{name}`{text_of_size(entry.get('sizes', {}).get(name))}" for name in entry["unfinished"])
        cells = (entry["subject"], entry["property"], entry["bound"], proved, f"{entry['executions']:,}",
                 f"{entry['blocked']:,}", f"{entry['seconds']:.2f}")
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    entries = ledger["entries"]
    lines += [
        "",
        f"{sum(entry['proved'] for entry in entries)} of {sum(entry['clients'] for entry in entries)} clients and "
        "models proved,"
        f" {sum(entry['executions'] for entry in entries):,} executions. One core; the seconds are of one run.",
        "",
    ]
    return "\n".join(lines)


def check() -> None:
    if not LEDGER.exists():
        fail(f"{LEDGER.name} is missing; run 'make ledger'")
    ledger = json.loads(LEDGER.read_text())
    if ledger["headers"] != headers.hash_of():
        fail("the ledger of proofs is stale: the headers have changed since; run 'make ledger'")
    if not TABLE.exists() or TABLE.read_text() != table_of(ledger):
        fail(f"{TABLE.name} does not belong to {LEDGER.name}; run 'make ledger'")
    print(f"ledger of proofs: {len(ledger['entries'])} entries, about these headers")


def write(entries: list[Entry]) -> None:
    ledger = {"engine": "checker, RC11", "headers": headers.hash_of(), "entries": entries}
    LEDGER.write_text(json.dumps(ledger, indent=1) + "\n")
    TABLE.write_text(table_of(ledger))
    print(f"written: {LEDGER.relative_to(ROOT)}, {TABLE.relative_to(ROOT)}")


def run_all(build: pathlib.Path) -> list[Entry]:
    place = build / "ledger"
    place.mkdir(exist_ok=True)
    files: list[pathlib.Path] = []
    for family, calls, options in (*SEARCHES, *EVERY_CALL):
        files.append(place / f"{family}-{len(files)}.lines")
        run(build / "proofs" / "proofs", ("--family", family, "--calls", str(calls), *options), files[-1])
    files.append(place / "models.lines")
    run(build / "relacy_models" / "checked_models", MODELS, files[-1])
    return entries_of(files)


def merge(entries: list[Entry]) -> list[Entry]:
    """The ledger's entries with these, each in the place of the one that it was made anew of. Of other headers the
    ledger's are worth nothing."""
    old = json.loads(LEDGER.read_text()) if LEDGER.exists() else {"headers": "", "entries": []}
    kept = old["entries"] if old["headers"] == headers.hash_of() else []
    by_name = {(entry["subject"], entry["bound"]): entry for entry in kept}
    by_name.update({(entry["subject"], entry["bound"]): entry for entry in entries})
    return list(by_name.values())


def certificate_of(entries: list[Entry]) -> str:
    """What does not depend on the machines, or on the number of shares."""
    return "".join(json.dumps({key: value for key, value in entry.items() if key != "seconds"}) + "\n"
                   for entry in entries)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "dev", help="the build directory")
    parser.add_argument("--check", action="store_true", help="only compare, run nothing")
    parser.add_argument("--merge", type=pathlib.Path, nargs="+", metavar="FILE", help="take the lines of shares")
    parser.add_argument("--certificate", type=pathlib.Path, nargs="+", metavar="FILE",
                        help="print what the lines of shares come to")
    options = parser.parse_args()
    if options.check:
        check()
    elif options.certificate:
        print(certificate_of(entries_of(options.certificate)), end="")
    elif options.merge:
        write(merge(entries_of(options.merge)))
    else:
        write(run_all(options.build))


if __name__ == "__main__":
    main()
