#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares the assembly of the sections, as compilers have made it, with their steps in C++, which the checker runs.

Each compiler makes a program of the sections, sections.cpp, and one of a pool's hits, hits.cpp. The sections in them
are found by their descriptors, and unicorn, an emulator of processors, runs the functions, from their beginning to
their return, on magazines of every class. What they read, in which order, what they store and what they return must be
what magazine_steps does, as steps.cpp prints it; the class Comparison says what else. Then an interruption comes before
each instruction from the announcement to its clearing: the thread is sent back as the kernel does it, by the descriptor
that it has announced, and finds another magazine, perhaps on another CPU. What follows must be the steps on that
magazine, or none if the section was over.

With --broken, the faults of faults.toml are put into copies of the headers, one at a time, and each must be noticed in
each of its sections, by each compiler of its architecture.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import contextlib
import dataclasses
import functools
import importlib.util
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from machine import CPU_ID, RSEQ_CS, Access, Architecture, Difference, Machine, Problem, Program, Run, Section, World
from machine import architecture_of

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
HEADERS = ROOT / "impl" / "include"
FLAGS = ["-std=c++20", "-DNDEBUG"]
# How users compile; registers and what is around a section differ. The first is the usual one.
LEVELS = ("-O2", "-O0", "-O1", "-O3 -fPIC", "-Os")
LINKED = ["-nostdlib", "-static", "-no-pie", "-Wl,--entry=0", "-Wl,--unresolved-symbols=ignore-all"]
OPERATIONS = ("take", "loan", "take_some", "give", "hand_back", "give_some")
GIVING = OPERATIONS[3:]
OF_SEVERAL = ("take_some", "give_some")
# The programs: the sections by themselves, and in the hits of a pool.
SECTIONS, HITS = "sections.cpp", "hits.cpp"
# What sections.cpp includes of the library.
COMMON = ("rseq.hpp", "rseq_aarch64.hpp", "rseq_x86_64.hpp", "section.hpp")
# What disassembles what each makes.
COMPILERS = {
    "g++": "objdump",
    "clang++": "objdump",
    "aarch64-linux-gnu-g++": "aarch64-linux-gnu-objdump",
    "clang++ --target=aarch64-linux-gnu": "aarch64-linux-gnu-objdump",
}


# ---- What the steps do ---------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Magazine:
    """A state of memory: the words of a magazine's class."""

    capacity: int
    index: int
    words: tuple[int, ...]

    @functools.cached_property
    def image(self) -> bytes:
        return struct.pack(f"<{len(self.words)}Q", *self.words)

    def __str__(self) -> str:
        word, bounds, pace = self.words[:3]
        return f"capacity {self.capacity}, word {word:#x}, bounds {bounds:#x}, pace {pace:#x}"


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What the steps of an operation do on a magazine."""

    operation: str
    magazine: Magazine
    cpu: int
    reach: int
    wanted: int  # how many items are to be moved
    result: tuple[int, ...]
    steps: tuple[Access, ...]

    @property
    def world(self) -> World:
        return self.cpu, self.magazine.image

    @functools.cached_property
    def stores(self) -> list[Access]:
        return [step for step in self.steps if step.stores]

    def __str__(self) -> str:
        return f"{self.operation} of {self.wanted} on CPU {self.cpu} of {self.reach}; {self.magazine}"


@dataclasses.dataclass(frozen=True)
class Reference:
    """All that steps.cpp prints."""

    items: tuple[int, ...]  # that are given
    outcomes: dict[str, list[Outcome]]
    labels: dict[int, str]  # of the lines of magazine_steps.hpp and shard_table.hpp that steps have

    def ways(self, operation: str, capacity: int) -> list[list[Outcome]]:
        """Outcomes by what is wanted, by the CPU, one of two or the first beyond the reach, and by their way through
        the steps."""
        found: dict[tuple[int, int, int], list[Outcome]] = {}
        for outcome in self.outcomes[operation]:
            if outcome.magazine.capacity == capacity and outcome.cpu <= outcome.reach == Machine.CPUS:
                found.setdefault((outcome.wanted, outcome.cpu, len(outcome.steps)), []).append(outcome)
        return list(found.values())

    @staticmethod
    def read(text: str, labels: dict[int, str]) -> Reference:
        items: tuple[int, ...] = ()
        magazines = {}
        outcomes: dict[str, list[Outcome]] = {operation: [] for operation in OPERATIONS}
        for kind, *words in map(str.split, text.splitlines()):
            if kind == "given":
                items = tuple(int(each, 16) for each in words)
            elif kind == "magazine":
                capacity, index = int(words[0]), int(words[1])
                magazines[capacity, index] = Magazine(capacity, index, tuple(int(each, 16) for each in words[2:]))
            else:
                operation, (capacity, index, cpu, reach, wanted) = words[0], map(int, words[1:6])
                result = tuple(int(each, 16) for each in words[6].split(","))
                outcomes[operation].append(Outcome(operation, magazines[capacity, index], cpu, reach, wanted, result,
                                                   tuple(map(Reference.step, words[7:]))))
        return Reference(items, outcomes, labels)

    @staticmethod
    def step(text: str) -> Access:
        kind, place, offset, size, order, line, value = text.split(":")
        stores = kind == "w"
        return Access(stores, place, int(offset), int(size), int(value, 16) if stores else 0, order, int(line))


# ---- What must be so -----------------------------------------------------------------------------


class Comparison:
    """Of one section's function with its steps."""

    def __init__(self, machine: Machine, reference: Reference, operation: str) -> None:
        self.machine, self.reference, self.operation = machine, reference, operation
        self.program = machine.program
        self.does: dict[int, str] = {}  # the label of the step that an instruction is
        self.sections: set[Section] = set()
        self.ran: set[int] = set()
        self.interruptions = 0
        self.reach = 0
        self.wanted = 0
        self.in_pool = f"hit_{operation}" in self.program.symbols

    def all(self) -> None:
        """Whatever differs is a Difference."""
        for outcome in self.reference.outcomes[self.operation]:
            self.uninterrupted(outcome)
        for capacity in (2, 3):
            ways = self.reference.ways(self.operation, capacity)
            after = [each for way in ways for each in (way[-1], *way[:-1][:1])]
            for begun in (way[0] for way in ways if way[0].cpu != 1):
                for found in after:
                    if found.wanted == begun.wanted:
                        self.interrupted(begun, found)
        longest = sorted((way[-1] for way in ways), key=lambda outcome: -len(outcome.steps))
        self.interrupted_twice(*[each for each in longest if each.wanted == longest[0].wanted][:3])
        self.every_instruction_was_run()

    def uninterrupted(self, outcome: Outcome) -> Run:
        before = self.prepare(outcome)
        with self.saying(outcome):
            run = self.call()
            self.judge(outcome, run, run.counters, run.accesses)
            self.equal_memory(before, (outcome, len(outcome.stores)))
        return run

    def interrupted(self, begun: Outcome, found: Outcome) -> None:
        """Before each instruction. Up to the last of the section nothing of it has been; then all."""
        plain = self.uninterrupted(begun)
        last = self.last_of_section(plain.counters)
        area = [access.counter for access in plain.accesses if access.place == "area"]
        beginning = max(0, plain.counters.index(area[0]) - 1)
        end = plain.counters.index(area[-1], last) + 2
        for count, counter in enumerate(plain.counters[beginning:end], beginning):
            before = self.prepare(begun, found)
            with self.saying(begun, (counter, found)):
                run = self.call((count, found))
                if run.counters[:count] != plain.counters[:count]:
                    raise Difference("what ran before is not what runs without it")
                if count > last:
                    self.judge(begun, run, run.counters, run.accesses)
                    self.equal_memory(before, (begun, len(begun.stores)), over=found)
                    continue
                counters, accesses = run.parts[1]
                self.judge(found, run, run.counters[counters:], run.accesses[accesses:], again=True)
                done = sum(each.stores and each.place.isdecimal() for each in run.accesses[:accesses])
                self.equal_memory(before, (begun, done), over=found, then=found)

    def interrupted_twice(self, first: Outcome, second: Outcome, third: Outcome) -> None:
        """The second interruption, too, finds a section that has announced itself."""
        plain = self.uninterrupted(first)
        for count, counter in enumerate(plain.counters[:self.last_of_section(plain.counters) + 1]):
            self.prepare(first, second)
            once = self.call((count, second))
            rest = once.counters[once.parts[1][0]:]
            for more, another in enumerate(rest[:self.last_of_section(rest) + 1]):
                self.prepare(first, second)
                with self.saying(first, (counter, second), (another, third)):
                    run = self.call((count, second), (more, third))
                    counters, accesses = run.parts[2]
                    self.judge(third, run, run.counters[counters:], run.accesses[accesses:], again=True)

    @contextlib.contextmanager
    def saying(self, begun: Outcome, *interruptions: tuple[int, Outcome]) -> Iterator[None]:
        """Where a difference was found."""
        try:
            yield
        except Difference as difference:
            then = "".join(f"; interrupted before {self.machine.text(counter)}, and then {found}"
                           for counter, found in interruptions)
            raise Difference(f"{begun}{then}: {difference}") from None

    def prepare(self, *outcomes: Outcome) -> bytearray:
        """Puts them; of one CPU only the first. A CPU of none has another magazine. Returns the memory then."""
        machine, first = self.machine, outcomes[0]
        self.wanted = first.wanted
        if self.reach != first.reach:
            self.reach = first.reach
            machine.show(first.reach)
        machine.emulator.mem_write(machine.SHARDS, self.other)
        machine.put(*(each.world for each in outcomes))
        return machine.memory()

    @functools.cached_property
    def other(self) -> bytes:
        """Shards that a section would use, and should not: an item in each that nobody has put there."""
        usable = max((each.magazine for each in self.reference.outcomes["take"] if each.result != (0,)),
                     key=lambda magazine: (magazine.capacity, magazine.words[1]))
        image = usable.image.replace(struct.pack("<Q", usable.words[3]), b"\xee" * 8)
        return image.ljust(self.machine.shard_bytes, b"\xee") * self.machine.CPUS

    def call(self, *interruptions: tuple[int, Outcome]) -> Run:
        self.interruptions += len(interruptions)
        worlds = tuple((count, found.world) for count, found in interruptions)
        name = f"{'hit' if self.in_pool else 'section'}_{self.operation}"
        run = self.machine.call(name, *self.arguments(), interruptions=worlds)
        self.ran.update(run.counters)
        return run

    def arguments(self) -> list[int]:
        """Of the section's function; or of a pool's, which lies so that its near_shards is where ours is."""
        machine, near, item = self.machine, self.machine.NEAR, self.reference.items[0]
        if self.operation in OF_SEVERAL:
            there = self.reference.items if self.operation in GIVING else (0,) * len(self.reference.items)
            for i, each in enumerate(there):
                machine.write(machine.HANDLE + 8 * i, each)
            return [near, machine.HANDLE, self.wanted]
        if not self.in_pool or self.operation in ("take", "give"):
            return [near, item][:2 if self.operation in GIVING else 1]
        if self.operation == "loan":
            return [near - self.program.number("near_bytes", 8), machine.HANDLE]
        machine.write(machine.HANDLE, near - self.core_to_near)
        machine.write(machine.HANDLE + 8, item)
        return [machine.HANDLE]

    @functools.cached_property
    def core_to_near(self) -> int:
        return self.machine.call("near_of", self.machine.NEAR).result - self.machine.NEAR

    def result(self, run: Run) -> tuple[int, ...] | None:
        """What the caller has then. None if that is not told: of an item that a pool was given."""
        place = self.machine.HANDLE
        if self.operation in OF_SEVERAL:
            count = run.result & 0xffffffff
            taken = range(0 if self.operation in GIVING else count)
            return count, *(self.machine.number(place + 8 * i) for i in taken)
        if self.operation in GIVING:
            return None if self.in_pool else (run.result & 0xff,)
        return (self.machine.number(place + 8) if self.in_pool and self.operation == "loan" else run.result,)

    def last_of_section(self, counters: list[int]) -> int:
        return max(i for i, counter in enumerate(counters) if any(each.has(counter) for each in self.sections))

    def judge(self, outcome: Outcome, run: Run, counters: list[int], accesses: list[Access],
              again: bool = False) -> None:
        """What a call has done since it began, or since it was interrupted and begins `again`."""
        section = self.announced(counters, accesses)
        shared = [each for each in accesses if each.place != "area"]
        steps = list(outcome.steps)
        if again:  # it need not read again what does not change
            shared, steps = ([each for each in some if each.place != "near"] for some in (shared, steps))
        self.same_steps(steps, shared, section)
        result = self.result(run)
        if result is not None and result != outcome.result:
            said, meant = (",".join(map(hex, each)) for each in (result, outcome.result))
            raise Difference(f"returns {said}; the steps return {meant}")

    def announced(self, counters: list[int], accesses: list[Access]) -> Section:
        """It announces the section, asks in it for the CPU, and clears the announcement behind it; nothing else."""
        area = [each for each in accesses if each.place == "area"]
        announcements = [each for each in area if each.stores]
        if not announcements or announcements[0].value not in self.program.sections:
            raise Difference("no section is announced")
        section = self.program.sections[announcements[0].value]
        self.sections.add(section)
        if section.version or section.flags or section.address % 32 or section.has(section.handler):
            raise Difference(f"not a descriptor as it must be: {section}")
        signature = self.program.read(section.handler - 4, 4)
        if int.from_bytes(signature, "little") != self.machine.signature:
            raise Difference("there is no signature before the abort handler")
        inside = [i for i, counter in enumerate(counters) if section.has(counter)]
        if not inside or counters[inside[0]] != section.start or inside[-1] - inside[0] != len(inside) - 1:
            raise Difference("the section is not run from its beginning to where it is left")
        if self.machine.announced() != 0:
            raise Difference("rseq_cs is not cleared")
        if [(each.stores, each.offset, each.bytes) for each in area] != [
                (True, RSEQ_CS, 8), (False, CPU_ID, 4), (True, RSEQ_CS, 8)] or not section.has(area[1].counter):
            raise Difference("the thread's area is used otherwise than: announce, ask for the CPU within, clear: "
                             + ", ".join(f"{each} at {self.machine.text(each.counter)}" for each in area))
        if counters[inside[0] - 1] != area[0].counter or area[2].counter not in counters[inside[-1] + 1:]:
            raise Difference("the section does not follow on its announcement, or is not over where that is cleared")
        for each, label in zip(area, ("announces the section", "here.cpu()", "clears the announcement")):
            self.does[each.counter] = label
        return section

    def same_steps(self, steps: list[Access], shared: list[Access], section: Section) -> None:
        """Each access is a step, in the order of the steps, but that relaxed reads between two others have no order."""
        groups: list[list[Access]] = []
        for step in steps:
            free = not step.stores and step.order == "relaxed"
            if free and groups and not groups[-1][0].stores and groups[-1][0].order == "relaxed":
                groups[-1].append(step)
            else:
                groups.append([step])
        rest = iter(shared)
        for group in groups:
            left = list(group)
            while left:
                access = next(rest, None)
                agreeing = [step for step in left if access and access.agrees(step)]
                if access is None or not agreeing:
                    does = f"{access} at {self.machine.text(access.counter)}" if access else "does no more"
                    raise Difference(f"the next step {' or '.join(map(self.step_text, left))}; the assembly {does}")
                step = agreeing[0]
                left.remove(step)
                self.at_its_place(access, step, section, step is steps[-1])
        # What does not change may be read before it is known whether it is needed.
        for access in rest:
            if access.stores or access.place != "near":
                raise Difference(f"the steps do no more; the assembly {access} at {self.machine.text(access.counter)}")

    def at_its_place(self, access: Access, step: Access, section: Section, last: bool) -> None:
        here = self.machine.text(access.counter)
        if access.place != "near" and not section.has(access.counter):
            raise Difference(f"{here}, which {self.step_text(step)}, is not in the section")
        end = access.counter + self.machine.sizes[access.counter] == section.start + section.length
        if end != (last and step.stores):
            raise Difference(f"{here}, which {self.step_text(step)}, is{'' if end else ' not'} the last of the section")
        acquire = self.machine.architecture.acquire
        if step.order == "acquire" and acquire:
            mask, patterns = acquire
            if int.from_bytes(self.program.read(access.counter, 4), "little") & mask not in patterns:
                raise Difference(f"{here}, which {self.step_text(step)}, does not acquire")
        if step.order not in ("relaxed", "acquire"):
            raise Problem(f"the step that {self.step_text(step)} is {step.order}, which we do not know how to find")
        self.does[access.counter] = f"[{self.reference.labels[step.line]}]"

    def step_text(self, step: Access) -> str:
        return f"{step} [{self.reference.labels[step.line]}]"

    def equal_memory(self, memory: bytearray, done: tuple[Outcome, int], over: Outcome | None = None,
                     then: Outcome | None = None) -> None:
        """What was there, with the first stores of an outcome's, with what came over it, with all stores of another."""
        size = self.machine.shard_bytes

        def store(outcome: Outcome, count: int) -> None:
            for each in outcome.stores[:count]:
                at = outcome.cpu * size + each.offset
                memory[at:at + each.bytes] = each.value.to_bytes(each.bytes, "little")

        store(*done)
        if over is not None and over.cpu < self.machine.CPUS:
            image = over.magazine.image
            memory[over.cpu * size:over.cpu * size + len(image)] = image
        if then is not None:
            store(then, len(then.stores))
        if memory != self.machine.memory():
            raise Difference("leaves other memory than the steps")

    def every_instruction_was_run(self) -> None:
        for section in self.sections:
            at = section.start
            while section.has(at):
                if at not in self.ran:
                    raise Difference(f"{self.machine.text(at)} of the section has not been run")
                at += self.machine.sizes[at]


# ---- Compilers -----------------------------------------------------------------------------------


def run(command: list[str | Path]) -> str:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Problem(f"this failed:\n  {' '.join(map(str, command))}\n{done.stdout}{done.stderr}".rstrip())
    return done.stdout


def reference_of(folder: Path) -> Reference:
    """What the steps do. Labels are those of the lines that they have in the headers."""
    program = folder / "steps"
    run(["g++", "-std=c++20", "-O1", "-I", HEADERS, HERE / "steps.cpp", "-o", program])
    sys.path.insert(0, str(ROOT / "scripts"))
    import lint_orders

    operations = [each for header in lint_orders.read_library(ROOT).headers
                  if Path(header.name).name in ("magazine_steps.hpp", "shard_table.hpp") for each in header.operations]
    return Reference.read(run([program]), {
        operation.line: labels[0].name for operation, labels in operations
        if re.match(r"(take_step|give_step|near_reach|near_first)\.", labels[0].name)})


def is_here(compiler: str) -> bool:
    return all(map(shutil.which, (compiler.split()[0], COMPILERS[compiler])))


def file_name(*parts: str) -> str:
    return re.sub(r"\W+", "_", " ".join(parts))


def surroundings_of(compiler: str, folder: Path) -> Architecture:
    """Compiles what all programs of a compiler are linked with."""
    made = folder / f"{file_name(compiler)}.o"
    run([*compiler.split(), *FLAGS, LEVELS[0], "-I", HEADERS, "-c", HERE / "surroundings.cpp", "-o", made])
    return architecture_of(made)


def precompiled(compiler: str, folder: Path) -> list[str | Path]:
    """What a compiler is given so that it parses once what all faults have in common: headers of others that the
    library includes. Ours are never among them, for a fault is in a copy of ours."""
    found = {line for header in sorted(HEADERS.rglob("*.hpp")) if header.name in COMMON
             for line in re.findall(r"^#include <(?!poolproof/).*$", header.read_text(), re.MULTILINE)}
    text = folder / f"{file_name(compiler)}_common" / "common.hpp"
    text.parent.mkdir()
    text.write_text("\n".join(sorted(found)) + "\n")
    command: list[str | Path] = [*compiler.split(), *FLAGS, LEVELS[0], "-static", "-x", "c++-header", text]
    if "clang" in compiler:
        made = text.with_suffix(".pch")
        run([*command, "-Xclang", "-fpch-instantiate-templates", "-o", made])
        return ["-include-pch", made]
    run([*command, "-o", text.with_suffix(".hpp.gch")])
    return ["-include", text, "-Winvalid-pch", "-Werror=invalid-pch"]


def program_of(compiler: str, level: str, headers: Path, folder: Path, name: str, source: str = SECTIONS,
               options: Sequence[str | Path] = ()) -> Program:
    """Of the sections in these headers."""
    path = folder / file_name(compiler, name, source)
    run([*compiler.split(), *FLAGS, *level.split(), *options, "-I", headers, HERE / source,
         folder / f"{file_name(compiler)}.o", *LINKED, "-o", path])
    return Program(path, COMPILERS[compiler])


def compare(program: Program, reference: Reference, operation: str, listed: bool = False) -> str:
    """What is to be said of a section, if nothing differs."""
    machine = Machine(program)
    comparison = Comparison(machine, reference, operation)
    comparison.all()
    inside = {each for each in comparison.ran if any(section.has(each) for section in comparison.sections)}
    said = (f"{len(inside)} instructions do the steps, on {len(reference.outcomes[operation])} magazines, "
            f"{comparison.interruptions} times interrupted")
    if listed:
        for counter in sorted(comparison.ran):
            bar, does = "|" if counter in inside else " ", comparison.does.get(counter, "")
            said += f"\n  {bar} {program.listing.get(counter, '(of a miss)'):56} {does}".rstrip()
    return said


def check(compiler: str, level: str, source: str, folder: Path, reference: Reference,
          listed: bool) -> tuple[list[str], int, str]:
    """The sections that differ, of how many, and what is to be said of all."""
    program = program_of(compiler, level, HEADERS, folder, level, source)
    operations = [each for each in OPERATIONS if {f"section_{each}", f"hit_{each}"} & program.symbols.keys()]
    different, said = [], []
    for operation in operations:
        try:
            what = compare(program, reference, operation, listed)
        except Difference as difference:
            different.append(operation)
            what = f"DIFFERS: {difference}"
        said.append(f"{compiler} {level} {source}: {operation}: {what}")
    return different, len(operations), "\n".join(said)


# ---- Faults --------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Fault:
    """A change of a header, as it stands in faults.toml; `sections` are those that it is in."""

    name: str
    header: str
    sections: tuple[str, ...]
    seen: str  # stands in what is said of it
    changes: tuple[tuple[str, str], ...]
    times: int  # that each text to find stands in the header

    @staticmethod
    def read(entry: dict[str, Any]) -> Fault:
        return Fault(entry["name"], entry["header"], tuple(entry["sections"]), entry["seen"],
                     tuple((change["find"], change["replace"]) for change in entry["change"]), entry.get("times", 1))

    def make(self, folder: Path) -> None:
        """A copy of the headers that has it."""
        shutil.copytree(HEADERS, folder)
        path = folder / "poolproof" / self.header
        text = path.read_text()
        for find, replace in self.changes:
            # However the lines of assembly are broken.
            pattern = r"[\s\\]+".join(map(re.escape, find.split()))
            text, times = re.subn(pattern, replace.replace("\\", r"\\"), text)
            if times != self.times:
                raise Problem(f"{self.name}: no longer applies: this stands {times} times in {self.header}: {find}")
        path.write_text(text)


def notice(compiler: str, fault: Fault, folder: Path, reference: Reference,
           options: Sequence[str | Path]) -> tuple[bool, str]:
    """Whether it is noticed in each of its sections, for the reason that it is one."""
    headers = folder / file_name(compiler, fault.name, "headers")
    fault.make(headers)
    program = program_of(compiler, LEVELS[0], headers, folder, fault.name, options=options)
    good, said = True, []
    for operation in fault.sections:
        try:
            what, noticed = compare(program, reference, operation), False
        except Difference as difference:
            what, noticed = str(difference), fault.seen in str(difference)
        good = good and noticed
        said.append(f"{compiler}: {fault.name}: {operation}: {'noticed' if noticed else 'NOT NOTICED'}: {what}")
    return good, "\n".join(said)


def run_all(options: argparse.Namespace, compilers: list[str], folder: Path) -> int:
    found, failed, faults = [], 0, 0
    with concurrent.futures.ProcessPoolExecutor(options.jobs) as pool:
        surroundings = {compiler: pool.submit(surroundings_of, compiler, folder) for compiler in compilers}
        reference = reference_of(folder)
        architectures = {compiler: job.result() for compiler, job in surroundings.items()}
        programs = [(LEVELS[0], HITS), *((level, SECTIONS) for level in (LEVELS if options.levels else LEVELS[:1]))]
        checks = [(compiler, level, pool.submit(check, compiler, level, source, folder, reference, options.print))
                  for compiler in compilers for level, source in programs]
        for compiler, level, job in checks:
            different, of, said = job.result()
            failed += bool(different)
            found.append({"compiler": compiler, "architecture": architectures[compiler].name, "level": level,
                          "sections": of, "different": different})
            print(said, flush=True)
        if options.broken and not failed:
            known = map(Fault.read, tomllib.loads((HERE / "faults.toml").read_text())["fault"])
            making = {compiler: pool.submit(precompiled, compiler, folder) for compiler in compilers}
            common = {compiler: job.result() for compiler, job in making.items()}
            for noticed in [pool.submit(notice, compiler, fault, folder, reference, common[compiler])
                            for fault in known for compiler in compilers
                            if architectures[compiler].header == fault.header and options.fault in fault.name]:
                good, said = noticed.result()
                faults += 1
                failed += not good
                print(said, flush=True)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))
    print(f"{len(found)} programs{f' and {faults} faults' if options.broken else ''}; {failed or 'none'} failed")
    return 1 if failed or (options.broken and faults == 0) else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--compiler", choices=COMPILERS, action="append",
                        help="only this one (default: all that are here); status 77 if it is not here")
    parser.add_argument("--levels", action="store_true",
                        help=f"compile with each of {', '.join(LEVELS)} (default: {LEVELS[0]})")
    parser.add_argument("--print", action="store_true", help="print each instruction, and the step that it is")
    parser.add_argument("--broken", action="store_true", help="then put in faults, and see that each is noticed")
    parser.add_argument("--fault", metavar="TEXT", default="", help="of the faults only those with this in their name")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was compared and what differs")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), metavar="N", help="how many at once (%(default)s)")
    options = parser.parse_args()
    if importlib.util.find_spec("unicorn") is None:
        raise Problem(f"{sys.executable} has no unicorn: make setup (Debian: python3-unicorn)")
    compilers = [each for each in options.compiler or COMPILERS if is_here(each)]
    if not compilers:
        print("assembly: no such compiler is here")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        return run_all(options, compilers, Path(folder))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Problem, OSError, subprocess.CalledProcessError) as problem:
        print(f"assembly: {problem}", file=sys.stderr)
        sys.exit(2)
