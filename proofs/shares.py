#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Work on the shares of a search, beside others who do the same, until all are done.

    proofs/shares.py 28 build/dev/proofs/proofs --family pool_dequeue --calls 7

Start it as often as there are processors, on every machine that shares the current folder; kill it, and start it
again, as you like. For share 5 the program gets `--shard 5/28 --lines ...`, and when it has ended well there is a
file share-5.lines; `proofs/ledger.py --merge share-*.lines` puts them together.

Who works on a share holds its lease, a file share-5.lease that is touched every few seconds. A lease that nobody has
touched for a minute (--lease) is a dead worker's: whoever finds it takes it over, and does that share anew. Clocks of
the machines do not matter: a lease is old if its time has not changed while this worker looked on for so long. Two
workers on one share would do no harm: their lines are the same, and each file appears whole, by a rename.

The exit status is that of the program if it fails: the share is then free again, and this worker ends.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import pathlib
import socket
import subprocess
import sys
import time

OWN = f"{socket.gethostname()}-{os.getpid()}"


class Leases:
    """What this worker has seen of the leases of others: their times, and since when it knows them."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.seen: dict[pathlib.Path, tuple[int, float]] = {}

    def take(self, lease: pathlib.Path) -> bool:
        """The lease if it is free, or has not been touched for too long."""
        try:
            os.close(os.open(lease, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            return True
        except FileExistsError:
            return self.is_old(lease) and self.take_over(lease)

    def is_old(self, lease: pathlib.Path) -> bool:
        try:
            touched = lease.stat().st_mtime_ns
        except FileNotFoundError:
            return False
        now = time.monotonic()
        before, since = self.seen.get(lease, (0, now))
        if before != touched:
            self.seen[lease] = touched, now
            return False
        return now - since > self.seconds

    def take_over(self, lease: pathlib.Path) -> bool:
        """Of several who find it old, one can rename it."""
        self.seen.pop(lease, None)
        grave = lease.with_name(f"{lease.name}.{OWN}")
        try:
            lease.rename(grave)
        except FileNotFoundError:
            return False
        grave.unlink()
        print(f"{lease.stem}: taken over", flush=True)
        return self.take(lease)


def work(number: int, count: int, command: list[str], lease: pathlib.Path, seconds: float) -> int:
    """Runs the program on a share whose lease this worker has, and touches that meanwhile."""
    part = pathlib.Path(f"share-{number}.{OWN}.part")
    part.unlink(missing_ok=True)
    share = [*command, "--shard", f"{number}/{count}", "--lines", str(part)]
    with subprocess.Popen(share, stdout=subprocess.DEVNULL) as running:
        while running.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                running.wait(seconds / 6)
            with contextlib.suppress(FileNotFoundError):
                os.utime(lease)
    if running.returncode == 0:
        part.rename(f"share-{number}.lines")
    part.unlink(missing_ok=True)
    lease.unlink(missing_ok=True)
    return running.returncode


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lease", type=float, default=60, metavar="S", help="after how long a worker is dead")
    parser.add_argument("count", type=int, help="how many shares there are")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="the program and its options")
    chosen = parser.parse_args()
    if chosen.count < 1 or not chosen.command:
        parser.error("how many shares, and of which program?")
    leases = Leases(chosen.lease)
    while left := [n for n in range(chosen.count) if not pathlib.Path(f"share-{n}.lines").exists()]:
        done = False
        for number in left:
            lease = pathlib.Path(f"share-{number}.lease")
            if pathlib.Path(f"share-{number}.lines").exists() or not leases.take(lease):
                continue
            if status := work(number, chosen.count, chosen.command, lease, chosen.lease):
                print(f"share {number}: exit status {status}", file=sys.stderr)
                return status
            done = True
            print(f"share {number}: done", flush=True)
        if not done:
            time.sleep(min(1.0, chosen.lease / 6))
    return 0


if __name__ == "__main__":
    sys.exit(main())
