#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""--check-shard of an unmodified program: merge.py makes the whole of the parts, whatever their number."""

import argparse
import json
import os
import pathlib
import subprocess
import sys
from typing import Any

MERGE = pathlib.Path(__file__).parent.parent / "tools" / "merge.py"
PROGRAM = """
#include <atomic>
#include <checker/program.h>
#include <thread>

std::atomic<int> turns{0};

int main() {
  std::thread one([] { turns.exchange(1); });
  std::thread other([] { turns.exchange(2); });
  turns.exchange(3);
  one.join();
  other.join();
  checker_outcome(turns == 1 ? "one" : turns == 2 ? "other" : "main");
}
"""
EXECUTIONS = 6  # 3! orders of the exchanges
SAME = ("complete", "blocked", "cut", "excluded", "duplicates", "errors", "outcomes", "hash")


def searched(program: pathlib.Path, *options: str) -> dict[str, Any]:
    done = subprocess.run([program, "--check-quiet", "--check-json", "-", *options], capture_output=True, text=True,
                          timeout=60, check=False)
    assert done.returncode == 0, f"{options}: {done.returncode}\n{done.stdout}{done.stderr}"
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def merged(parts: list[dict[str, Any]]) -> dict[str, Any]:
    lines = "".join(json.dumps(part) + "\n" for part in parts)
    done = subprocess.run([sys.executable, MERGE], input=lines, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", required=True, help="check-c++")
    parser.add_argument("--library", required=True, help="the runtime")
    parser.add_argument("--compiler", default="g++")
    parser.add_argument("--work", required=True, type=pathlib.Path)
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    source, program = arguments.work / "parts.cpp", arguments.work / "parts"
    source.write_text(PROGRAM)
    subprocess.run([arguments.check, "-std=c++20", "-O1", source, "-o", program], check=True,
                   env={**os.environ, "CXX": arguments.compiler, "CHECKER_LIBRARY": arguments.library})
    whole = searched(program)
    assert (whole["complete"], whole["outcomes"]) == (EXECUTIONS, 3), whole
    for count in (2, 3, 4 * EXECUTIONS):
        parts = [searched(program, "--check-shard", f"{part}/{count}") for part in range(count)]
        assert count <= EXECUTIONS or any(part["complete"] == 0 for part in parts), parts
        sum_of_parts = merged(parts)
        assert all(sum_of_parts[key] == whole[key] for key in SAME), f"{count} parts: {sum_of_parts}\nwhole: {whole}"
        print(f"{count} parts make the whole of {EXECUTIONS} executions")


if __name__ == "__main__":
    main()
