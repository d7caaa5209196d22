#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Counts the instructions of a get and a put that hit, from the disassembly, and fails if they have become more.

Compiled as a user's program is (-O2): a function that calls both, a loop that does, and one that borrows. Each loop
also uses the item. Everything that is not a hit calls a function that is not inlined: so the hit path is the way from
the function's entry to its return, or once around its loop, that calls nothing and ends both sections. That there is
none, or a locked instruction on it, is an error. Of a loop its own instructions are told apart: what uses the item,
and what counts. The compilers for aarch64 are asked, too, where they are installed. What the sections do is
compared by proofs/assembly.

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
SECTIONS = 2
# The functions. A loop's way goes once around; the pool's are all but those that the loop has
# without a pool.
FUNCTION, LOOP, BORROW = "get_and_put", "get_put_loop", "borrow_loop"
WAYS = {FUNCTION: "a get and a put", LOOP: "a get and a put in a loop", BORROW: "a borrow and its return in a loop"}
PROGRAM = f"""#include <poolproof/object_pool.hpp>
using pool_type = poolproof::object_pool<int>;
extern "C" void {FUNCTION}(pool_type& pool) {{ pool.put(pool.get()); }}
extern "C" void {LOOP}(pool_type& pool, unsigned long times) {{
  for (; times != 0; --times) {{
    auto item = pool.get();
    ++*item;
    pool.put(std::move(item));
  }}
}}
extern "C" void {BORROW}(pool_type& pool, unsigned long times) {{
  for (; times != 0; --times) {{
    auto handle = pool.borrow();
    ++*handle;
  }}
}}
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
    loops_own: int  # to use the item, and to count


X86_64 = Architecture(
    objdump="objdump",
    returns=re.compile("ret"),
    calls=re.compile("call"),
    branches=re.compile("j"),
    always=re.compile("jmp"),
    locked=re.compile(r"lock|xchg .*\("),
    end=re.compile(r"movq \$0x0,%fs:"),
    loops_own=3,
)
AARCH64 = Architecture(
    objdump="aarch64-linux-gnu-objdump",
    returns=re.compile("ret"),
    calls=re.compile("blr? "),
    branches=re.compile(r"b |b\.|cbn?z |tbn?z "),
    always=re.compile("b "),
    locked=re.compile(r"ld\w*xr|st\w*xr|cas|swp|ld(add|clr|eor|set|smax|smin|umax|umin)"),
    end=re.compile(r"str xzr, \[x\d+, #8\]"),
    loops_own=5,
)

# What each compiler of Debian 12 makes of it. Fewer is welcome: then write it here. A loop's own
# are in its number.
COMPILERS: dict[str, tuple[Architecture, dict[str, int]]] = {
    "g++": (X86_64, {FUNCTION: 42, LOOP: 36, BORROW: 40}),
    "clang++": (X86_64, {FUNCTION: 47, LOOP: 36, BORROW: 40}),
    "aarch64-linux-gnu-g++": (AARCH64, {FUNCTION: 57, LOOP: 47, BORROW: 52}),
    "clang++ --target=aarch64-linux-gnu": (AARCH64, {FUNCTION: 55, LOOP: 47, BORROW: 51}),
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


def instructions_of(listing: str, function: str) -> dict[int, str]:
    """The function's instructions by address, in order."""
    inside = False
    found: dict[int, str] = {}
    for line in listing.splitlines():
        if line.endswith(">:"):
            inside = f"<{function}>" in line
        elif inside and (match := INSTRUCTION.match(line)):
            found[int(match[1], 16)] = f"{match[2]} {match[3] or ''}".strip()
    if not found:
        raise HitPathError(f"{function} is not in the disassembly")
    return found


def hit_path(listing: str, architecture: Architecture, function: str = FUNCTION) -> list[str]:
    """The longest way from the function's entry to its return, or around its loop, that calls nothing and ends two
    sections."""
    found = instructions_of(listing, function)
    order = sorted(found)
    following = dict(zip(order, order[1:]))
    if function == FUNCTION:
        starts = order[:1]
    else:
        starts = [address for address in order if architecture.end.match(found[address])]
    hits: list[list[int]] = []
    unfinished = [[start] for start in starts]
    while unfinished:
        way = unfinished.pop()
        here = found[way[-1]]
        returns = architecture.returns.match(here)
        if architecture.calls.match(here) or (returns and function != FUNCTION):
            continue
        target = TARGET.search(here) if architecture.branches.match(here) else None
        ahead = {int(target[1], 16)} if target else set()
        if not returns and not architecture.always.match(here) and way[-1] in following:
            ahead.add(following[way[-1]])
        if returns or (function != FUNCTION and way[0] in ahead):
            if sum(bool(architecture.end.match(found[a])) for a in way) == SECTIONS:
                hits.append(way)
        unfinished += [[*way, address] for address in ahead if address in found and address not in way]
    if not hits:
        raise HitPathError(f"no way through both sections of {function} without a call: something is not inlined")
    return [found[address] for address in max(hits, key=len)]


def check(path: list[str], architecture: Architecture) -> None:
    """Nothing is locked."""
    if locked := [text for text in path if architecture.locked.match(text)]:
        raise HitPathError(f"a locked instruction on the hit path: {locked[0]}")


def of_the_pool(compiler: str, function: str) -> int:
    """At most so many instructions of a hit are the pool's."""
    architecture, budgets = COMPILERS[compiler]
    return budgets[function] - (0 if function == FUNCTION else architecture.loops_own)


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
    counted = failed = 0
    for compiler in compilers:
        architecture, budgets = COMPILERS[compiler]
        listing = disassemble(compiler, architecture)
        for function, most in budgets.items():
            counted += 1
            try:
                path = hit_path(listing, architecture, function)
                check(path, architecture)
            except HitPathError as error:
                print(f"{compiler}: {error}")
                failed += 1
                continue
            if options.print:
                print("".join(f"{i:4}  {text}\n" for i, text in enumerate(path, 1)), end="")
            grown = len(path) > most
            failed += grown
            print(f"{compiler}: {WAYS[function]}, hit: {len(path)} instructions, of {most} at most"
                  + (": MORE THAN BEFORE" if grown else ""))
    print(f"{counted - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (subprocess.CalledProcessError, OSError) as error:
        print(f"hit_path: {error}", file=sys.stderr)
        sys.exit(2)
