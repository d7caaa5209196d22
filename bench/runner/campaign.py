# SPDX-License-Identifier: MIT
"""A campaign: which processes are run, how often, and what each measures. Read from a TOML file.

    rounds = 5                  # every process once per round; the order is random, scenario by scenario
    min_time = 0.05             # seconds for each benchmark of a process
    seed = 1                    # of the order (default: 1)
    scenarios = ["pool", ..]    # default: all that the programs have
    threads = [1, 2]            # default: all
    process_per_peer = [..]     # scenarios whose peers must not share a process: memory is looked at

    [variants.jemalloc]
    program = "pool_scenarios"
    preload = "libjemalloc.so.2"
    environment = {NAME = "value"}
    scenarios = [..]            # of the campaign's; default: all of them
    peers = ["new_delete", ..]  # default: all that the program has; these must be there
    optional = true             # if its program or its library is missing, it is left out, and said so
"""

from __future__ import annotations

import dataclasses
import pathlib
import re
import tomllib
from typing import Any

from .errors import RunnerError
from .programs import KINDS, PLAIN, Benchmark
from .provenance import output_of

LIST_OF_STRINGS = "a list of strings"
CAMPAIGN_KEYS = {"rounds": "a positive whole number", "min_time": "a positive number of seconds",
                 "seed": "a whole number", "scenarios": LIST_OF_STRINGS,
                 "threads": "a list of positive whole numbers", "process_per_peer": LIST_OF_STRINGS,
                 "variants": "tables [variants.NAME]"}
VARIANT_KEYS = {"program": f"one of {', '.join(KINDS)}", "preload": "the name of a library",
                "environment": "a table of strings", "scenarios": LIST_OF_STRINGS,
                "peers": LIST_OF_STRINGS, "optional": "true or false"}


@dataclasses.dataclass
class Variant:
    name: str
    program: str
    preload: str | None = None
    environment: dict[str, str] = dataclasses.field(default_factory=dict)
    scenarios: list[str] | None = None
    peers: list[str] | None = None
    optional: bool = False


@dataclasses.dataclass
class Campaign:
    name: str
    rounds: int
    min_time: float
    seed: int
    scenarios: list[str] | None
    threads: list[int] | None
    process_per_peer: list[str]
    variants: list[Variant]

    @property
    def is_plain(self) -> bool:
        return self.variants[0].program in PLAIN


@dataclasses.dataclass(frozen=True)
class Task:
    """One process of a round."""

    variant: str
    scenario: str  # "" for all of a plain program
    peer: str  # "" for all
    benchmarks: tuple[Benchmark, ...]

    @property
    def key(self) -> tuple[str, str, str]:
        return self.variant, self.scenario, self.peer

    @property
    def label(self) -> str:
        return " ".join(part for part in self.key if part)


# Reading.


def load(path: pathlib.Path) -> Campaign:
    try:
        with path.open("rb") as file:
            table = tomllib.load(file)
    except OSError as error:
        raise RunnerError(f"{path}: {error.strerror}; campaigns lie in bench/campaigns") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RunnerError(f"{path}: no campaign (TOML): {error}") from None
    return Reader(path).campaign(table)


class Reader:
    """Checks every key and every value: a misspelt key would measure something else."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path

    def refuse(self, message: str) -> RunnerError:
        return RunnerError(f"{self.path}: {message}")

    def check_keys(self, table: dict[str, Any], known: dict[str, str], where: str) -> None:
        for key, value in table.items():
            if key not in known:
                raise self.refuse(f"unknown key '{key}' in {where}; known: {', '.join(known)}")
            if not is_valid(key, value):
                raise self.refuse(f"'{key}' in {where} must be {known[key]}")

    def campaign(self, table: dict[str, Any]) -> Campaign:
        self.check_keys(table, CAMPAIGN_KEYS, "the campaign")
        for key in ("rounds", "min_time", "variants"):
            if key not in table:
                raise self.refuse(f"key '{key}' is missing: {CAMPAIGN_KEYS[key]}")
        variants = [self.variant(name, each) for name, each in table["variants"].items()]
        plain = [each.name for each in variants if each.program in PLAIN]
        if plain and len(variants) > 1:
            raise self.refuse(f"variant '{plain[0]}' has a program without peers; it needs a "
                              "campaign of its own")
        return Campaign(self.path.stem, table["rounds"], float(table["min_time"]),
                        table.get("seed", 1), table.get("scenarios"), table.get("threads"),
                        table.get("process_per_peer", []), variants)

    def variant(self, name: str, table: Any) -> Variant:
        where = f"variant '{name}'"
        if not re.fullmatch(r"\w+", name):
            raise self.refuse(f"{where}: a name is of letters, digits and underscores")
        if not isinstance(table, dict):
            raise self.refuse(f"{where} must be a table [variants.{name}]")
        self.check_keys(table, VARIANT_KEYS, where)
        if "program" not in table:
            raise self.refuse(f"key 'program' is missing in {where}: {VARIANT_KEYS['program']}")
        return Variant(name, **table)


def is_list_of(kind: type, value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(type(each) is kind for each in value)


def is_valid(key: str, value: Any) -> bool:
    match key:
        case "rounds":
            return type(value) is int and value > 0
        case "seed":
            return type(value) is int
        case "min_time":
            return type(value) in (int, float) and value > 0
        case "threads":
            return is_list_of(int, value) and min(value) > 0
        case "scenarios" | "peers" | "process_per_peer":
            return is_list_of(str, value)
        case "variants":
            return isinstance(value, dict) and bool(value)
        case "environment":
            return isinstance(value, dict) and all(type(each) is str for each in value.values())
        case "program":
            return value in KINDS
        case "preload":
            return type(value) is str and value != ""
        case _:
            return type(value) is bool


# What it comes to on this machine.


def has_library(name: str) -> bool:
    if "/" in name:
        return pathlib.Path(name).is_file()
    known = output_of("/sbin/ldconfig", "-p") or output_of("ldconfig", "-p") or ""
    return any(line.split()[0] == name for line in known.splitlines() if line.split())


def what_is_missing(variant: Variant, binary: pathlib.Path) -> str | None:
    if not binary.is_file():
        needs = " (needs Go: Debian's golang-go)" if variant.program == "pool_go" else ""
        return f"{binary}: no such file; 'make bench' builds it{needs}"
    if variant.preload and not has_library(variant.preload):
        return f"{variant.preload}: no such library; scripts/setup.sh installs it"
    return None


def choose(wanted: list[str] | None, known: list[str], what: str, where: str) -> list[str]:
    """The wanted ones, or all; a name that is not known is an error."""
    for each in wanted or []:
        if each not in known:
            hint = "; scripts/setup.sh installs the packages of the peers" if what == "peer" else ""
            raise RunnerError(f"{where} has no {what} '{each}'{hint}; it has {', '.join(known)}")
    return known if wanted is None else wanted


def tasks_of(campaign: Campaign, variant: Variant, found: list[Benchmark],
             only_peers: list[str] | None = None) -> list[Task]:
    """The processes of one round for a variant, of the benchmarks that its program has."""
    slots = [each for each in found if each.is_slot]
    if campaign.threads is not None:
        # Of Go's, the report tells; what has a number of threads of its own is not a matter of it.
        found = [each for each in found if "/threads:" not in each.name
                 or each.threads in campaign.threads]
    if campaign.is_plain:
        names = list(dict.fromkeys(each.scenario for each in found))
        chosen = choose(campaign.scenarios, names, "benchmark", variant.program)
        return [Task(variant.name, "", "",
                     tuple(each for each in found if each.scenario in chosen))]
    tasks = []
    peers = variant.peers
    if peers is not None:
        choose(peers, sorted({each.peer for each in found if each.peer}), "peer", variant.program)
    for scenario in scenarios_of(campaign, variant, found):
        mine = [each for each in found if each.scenario == scenario
                and (peers is None or each.peer in peers)
                and (only_peers is None or each.peer in only_peers)]
        if scenario in campaign.process_per_peer:
            groups = {str(peer): [each for each in mine if each.peer == peer]
                      for peer in dict.fromkeys(each.peer for each in mine)}
        else:
            groups = {"": mine}
        for peer, group in groups.items():
            if group:
                anchors = [slot for slot in slots if slot not in group]
                tasks.append(Task(variant.name, scenario, peer, tuple(group + anchors)))
    return tasks


def scenarios_of(campaign: Campaign, variant: Variant, found: list[Benchmark]) -> list[str]:
    """The campaign's scenarios that the program has; those that the variant names must be there."""
    known = list(dict.fromkeys(each.scenario for each in found))
    if variant.scenarios is not None:
        mine = choose(variant.scenarios, known, "scenario", variant.program)
    else:
        mine = known
    return [each for each in mine if campaign.scenarios is None or each in campaign.scenarios]
