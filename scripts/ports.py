#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compiles the headers for other architectures and C libraries, and runs a test of theirs, emulated, where it can.

The compilers are Debian's cross compilers, the emulator is qemu-user, which has no restartable sequences: what runs is
the portable pin. (scripts/aarch64.py runs the sections.) With musl the headers are compiled only: Debian has no C++
library that is built with it, so the standard library's headers are those of libc++.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "build" / "ports"
SOURCE = ROOT / "impl" / "tests" / "ports" / "exercise.cpp"
FLAGS = ["-std=c++20", "-O2", "-pthread", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror",
         "-I", str(ROOT / "impl" / "include")]
LONGEST = 120  # seconds for a step: only a hang takes so long
MUSL = Path("/usr/include/x86_64-linux-musl")
MUSL_PROGRAM = """#include <poolproof/bounded_pool.hpp>
#include <poolproof/object_pool.hpp>
#include <poolproof/trimmer.hpp>
#if defined(__GLIBC__)
#error "these are not the headers of musl"
#endif
template class poolproof::object_pool<int>;
template class poolproof::bounded_pool<int>;
"""


class Problem(Exception):
    """What stops us, or is wrong."""


@dataclass(frozen=True)
class Port:
    """An architecture, by the name in its compiler's, and the emulator's name for it."""

    name: str
    triple: str
    emulator: str
    more_flags: tuple[str, ...] = ()

    @property
    def compiler(self) -> str:
        return f"{self.triple}-g++"

    def missing(self) -> list[str]:
        needed = {self.compiler: f"g++-{self.triple.replace('_', '-')}", f"qemu-{self.emulator}": "qemu-user"}
        return [package for tool, package in needed.items() if shutil.which(tool) is None]

    def check(self) -> str:
        program = FOLDER / self.name
        run([self.compiler, *FLAGS, *self.more_flags, str(SOURCE), "-o", str(program)])
        return run([f"qemu-{self.emulator}", "-L", f"/usr/{self.triple}", str(program)]).strip()


@dataclass(frozen=True)
class Musl:
    """The headers with musl's, and with libc++'s."""

    name: str = "musl"

    def missing(self) -> list[str]:
        found = {"clang": shutil.which("clang++") is not None, "musl-dev": MUSL.is_dir(),
                 "libc++-dev": libcxx() is not None}
        return [package for package, is_there in found.items() if not is_there]

    def check(self) -> str:
        own = run(["clang++", "-print-resource-dir"]).strip()
        # libc++ 14 has std::rotl and std::rotr take an unsigned number, where the standard has an
        # int.
        headers = [part for each in (libcxx(), f"{own}/include", MUSL) for part in ("-isystem", str(each))]
        run(["clang++", *FLAGS, "-Wno-sign-conversion", "-D_LIBCPP_HAS_MUSL_LIBC", "-nostdinc", *headers,
             "-fsyntax-only", "-x", "c++", "-"], MUSL_PROGRAM)
        return "compiles"


def libcxx() -> Path | None:
    return max(Path("/usr/lib").glob("llvm-*/include/c++/v1"), default=None)


# QEMU 7.2 does not come back from pthread_create in a program for i386 that is linked dynamically.
PORTS: tuple[Port | Musl, ...] = (
    Port("aarch64", "aarch64-linux-gnu", "aarch64"), Port("armhf", "arm-linux-gnueabihf", "arm"),
    Port("i686", "i686-linux-gnu", "i386", ("-static",)), Port("ppc64le", "powerpc64le-linux-gnu", "ppc64le"),
    Port("riscv64", "riscv64-linux-gnu", "riscv64"), Port("s390x", "s390x-linux-gnu", "s390x"), Musl())


def run(command: list[str], text: str = "") -> str:
    try:
        done = subprocess.run(command, input=text, capture_output=True, text=True, errors="replace", timeout=LONGEST,
                              check=False)
    except subprocess.TimeoutExpired:
        raise Problem(f"no end in {LONGEST} seconds: {' '.join(command)}") from None
    if done.returncode != 0:
        raise Problem(f"status {done.returncode}: {' '.join(command)}\n{done.stdout}{done.stderr}".rstrip())
    return done.stdout


def outcome(port: Port | Musl) -> tuple[bool, str]:
    began = time.monotonic()
    try:
        good, says = True, port.check()
    except Problem as problem:
        good, says = False, f"FAILED: {problem}"
    return good, f"{port.name}: {says} ({time.monotonic() - began:.0f} s)"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), metavar="N", help="how many at once (%(default)s)")
    parser.add_argument("names", nargs="*", metavar="PORT", help=f"default: all of {', '.join(p.name for p in PORTS)}")
    chosen = parser.parse_args()
    unknown = set(chosen.names) - {port.name for port in PORTS}
    if unknown:
        parser.error(f"no such port: {' '.join(sorted(unknown))}")
    ports = [port for port in PORTS if not chosen.names or port.name in chosen.names]
    missing = sorted({package for port in ports for package in port.missing()})
    if missing:
        print(f"ports: missing; install these Debian packages (make setup-all): {' '.join(missing)}", file=sys.stderr)
        return 2
    FOLDER.mkdir(parents=True, exist_ok=True)
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(chosen.jobs) as pool:
        for good, says in pool.map(outcome, ports):
            print(says, flush=True)
            failed += not good
    print(f"{len(ports) - failed} of {len(ports)} ports pass")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
