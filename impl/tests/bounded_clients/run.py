#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""All small clients of bounded_pool, proved: each is a run of client.cpp, which check-c++ has compiled.

The clients of N calls are all that a few threads can make of the letters of CALLS, N calls in all, but for those that
say the same: symmetric ones; a return at a thread's end; a return or discard of nothing. Then come those of
MORE, which have other calls. And with --mutants each of MUTANTS must be found: a few words of the headers are changed,
and a client that it names must fail.

A client whose search is not finished is not proved, and fails the run; --partial lists it.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
INCLUDE = ROOT / "impl" / "include"
HEADERS = ("bounded_pool.hpp", "bounded_core.hpp", "waiting_queue.hpp", "idle_items.hpp")
FLAGS = ("-std=c++20", "-O1", "-Winvalid-pch", "-Werror=invalid-pch")
sys.path.insert(0, str(ROOT / "checker" / "tests"))

from precompiled import with_precompiled  # noqa: E402

# What a thread may do next: get in four ways, give back, discard, close.
GETS = ("g", "t", "f", "!g")
CALLS = (*GETS, "r", "d", "c")

# What the calls above leave out. With two items, three threads; the pool's end; stops and coroutines.
MORE = (
    ("1", "g|g|g"), ("1", "g|g|t"), ("1", "f|g|c"), ("2", "g|g|g"), ("2", "gd|g|t"), ("2", "t|g|!g"), ("2", "g|f|c"),
    ("1", "g|e"), ("1", "f|e"), ("1", "s|e"), ("1", "a|e"),
    ("1", "gx|g"), ("1", "gx|t|t"), ("1", "0g|g"), ("1", "0g|t|g"),
    ("1", "g|o"), ("1", "gro|g"), ("1", "grooo|g"), ("1", "groo|t"),
    ("1", "s|gq"), ("1", "s|grq"), ("1", "sr|q"), ("1", "s|g|c"),
    ("1", "a|g"), ("1", "a|a"), ("1", "ar|g"), ("1", "a|c"), ("1", "a|gd"), ("1", "a|!g"), ("1", "!a|g"), ("1", "!a|a"),
    ("1", "a|gq"), ("1", "ara|a"), ("1", "a|gd|c"),
    ("1", "k|g"), ("1", "k|a"), ("1", "k|k"), ("1", "k|gd"), ("1", "k|c"), ("1", "k|e"), ("1", "k|gq"),
    ("1", "u|g"), ("1", "u|gd"), ("1", "u|gc"), ("1", "u|e"), ("1", "u|!g"),
)

# Of a waiter that is gone, on a stack.
ANY = "use after free | use after return | assertion | crash | deadlock | data race"
# What is changed in one of the headers, the client that finds it, and as what.
MUTANTS = {
    "who is served is not woken": ("    waiting.woken.notify_one();\n", "", "1", "g|g", "deadlock"),
    "a place that comes free is not offered": (
        "    waiter* const resumed = give(nullptr);\n    leave",
        "    ++free_;\n    waiter* const resumed = nullptr;\n    leave", "1", "gd|g", "deadlock"),
    "a place stays with the factory that has thrown": (
        "if (owner != nullptr) owner->give_back_place();", "if (owner != nullptr) owner->leave(lock(owner->mutex_));",
        "1", "!g|g", "deadlock"),
    "an item that comes back is idle though somebody waits": (
        "    if (waiter* const first = queue_.first()) {\n",
        "    if (waiter* const first = queue_.first(); first != nullptr && returned == nullptr) {\n",
        "1", "g|g", "deadlock"),
    "a place is had and not counted": ("      --free_;\n", "", "1", "g|g", "assertion"),
    "a victim's place is free before it is destroyed": (
        "      locked.unlock();\n      victim.reset();\n      locked.lock();\n"
        "      if (waiter* const resumed = give(nullptr)) {",
        "      waiter* const resumed = give(nullptr);\n      locked.unlock();\n      victim.reset();\n"
        "      locked.lock();\n"
        "      if (resumed != nullptr) {", "1", "groo|t", "assertion"),
    "a discarded item's place is free before it is destroyed": (
        "    item_.reset();\n    core_->give_back_place();", "    core_->give_back_place();\n    item_.reset();",
        "1", "gd|g", "assertion"),
    "closing wakes only the first": ("while (queue_.first() != nullptr) {",
                                     "for (bool again = true; again && queue_.first() != nullptr; again = false) {",
                                     "1", "g|g|e", "deadlock"),
    "closing wakes nobody": ("while (queue_.first() != nullptr) {", "while (false) {", "1", "g|e", "deadlock"),
    "who gives up stays in the queue": ("    queue_.leave(asking);\n    asking.ended", "    asking.ended",
                                        "1", "f|g", ANY),
    "an item that comes at the last moment is lost": (
        "    if (asking.ended != outcome::none) return;\n    queue_.leave", "    if (asking.in_queue) queue_.leave",
        "1", "f|g", "assertion | leak"),
    "a stop takes back what was given": (
        "    if (asking.ended != outcome::none) return;\n    if (asking.in_queue)",
        "    if (asking.in_queue)", "1", "s|grq", "assertion"),
    "a coroutine is resumed under the mutex": (
        "    if (waiting.resume != nullptr) return &waiting;\n",
        "    if (waiting.resume != nullptr) {\n      waiting.resume(waiting);\n      return nullptr;\n    }\n",
        "1", "a|g", "deadlock | assertion"),
    "a pool that ends counts nobody": ("this->add_references(inside_);", "", "1", "g|e", "use after free | data race"),
    "who leaves keeps the reference": (
        "    if (pool_is_gone) this->drop_references(1);\n", "", "1", "g|e", "assertion"),
    "a wait that unwinds stays in the queue": (
        "      queue_.leave(asked);\n", "", "1", "u|g", ANY),
    "a coroutine that is destroyed keeps its item": (
        "      give_back(asked.item);\n", "      leave(lock(mutex_));\n", "1", "k|g", "deadlock | assertion | leak"),
    "a coroutine that is destroyed keeps its place": (
        "asked.ended == outcome::place ? give(nullptr) : nullptr", "nullptr", "1", "k|gd", "deadlock | assertion"),
    "who comes later overtakes": (
        "    } else if (free_ != 0) {", "    } else if (free_ != 0 || queue_.first() != nullptr) {",
        "1", "g|t|t", "assertion"),
}


def threads_of(calls: int) -> list[str]:
    """What one thread can do in so many calls."""
    made = []
    for letters in itertools.product(CALLS, repeat=calls):
        held = False
        for i, letter in enumerate(letters):
            if letter in ("r", "d"):
                if not held or (letter == "r" and i + 1 == calls):
                    break
                held = False
            else:
                held = held or letter in GETS
        else:
            made.append("".join(letters))
    return made


def clients_of(calls: int, most_threads: int) -> list[tuple[str, str]]:
    """Those of two threads and more, once each."""
    made: set[tuple[str, ...]] = set()
    for threads in range(2, most_threads + 1):
        for sizes in itertools.combinations_with_replacement(range(1, calls), threads):
            if sum(sizes) == calls:
                made.update(tuple(sorted(each)) for each in itertools.product(*map(threads_of, sizes)))
    return [("1", "|".join(each)) for each in sorted(made)]


def environment_of(arguments: argparse.Namespace) -> dict[str, str]:
    return {**os.environ, "CXX": arguments.compiler, "CHECKER_LIBRARY": str(arguments.library)}


def precompiled(arguments: argparse.Namespace) -> str:
    """A check-c++ for all mutants: what the client and the headers include is parsed once, not the headers."""
    changed = {f"poolproof/{name}" for name in HEADERS}
    included = {each for path in (HERE / "client.cpp", *(INCLUDE / name for name in changed))
                for each in re.findall(r"^#include <(.*)>$", path.read_text(), re.MULTILINE)}
    return str(with_precompiled(arguments.check, arguments.work / "check", environment_of(arguments),
                                [*FLAGS, f"-I{INCLUDE}"], sorted(included - changed)))


def compiled(arguments: argparse.Namespace, include: Path, program: Path) -> Path:
    command = [arguments.check, *FLAGS, f"-I{include}", f"-I{INCLUDE}", str(HERE / "client.cpp"), "-o", str(program)]
    subprocess.run(command, env=environment_of(arguments), check=True)
    return program


def search(program: Path, client: tuple[str, str], seconds: float) -> dict[str, Any]:
    """The verdict on one client, as the checker writes it; `text` is what it says."""
    done = subprocess.run([str(program), *client, "--check-seconds", str(seconds), "--check-json", "-"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=seconds + 120,
                          check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    verdict = json.loads(lines[-1]) if lines else {}
    return {**verdict, "status": done.returncode, "text": done.stdout}


def prove(arguments: argparse.Namespace, pool: concurrent.futures.Executor) -> int:
    program = compiled(arguments, INCLUDE, arguments.work / "client")
    clients = [each for calls in range(2, arguments.calls + 1) for each in clients_of(calls, arguments.threads)]
    clients += MORE
    if arguments.client:
        clients = [(arguments.client[0], arguments.client[1])]
    began = time.monotonic()
    failed = unfinished = executions = 0
    for client, found in zip(clients, pool.map(lambda each: search(program, each, arguments.seconds), clients)):
        executions += int(found.get("complete", 0))
        if found["status"] == 3:
            unfinished += 1
            print(f"not finished: {' '.join(client)}")
        elif found["status"] != 0:
            failed += 1
            print(f"{' '.join(client)}: {found['text']}")
        elif arguments.verbose:
            print(f"{' '.join(client)}: {found['complete']} executions, {found['seconds']} s")
    print(f"bounded_pool: {len(clients) - failed - unfinished} of {len(clients)} clients proved, "
          f"{executions:,} executions, {time.monotonic() - began:.0f} s")
    return failed + (0 if arguments.partial else unfinished)


def kill(arguments: argparse.Namespace, name: str) -> str:
    """What is wrong with a mutant, or nothing."""
    old, new, maximum, client, expected = MUTANTS[name]
    sources = {name: (INCLUDE / "poolproof" / name).read_text() for name in HEADERS}
    if (times := sum(text.count(old) for text in sources.values())) != 1:
        return f"what it changes stands {times} times in the headers"
    with tempfile.TemporaryDirectory(dir=arguments.work) as folder:
        include = Path(folder)
        (include / "poolproof").mkdir()
        for name, text in sources.items():
            (include / "poolproof" / name).write_text(text.replace(old, new))
        found = search(compiled(arguments, include, include / "mutant"), (maximum, client), arguments.seconds)
    if found["status"] != 1:
        return f"{client} does not find it: {found['text']}"
    if found["error"] not in expected.split(" | "):
        return f"{client} finds '{found['error']}', and not '{expected}'"
    if arguments.verbose:
        print(f"{name}: {client}: {found['error']}")
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", default=str(ROOT / "checker" / "bin" / "check-c++"), help="check-c++")
    parser.add_argument("--library", required=True, help="the checker's runtime")
    parser.add_argument("--compiler", default="g++")
    parser.add_argument("--work", required=True, type=Path, help="a folder for what is compiled")
    parser.add_argument("--calls", type=int, default=3, help="at most so many calls a client (%(default)s)")
    parser.add_argument("--threads", type=int, default=3,
                        help="and so many threads, but for those of MORE (%(default)s)")
    parser.add_argument("--seconds", type=float, default=300, help="for each client (%(default)s)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="how many at once (%(default)s)")
    parser.add_argument("--partial", action="store_true", help="clients that are not finished do not fail")
    parser.add_argument("--client", nargs=2, metavar=("MAX", "CALLS"), help="only this one")
    parser.add_argument("--mutants", nargs="*", metavar="PART",
                        help="change the headers instead; those whose name has PART")
    parser.add_argument("--verbose", action="store_true")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        if arguments.mutants is None:
            return prove(arguments, pool) != 0
        arguments.check = precompiled(arguments)
        names = [each for each in MUTANTS if not arguments.mutants or any(part in each for part in arguments.mutants)]
        problems = dict(zip(names, pool.map(lambda each: kill(arguments, each), names)))
    for name, problem in problems.items():
        if problem:
            print(f"{name}: {problem}")
    survivors = sum(map(bool, problems.values()))
    print(f"bounded_pool: {len(names) - survivors} of {len(names)} mutants found")
    return survivors != 0 or not names


if __name__ == "__main__":
    sys.exit(main())
