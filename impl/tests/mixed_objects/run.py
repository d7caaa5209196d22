#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Objects of which only some are compiled with POOLPROOF_CHECKED do not link: neither by a function that is called
with a pool, nor by a variable that is one. Objects that agree do."""

import argparse
import itertools
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


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--compiler", required=True)
    parser.add_argument("--include", required=True)
    arguments = parser.parse_args()
    failures = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for source, text in (("defines", DEFINES), ("uses", USES)):
            (folder / f"{source}.cpp").write_text(text)
            for mode in ("CHECKED", "FAST"):
                subprocess.run([arguments.compiler, "-std=c++20", "-I", arguments.include, f"-DPOOLPROOF_{mode}", "-c",
                                str(folder / f"{source}.cpp"), "-o", str(folder / f"{source}_{mode}.o")], check=True)
        for one, other in itertools.product(("CHECKED", "FAST"), repeat=2):
            objects = [str(folder / f"defines_{one}.o"), str(folder / f"uses_{other}.o")]
            done = subprocess.run([arguments.compiler, *objects, "-pthread", "-o", str(folder / "program")],
                                  capture_output=True, text=True, check=False)
            missing = {each for each in ("shared", "use(") if f"undefined reference to `{each}" in done.stderr}
            if missing != (set() if one == other else {"shared", "use("}) or (done.returncode == 0) != (one == other):
                failures.append(f"{one} and {other}: status {done.returncode}, missing {missing}\n{done.stderr}")
    for each in failures:
        print(each)
    print(f"{4 - len(failures)} of 4 links end as they should")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
