#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks that mistakes in the use of the library do not compile, and what the compiler says.

Each .cpp file beside this script has one mistake under `#if defined(MISTAKE)`, and a line
`// expect: REGEX`. Without the macro the file must compile; with it the compiler must refuse it,
with a message that the expression matches. And of a compiler that is told an older standard than
C++20, the first and only error says so.
"""

import argparse
import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
EXPECT = re.compile(r"^// expect: (.+)$", re.MULTILINE)


class Compiler:
    """A compiler that has read the library once and for all."""

    def __init__(self, command: list[str], include: Path, directory: Path) -> None:
        self._command = [*command, "-std=c++20", "-I", str(include)]
        header = directory / "library.hpp"
        header.write_text("#include <poolproof/object_pool.hpp>\n", encoding="utf-8")
        # Both g++ and clang++ take the precompiled file where the header is asked for.
        subprocess.run([*self._command, "-x", "c++-header", str(header), "-o", f"{header}.gch"],
                       check=True)
        self._command += ["-fsyntax-only", "-include", str(header)]

    def compile(self, source: Path, macros: list[str]) -> tuple[bool, str]:
        """Whether it accepts the source, and what it says, in one line."""
        done = subprocess.run([*self._command, *macros, str(source)], capture_output=True,
                              text=True, check=False)
        return done.returncode == 0, " ".join(done.stderr.split())


def failure_with_old_standard(command: list[str], include: Path) -> str | None:
    """The same for the headers under C++17."""
    source = "#include <poolproof/object_pool.hpp>\n"
    done = subprocess.run([*command, "-std=c++17", "-I", str(include), "-fsyntax-only", "-x", "c++", "-"],
                          input=source, capture_output=True, text=True, check=False)
    errors = [line for line in done.stderr.splitlines() if "error: " in line]
    if len(errors) == 1 and "poolproof needs C++20" in errors[0]:
        return None
    return f"{len(errors)} errors: {errors[:1]}"


def all_compile(compiler: Compiler, sources: list[Path], directory: Path) -> bool:
    """Whether all files compile without their mistakes: as one, each in a namespace."""
    one = directory / "all.cpp"
    texts = [source.read_text(encoding="utf-8") for source in sources]
    includes = sorted({line for text in texts for line in re.findall(r"^#include <.*>$", text, re.MULTILINE)})
    bodies = [f'namespace file_{number} {{\n#include "{source.resolve()}"\n}}'
              for number, source in enumerate(sources)]
    one.write_text("\n".join([*includes, *bodies, ""]), encoding="utf-8")
    return compiler.compile(one, [])[0]


def failure_of(compiler: Compiler, source: Path, compiles: bool) -> str | None:
    """Why a file fails the check; None if it passes. `compiles`: without its mistake it does."""
    expected = EXPECT.search(source.read_text(encoding="utf-8"))
    if expected is None:
        return "has no line '// expect: REGEX'"
    if not compiles:
        accepted, message = compiler.compile(source, [])
        if not accepted:
            return f"does not compile even without its mistake: {message}"
    accepted, message = compiler.compile(source, ["-DMISTAKE"])
    if accepted:
        return "compiles with its mistake"
    if re.search(expected[1], message) is None:
        return f"the message does not match '{expected[1]}': {message}"
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--compiler", default=os.environ.get("CXX", "c++"),
                        help="default: $CXX, else c++")
    parser.add_argument("--include", type=Path, default=HERE.parents[1] / "include",
                        help="where the library's headers are (default: %(default)s)")
    parser.add_argument("files", nargs="*", type=Path, help="default: all beside this script")
    arguments = parser.parse_args()

    sources = arguments.files or sorted(HERE.glob("*.cpp"))
    command = shlex.split(arguments.compiler)
    old_standard = failure_with_old_standard(command, arguments.include)
    print(f"{'ok' if old_standard is None else 'FAILED'}: C++17{'' if old_standard is None else ': ' + old_standard}")
    failures = 0
    with tempfile.TemporaryDirectory() as directory:
        try:
            compiler = Compiler(command, arguments.include, Path(directory))
        except (OSError, subprocess.CalledProcessError) as error:
            sys.exit(f"run.py: '{arguments.compiler}' does not compile the library: {error}")
        compiles = all_compile(compiler, sources, Path(directory))
        for source in sources:
            failure = failure_of(compiler, source, compiles)
            print(f"{'ok' if failure is None else 'FAILED'}: {source.stem}"
                  f"{'' if failure is None else ': ' + failure}")
            failures += failure is not None
    print(f"{len(sources) - failures} of {len(sources)} mistakes are refused as expected")
    return 1 if failures or old_standard or not sources else 0


if __name__ == "__main__":
    sys.exit(main())
