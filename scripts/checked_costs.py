#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures what checked pools cost, for docs/misuse.md.

One program is compiled with POOLPROOF_CHECKED and without. One thread calls. Times are of the CPU, so that a busy
machine matters less; each number is the median of some runs.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

PROGRAM = r"""
#include <poolproof/checked_pool.hpp>

#include <malloc.h>

#include <array>
#include <cstdio>
#include <ctime>
#include <memory>
#include <vector>

using object = std::array<char, SIZE>;

double now() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

template <class Call>
double nanoseconds_of(Call call) {
  constexpr int calls = 200'000;
  for (int i = 0; i < calls / 10; ++i) call();
  const double begun = now();
  for (int i = 0; i < calls; ++i) call();
  return (now() - begun) / calls;
}

int main() {
  poolproof::pool<object> pool;
  std::printf("%f ", nanoseconds_of([&] { pool.put(pool.get()); }));
  std::printf("%f ", nanoseconds_of([&] { const auto lent = pool.borrow(); }));
  std::vector<std::unique_ptr<object>> items(100'000);
  for (auto& each : items) each = std::make_unique<object>();
  const auto before = mallinfo2().uordblks;
  for (auto& each : items) pool.put(std::move(each));
  std::printf("%f\n", static_cast<double>(mallinfo2().uordblks - before) / static_cast<double>(items.size()));
}
"""
NAMES = ("a get and its put, ns", "a borrow and its return, ns", "an item in the pool, bytes beside its own")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--compiler", default="g++")
    parser.add_argument("--options", nargs="*", default=["-O2"], help="more for the compiler (default: -O2)")
    parser.add_argument("--size", type=int, default=64, help="bytes of an object (%(default)s)")
    parser.add_argument("--runs", type=int, default=5, help="default: %(default)s")
    arguments = parser.parse_args()
    medians = []
    with tempfile.TemporaryDirectory() as folder:
        source, program = Path(folder) / "costs.cpp", Path(folder) / "costs"
        source.write_text(PROGRAM)
        for mode in ("FAST", "CHECKED"):
            subprocess.run([arguments.compiler, "-std=c++20", *arguments.options, f"-DPOOLPROOF_{mode}",
                            f"-DSIZE={arguments.size}", f"-I{ROOT}/impl/include", str(source), "-pthread", "-o",
                            str(program)], check=True)
            runs = [[float(each) for each in subprocess.run([str(program)], capture_output=True, text=True,
                                                            check=True).stdout.split()] for _ in range(arguments.runs)]
            medians.append([statistics.median(each) for each in zip(*runs)])
    print(f"{'':45}{'usual':>10}{'checked':>10}")
    for name, usual, checked in zip(NAMES, *medians):
        print(f"{name:45}{usual:10.1f}{checked:10.1f}")


if __name__ == "__main__":
    main()
