#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Sees that each source names its licence in one line, at its head; with --fix, writes the line where it lacks.

Examples are left out: they are there to be copied.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINE = "SPDX-License-Identifier: MIT"
FOLDERS = (".ci", "bench", "checker", "cmake", "engines", "impl", "packaging", "plots", "proofs", "relacy_models",
           "scripts", "stress")
FILES = ("CMakeLists.txt", "Makefile", "meson.build", "pyproject.toml", ".github/workflows/ci.yml")
LEFT_OUT = (ROOT / "checker" / "examples", ROOT / "bench" / "results")
# How a comment begins, and where it must how it ends, by a file's suffix or name.
MARKS = {".hpp": "//", ".cpp": "//", ".h": "//", ".go": "//", ".py": "#", ".sh": "#", ".cmake": "#", ".toml": "#",
         ".yml": "#", ".in": "#", ".litmus": "#", ".wrap": "#", ".map": "/* */", ".html": "{# #}",
         "CMakeLists.txt": "#", "Makefile": "#", "meson.build": "#", "run": "#", "check-c++": "#"}


def mark_of(path: Path) -> str | None:
    return MARKS.get(path.name) or MARKS.get(path.suffix)


def sources() -> list[Path]:
    found = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*"))]
    found += [ROOT / name for name in FILES]
    return [path for path in found if path.is_file() and not path.is_symlink() and mark_of(path)
            and "__pycache__" not in path.parts and not any(folder in path.parents for folder in LEFT_OUT)]


def names_licence(text: str) -> bool:
    """In one of the first two lines: what names an interpreter stands before it."""
    return any(line.removesuffix(" */").removesuffix(" #}").endswith(LINE) for line in text.splitlines()[:2])


def with_line(text: str, mark: str) -> str:
    head, rest = "", text
    if text.startswith("#!"):
        head, _, rest = text.partition("\n")
        head += "\n"
    # Go takes a comment right above `package` for the package's documentation.
    gap = "\n" if rest.startswith("package") else ""
    begin, _, end = mark.partition(" ")
    return f"{head}{begin} {LINE}{f' {end}' if end else ''}\n{gap}{rest}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fix", action="store_true", help="write the line")
    options = parser.parse_args()
    found = sources()
    lacking = [path for path in found if not names_licence(path.read_text())]
    for path in lacking:
        if options.fix:
            path.write_text(with_line(path.read_text(), str(mark_of(path))))
        else:
            print(f"{path.relative_to(ROOT)}: no line '{LINE}': make format writes it", file=sys.stderr)
    if lacking and not options.fix:
        return 1
    print(f"licence: {len(found)} files name it")
    return 0


if __name__ == "__main__":
    sys.exit(main())
