# SPDX-License-Identifier: MIT
"""What the checker says of a mutant of the headers: the smallest client or model that fails, or a certificate.

The clients of the program `proofs` are tried by growing number of calls: of puts, gets and rotates first, then of
all calls and events; then the models of `checked_models`. If nothing fails, the mutant is certified equivalent where
the counts and hashes of all clients are those of the headers as they are: the search visits each execution once, and a
weaker order can only add some. Some client must run the changed site beside a conflicting access, else its order was
never asked for. Otherwise it is an alarm.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SECONDS_OF_CLIENT = "0.5"
SECONDS_OF_MODEL = "2"
SECONDS_OF_SURVEY = {1: "5", 2: "20", 3: "60"}  # of so many calls
TIME_OF_PROGRAM = 60  # a changed loop may never end
TIME_UNCHANGED = 600  # the headers as they are do end: on a busy machine a family takes minutes


@dataclass(frozen=True)
class Family:
    """A family of clients, how far it is searched, and the headers that it runs (none: all)."""

    name: str
    most_calls: int
    options: tuple[str, ...] = ()
    headers: frozenset[str] = frozenset()


FAMILIES = (
    Family("pool_dequeue", 6, headers=frozenset({"pool_dequeue.hpp"})),
    Family("object_pool_one_cpu", 3, ("--letters", "pgr", "--spurious", "0")),
    Family("object_pool_two_cpus", 3, ("--letters", "pgr", "--spurious", "0")),
    Family("object_pool_sections_one_cpu", 2, ("--letters", "pgr", "--spurious", "0")),
    Family("object_pool_sections_two_cpus", 2, ("--letters", "pgr", "--spurious", "0")),
    # In surveys, and where the ledger names one, only.
    Family("pool_dequeue_batches", 0),
    Family("object_pool_small", 0, ("--spurious", "0")),
    Family("object_pool_sections_small", 0, ("--spurious", "0")),
    Family("wide_pool_three_cpus", 0, ("--spurious", "0")),
    Family("wide_pool_beyond", 0, ("--spurious", "0")),
    Family("wide_pool_sections_beyond", 0, ("--spurious", "0")),
    Family("narrow_pool_one_cpu", 0, ("--spurious", "0")),
    Family("narrow_pool_two_cpus", 0, ("--spurious", "0")),
    Family("narrow_pool_sections_one_cpu", 0, ("--spurious", "0")),
    Family("narrow_pool_sections_two_cpus", 0, ("--spurious", "0")),
    Family("rare_pool_two_cpus", 0, ("--spurious", "0")),
    Family("rare_pool_sections_one_cpu", 0, ("--spurious", "0")),
    Family("rare_pool_sections_two_cpus", 0, ("--spurious", "0")),
    Family("upkept_pool_one_cpu", 0, ("--spurious", "0")),
    Family("upkept_pool_two_cpus", 0, ("--spurious", "0")),
    Family("upkept_pool_sections", 0, ("--spurious", "0")),
    Family("upkept_pool_idle", 0, ("--spurious", "0")),
    Family("upkept_pool_idle_sections", 0, ("--spurious", "0")),
)
FAILED = re.compile(r"FAILED: .*?: (.*)\n  again: proofs --family (\S+) --client '([^']*)'")


@dataclass
class Finding:
    """killed, certified or alarm. `by` is what a ledger records: 'FAMILY CLIENT' or 'model NAME'."""

    found: str
    detail: str
    by: str = ""
    calls: int = 0
    executions: int = 0
    replay: str = ""
    command: list[str] = field(default_factory=list)
    certificate: list[str] = field(default_factory=list)
    contending: list[str] = field(default_factory=list)  # of these, who runs the site beside a conflicting access


Client = dict[str, Any]  # what the program says of a client, or of a model
Search = tuple[Family, int, list[Client]]  # of so many calls


class Clients:
    """A program `proofs`, and what it finds in headers that are not changed at run time."""

    def __init__(self, program: Path, families: tuple[Family, ...] = FAMILIES):
        self.program = program
        self.families = families
        self._unchanged: dict[tuple[str, int], list[Client]] = {}
        self._lock = threading.Lock()

    def run(self, family: Family, calls: int, options: list[str], program: Path,
            seconds: float = TIME_OF_PROGRAM) -> list[Client] | None:
        """All clients of a size, up to the first that fails. None if the program broke, or took too long. Which reads
        are merged depends on their orders: counts that are compared are of searches that merge none."""
        command = [str(program), "--family", family.name, "--calls", str(calls), "--json", "--jobs", "1"]
        command += ["--reads", "each"]
        command += ["--seconds", SECONDS_OF_CLIENT, "--partial", *family.options, *options]
        found = json_of(_run(command, seconds))
        clients: list[Client] | None = None if found is None else found["clients"]
        return clients

    def unchanged(self, family: Family, calls: int) -> list[Client]:
        """The same, with the sites that each client runs beside a conflicting access."""
        with self._lock:
            if (family.name, calls) not in self._unchanged:
                found = self.run(family, calls, ["--contended"], self.program, TIME_UNCHANGED)
                if found is None:
                    raise RuntimeError(f"{self.program} breaks on the headers as they are, or did not end within "
                                       f"{TIME_UNCHANGED} s: --family {family.name} --calls {calls}")
                self._unchanged[family.name, calls] = found
            return self._unchanged[family.name, calls]

    def smallest_failing(self, options: list[str], headers: set[str],
                         program: Path) -> tuple[Finding | None, list[Search]]:
        """The first failing client by number of calls; and all searches that were made: unchanged, changed."""
        searches: list[Search] = []
        for calls in range(1, max(f.most_calls for f in self.families) + 1):
            for family in self.families:
                if calls > family.most_calls or (family.headers and not family.headers & headers):
                    continue
                clients = self.run(family, calls, options, program)
                if clients is None:
                    clients = self._one_by_one(family, calls, options, program)
                for client in clients:
                    if client["errors"]:
                        return self._killed(family, calls, client, options, program), searches
                searches.append((family, calls, clients))
        return self.survey(options, program), searches

    def survey(self, options: list[str], program: Path) -> Finding | None:
        """The first client that fails of all calls and events, with as many calls as have failed at all."""
        for calls, seconds in SECONDS_OF_SURVEY.items():
            command = [str(program), "--family", "object_pool", "--calls", str(calls), "--within", seconds]
            done = _run([*command, "--spurious", "0", "--jobs", "1", *options], 2 * TIME_OF_PROGRAM)
            failed = FAILED.search(done.stdout) if done else None
            if failed:
                error, name, scripts = failed.groups()
                family = next(each for each in self.families if each.name == name)
                again = self.command(family, scripts, options, program)
                return Finding("killed", error, f"{name} {scripts}", calls, command=again)
        return None

    def one(self, family: Family, scripts: str, options: list[str], program: Path) -> tuple[int, str]:
        """Exit status and report of one client."""
        done = _run(self.command(family, scripts, options, program))
        return (-1, "") if done is None else (done.returncode, done.stdout)

    def command(self, family: Family, scripts: str, options: list[str], program: Path) -> list[str]:
        return [str(program), "--family", family.name, "--client", scripts, *family.options, *options]

    def family(self, name: str) -> Family | None:
        return next((f for f in self.families if f.name == name), None)

    def _one_by_one(self, family: Family, calls: int, options: list[str], program: Path) -> list[Client]:
        """The same where some client breaks the program, which then tells of none: those that break are left out."""
        for client in self.unchanged(family, calls):
            scripts = client["client"]
            limited = [*options, "--seconds", SECONDS_OF_CLIENT]
            status, report = self.one(family, scripts, limited, program)
            counts = [int(word) for word in report.split("\n")[0].replace(":", " ").split() if word.isdigit()]
            if status == 1 and len(counts) == 3 and counts[2] != 0:
                replay = _after(report, "replay: ")
                return [{"client": scripts, "complete": counts[0], "blocked": counts[1], "errors": counts[2],
                         "error": report.split("\n")[1].strip(), "replay": replay}]
        return []

    def _killed(self, family: Family, calls: int, client: Client, options: list[str], program: Path) -> Finding:
        replay = ["--replay", client["replay"]] if client["replay"] else []
        command = self.command(family, client["client"], [*options, *replay], program)
        by = f"{family.name} {client['client']}"
        return Finding("killed", client["error"], by, calls, _executions(client), client["replay"], command)


def compared(clients: Clients, searches: list[Search], site: str) -> Finding:
    """Certifies a mutant that no client kills, or raises the alarm. `site` is the label of the one that was changed;
    empty if it was not one, and then nothing is certified."""
    certificate: list[str] = []
    contending: list[str] = []
    for family, calls, changed in searches:
        for before, after in zip(clients.unchanged(family, calls), changed, strict=False):
            if before["client"] != after["client"] or before["cut"] or after["cut"]:
                continue  # not finished: it says nothing
            name = f"{family.name} {after['client']}"
            for count in ("complete", "blocked", "hash"):
                if before[count] != after[count]:
                    detail = f"{name}: {count} was {before[count]} and is {after[count]}, and nobody complains"
                    return Finding("alarm", detail, name, calls)
            certificate.append(name)
            if site in before["contended"]:
                contending.append(name)
    if not certificate:
        return Finding("alarm", "no client was finished")
    if not contending:
        return Finding("alarm", f"nothing changes in {len(certificate)} clients, but none runs the site beside a"
                       " conflicting access")
    return Finding("certified", f"the same executions in {len(certificate)} clients, {len(contending)} of which run the"
                   " site beside a conflicting access", certificate=certificate, contending=contending)


def smallest_failing_model(program: Path, options: list[str], known: str) -> Finding | None:
    """Of all models that fail the one with the fewest threads, then executions. If some model never ends, which
    hides the others, only the known one is run."""
    command = [str(program), "--json", "--seconds", SECONDS_OF_MODEL, "--partial", *options]
    done = _run([*command, "--skip-litmus", "--jobs", "1"]) or _run([*command, "--model", known])
    failed = [m for m in json_of(done) or [] if not m["timed_out"] and m["failed_by"] != "none"]
    if not failed:
        return None
    return killed_by_model(program, options, min(failed, key=lambda m: (m["threads"], _executions(m))))


def killed_by_model(program: Path, options: list[str], model: Client) -> Finding:
    """The finding that a model fails, of what the program says of it."""
    command = [str(program), "--model", model["name"], *options]
    command += ["--replay", model["replay"]] if model["replay"] else []
    return Finding("killed", f"{model['failed_by']}: {model['message']}".split("\n")[0], f"model {model['name']}", 0,
                   _executions(model), model["replay"], command)


def _executions(search: Client) -> int:
    return int(search["complete"] + search["blocked"] + search["errors"])


def keep(finding: Finding, place: Path) -> None:
    """Writes the failure as text and as a page. Fails if the replay does not show it again."""
    place.mkdir(parents=True, exist_ok=True)
    page = place / "page.html"
    page.unlink(missing_ok=True)
    done = _run([*finding.command, "--page", str(page)])
    text = "" if done is None else done.stdout
    (place / "report.txt").write_text(f"{shlex.join(finding.command)}\n\n{text}")
    if done is None or done.returncode != 1 or not page.exists():
        finding.found, finding.detail = "alarm", f"{finding.by} fails, but not when it is replayed"


def json_of(done: subprocess.CompletedProcess[str] | None) -> Any:
    """What a program says of its search. None if it broke, or was called wrongly. A change that nothing reaches is
    an error of its own, which it tells after what it found."""
    if done is None or done.returncode not in (0, 1, 2, 3) or (done.returncode == 2 and not done.stdout):
        return None
    return json.loads(done.stdout)


def _run(command: list[str], seconds: float = TIME_OF_PROGRAM) -> subprocess.CompletedProcess[str] | None:
    """None if it does not end. Its worker processes are ended with it: a session of its own has them all."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          start_new_session=True) as started:
        try:
            out, errors = started.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(started.pid, signal.SIGKILL)
            return None
        except BaseException:  # interrupted: it must not stay behind
            os.killpg(started.pid, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(command, started.returncode, out, errors)


def _after(text: str, mark: str) -> str:
    return text.split(mark, 1)[1].split("\n", 1)[0].strip() if mark in text else ""
