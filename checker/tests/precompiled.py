# SPDX-License-Identifier: MIT
"""A check-c++ for many programs that begin with the same headers."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

CHECKER = Path(__file__).resolve().parent.parent


def with_precompiled(check: str, copy: Path, environment: Mapping[str, str], flags: list[str],
                     headers: Iterable[str]) -> Path:
    """A copy of check-c++ and its headers, in which what it puts in front of a program is precompiled with these
    headers. Programs must be compiled with the same flags: -Werror=invalid-pch (of g++) sees to it."""
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(CHECKER / "include", copy / "include")
    (copy / "bin").mkdir()
    copied = Path(shutil.copy(check, copy / "bin"))
    prelude = copy / "include" / "checker" / "prelude.hpp"
    header = copy / "precompiled.hpp"
    header.write_text("".join(f"#include <{each}>\n" for each in headers))
    subprocess.run([str(copied), *flags, "-x", "c++-header", "-c", str(header), "-o",
                    str(prelude.with_suffix(".hpp.gch"))], env=environment, check=True)
    return copied
