#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Counts the instructions of a get and a put that hit, from the disassembly, and fails if they have become more.

A small function that calls both is compiled as a user's program is (-O2). Everything that is not a hit calls a
function that is not inlined: so the hit path is the way from the entry to the return that calls nothing and ends both
sections. That there is none, or a locked instruction on it, is an error. The compilers for aarch64
are asked, too, where they are installed. What the sections do is compared by proofs/assembly.

No timer and no processor's counter is asked: valgrind has no restartable sequences, and stepping through one restarts
it at every step.
"""

from __future__ import annotations

import argparse
import dataclasses
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FUNCTION = "get_and_put"
SECTIONS = 2
PROGRAM = f"""#include <poolproof/object_pool.hpp>
extern "C" void {FUNCTION}(poolproof::object_pool<int>& pool) {{ pool.put(pool.get()); }}
"""


@dataclasses.dataclass(frozen=True)
class Architecture:
    """What its instructions are called, as the start of one: name, space, operands."""

    objdump: str
    returns: re.Pattern[str]
    calls: re.Pattern[str]
    branches: re.Pattern[str]
    always: re.Pattern[str]  # a branch that is always taken
    locked: re.Pattern[str]
    end: re.Pattern[str]  # behind a section: it clears its announcement


X86_64 = Architecture(
    objdump="objdump",
    returns=re.compile("ret"),
    calls=re.compile("call"),
    branches=re.compile("j"),
    always=re.compile("jmp"),
    locked=re.compile(r"lock|xchg .*\("),
    end=re.compile(r"movq \$0x0,%fs:"),
)
AARCH64 = Architecture(
    objdump="aarch64-linux-gnu-objdump",
    returns=re.compile("ret"),
    calls=re.compile("blr? "),
    branches=re.compile(r"b |b\.|cbn?z |tbn?z "),
    always=re.compile("b "),
    locked=re.compile(r"ld\w*xr|st\w*xr|cas|swp|ld(add|clr|eor|set|smax|smin|umax|umin)"),
    end=re.compile(r"str xzr, \[x\d+, #8\]"),
)

# What each compiler of Debian 12 makes of it. Fewer is welcome: then write it here.
COMPILERS = {
    "g++": (X86_64, 42),
    "clang++": (X86_64, 47),
    "aarch64-linux-gnu-g++": (AARCH64, 57),
    "clang++ --target=aarch64-linux-gnu": (AARCH64, 55),
}

INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\t(\S+)(?:\s+(.*))?$")
TARGET = re.compile(r"\b([0-9a-f]+) <")


class HitPathError(Exception):
    """What the path must not be; the message says where."""


def disassemble(compiler: str, architecture: Architecture) -> str:
    with tempfile.TemporaryDirectory() as folder:
        source, program = Path(folder) / "hit.cpp", Path(folder) / "hit.o"
        source.write_text(PROGRAM)
        command = [*compiler.split(), "-std=c++20", "-O2", "-DNDEBUG", "-I", str(ROOT / "impl" / "include")]
        subprocess.run([*command, "-c", str(source), "-o", str(program)], check=True)
        listing = [architecture.objdump, "--disassemble", "--no-show-raw-insn", "--reloc", str(program)]
        return subprocess.run(listing, check=True, capture_output=True, text=True).stdout


def instructions_of(listing: str) -> dict[int, str]:
    """The instructions of the function's section by address, in order."""
    inside = False
    found: dict[int, str] = {}
    for line in listing.splitlines():
        if line.startswith("Disassembly of section"):
            if found:
                break
            inside = False
        elif line.endswith(">:"):
            inside = inside or f"<{FUNCTION}>" in line
        elif inside and (match := INSTRUCTION.match(line)):
            found[int(match[1], 16)] = f"{match[2]} {match[3] or ''}".strip()
    if not found:
        raise HitPathError(f"{FUNCTION} is not in the disassembly")
    return found


def hit_path(listing: str, architecture: Architecture) -> list[str]:
    """The longest way from the function's entry to its return that calls nothing and ends two sections."""
    found = instructions_of(listing)
    order = sorted(found)
    following = dict(zip(order, order[1:]))
    hits: list[list[int]] = []
    unfinished = [[order[0]]]
    while unfinished:
        way = unfinished.pop()
        here = found[way[-1]]
        if architecture.returns.match(here):
            if sum(bool(architecture.end.match(found[a])) for a in way) == SECTIONS:
                hits.append(way)
            continue
        if architecture.calls.match(here):
            continue
        target = TARGET.search(here) if architecture.branches.match(here) else None
        ahead = {int(target[1], 16)} if target else set()
        if not architecture.always.match(here):
            ahead.add(following[way[-1]])
        unfinished += [[*way, address] for address in ahead if address in found and address not in way]
    if not hits:
        raise HitPathError("no way through both sections without a call: something is not inlined")
    return [found[address] for address in max(hits, key=len)]


def check(path: list[str], architecture: Architecture) -> None:
    """Nothing is locked."""
    if locked := [text for text in path if architecture.locked.match(text)]:
        raise HitPathError(f"a locked instruction on the hit path: {locked[0]}")


def is_here(compiler: str) -> bool:
    return all(map(shutil.which, (compiler.split()[0], COMPILERS[compiler][0].objdump)))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--print", action="store_true", help="print the instructions, too")
    parser.add_argument(
        "--compiler", choices=COMPILERS, action="append", help="only this one (default: all that are here)"
    )
    options = parser.parse_args()
    compilers = options.compiler or [compiler for compiler in COMPILERS if is_here(compiler)]
    failed = 0
    for compiler in compilers:
        architecture, most = COMPILERS[compiler]
        try:
            path = hit_path(disassemble(compiler, architecture), architecture)
            check(path, architecture)
        except HitPathError as error:
            print(f"{compiler}: {error}")
            failed += 1
            continue
        if options.print:
            print("".join(f"{i:4}  {text}\n" for i, text in enumerate(path, 1)), end="")
        grown = len(path) > most
        failed += grown
        print(f"{compiler}: a get and a put that hit are {len(path)} instructions, of {most} at most"
              + (": MORE THAN BEFORE" if grown else ""))
    print(f"{len(compilers) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (subprocess.CalledProcessError, OSError) as error:
        print(f"hit_path: {error}", file=sys.stderr)
        sys.exit(2)
