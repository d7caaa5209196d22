#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Breaks the checker in known ways, one at a time, and requires that its tests notice.

Each fault of faults.toml is applied to a copy of the checker. What includes a changed file is
compiled anew; the detectors are linked with it and run, in order, until one of them fails. First of
all they must pass without any fault. A replacement that does not fit, or does not compile, is an
error of the list, and catches nothing.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from typing import Any

TESTS = pathlib.Path(__file__).resolve().parent
CHECKER = TESTS.parent
MEMORY_LIMIT = 8 << 30
# A broken search may go on for ever: of the processor's time, so that a busy machine is no fault.
# One that waits for ever uses none.
PROCESSOR_LIMIT = 90
TIME_LIMIT = 900
# A tenth of what the test compares elsewhere.
MERGED_PROGRAMS = 2000


@dataclasses.dataclass(frozen=True)
class Detector:
    name: str
    source: str
    arguments: list[str]
    catch2: bool


def oracles(*stems: str) -> list[str]:
    return [str(TESTS / "oracles" / f"{stem}.litmus") for stem in stems]


# The cheapest first. Those of one source are built once.
DETECTORS = [
    Detector("random programs", "agreement_test.cpp", ["random", "0", "1500"], False),
    Detector("litmus programs", "agreement_test.cpp", ["files", *oracles("litmus", "fences")], False),
    Detector("litmus counts", "litmus_test.cpp", ["every_litmus*"], True),
    Detector("models", "model_test.cpp", [], True),
    Detector("rings", "ring_test.cpp", [], True),
    Detector("loops", "spin_test.cpp", [], True),
    Detector("left out", "pruning_test.cpp", [], True),
    Detector("ways to search", "search_test.cpp", [], True),
    Detector("threads that are alike", "symmetry_test.cpp", [], True),
    Detector("merged reads", "merging_test.cpp", [], True),
    Detector(
        "laws",
        "metamorphic_test.cpp",
        ["weakening*,the_order*,different*,parts_*,a_search*"],
        True,
    ),
]


Fault = dict[str, Any]  # as the list has it


class FaultListError(Exception):
    """The list is wrong: nothing is known about the tests."""


def edited_texts(fault: Fault) -> dict[str, str]:
    """The files that a fault changes, by their names in the checker's folder, as it leaves them."""
    texts: dict[str, str] = {}
    for edit in fault["edit"]:
        name = edit["file"]
        text = texts.get(name) or (CHECKER / name).read_text(encoding="utf-8")
        found = text.count(edit["old"])
        if found != 1:
            raise FaultListError(f"{fault['name']}: {name}: found {found} times:\n{edit['old']}")
        texts[name] = text.replace(edit["old"], edit["new"])
    return texts


class Workshop:
    """A copy of the checker, compiled once without a fault, and what a fault changes of that."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.compiler: str = args.compiler
        self.notation: pathlib.Path = args.notation
        self.place: pathlib.Path = args.work.resolve()
        self.copy = self.place / "checker"
        self.library = sorted(f"src/{path.name}" for path in (CHECKER / "src").glob("*.cpp"))
        self.sound: dict[str, pathlib.Path] = {}  # objects without a fault, by source
        self.parts: dict[str, set[str]] = {}  # what of the checker a source is made of
        self.changed: dict[str, str] = {}
        self.objects: dict[str, pathlib.Path] = {}  # with this fault
        self.built: set[str] = set()

    def prepare(self) -> None:
        shutil.rmtree(self.place, ignore_errors=True)
        for folder in ("include", "src", "tests", "tools", "examples"):
            shutil.copytree(CHECKER / folder, self.copy / folder)
        detectors = {f"tests/{each.source}" for each in DETECTORS}
        for source in [*self.library, "tests/catch_main.cpp", *sorted(detectors)]:
            self.sound[source] = self.compile(source, "sound")

    def call(self, arguments: list[str]) -> None:
        done = subprocess.run([self.compiler, *arguments], capture_output=True, text=True)
        if done.returncode != 0:
            raise FaultListError("does not compile:\n" + done.stderr[:2000])

    def compile(self, source: str, folder: str) -> pathlib.Path:
        (self.place / folder).mkdir(exist_ok=True)
        made = self.place / folder / source.replace("/", "_").replace(".cpp", ".o")
        parts = made.with_suffix(".d")
        options = ["-std=c++20", "-O1", "-I", str(self.copy / "include"), "-MMD", "-MF", str(parts)]
        options.append(f"-DPOOLPROOF_MERGED_PROGRAMS={MERGED_PROGRAMS}")
        self.call([*options, "-c", str(self.copy / source), "-o", str(made)])
        names = parts.read_text(encoding="utf-8").replace("\\\n", " ").split()[1:]
        paths = [pathlib.Path(name).resolve() for name in names]
        own = [path for path in paths if path.is_relative_to(self.copy)]
        self.parts[source] = {str(path.relative_to(self.copy)) for path in own}
        return made

    def object(self, source: str) -> str:
        if source not in self.objects:
            touched = not self.parts[source].isdisjoint(self.changed)
            made = self.compile(source, "faulty") if touched else self.sound[source]
            self.objects[source] = made
        return str(self.objects[source])

    def apply(self, fault: Fault | None) -> None:
        for name in self.changed:
            shutil.copyfile(CHECKER / name, self.copy / name)
        self.changed = edited_texts(fault) if fault else {}
        for name, text in self.changed.items():
            (self.copy / name).write_text(text, encoding="utf-8")
        self.objects.clear()
        self.built.clear()

    def build(self, detector: Detector) -> pathlib.Path:
        binary = self.place / pathlib.Path(detector.source).stem
        if detector.source not in self.built:
            sources = [f"tests/{detector.source}", *self.library]
            if detector.catch2:
                sources.append("tests/catch_main.cpp")
            objects = [self.object(source) for source in sources]
            self.call([*objects, str(self.notation), "-o", str(binary)])
            self.built.add(detector.source)
        return binary

    def run(self, detector: Detector) -> str | None:
        """How the detector failed; None if it passed."""
        command = [str(self.build(detector)), *detector.arguments]

        def limit() -> None:
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
            resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_LIMIT, PROCESSOR_LIMIT))

        try:
            done = subprocess.run(
                command, capture_output=True, timeout=TIME_LIMIT, preexec_fn=limit, check=False
            )
        except subprocess.TimeoutExpired:
            return f"no end within {TIME_LIMIT} s"
        if done.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
            return f"no end within {PROCESSOR_LIMIT} s of the processor's time"
        if done.returncode < 0:
            return f"signal {-done.returncode}"
        return "a test fails" if done.returncode != 0 else None


def check_fault(shop: Workshop, fault: Fault, everything: bool) -> list[tuple[str, str]]:
    """Which detectors noticed, and how."""
    shop.apply(fault)
    caught = []
    for detector in DETECTORS:
        how = shop.run(detector)
        if how is None:
            continue
        caught.append((detector.name, how))
        if not everything:
            break
    return caught


def show(caught: list[tuple[str, str]]) -> str:
    return ", ".join(name if how == "a test fails" else f"{name} ({how})" for name, how in caught)


def load(only: str | None) -> list[Fault]:
    with (TESTS / "faults.toml").open("rb") as file:
        faults = tomllib.load(file)["fault"]
    for fault in faults:
        edited_texts(fault)  # of all, before the first is tried
    chosen = [f for f in faults if only is None or only in f["name"]]
    if not chosen:
        raise FaultListError(f"no fault is called {only}")
    return chosen


def run(args: argparse.Namespace) -> int:
    faults = load(args.only)
    if args.fit:
        print(f"{len(faults)} faults fit the sources")
        return 0
    shop = Workshop(args)
    shop.prepare()
    if not args.no_baseline:
        shop.apply(None)
        for detector in DETECTORS:
            how = shop.run(detector)
            if how is not None:
                raise FaultListError(f"without a fault, {detector.name}: {how}")
        print(f"no fault: all {len(DETECTORS)} detectors pass", flush=True)
    results = []
    missed = 0
    for fault in faults:
        start = time.monotonic()
        try:
            caught = check_fault(shop, fault, args.all)
        except FaultListError as wrong:
            raise FaultListError(f"{fault['name']}: {wrong}") from None
        missed += not caught
        results.append({"fault": fault["name"], "caught_by": [list(c) for c in caught]})
        seconds = time.monotonic() - start
        print(f"{fault['name']:48} {show(caught) or 'NOT CAUGHT'}  ({seconds:.0f} s)", flush=True)
    print(f"{len(faults)} faults, {missed} not caught")
    if args.json is not None:
        args.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return 1 if missed else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--compiler", default="c++", help="the C++ compiler (default: c++)")
    parser.add_argument(
        "--notation", type=pathlib.Path, required=True, help="the library checker_notation"
    )
    parser.add_argument(
        "--work", type=pathlib.Path, required=True, help="a folder to build in; it is emptied"
    )
    parser.add_argument("--fit", action="store_true", help="only see that the list fits the sources")
    parser.add_argument("--only", metavar="TEXT", help="only the faults with TEXT in their name")
    parser.add_argument("--all", action="store_true", help="run all detectors, not up to the first")
    parser.add_argument("--no-baseline", action="store_true", help="skip the run without a fault")
    parser.add_argument("--json", type=pathlib.Path, help="write the table there as well")
    try:
        return run(parser.parse_args())
    except (FaultListError, OSError) as wrong:
        print(f"faults: {wrong}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
