#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Objects of which only some are compiled with POOLPROOF_CHECKED do not link: neither by a function that is called
with a pool, nor by a variable that is one, nor by a class that has one, nor by a buffer_pool. Objects that agree
do."""

import argparse
import itertools
import re
import subprocess
import sys
import tempfile
from pathlib import Path

DEFINES = """#include <poolproof/checked_pool.hpp>
poolproof::pool<int> shared;
void use(poolproof::pool<int>&) {}
"""
USES = """#include <poolproof/checked_pool.hpp>
extern poolproof::pool<int> shared;
void use(poolproof::pool<int>&);
int main() { use(shared); }
"""

# As above, but no name tells.
DEFINES_MEMBER = """#include <poolproof/checked_pool.hpp>
struct app { poolproof::pool<int> numbers; };
void use(app&) {}
"""
USES_MEMBER = """#include <poolproof/checked_pool.hpp>
struct app { poolproof::pool<int> numbers; };
void use(app&);
int main() { app mine; use(mine); }
"""

# A buffer_pool has pools, and the name of its class does not tell either.
DEFINES_BUFFERS = """#include <poolproof/buffer_pool.hpp>
void use(poolproof::buffer_pool&) {}
"""
USES_BUFFERS = """#include <poolproof/buffer_pool.hpp>
void use(poolproof::buffer_pool&);
int main() { poolproof::buffer_pool mine; use(mine); }
"""
MODES = ("CHECKED", "FAST")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--compiler", required=True)
    parser.add_argument("--include", required=True)
    arguments = parser.parse_args()
    failures = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for source, text in (("defines", DEFINES), ("uses", USES),
                             ("defines_member", DEFINES_MEMBER), ("uses_member", USES_MEMBER),
                             ("defines_buffers", DEFINES_BUFFERS), ("uses_buffers", USES_BUFFERS)):
            (folder / f"{source}.cpp").write_text(text)
            for mode in MODES:
                subprocess.run([arguments.compiler, "-std=c++20", "-I", arguments.include, f"-DPOOLPROOF_{mode}", "-c",
                                str(folder / f"{source}.cpp"), "-o", str(folder / f"{source}_{mode}.o")], check=True)

        def link(*objects: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run([arguments.compiler, *(str(folder / each) for each in objects), "-pthread", "-o",
                                   str(folder / "program")], capture_output=True, text=True, check=False)

        # What tells: a symbol that both have; and that pools, and what takes them, have other
        # names.
        for which, one, other in itertools.product(("", "_member", "_buffers"), MODES, MODES):
            done = link(f"defines{which}_{one}.o", f"uses{which}_{other}.o")
            told = "poolproof_is_checked_in_all_objects_or_in_none" in done.stderr
            if (done.returncode == 0) != (one == other) or told == (one == other):
                failures.append(f"{one} and {other}{which}: status {done.returncode}\n{done.stderr}")
        for mode in MODES:
            symbols = subprocess.run(["nm", str(folder / f"defines_{mode}.o")], capture_output=True, text=True,
                                     check=True).stdout
            for name in ("shared", "use"):
                if bool(re.search(rf"_Z\d+{name}\w*B\d+poolproof_checked", symbols)) != (mode == "CHECKED"):
                    failures.append(f"{mode}: the name of {name} does not tell")
    for each in failures:
        print(each)
    print(f"{16 - len(failures)} of 16 links and names are as they should be")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
