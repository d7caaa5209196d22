#!/usr/bin/python3
"""Write the ledger of proofs: what the checker has explored, and of which headers.

Runs the programs `proofs` and `checked_models` as `make proofs` does, and writes proofs/ledger.json and
docs/proofs.md. With --check it runs nothing, and fails if the ledger is about other headers than those
that are there, or if the table does not belong to it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import pathlib
import subprocess
import sys
from typing import Any, NoReturn

ROOT = pathlib.Path(__file__).resolve().parent.parent
LEDGER = ROOT / "proofs" / "ledger.json"
TABLE = ROOT / "docs" / "proofs.md"
HEADERS = ROOT / "impl" / "include" / "poolproof"

# The client searches: family, calls, and what else. What they say of themselves comes from the program.
SEARCHES = (
    ("pool_dequeue", 6, ()),
    ("pool_dequeue", 5, ("--progress",)),
    ("pool_dequeue_batches", 5, ()),
    ("pool_dequeue_batches", 4, ("--progress",)),
    ("object_pool_one_cpu", 3, ("--spurious", "0")),
    ("object_pool_two_cpus", 3, ("--spurious", "0")),
    ("object_pool_one_cpu", 2, ("--progress", "--spurious", "0")),
    ("object_pool_two_cpus", 2, ("--progress", "--spurious", "0")),
    ("object_pool_four_threads", 4, ("--spurious", "0", "--seconds", "5", "--partial")),
)
MODELS = ("--skip-litmus", "--seconds", "600", "--partial")

Entry = dict[str, Any]


def fail(message: str) -> NoReturn:
    sys.exit(f"ledger.py: {message}")


def headers_hash() -> str:
    """Of the names and contents of all headers."""
    digest = hashlib.sha256()
    for path in sorted(HEADERS.glob("*.hpp")):
        content = path.read_bytes()
        digest.update(f"{path.name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def run(program: pathlib.Path, options: tuple[str, ...]) -> Any:
    if not program.exists():
        fail(f"{program} is missing; 'make proofs' builds it")
    done = subprocess.run([program, "--json", *options], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        fail(f"{program.name} {' '.join(options)}: exit status {done.returncode}\n{done.stderr}{done.stdout[-2000:]}")
    return json.loads(done.stdout)


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
    return f" ({size['executions']:,} executions, {more}{'roughly' if estimate['rough'] else 'about'} {estimate['executions']:.1e} ± {error} %)"


def client_entry(build: pathlib.Path, family: str, calls: int, options: tuple[str, ...]) -> Entry:
    found = run(build / "proofs" / "proofs", ("--family", family, "--calls", str(calls), *options))
    clients = found["clients"]
    finished = [client for client in clients if client["cut"] == 0]
    stops = "; every thread stopped for ever after each of its operations" if "--progress" in options else ""
    return {
        "subject": f"{family}, {calls} calls",
        "property": found["property"] + ("; the others return" if stops else ""),
        "bound": found["bound"] + stops,
        "clients": len(clients),
        "proved": len(finished),
        "unfinished": [client["client"] for client in clients if client["cut"] != 0],
        "sizes": {client["client"]: size_of(client) for client in clients if client["cut"] != 0},
        "executions": sum(client["complete"] for client in finished),
        "blocked": sum(client["blocked"] for client in finished),
        "seconds": round(sum(client["seconds"] for client in finished), 2),
    }


def model_entries(build: pathlib.Path) -> list[Entry]:
    entries = []
    for model in run(build / "relacy_models" / "checked_models", MODELS):
        entries.append({
            "subject": model["name"],
            "property": model["property"],
            "bound": model["bound"],
            "clients": 1,
            "proved": 0 if model["timed_out"] else 1,
            "unfinished": [model["name"]] if model["timed_out"] else [],
            "sizes": {model["name"]: size_of(model)} if model["timed_out"] else {},
            "executions": 0 if model["timed_out"] else model["complete"],
            "blocked": 0 if model["timed_out"] else model["blocked"],
            "seconds": 0 if model["timed_out"] else round(model["seconds"], 2),
        })
    return entries


def table_of(ledger: dict[str, Any]) -> str:
    lines = [
        "# Proofs",
        "",
        "Generated by `proofs/ledger.py` from `proofs/ledger.json`; `make ledger` makes both anew, and `make lint` fails if they are",
        "about other headers than those in `impl/include`. Every execution that RC11 allows was explored, each once, by our own",
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
        f"{sum(entry['proved'] for entry in entries)} of {sum(entry['clients'] for entry in entries)} clients and models proved,"
        f" {sum(entry['executions'] for entry in entries):,} executions. One core; the seconds are of one run.",
        "",
    ]
    return "\n".join(lines)


def check() -> None:
    if not LEDGER.exists():
        fail(f"{LEDGER.name} is missing; run 'make ledger'")
    ledger = json.loads(LEDGER.read_text())
    if ledger["headers"] != headers_hash():
        fail("the ledger of proofs is stale: the headers have changed since; run 'make ledger'")
    if not TABLE.exists() or TABLE.read_text() != table_of(ledger):
        fail(f"{TABLE.name} does not belong to {LEDGER.name}; run 'make ledger'")
    print(f"ledger of proofs: {len(ledger['entries'])} entries, about these headers")


def write(build: pathlib.Path) -> None:
    entries = [client_entry(build, *search) for search in SEARCHES] + model_entries(build)
    ledger = {"engine": "checker, RC11", "headers": headers_hash(), "entries": entries}
    LEDGER.write_text(json.dumps(ledger, indent=1) + "\n")
    TABLE.write_text(table_of(ledger))
    print(f"written: {LEDGER.relative_to(ROOT)}, {TABLE.relative_to(ROOT)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "models", help="the build directory")
    parser.add_argument("--check", action="store_true", help="only compare, run nothing")
    options = parser.parse_args()
    if options.check:
        check()
    else:
        write(options.build)


if __name__ == "__main__":
    main()
