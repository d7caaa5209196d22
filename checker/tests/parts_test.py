#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""--check-shard of an unmodified program: merge.py makes the whole of the parts, whatever their number."""

import argparse
import json
import pathlib
import subprocess
import sys
from typing import Any

from single import compiled, parser_of

HERE = pathlib.Path(__file__).parent
MERGE = HERE.parent / "tools" / "merge.py"
EXECUTIONS = 6  # 3! orders of the exchanges
SAME = ("verdict", "complete", "blocked", "cut", "excluded", "duplicates", "errors", "outcomes", "hash", "operations",
        "digest", "bounds", "cpus", "options", "not_explored", "conflicts_reached", "conflicts_never_reached")


def searched(program: pathlib.Path, *options: str) -> dict[str, Any]:
    done = subprocess.run([program, "--check-quiet", "--check-json", "-", *options], capture_output=True, text=True,
                          timeout=60, check=False)
    assert done.returncode == 0, f"{options}: {done.returncode}\n{done.stdout}{done.stderr}"
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def merge(parts: list[dict[str, Any]]) -> subprocess.CompletedProcess[str]:
    lines = "".join(json.dumps(part) + "\n" for part in parts)
    return subprocess.run([sys.executable, MERGE], input=lines, capture_output=True, text=True, timeout=60, check=False)


def merged(parts: list[dict[str, Any]]) -> dict[str, Any]:
    done = merge(parts)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def many_threads(arguments: argparse.Namespace) -> None:
    """A part may never see that there are more threads than a search has room for at first."""
    source = HERE / "hunted" / "many_threads.cpp"
    program = compiled(arguments, source, "many_threads")
    whole = searched(program)
    assert whole["complete"] == 2, whole
    for count in (2, 3):
        parts = [searched(program, "--check-shard", f"{part}/{count}") for part in range(count)]
        sum_of_parts = merged(parts)
        assert all(sum_of_parts[key] == whole[key] for key in SAME), f"{count} parts: {sum_of_parts}\nwhole: {whole}"
    broken = compiled(arguments, source, "many_threads_broken", "-DBROKEN")
    statuses = [subprocess.run([broken, "--check-quiet", "--check-shard", f"{part}/3"], timeout=60,
                               check=False).returncode for part in range(3)]
    assert sorted(statuses) == [0, 0, 1], statuses


def mixed(program: pathlib.Path, other: pathlib.Path) -> None:
    """Parts of different searches are refused: of other options, of another program, of other arguments."""
    first = searched(program, "--check-shard", "0/2")
    for key, by, options in (("bounds", program, ("--check-reuse", "0", "--check-spurious", "0")),
                             ("cpus", program, ("--check-cpus", "1")),
                             ("options", program, ("--check-all-turns",)),
                             ("options", program, ("--check-no-leaks",)),
                             ("digest", program, ("an argument",)),
                             ("digest", other, ())):
        done = merge([first, searched(by, *options, "--check-shard", "1/2") | {"name": first["name"]}])
        assert done.returncode == 2 and not done.stdout, (key, options, done)
        assert f"parts of different searches are mixed: {key} is " in done.stderr, done.stderr


def stopped(program: pathlib.Path) -> None:
    """A thread that no part has stopped: that is refused, as in the whole."""
    for stop, status, why in (("1,1", 0, ""), ("7,3", 2, "is in no part"), ("1,50", 2, "never comes so far")):
        done = merge([searched(program, "--check-stop", stop, "--check-shard", f"{part}/2") for part in range(2)])
        assert done.returncode == status and why in done.stderr, (stop, done)


def main() -> None:
    arguments = parser_of(__doc__).parse_args()
    many_threads(arguments)
    program = compiled(arguments, HERE / "hunted" / "parts.cpp", "parts")
    whole = searched(program)
    assert (whole["complete"], whole["outcomes"]) == (EXECUTIONS, 3), whole
    for count in (1, 2, 3, 4 * EXECUTIONS):
        parts = [searched(program, "--check-shard", f"{part}/{count}") for part in range(count)]
        assert count <= EXECUTIONS or any(part["complete"] == 0 for part in parts), parts
        sum_of_parts = merged(parts)
        assert all(sum_of_parts[key] == whole[key] for key in SAME), f"{count} parts: {sum_of_parts}\nwhole: {whole}"
        print(f"{count} parts make the whole of {EXECUTIONS} executions")
    mixed(program, compiled(arguments, HERE / "hunted" / "many_threads.cpp", "many_threads"))
    stopped(compiled(arguments, HERE / "programs" / "stopped_thread.cpp", "stopped_thread"))
    parts = [searched(program, "--check-shard", f"{part}/2") for part in range(2)]
    for key, value, status in (("errors", 1, 1), ("cut", 1, 3), ("shard", "0/2", 2)):
        found = merge([parts[0], {**parts[1], key: value}]).returncode
        assert found == status, f"{key} {value}: exit status {found} instead of {status}"
    # What one part has not met, another may have.
    missed = [{**parts[0], "conflicts_reached": [], "conflicts_never_reached": ["a.cpp:1", "b.cpp:2"]},
              {**parts[1], "conflicts_reached": ["a.cpp:1"], "conflicts_never_reached": []}]
    whole = merged(missed)
    assert whole["conflicts_reached"] == ["a.cpp:1"] and whole["conflicts_never_reached"] == ["b.cpp:2"], whole
    nothing = [part | {"complete": 0} for part in parts]
    assert merge(nothing).returncode == 3, "a search without a complete execution proves nothing"


if __name__ == "__main__":
    main()
