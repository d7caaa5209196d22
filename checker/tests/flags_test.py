#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What check-c++ gives the compiler, the package file for pkg-config gives as well.

A compiler that says what it is given stands in for g++ and for clang++.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

CHECKER = pathlib.Path(__file__).resolve().parent.parent
OF_GCC = {"-Wno-tsan", "-fstack-reuse=none"}


def given(name: str, *arguments: str) -> list[str]:
    """What check-c++ calls a compiler of that name with."""
    with tempfile.TemporaryDirectory() as folder:
        compiler = pathlib.Path(folder) / name
        compiler.write_text('#!/bin/sh\nfor each; do echo "$each"; done\n')
        compiler.chmod(0o755)
        library = pathlib.Path(folder) / "libpoolproof_check.so"
        library.touch()
        done = subprocess.run([CHECKER / "bin" / "check-c++", *arguments], check=True, capture_output=True, text=True,
                              env={**os.environ, "CXX": str(compiler), "CHECKER_LIBRARY": str(library)})
        text = done.stdout.replace(f"-L{folder}", "-L${libdir}").replace(str(library), "-lpoolproof_check")
        text = text.replace(f"-rpath,{folder}", "-rpath,${libdir}")
        return text.replace(str(CHECKER / "include"), "${includedir}").split()


def refused(system: str, machine: str) -> subprocess.CompletedProcess[str]:
    """What check-c++ says on another machine: uname tells it."""
    with tempfile.TemporaryDirectory() as folder:
        uname = pathlib.Path(folder) / "uname"
        uname.write_text(f'#!/bin/sh\ncase $1 in -sm) echo {system} {machine} ;; *) exit 1 ;; esac\n')
        uname.chmod(0o755)
        elsewhere = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
        return subprocess.run([CHECKER / "bin" / "check-c++", "-c", "a.cpp"], capture_output=True, text=True,
                              check=False, env=elsewhere)


def main() -> int:
    for system, machine in (("Linux", "aarch64"), ("Darwin", "x86_64"), ("FreeBSD", "amd64")):
        done = refused(system, machine)
        said = "check-c++: the checker runs programs on x86-64 Linux with glibc only\n"
        assert (done.returncode, done.stdout, done.stderr) == (2, "", said), done
    package = (CHECKER / "poolproof-check.pc.in").read_text()
    fields = {name: set(rest.split()) for name, rest in re.findall(r"^(Cflags|Libs): (.*)$", package, re.MULTILINE)}
    comment = re.search(r"^# With clang\+\+ take these instead of the last two: (.*)$", package, re.MULTILINE)
    assert comment, "the package file does not say what clang++ is to be given"
    of_clang = set(comment.group(1).split())
    wrong = 0
    wanted_of = {"g++": fields["Cflags"], "clang++": fields["Cflags"] - OF_GCC | of_clang}
    for name, wanted in wanted_of.items():
        flags = set(given(name, "-c", "a.cpp")) - {"-c", "a.cpp"}
        for each in sorted(flags ^ wanted):
            print(f"{name}: {each} is given by {'check-c++' if each in flags else 'the package file'} alone")
            wrong += 1
    linked = set(given("g++", "a.o")) - {"a.o", "-Wl,--push-state,--no-as-needed", "-Wl,--pop-state"}
    for each in sorted(linked ^ (fields["Libs"] - {"-L${libdir}", "-Wl,--no-as-needed"})):
        print(f"linking: {each} is given by {'check-c++' if each in linked else 'the package file'} alone")
        wrong += 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
