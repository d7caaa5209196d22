#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a program with one model compiles: itself, and little of the checker, which is a library.

How long that takes depends on the machine and on what else it does. What an object defines does
not: that is what a compiler has made anew for this one model. So that is counted, and the time has
a bound of three times what is aimed at, for what counting does not see.
"""

import os
import pathlib
import resource
import subprocess
import tempfile
import unittest

INCLUDE = pathlib.Path(__file__).resolve().parent.parent / "include"
COMPILER = os.environ.get("CXX", "c++")
MOST_SYMBOLS = 60
# Of the seconds that a few standard headers take: 1.7 times that today, 20 before the search was
# a library.
MOST_TIMES = 3

# All that model.hpp may need of <atomic>. The library's own brings POSIX names into C++20 with it.
ATOMIC = """
#pragma once
namespace std {
enum class memory_order : int { relaxed, consume, acquire, release, acq_rel, seq_cst };
inline constexpr memory_order memory_order_relaxed = memory_order::relaxed;
inline constexpr memory_order memory_order_consume = memory_order::consume;
inline constexpr memory_order memory_order_acquire = memory_order::acquire;
inline constexpr memory_order memory_order_release = memory_order::release;
inline constexpr memory_order memory_order_acq_rel = memory_order::acq_rel;
inline constexpr memory_order memory_order_seq_cst = memory_order::seq_cst;
}
"""
POSIX_NAMES = ["link", "pipe", "fork", "poll", "mmap", "pause", "sync", "access", "prctl", "kill", "waitpid"]


# What takes as long as the machine lets it.
STANDARD = "#include <algorithm>\n#include <functional>\n#include <iostream>\n#include <string>\n#include <vector>\n"


def seconds_of_compilers() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def example() -> str:
    """The model in the head of model.hpp, as a program."""
    lines = (INCLUDE / "checker" / "model.hpp").read_text(encoding="utf-8").splitlines()
    *model, use = [line[7:] for line in lines if line.startswith("//     ")]
    includes = ["<checker/model.hpp>", "<checker/report.hpp>", "<iostream>"]
    show = "if (seen.first) checker::print(std::cout, *seen.first);"
    return "\n".join([*(f"#include {each}" for each in includes), *model,
                      "int main() {", use, show, "return seen.complete == 2 ? 0 : 1;", "}", ""])


class ThinHeaders(unittest.TestCase):
    def setUp(self) -> None:
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.place = pathlib.Path(place.name)

    def compile(self, text: str, *options: str) -> pathlib.Path:
        source = self.place / "model.cpp"
        source.write_text(text, encoding="utf-8")
        command = [COMPILER, "-std=c++20", "-O2", *options, f"-I{INCLUDE}", "-c", str(source), "-o",
                   str(source.with_suffix(".o"))]
        compiled = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual(0, compiled.returncode, compiled.stderr)
        return source.with_suffix(".o")

    def test_one_model_compiles_little_more_than_itself(self) -> None:
        before = seconds_of_compilers()
        self.compile(STANDARD)
        between = seconds_of_compilers()
        made = self.compile(example())
        after = seconds_of_compilers()
        named = subprocess.run(["nm", "-C", "--defined-only", str(made)], capture_output=True, text=True, check=True)
        symbols = named.stdout.splitlines()
        self.assertTrue(any("message_passing" in each for each in symbols), named.stdout)
        self.assertLess(len(symbols), MOST_SYMBOLS, named.stdout)
        self.assertLess(after - between, MOST_TIMES * (between - before))

    def test_models_may_use_the_names_of_posix(self) -> None:
        (self.place / "atomic").write_text(ATOMIC, encoding="utf-8")
        names = "\n".join(f"using {name} = int;" for name in POSIX_NAMES)
        self.compile(f"#include <checker/model.hpp>\n{names}\n", f"-I{self.place}")


if __name__ == "__main__":
    unittest.main()
