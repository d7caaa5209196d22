# SPDX-License-Identifier: MIT
"""The benchmarks' sources are right C++: nothing else in CI compiles them, and a campaign would be the first to tell.
They are parsed, with templates instantiated, and make no code."""

from __future__ import annotations

import concurrent.futures
import json
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BENCH = ROOT / "bench"
PARTS = ("TESTS", "MODELS", "STRESS", "EXAMPLES", "CHECKER")  # that are not configured

# Those that their own scripts compile.
MODELS: tuple[list[str], ...] = ([], ["-DMODEL", "-Ichecker/include"])
PROGRAMS: dict[str, list[list[str]]] = {
    "user_loop/loops.cpp": [["-Iimpl/include"]],
    "user_loop/patterns.cpp": [["-Iimpl/include"]],
    "front_ends/plain.cpp": [[]],
    "front_ends/programs.cpp": [[f"-DPROGRAM={name}", *model] for name in ("ring", "queue", "chase_lev")
                                for model in MODELS],
}


def configured(build: str) -> list[list[str]]:
    """How CMake would compile what it knows of, with whatever peers are here."""
    options = [f"-DPOOLPROOF_BUILD_{part}=OFF" for part in PARTS]
    made = subprocess.run(["cmake", "-S", ROOT, "-B", build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
                           "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON", "-DPOOLPROOF_BUILD_BENCH=ON", *options],
                          capture_output=True, text=True, check=False)
    if made.returncode != 0:
        raise AssertionError(made.stdout + made.stderr)
    commands = []
    for entry in json.loads((Path(build) / "compile_commands.json").read_text()):
        if Path(entry["file"]).is_relative_to(BENCH):
            words = shlex.split(re.sub(r" -o \S+ -c ", " -c ", entry["command"]))
            commands.append([each for each in words if each != "-c"])
    return commands


def failure(command: list[str]) -> str:
    """What a compiler says of a source; nothing if that is right."""
    done = subprocess.run([*command, "-fsyntax-only"], cwd=ROOT, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stderr


@unittest.skipUnless(shutil.which("cmake") and shutil.which("ninja") and shutil.which("g++"), "needs make setup")
class Sources(unittest.TestCase):
    def test_each_is_right(self) -> None:
        try:
            with tempfile.TemporaryDirectory() as build:
                commands = configured(build)
        except AssertionError as error:
            if "make setup-bench" in str(error) or "zstd" in str(error).lower():
                self.skipTest("needs make setup-bench")
            raise
        commands += [["g++", "-std=c++20", "-O2", *flags, str(BENCH / name)]
                     for name, ways in PROGRAMS.items() for flags in ways]
        parsed = {Path(word).relative_to(BENCH) for command in commands for word in command
                  if word.endswith(".cpp") and Path(word).is_relative_to(BENCH)}
        self.assertEqual({path.relative_to(BENCH) for path in BENCH.rglob("*.cpp")}, parsed)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            self.assertEqual("", "".join(pool.map(failure, commands)))


if __name__ == "__main__":
    unittest.main()
