#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Add up the shards of searches.

Reads the lines of JSON that `litmus --shard I/N` (or another program of the checker) printed for all
shards of one or more searches, from files or from standard input, and prints one line for each
search: what the search of the whole prints. The exit status is that of the whole: 0 if all are
proved, 1 if one has an error, 3 if one was not finished or has no complete execution; and 2 if a
shard is missing or there twice, or if parts of another search are among them: of another number of
shards, of another program or other parameters, or with other bounds or options. It is 2 as well if
a thread was to be stopped, and no part has stopped one.
"""

from __future__ import annotations

import argparse
import fileinput
import itertools
import json
import sys
from typing import Any, NoReturn

SUMS = ("complete", "blocked", "cut", "excluded", "runs", "hunted", "duplicates", "errors", "stopped")
# What all parts of one search have in common, as far as their lines have it.
COMMON = ("digest", "bounds", "cpus", "options")
VERDICTS = {0: "proved", 1: "error", 3: "not finished"}
HASH_MODULUS = 1 << 128


def fail(message: str) -> NoReturn:
    print(f"merge.py: {message}", file=sys.stderr)
    sys.exit(2)


def read_parts(files: list[str]) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """The parts of each search, by its name and model."""
    parts: dict[tuple[str, str], list[dict[str, Any]]] = {}
    with fileinput.input(files, encoding="utf-8") as lines:
        for line in lines:
            where = f"{lines.filename()}:{lines.filelineno()}"
            try:
                part = json.loads(line)
                part["shard"] = tuple(int(number) for number in part["shard"].split("/"))
                parts.setdefault((part["name"], part["model"]), []).append(part)
            except (json.JSONDecodeError, KeyError, ValueError, TypeError) as error:
                fail(f"{where}: not the line of a shard ({error!r})")
    if not parts:
        fail("there is no line")
    return parts


def bounds_of(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """What the verdict says of what was searched. What one part has not met, another may have."""
    if not all("operations" in part for part in parts):  # a line of a program of one's own
        return {}

    def each_of(key: str) -> list[str]:
        return list(dict.fromkeys(each for part in parts for each in part[key]))

    longest = [part["operations"] for part in parts]
    reached = each_of("conflicts_reached")
    bounds = {"operations": [max(each) for each in itertools.zip_longest(*longest, fillvalue=0)],
              "not_explored": each_of("not_explored"),
              "conflicts_reached": reached,
              "conflicts_never_reached": [each for each in each_of("conflicts_never_reached")
                                          if each not in reached]}
    cut = [part["why_cut"] for part in parts if "why_cut" in part]
    return bounds | ({"why_cut": cut[0]} if cut else {})


def expect_one_search(name: str, parts: list[dict[str, Any]]) -> None:
    for key in COMMON:
        for part in parts:
            if part.get(key) != parts[0].get(key):
                of_part, of_first = (f"{json.dumps(each.get(key))} in shard {'/'.join(map(str, each['shard']))}"
                                     for each in (part, parts[0]))
                fail(f"{name}: parts of different searches are mixed: {key} is {of_first}, and {of_part}")
    if "stopped" in parts[0] and not any(part["stopped"] or part["errors"] or part["cut"] for part in parts):
        fail(f"{name}: the thread that was to be stopped is in no part, or never comes so far")


def merge(name: str, parts: list[dict[str, Any]]) -> dict[str, Any]:
    counts = {part["shard"][1] for part in parts}
    if len(counts) != 1:
        fail(f"{name}: parts of {sorted(counts)} shards are mixed")
    count = counts.pop()
    seen = sorted(part["shard"][0] for part in parts)
    if seen != list(range(count)):
        missing = sorted(set(range(count)) - set(seen))
        fail(f"{name}: missing shards {missing}" if missing else f"{name}: a shard is there twice")
    expect_one_search(name, parts)
    outcomes = {hash_ for part in parts for hash_ in part["outcome_hashes"]}
    whole = {"name": name, "model": parts[0]["model"]}
    whole.update({key: parts[0][key] for key in COMMON if key in parts[0]})
    whole.update({key: sum(part[key] for part in parts) for key in SUMS if key in parts[0]})
    whole["outcomes"] = len(outcomes)
    whole["hash"] = f"{sum(int(part['hash'], 16) for part in parts) % HASH_MODULUS:032x}"
    whole["seconds"] = round(sum(part["seconds"] for part in parts), 6)
    whole["peak_bytes"] = max(part["peak_bytes"] for part in parts)
    whole.update(bounds_of(parts))
    whole["verdict"] = VERDICTS[status_of(whole)]
    if any("not_seen" in part for part in parts):
        whole["not_seen"] = sorted({each for part in parts for each in part["not_seen"]})
    return whole


def status_of(whole: dict[str, Any]) -> int:
    if whole["errors"]:
        return 1
    return 3 if whole["cut"] or not whole["complete"] else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", metavar="FILE", help="default: standard input")
    arguments = parser.parse_args()
    statuses = {0}
    for (name, _), parts in read_parts(arguments.files).items():
        whole = merge(name, parts)
        print(json.dumps(whole))
        statuses.add(status_of(whole))
    return 1 if 1 in statuses else max(statuses)


if __name__ == "__main__":
    sys.exit(main())
