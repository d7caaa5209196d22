# SPDX-License-Identifier: MIT
"""Running a campaign's processes, so that nothing is lost.

Every process's report is appended to a file as soon as it ends. The first line of the file says what is
being measured, where and of which commit: only the same can go on.
"""

from __future__ import annotations

import dataclasses
import fcntl
import json
import os
import pathlib
import random
import signal
import subprocess
import time
from typing import Any, TextIO

from .campaign import Campaign, Task, Variant
from .errors import RunnerError
from .programs import Program

# A process that takes longer hangs.
LONGEST = 900.0


@dataclasses.dataclass
class Runnable:
    variant: Variant
    program: Program
    tasks: list[Task]


class Partial:
    """The reports so far."""

    def __init__(self, path: pathlib.Path, header: dict[str, Any]) -> None:
        self.path = path
        self.header = header
        self.records: list[dict[str, Any]] = []

    def begin(self, resume: bool, restart: bool) -> None:
        """Goes on with the file, or begins it; an unfinished one is never overwritten unasked."""
        unfinished = self.path.exists() and self.path.stat().st_size > 0
        if unfinished and not resume and not restart:
            raise RunnerError(f"{self.path} holds an unfinished campaign: --resume goes on with "
                              "it, --restart throws it away")
        if resume and not unfinished:
            raise RunnerError(f"--resume: there is no {self.path}, so nothing to go on with")
        self.lock()
        if resume:
            self.read()
        else:
            self.path.write_text(json.dumps(self.header) + "\n", encoding="utf-8")

    def lock(self) -> None:
        """Two processes would mix their numbers, and disturb each other anyway."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.locked = self.path.open("a", encoding="utf-8")
        try:
            fcntl.flock(self.locked, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise RunnerError(f"another run.py is at work on {self.path}") from None

    def end(self) -> None:
        """The result is written: the reports are not needed any more."""
        self.path.unlink()
        self.locked.close()

    def read(self) -> None:
        text = self.path.read_text(encoding="utf-8")
        lines = text.splitlines()
        # A line that was being written when the machine stopped.
        if lines and not text.endswith("\n"):
            lines.pop()
            self.path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        try:
            header, *self.records = [json.loads(line) for line in lines]
        except ValueError:
            raise RunnerError(f"{self.path}: not an unfinished campaign; --restart throws it "
                              "away") from None
        for key, value in self.header.items():
            if key != "date" and header.get(key) != value:
                raise RunnerError(f"{self.path} was begun with another {key}, and numbers are not "
                                  f"mixed (then {header.get(key)}, now {value}); --restart throws "
                                  "it away")
        self.header = header

    def add(self, record: dict[str, Any]) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
            file.flush()
            os.fsync(file.fileno())
        self.records.append(record)


class Progress:
    """How far it is, and how long it still takes: on a terminal one line, else some lines."""

    EVERY = 10.0  # seconds between plain lines

    def __init__(self, stream: TextIO, plan: list[tuple[int, Task]]) -> None:
        self.stream = stream
        self.left = plan
        self.total = len(plan)
        self.last = -self.EVERY
        self.terminal = stream.isatty()
        self.took: dict[tuple[str, str, str], list[float]] = {}

    def know(self, key: tuple[str, str, str], seconds: float) -> None:
        self.took.setdefault(key, []).append(seconds)

    def seconds_left(self) -> float | None:
        """By what the same process took in earlier rounds, others as the mean of all."""
        if not self.took:
            return None
        means = {key: sum(each) / len(each) for key, each in self.took.items()}
        unknown = sum(means.values()) / len(means)
        return sum(means.get(task.key, unknown) for _, task in self.left)

    def show(self, task: Task, turn: int) -> None:
        now = time.monotonic()
        if not self.terminal and now - self.last < self.EVERY:
            return
        self.last = now
        left = self.seconds_left()
        estimate = f", {minutes(left)} left" if left is not None else ""
        text = (f"process {self.total - len(self.left) + 1} of {self.total}, round {turn + 1}"
                f"{estimate}: {task.label}")
        if self.terminal:
            self.stream.write(f"\r\x1b[K{text}"[:200])
        else:
            self.stream.write(f"{text}\n")
        self.stream.flush()

    def end(self) -> None:
        if self.terminal:
            self.stream.write("\r\x1b[K")
            self.stream.flush()


def minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"


def order_of(campaign: Campaign, rounds: int, tasks: list[Task]) -> list[tuple[int, Task]]:
    """Every process once per round, each round in an order of its own that the seed gives: the scenarios at random,
    and within each its processes, one after the other, for those are compared: what the machine is busy with changes
    more in minutes than in seconds."""
    scenarios = list(dict.fromkeys(task.scenario for task in tasks))
    plan = []
    for turn in range(rounds):
        order = random.Random(f"{campaign.seed} {turn}")
        for scenario in order.sample(scenarios, len(scenarios)):
            block = [task for task in tasks if task.scenario == scenario]
            plan += [(turn, task) for task in order.sample(block, len(block))]
    return plan


def environment_of(variant: Variant) -> dict[str, str]:
    environment = {**os.environ, **variant.environment}
    if variant.preload:
        environment["LD_PRELOAD"] = variant.preload
    return environment


def run_process(runnable: Runnable, task: Task, min_time: float) -> dict[str, Any]:
    binary = runnable.program.binary
    command = [str(binary), *runnable.program.arguments(list(task.benchmarks), min_time)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=LONGEST,
                              env=environment_of(runnable.variant))
    except OSError as error:
        raise RunnerError(f"cannot run {binary}: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise RunnerError(f"{task.label}: not done after {LONGEST:.0f} s") from None
    except subprocess.CalledProcessError as error:
        said = "\n".join(error.stderr.strip().splitlines()[-10:])
        raise RunnerError(f"{task.label}: {binary.name} failed with status {error.returncode}\n"
                          f"{said}") from None
    report = runnable.program.report(done.stdout)
    check_allocator(runnable, report)
    return report


def check_allocator(runnable: Runnable, report: dict[str, Any]) -> None:
    """The dynamic linker only warns of a library that it does not preload."""
    preload = runnable.variant.preload
    found = runnable.program.build(report)["allocator"] if preload else None
    if preload and found != pathlib.Path(preload).name:
        raise RunnerError(f"{runnable.variant.name}: {preload} was not preloaded; malloc is {found}'s")


def interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


def run(campaign: Campaign, runnables: list[Runnable], partial: Partial, rounds: int,
        min_time: float, stream: TextIO) -> None:
    """Runs what is not in the file yet."""
    signal.signal(signal.SIGTERM, interrupt)
    by_name = {each.variant.name: each for each in runnables}
    plan = order_of(campaign, rounds, [task for each in runnables for task in each.tasks])
    done = {(record["round"], *record["task"]) for record in partial.records}
    progress = Progress(stream, plan)
    for record in partial.records:
        variant, scenario, part = record["task"]
        progress.know((variant, scenario, part), record["seconds"])
    progress.left = [(turn, task) for turn, task in plan if (turn, *task.key) not in done]
    while progress.left:
        turn, task = progress.left[0]
        progress.show(task, turn)
        load, start = os.getloadavg(), time.monotonic()
        report = run_process(by_name[task.variant], task, min_time)
        seconds = time.monotonic() - start
        partial.add({"round": turn, "task": task.key, "load": load, "seconds": seconds,
                     "report": report})
        progress.know(task.key, seconds)
        progress.left.pop(0)
    progress.end()
