#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Estimate what the next two sizes of each family of the ledger would cost: executions, core hours, and their error.

Nothing is proved by it. The clients of a size are divided as `--shard` divides them: share I has every N-th client of
a list that begins with what costs least, so that each share has cheap and dear ones. Shares are drawn at random until
the time is up. The executions of each of their clients are counted, or estimated by the checker if they are more than
a few thousand. Writes proofs/next_sizes.json; `scripts/facts.py --write` puts that into docs/checking-at-scale.md.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import ledger
import headers  # ledger.py knows where it is

SIZES = ledger.ROOT / "proofs" / "next_sizes.json"

# Of one client: beyond so many runs its executions are estimated, in a fifth of the seconds that
# are named here.
COUNTED_RUNS = 5000
HOW = ("--runs", str(COUNTED_RUNS), "--seconds", "15", "--partial", "--jobs", "1")
# A share has about so many clients.
SHARE = 2
# The error is that of a mean, so there are some shares at least.
LEAST_SHARES = 4
# In seconds; executions of clients with fewer of them are made mostly of what a search begins with.
WORTH_TIMING = 1000

Client = dict[str, Any]


def searches() -> list[tuple[str, int, tuple[str, ...]]]:
    """The next two sizes of each family, with the options that the ledger's search has but for its limits."""
    found = []
    for family, calls, options in ledger.SEARCHES:
        if "--progress" in options:
            continue
        kept = tuple(each for each in options if each != "--partial")
        if "--runs" in kept:
            at = kept.index("--runs")
            kept = kept[:at] + kept[at + 2:]
        found += [(family, calls + more, kept) for more in (1, 2)]
    return found


def size_of(client: Client) -> tuple[float, float]:
    """How many executions it has, and the standard error of that."""
    if client["cut"] == 0:
        return client["complete"], 0
    if client["estimate"] is None:
        return client["complete"], 0
    return max(client["estimate"]["executions"], client["complete"]), client["estimate"]["error"]


def estimate_of(shares: list[list[Client]], count: int) -> tuple[float, float]:
    """The sum over all `count` shares, of which these were drawn, and its standard error: what was not drawn is one
    part of that, and the estimates of single clients are the other."""
    drawn = len(shares)
    sums = [sum(size_of(client)[0] for client in share) for share in shares]
    errors = sum(size_of(client)[1] ** 2 for share in shares for client in share)
    between = statistics.variance(sums) if drawn > 1 else 0.0
    few = 1 + 1.5 / (drawn - 1) if drawn > 1 else 1.0  # Student's t at 95 %, nearly
    variance = count * count * (1 - drawn / count) * between / drawn + count / drawn * errors
    return count * statistics.fmean(sums), few * variance ** 0.5


def draw(take: Callable[[int, int], list[Client]], whole: int, seconds: float, random_: random.Random,
         spent: Callable[[], float]) -> tuple[list[list[Client]], int]:
    """Shares in an order by chance, until the time is up or all are there. And how many there are."""
    count = max(1, whole // SHARE)
    shares: list[list[Client]] = []
    for number in random_.sample(range(count), count):
        if len(shares) >= LEAST_SHARES and spent() > seconds:
            break
        shares.append(take(number, count))
    return shares, count


def processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Program:
    """The program `proofs`, asked for shares of one size of one family."""

    def __init__(self, path: pathlib.Path, search: tuple[str, int, tuple[str, ...]], place: pathlib.Path) -> None:
        family, calls, options = search
        self.command = [str(path), "--family", family, "--calls", str(calls), *options, *HOW]
        self.lines = place / "share.lines"

    def share(self, number: int, count: int) -> tuple[int, list[Client]]:
        """How many clients there are in all, and those of a share. Their seconds are those of a processor, as far as
        that can be told: others may use the machine."""
        self.lines.unlink(missing_ok=True)
        start, used = time.monotonic(), processor_seconds()
        done = subprocess.run([*self.command, "--shard", f"{number}/{count}", "--lines", str(self.lines)],
                              capture_output=True, text=True, check=False)
        if done.returncode == 2 and "more than 5 million clients" in done.stderr:
            raise OverflowError
        if done.returncode != 0:
            ledger.fail(f"{' '.join(self.command)}: exit status {done.returncode}\n{done.stderr}{done.stdout[-2000:]}")
        had = (processor_seconds() - used) / (time.monotonic() - start)
        head, *clients = [json.loads(line) for line in self.lines.read_text().splitlines()]
        for client in clients:
            client["seconds"] *= min(had, 1.0)
        return head["whole"], clients


def seconds_of_one(clients: list[Client], family: str) -> float:
    """How long an execution takes, by those clients that were counted to the end and had many; else by the ledger."""
    timed = [client for client in clients if client["cut"] == 0 and client["complete"] >= WORTH_TIMING]
    if timed:
        return float(sum(client["seconds"] for client in timed) / sum(client["complete"] for client in timed))
    entries = [entry for entry in json.loads(ledger.LEDGER.read_text())["entries"]
               if entry["subject"].startswith(f"{family}, ")]
    return float(sum(entry["seconds"] for entry in entries) / sum(entry["executions"] for entry in entries))


def size(path: pathlib.Path, search: tuple[str, int, tuple[str, ...]], seconds: float, seed: int) -> dict[str, Any]:
    family, calls, options = search
    found: dict[str, Any] = {"family": family, "calls": calls, "options": " ".join(options)}
    begin = processor_seconds()
    with tempfile.TemporaryDirectory() as place:
        program = Program(path, search, pathlib.Path(place))
        try:
            whole, _ = program.share(0, 10 ** 6)
        except OverflowError:
            return found | {"clients": None}
        shares, count = draw(lambda number, of: program.share(number, of)[1], whole, seconds,
                             random.Random(f"{seed} {family} {calls}"), lambda: processor_seconds() - begin)
    clients = [client for share in shares for client in share]
    executions, error = estimate_of(shares, count)
    one = seconds_of_one(clients, family)
    return found | {
        "clients": whole, "sampled": len(clients), "shares": len(shares), "of_shares": count,
        "counted": sum(client["cut"] == 0 for client in clients),
        "not_estimated": sum(client["cut"] != 0 and client["estimate"] is None for client in clients),
        "executions": float(f"{executions:.3g}"), "error": float(f"{error:.3g}"),
        "seconds_of_one": float(f"{one:.3g}"), "core_hours": float(f"{executions * one / 3600:.3g}"),
    }


def say_of_headers() -> None:
    """No failure: orders of magnitude outlive a change of the headers, and ten quiet minutes are not always there."""
    sizes, proved = (json.loads(path.read_text())["headers"] for path in (SIZES, ledger.LEDGER))
    about = "of the headers of the ledger" if sizes == proved else (
        f"of headers {sizes[:12]}, and the ledger is of {proved[:12]}: run proofs/next_sizes.py, for ten minutes of a "
        "machine that has nothing else to do, and scripts/facts.py --write")
    print(f"{SIZES.name}: {about}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ledger.ROOT / "build" / "dev", help="the build directory")
    parser.add_argument("--seconds", type=float, default=20, metavar="S",
                        help="of a processor, for each size (default: 20, ten minutes in all)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="which shares are drawn (default: 1)")
    parser.add_argument("--headers", action="store_true",
                        help="run nothing, and say if they are of other headers than the ledger")
    options = parser.parse_args()
    if options.headers:
        say_of_headers()
        return
    found = []
    for search in searches():
        found.append(size(options.build / "proofs" / "proofs", search, options.seconds, options.seed))
        print(json.dumps(found[-1]), file=sys.stderr, flush=True)
    SIZES.write_text(json.dumps({"headers": headers.hash_of(), "seed": options.seed,
                                 "seconds": options.seconds, "sizes": found}, indent=1) + "\n")
    print(f"written: {SIZES.relative_to(ledger.ROOT)}")


if __name__ == "__main__":
    main()
