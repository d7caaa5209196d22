# SPDX-License-Identifier: MIT
"""What the tests of one unmodified program have in common: their arguments, and how it is compiled."""

import argparse
import os
import pathlib
import subprocess


def parser_of(description: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--check", required=True, help="check-c++")
    parser.add_argument("--library", required=True, help="the runtime")
    parser.add_argument("--compiler", default="g++")
    parser.add_argument("--work", required=True, type=pathlib.Path, help="the folder for what is compiled")
    return parser


def compiled(arguments: argparse.Namespace, source: pathlib.Path, name: str, *flags: str) -> pathlib.Path:
    """The program of that name, which explores itself."""
    arguments.work.mkdir(parents=True, exist_ok=True)
    program: pathlib.Path = arguments.work / name
    subprocess.run([arguments.check, "-std=c++20", "-O1", *flags, source, "-o", program], check=True,
                   env={**os.environ, "CXX": arguments.compiler, "CHECKER_LIBRARY": arguments.library})
    return program
