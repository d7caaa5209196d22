#!/usr/bin/env python3
"""Counts the instructions of a get and a put that hit, from the disassembly, and fails if they have become more.

A small function that calls both is compiled as a user's program is (-O2). Everything that is not a hit calls a
function that is not inlined: so the hit path is the way from the entry to the return that calls nothing and ends both
sections. That there is none, or a locked instruction on it, is an error.

No timer and no processor's counter is asked: valgrind has no restartable sequences, and stepping through one restarts
it at every step.
"""

from __future__ import annotations

import argparse
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

# What each compiler of Debian 12 makes of it. Fewer is welcome: then write it here.
MOST = {"g++": 66, "clang++": 75}

INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\t(\S+)(?:\s+(.*))?$")
TARGET = re.compile(r"\b([0-9a-f]+) <")
LOCKED = re.compile(r"^(lock|xchg\b.*\()")


class HitPathError(Exception):
    """What the path must not be; the message says where."""


def disassemble(compiler: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        source, program = Path(folder) / "hit.cpp", Path(folder) / "hit.o"
        source.write_text(PROGRAM)
        command = [compiler, "-std=c++20", "-O2", "-DNDEBUG", "-I", str(ROOT / "impl" / "include")]
        subprocess.run([*command, "-c", str(source), "-o", str(program)], check=True)
        listing = ["objdump", "--disassemble", "--no-show-raw-insn", "--reloc", str(program)]
        return subprocess.run(listing, check=True, capture_output=True, text=True).stdout


def instructions_of(listing: str) -> tuple[dict[int, tuple[str, str]], list[int]]:
    """The instructions of the function's section by address, and their order."""
    inside, found = False, {}
    for line in listing.splitlines():
        if line.startswith("Disassembly of section"):
            if found:
                break
            inside = False
        elif line.endswith(">:"):
            inside = inside or f"<{FUNCTION}>" in line
        elif inside and (match := INSTRUCTION.match(line)):
            found[int(match[1], 16)] = match[2], match[3] or ""
    if not found:
        raise HitPathError(f"{FUNCTION} is not in the disassembly")
    return found, sorted(found)


def hit_path(listing: str) -> list[str]:
    """The longest way from the function's entry to its return that calls nothing and ends two sections."""
    found, order = instructions_of(listing)
    following = dict(zip(order, order[1:]))
    hits: list[list[int]] = []
    unfinished = [[order[0]]]
    while unfinished:
        way = unfinished.pop()
        name, operands = found[way[-1]]
        if name.startswith("ret") and sum(map(is_end_of_section, (found[a] for a in way))) == SECTIONS:
            hits.append(way)
        if name.startswith(("ret", "call")):
            continue
        target = TARGET.search(operands) if name.startswith("j") else None
        ahead = {int(target[1], 16)} if target else set()
        if name != "jmp":
            ahead.add(following[way[-1]])
        unfinished += [[*way, address] for address in ahead if address in found and address not in way]
    if not hits:
        raise HitPathError("no way through both sections without a call: something is not inlined")
    return [" ".join(found[address]).strip() for address in max(hits, key=len)]


def is_end_of_section(instruction: tuple[str, str]) -> bool:
    """The store that clears the announcement of a section."""
    name, operands = instruction
    return name == "movq" and operands.startswith("$0x0,%fs:")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--print", action="store_true", help="print the instructions, too")
    parser.add_argument("--compiler", choices=MOST, action="append", help="only this one (default: all that are here)")
    options = parser.parse_args()
    compilers = options.compiler or [c for c in MOST if shutil.which(c)]
    failed = 0
    for compiler in compilers:
        try:
            path = hit_path(disassemble(compiler))
            if locked := [text for text in path if LOCKED.match(text)]:
                raise HitPathError(f"a locked instruction on the hit path: {locked[0]}")
        except HitPathError as error:
            print(f"{compiler}: {error}")
            failed += 1
            continue
        if options.print:
            print("".join(f"{i:4}  {text}\n" for i, text in enumerate(path, 1)), end="")
        grown = len(path) > MOST[compiler]
        failed += grown
        print(f"{compiler}: a get and a put that hit are {len(path)} instructions, of {MOST[compiler]} at most"
              + (": MORE THAN BEFORE" if grown else ""))
    print(f"{len(compilers) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (subprocess.CalledProcessError, OSError) as error:
        print(f"hit_path: {error}", file=sys.stderr)
        sys.exit(2)
