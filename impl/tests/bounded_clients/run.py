#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""All small clients of bounded_pool, proved: each is a run of client.cpp, which check-c++ has compiled.

The clients of an alphabet are all that a few threads can make of its letters, so many calls in all, but for those that
say the same: symmetric ones; a return at a thread's end; a return or discard of nothing; a stop that stops nobody.
SETS names the alphabets and sizes, and CHOSEN what is in none. And with --mutants each of MUTANTS must be found: a few
words of the headers are changed, and a client that it names must fail.

A client whose search is not finished is not proved, and fails the run; --partial lists it.

proved.json and proved.runs.csv have what came of each client, and documents their numbers from there. A client that is
proved with another number of executions than these say fails the run, if the compiler is the same: then the pool takes
its mutex otherwise than it did, and --write writes them anew. With --at-most N only those are run that took at most N
executions then, and those that are new.
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
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
INCLUDE = ROOT / "impl" / "include"
HEADERS = ("bounded_pool.hpp", "bounded_core.hpp", "bounded_stats.hpp", "waiting_queue.hpp", "idle_items.hpp")
FLAGS = ("-std=c++20", "-O1", "-Winvalid-pch", "-Werror=invalid-pch")
PROVED = HERE / "proved.json"
sys.path[:0] = [str(ROOT / "checker" / "tests"), str(ROOT / "scripts"), str(ROOT / "bench")]

import headers  # noqa: E402
from precompiled import with_precompiled  # noqa: E402
from runner import files  # noqa: E402


class Alphabet(NamedTuple):
    """What a thread may do next, in a pool of so many items at most."""

    most: int
    gets: tuple[str, ...]
    others: tuple[str, ...]


ALPHABETS = {
    "limits": Alphabet(1, ("g", "t", "f", "!g"), ("r", "d", "c")),
    "stops": Alphabet(1, ("g", "s", "a", "k"), ("r", "d", "c", "q")),
    "two items": Alphabet(2, ("g", "f", "m", "!g"), ("r", "d", "c")),
}


class Set(NamedTuple):
    """The clients of an alphabet with so many threads and calls."""

    alphabet: str
    threads: int
    calls: tuple[int, ...]


SETS = {
    "limits: two threads, up to three calls": Set("limits", 2, (2, 3)),
    "limits: three threads, three calls": Set("limits", 3, (3,)),
    "stops: two threads, up to three calls": Set("stops", 2, (2, 3)),
    "stops: three threads, three calls": Set("stops", 3, (3,)),
    "two items: two threads, up to three calls": Set("two items", 2, (2, 3)),
    "two items: three threads, three calls": Set("two items", 3, (3,)),
    "limits: two threads, four calls": Set("limits", 2, (4,)),
    "limits: three threads, four calls": Set("limits", 3, (4,)),
    "limits: four threads, four calls": Set("limits", 4, (4,)),
}

# What is in none of these: three threads with other calls; detached items, cycles, the pool's end.
CHOSEN = (
    ("2", "gd|g|t"), ("2", "t|g|!g"), ("2", "g|f|c"),
    ("1", "g|e"), ("1", "f|e"), ("1", "s|e"), ("1", "a|e"), ("1", "s|ehq"), ("1", "a|ehq"), ("1", "k|ehq"),
    ("1", "gx|g"), ("1", "gx|t|t"), ("1", "0g|g"), ("1", "0g|t|g"),
    ("1", "g|o"), ("1", "gro|g"), ("1", "grooo|g"), ("1", "groo|t"),
    ("1", "s|grq"), ("1", "s|g|c"), ("1", "a|!g"), ("1", "!a|g"), ("1", "!a|a"),
    ("1", "ara|a"), ("1", "a|gd|c"), ("1", "k|e"),
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
        "    item_.reset();\n    owner->give_back_place();", "    owner->give_back_place();\n    item_.reset();",
        "1", "gd|g", "assertion"),
    "closing wakes only the first": ("while (queue_.first() != nullptr) {",
                                     "for (bool again = true; again && queue_.first() != nullptr; again = false) {",
                                     "1", "g|g|e", "deadlock"),
    "closing wakes nobody": ("while (queue_.first() != nullptr) {", "while (false) {", "1", "g|e", "deadlock"),
    "who gives up stays in the queue": ("    queue_.leave(asking);\n    asking.ended", "    asking.ended",
                                        "1", "f|g", ANY),
    "an item that comes at the last moment is lost": (
        "    if (asking.ended != outcome::none) return locked;\n    queue_.leave",
        "    if (asking.in_queue) queue_.leave",
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
    "a stop finds a core that the call has left": (
        "      static_cast<void>(inner->wait(asking, until_woken));\n",
        "      return handle(inner, inner->receive(asking, inner->wait(asking, until_woken)));\n",
        "1", "s|ehq", ANY),
    "a stop finds a core that the coroutine has left": ("    giving_up_.reset();\n", "", "1", "a|ehq", ANY),
    "who comes later overtakes": (
        "    } else if (free_ != 0) {", "    } else if (free_ != 0 || queue_.first() != nullptr) {",
        "1", "g|t|t", "assertion"),
}


def threads_of(alphabet: Alphabet, calls: int) -> list[str]:
    """What one thread can do in so many calls."""
    made = []
    for letters in itertools.product((*alphabet.gets, *alphabet.others), repeat=calls):
        held = 0
        for i, letter in enumerate(letters):
            if letter in ("r", "d"):
                if held == 0 or (letter == "r" and i + 1 == calls):
                    break
                held -= 1
            elif letter == "m":
                held = min(held + 1, 2)
            elif letter in alphabet.gets:
                held = 1
        else:
            made.append("".join(letters))
    return made


def stops_somebody(threads: tuple[str, ...]) -> bool:
    """Whether each stop has a call that it may stop, and each call that only differs by its stop has one."""
    for place, thread in enumerate(threads):
        others = "|".join(threads[:place] + threads[place + 1:])
        if thread.count("q") > (re.search("[sak]", others) is not None) or ("s" in thread and "q" not in others):
            return False
    return True


def clients_of(alphabet: Alphabet, threads: int, calls: int) -> list[tuple[str, str]]:
    """Once each."""
    made: set[tuple[str, ...]] = set()
    for sizes in itertools.combinations_with_replacement(range(1, calls), threads):
        if sum(sizes) == calls:
            made.update(tuple(sorted(each)) for each in
                        itertools.product(*(threads_of(alphabet, size) for size in sizes)))
    return [(str(alphabet.most), "|".join(each)) for each in sorted(made) if stops_somebody(each)]


def all_clients() -> dict[tuple[str, str], str]:
    """Each with the first set that has it."""
    made: dict[tuple[str, str], str] = {}
    for name, each in SETS.items():
        for calls in each.calls:
            for client in clients_of(ALPHABETS[each.alphabet], each.threads, calls):
                made.setdefault(client, name)
    if clashes := made.keys() & set(CHOSEN):
        raise ValueError(f"chosen, and in a set: {clashes}")
    return {**made, **{client: "chosen" for client in CHOSEN}}


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


def search(program: Path, client: tuple[str, str], bounds: Sequence[str] = ()) -> dict[str, Any]:
    """The verdict on one client, as the checker writes it; `text` is what it says."""
    done = subprocess.run([str(program), *client, *bounds, "--check-json", "-"], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    verdict = json.loads(lines[-1]) if lines else {}
    return {**verdict, "status": done.returncode, "text": done.stdout}


def version_of(compiler: str) -> str:
    told = subprocess.run([compiler, "-dumpfullversion"], stdout=subprocess.PIPE, text=True, check=True)
    return f"{Path(compiler).name} {told.stdout.strip()}"


def known() -> dict[str, Any]:
    """What came of the clients when they were last written."""
    found: dict[str, Any] = files.read(PROVED) if PROVED.exists() else {"compiler": "", "runs": []}
    return found


def row_of(name: str, client: tuple[str, str], verdict: str, found: dict[str, Any]) -> dict[str, Any]:
    return {"set": name, "max": int(client[0]), "client": client[1], "verdict": verdict,
            "executions": int(found.get("complete", 0)), "blocked": int(found.get("blocked", 0))}


def write(arguments: argparse.Namespace, made: list[dict[str, Any]]) -> None:
    """The rows that were made now, and those of the other clients as they were."""
    rows = {(str(row["max"]), row["client"]): row for row in [*known()["runs"], *made]}
    for path in (PROVED, files.table_path(PROVED, "runs")):
        path.unlink(missing_ok=True)
    sources = [HERE / "client.cpp", *(INCLUDE / "poolproof" / name for name in HEADERS)]
    files.write(PROVED, {
        "compiler": version_of(arguments.compiler),
        "sources": [str(path.relative_to(ROOT)) for path in sources],
        "tokens": headers.hash_of_sources(sources),
        "runs": [{**rows.get(client, row_of(name, client, "not run", {})), "set": name}
                 for client, name in all_clients().items()],
    })


def prove(arguments: argparse.Namespace, pool: concurrent.futures.Executor) -> int:
    program = compiled(arguments, INCLUDE, arguments.work / "client")
    before = known()
    sizes = {(str(row["max"]), row["client"]): row for row in before["runs"]}
    done = {client for client, row in sizes.items() if row["verdict"] == "proved"}
    clients = {client: name for client, name in all_clients().items() if re.search(arguments.set, name)}
    if arguments.at_most is not None:
        clients = {client: name for client, name in clients.items() if client not in sizes or
                   (client in done and sizes[client]["executions"] <= arguments.at_most)}
    if arguments.unproved:
        clients = {client: name for client, name in clients.items() if client not in done}
    if arguments.client:
        given = (arguments.client[0], arguments.client[1])
        clients = {given: all_clients().get(given, "given")}
    is_compared = before["compiler"] == version_of(arguments.compiler) and not arguments.write
    bounds = ["--check-runs", str(arguments.runs)]
    began = time.monotonic()
    failed = unfinished = executions = 0
    made: list[dict[str, Any]] = []
    for client, found in zip(clients, pool.map(lambda each: search(program, each, bounds), clients)):
        name = " ".join(client)
        executions += int(found.get("complete", 0))
        if found["status"] not in (0, 3):
            failed += 1
            print(f"{name}: {found['text']}", flush=True)
            continue
        row = row_of(clients[client], client, "unfinished" if found["status"] else "proved", found)
        made.append(row)
        if arguments.write and len(made) % 50 == 0:
            write(arguments, made)  # so that little is lost of a long run
        if found["status"] != 0:
            unfinished += 1
            print(f"not finished: {name}", flush=True)
        elif is_compared and row["set"] != "given" and row != sizes.get(client):
            failed += 1
            print(f"{name}: {row['executions']} executions, {row['blocked']} blocked; {PROVED.name} has it otherwise: "
                  "--write", flush=True)
        elif arguments.verbose:
            print(f"{name}: {row['executions']} executions, {found['seconds']} s", flush=True)
    if arguments.write:
        write(arguments, made)
    print(f"bounded_pool: {len(clients) - failed - unfinished} of {len(clients)} clients proved, "
          f"{executions:,} executions, {time.monotonic() - began:.0f} s")
    return failed + (0 if arguments.partial else unfinished)


def kill(arguments: argparse.Namespace, name: str) -> str:
    """What is wrong with a mutant, or nothing."""
    old, new, maximum, client, expected = MUTANTS[name]
    sources = {header: (INCLUDE / "poolproof" / header).read_text() for header in HEADERS}
    if (times := sum(text.count(old) for text in sources.values())) != 1:
        return f"what it changes stands {times} times in the headers"
    with tempfile.TemporaryDirectory(dir=arguments.work) as folder:
        include = Path(folder)
        (include / "poolproof").mkdir()
        for header, text in sources.items():
            (include / "poolproof" / header).write_text(text.replace(old, new))
        found = search(compiled(arguments, include, include / "mutant"), (maximum, client))
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
    parser.add_argument("--set", default="", metavar="REGEX", help="only the sets whose name matches")
    parser.add_argument("--at-most", type=int, metavar="N",
                        help="only clients that took at most so many executions, and new ones")
    parser.add_argument("--unproved", action="store_true", help="only clients that were not proved")
    parser.add_argument("--runs", type=int, default=300_000, help="for each client (%(default)s)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="how many at once (%(default)s)")
    parser.add_argument("--partial", action="store_true", help="clients that are not finished do not fail")
    parser.add_argument("--write", action="store_true", help=f"write {PROVED.name} anew, as far as clients were run")
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
