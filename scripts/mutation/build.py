# SPDX-License-Identifier: MIT
"""The programs that run models: how they are asked, and made anew of changed headers."""

from __future__ import annotations

import itertools
import json
import shlex
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

from .killers import json_of
from .ledger import HEADERS, ROOT, Mutant, MutantError, patched_texts

Report = dict[str, Any]  # what a program says of a model


class Models:
    """The program relacy_models, and how to make another one from changed headers."""

    program_name = "relacy_models"
    takes_searches = True  # the ledger's `search`: options of Relacy's program

    def __init__(self, build: Path, seconds: float):
        self.build = build
        self.program = build / "relacy_models" / self.program_name
        self.seconds = seconds
        if not self.program.exists():
            raise MutantError(f"{self.program} is missing; 'make models' builds it")
        listed = subprocess.run([self.program, "--list", "--json"], capture_output=True, text=True, check=True)
        self.entries = {m["name"]: m for m in json.loads(listed.stdout)}

    def litmus(self) -> set[str]:
        return {name for name, entry in self.entries.items() if "litmus" in entry}

    def names(self) -> list[str]:
        """The models of the headers: neither litmus tests nor models that must fail."""
        return [n for n, m in self.entries.items() if "litmus" not in m and m["expected"] == "none"]

    def run(self, model: str, options: list[str], program: Path | None = None) -> Report:
        command: list[str | Path] = [program or self.program, "--model", model, "--json", *options]
        command += ["--seconds", str(self.seconds)]
        report: Report = self._report(command)
        return report

    def _report(self, command: list[str | Path]) -> Any:
        run = subprocess.run(command, capture_output=True, text=True)
        report = json_of(run)
        if report is None and run.returncode == 2:
            raise MutantError(f"{shlex.join(map(str, command))}: {run.stderr.strip()}")
        # A mutant may crash outright; that is noticed, too.
        return report or {"failed_by": "crash", "message": run.stderr.strip()[-200:], "sites": []}

    def with_patches(self, mutant: Mutant) -> Path:
        """Builds the program of mutant.by alone, with changed copies of the headers."""
        include = self.patched_headers(mutant, self.build / "mutants" / mutant.folder())
        return self.program_with(mutant, include, self.program_name, {self.entries[mutant.by]["file"]})

    def check_rebuilding(self, mutant: Mutant) -> None:
        """Sees the mutant's model pass when it is built as with_patches does, but of unchanged headers: else a program
        that is broken by how it is built would pass for a mutant that is killed."""
        control = replace(mutant, name="control", patches=[])
        report = self.run(control.by, control.search if self.takes_searches else [], self.with_patches(control))
        if report["failed_by"] != "none":
            raise MutantError(
                f"{control.by} fails when it is built again of unchanged headers, so that no patch can be judged:"
                f" {report['failed_by']}: {report['message']}"
            )

    def program_with(self, mutant: Mutant, include: Path, target: str, sources: set[str]) -> Path:
        """Builds a program with these sources compiled anew, and no other models or litmus tests."""
        place = include.parent
        listed = subprocess.run(["ninja", "-C", self.build, "-t", "commands", target], capture_output=True, text=True)
        commands = [shlex.split(line) for line in listed.stdout.splitlines() if " -c " in line]
        # The last command links the program: with the checker's library, if it is one of the
        # checker's.
        libraries = [self.build / word for word in shlex.split(listed.stdout.splitlines()[-1]) if word.endswith(".a")]
        objects = []
        for command in commands:
            made = command[command.index("-o") + 1]
            if f"{target}.dir" not in made or not made.endswith(".o"):  # such as a precompiled header
                continue
            name = Path(command[-1]).name
            if name in sources:
                changed = [a.replace(str(HEADERS), str(include)) for a in command]
                changed[changed.index("-o") + 1] = str(place / f"{name}.o")
                self._compile(mutant, [*changed, "-Wno-error"])  # what a patch leaves unused is none of its faults
                objects.append(place / f"{name}.o")
            elif not name.endswith("_models.cpp") and not self._is_litmus(name):
                objects.append(self.build / made)
        if not objects:
            raise MutantError(f"ninja knows no objects of {target} in {self.build}; 'make models' builds them")
        compiler = itertools.takewhile(lambda word: not word.startswith("-"), commands[0])  # and what launches it
        self._compile(mutant, [*compiler, *map(str, [*objects, *libraries]), "-o", str(place / target)])
        return place / target

    def patched_headers(self, mutant: Mutant, place: Path) -> Path:
        shutil.rmtree(place, ignore_errors=True)
        include = place / "include"
        shutil.copytree(HEADERS, include)
        for name, text in patched_texts(mutant).items():
            (include / "poolproof" / name).write_text(text)
        return include

    def _is_litmus(self, name: str) -> bool:
        return (ROOT / "relacy_models" / "litmus" / name).exists()

    def _compile(self, mutant: Mutant, command: list[str]) -> None:
        run = subprocess.run(command, cwd=self.build, capture_output=True, text=True)
        if run.returncode != 0:
            raise MutantError(f"{mutant.name}: does not compile:\n{run.stderr[-2000:]}")


class CheckedModels(Models):
    """The program checked_models: the same models on our own checker."""

    program_name = "checked_models"
    takes_searches = False

    def run(self, model: str, options: list[str], program: Path | None = None) -> Report:
        command: list[str | Path] = [program or self.program, "--model", model, "--json", *options]
        command += ["--seconds", str(self.seconds)]
        found = self._report(command)
        report: Report = found[0] if isinstance(found, list) else found
        return report
