# SPDX-License-Identifier: MIT
"""What the results of bench/run.py say: every median, ratio and throughput is made here.

The figures, the report and the README's table only show what this module returns. It knows two kinds of
files: a campaign (schema 2: several processes in turns), and the report of one Google Benchmark program
(schema 1). What must not be published (a quick run, an unoptimized build, numbers whose commit nobody
knows, a machine that changed its speed meanwhile) is refused when it is loaded.

A sample's ratio is its time for a pair, a get with its put, through the bare slot that the same process
measured. Two contenders are compared round by round, ratio by ratio; what is shown is the median of
the rounds, and their quartiles as the spread.
"""

from __future__ import annotations

import pathlib
import statistics
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "bench"))

from runner import files  # noqa: E402

RESULTS = ROOT / "bench" / "results"
SCHEMA = 2
MOST_DRIFT = 0.05
REQUIRED = {1: ("quick", "date", "command", "source", "machine", "build", "runs"),
            SCHEMA: ("campaign", "quick", "date", "source", "machine", "rounds", "slot_drift", "variants", "samples")}

BASE = "glibc"  # the variant without a preload, in which all peers are compared
ALLOCATORS = ("glibc", "jemalloc", "mimalloc", "tcmalloc")
# Their time for a pair means nothing.
UNTIMED = ("pool_rotate", "rotate_holds", "memory_over_time", "low_traffic", "take_turns", "after_migration",
           "oversubscribed_in_use")
# A slot's nanosecond explains nothing of microseconds, and two processes' slots differ by a third
# at times.
COMPARED_BY_TIME = ("zstd_responses", "zlib_responses", "buffers", "bounded")
ANCHORS = ("bare_slot", "checked_slot", "two_exchanges")

Sample = dict[str, Any]
Quantity = Callable[[Sample], float | None]


class ResultError(Exception):
    """Why a result cannot be used; the message names it, and what to do."""


# Who is measured, and where.


@dataclass(frozen=True, order=True)
class Contender:
    """A peer in a variant: a variant is a separate process, with its allocator or its pin."""

    variant: str
    peer: str

    @property
    def own(self) -> bool:
        return self.peer in OURS

    @property
    def anchor(self) -> bool:
        return self.peer in ANCHORS

    @property
    def rival(self) -> bool:
        """A program could use it in place of the pool."""
        return not self.own and not self.anchor and not self.variant.startswith("poolproof")

    @property
    def label(self) -> str:
        if self.variant == "go":
            return "Go sync.Pool"
        name = PEER_LABELS.get(self.peer, self.peer.replace("_", " "))
        if self.variant.startswith("poolproof_"):
            return f"{name}, {self.variant.removeprefix('poolproof_').replace('_', ' ')} pin"
        if self.peer == "new_delete" or self.variant != BASE:
            return f"{name}, {self.variant}"
        return name


PEER_LABELS = {
    "poolproof": "poolproof",
    "bare_slot": "bare thread_local slot",
    "checked_slot": "thread_local slot, checked",
    "two_exchanges": "two atomic exchanges",
    "thread_local_cache": "thread_local vector",
    "new_delete": "new/delete",
    "own_vector": "vector of one thread",
    "mutex_vector": "mutex + vector",
    "cpu_slot_stack": "CPU slots + stack",
    "moodycamel": "moodycamel",
    "moodycamel_tokens": "moodycamel, tokens",
    "tbb_concurrent_queue": "tbb queue",
    "boost_lockfree_stack": "boost stack",
    "atomic_queue": "atomic_queue",
    "buffer_pool": "buffer_pool",
    "bounded_pool": "bounded_pool",
    "semaphore_mutex": "semaphore, mutex + vector",
    "poco_object_pool": "Poco ObjectPool",
}

SUBJECT = Contender(BASE, "poolproof")
PORTABLE = Contender("poolproof_portable", "poolproof")
ELSEWHERE = Contender("poolproof_thread_hash", "poolproof")
SLOT = Contender(BASE, "bare_slot")
VECTOR = Contender(BASE, "thread_local_cache")
# What stands on top of the pool, by scenario: a campaign of its own.
OPTIONS = ("no_option", "name", "on_drop", "reset", "max_retained", "min_idle", "max_bytes")
OURS = ("poolproof", "buffer_pool", "bounded_pool", *OPTIONS)
ON_TOP = {"buffers": Contender(BASE, "buffer_pool"), "bounded": Contender(BASE, "bounded_pool"),
          "one_option": Contender(BASE, "no_option")}


@dataclass(frozen=True, order=True)
class Case:
    """A scenario with one number of threads, and with its arguments, such as 1,000 items."""

    scenario: str
    threads: int = 1
    arguments: tuple[tuple[str, int], ...] = ()

    def argument(self, name: str) -> int | None:
        return dict(self.arguments).get(name)

    @property
    def label(self) -> str:
        words = [f"{value:,} {name}" for name, value in self.arguments]
        threads = f"{self.threads} thread" + "s" * (self.threads != 1)
        return ", ".join([self.scenario, *words, threads])


# What the README calls the rows of its table, in their order.
NAMED = (("a hit", Case("pool", 1)), ("a hit, 2 threads", Case("pool", 2)),
         ("a hit by `borrow`", Case("pool_borrow", 1)),
         ("16 gets, 16 puts", Case("burst_16", 1)), ("16 items by `borrow`", Case("burst_16_borrow", 1)),
         ("100 puts, 100 gets", Case("pool_overflow", 1)),
         ("1,000 puts, 1,000 gets", Case("pool_overflow_1000", 1)),
         ("10,000 puts, 10,000 gets", Case("pool_overflow_10000", 1)),
         ("100 gets after a cycle", Case("after_cycle", 1)),
         ("more gets than puts, 2 threads", Case("pool_starvation", 2)),
         ("put on one thread, get on another", Case("producer_consumer", 2)),
         ("64 threads", Case("oversubscribed", 64)))
# What a scenario is called where people read; bench/README.md says it in full.
SCENARIO_WORDS = {
    "pool": "a hit", "pool_borrow": "a hit by borrow", "burst_16": "16 gets, 16 puts",
    "burst_16_borrow": "16 items by borrow", "pool_overflow": "100 puts, 100 gets",
    "pool_overflow_1000": "1,000 puts, 1,000 gets", "pool_overflow_10000": "10,000 puts, 10,000 gets",
    "after_cycle": "100 gets after a cycle", "many_pools": "one of 100 pools, drawn",
    "pool_starvation": "more gets than puts", "producer_consumer": "put on one thread, get on another",
    "take_turns": "CPUs take turns with one item", "after_migration": "a get after a move to another CPU",
    "oversubscribed": "more threads than CPUs",
    "oversubscribed_in_use": "more threads than CPUs, counted", "thread_churn": "10,000 short threads",
    "first_use": "a pool made, used once, destroyed", "pool_expensive_new": "bursts, with cycles in between",
    "pool_miss": "a get that finds nothing", "pool_rotate": "users during a cycle",
    "rotate_holds": "how long a cycle holds a shard", "zstd_responses": "responses by zstd",
    "zlib_responses": "responses by zlib", "memory_over_time": "memory over time",
    "low_traffic": "a burst, then little traffic", "buffers": "a buffer of a size",
    "bounded": "an item of a pool with a maximum",
    "one_option": "a hit of a pool with one option or hook",
}


ARGUMENT_WORDS = {"most": "items at most", "at_once": "at once"}


def name_of(case: Case) -> str:
    """In words: its scenario's, and what is not usual."""
    more = [f"{value:,} {ARGUMENT_WORDS.get(name, name)}" for name, value in case.arguments
            if (name, value) != ("at_once", 1)]
    if case.threads != 1:
        more.append(f"{case.threads} threads")
    return ", ".join([SCENARIO_WORDS.get(case.scenario, case.scenario), *more])


# The arithmetic.


@dataclass(frozen=True)
class Spread:
    """A median, the quartiles, the extremes, and of how many values."""

    median: float
    low: float
    high: float
    least: float
    most: float
    n: int


def spread(values: Iterable[float]) -> Spread | None:
    """None of no values: what was not measured has no number."""
    kept = sorted(values)
    if not kept:
        return None
    low = high = kept[0]
    if len(kept) > 1:
        low, _, high = statistics.quantiles(kept, n=4, method="inclusive")
    return Spread(statistics.median(kept), low, high, kept[0], kept[-1], len(kept))


def known(value: Spread | None) -> Spread:
    """Of what is known to have been measured."""
    assert value is not None
    return value


def known_argument(case: Case, name: str) -> int:
    """Of a case that is known to have it."""
    value = case.argument(name)
    assert value is not None
    return value


def by_round(samples: Iterable[Sample], quantity: Quantity) -> dict[int, float]:
    """The median of each round: a process may have measured more than once."""
    rounds: dict[int, list[float]] = {}
    for sample in samples:
        if (value := quantity(sample)) is not None:
            rounds.setdefault(sample["round"], []).append(value)
    return {number: statistics.median(values) for number, values in sorted(rounds.items())}


def counted(name: str) -> Quantity:
    """A counter, of the samples that have it."""
    def count(sample: Sample) -> float | None:
        value: float | None = sample.get("counters", {}).get(name)
        return value
    return count


def ns_per_pair(sample: Sample) -> float:
    return float(sample["wall_ns"] / sample["pairs"])


def pairs_per_second(sample: Sample) -> float:
    """Of all threads together."""
    return float(1e9 * sample["pairs"] / sample["wall_ns"])


# A core whose probe took longer than this multiple of the campaign's fastest was not the thread's
# alone.
SHARED_CORE = 1.15
# So many rounds with whole cores do without the others.
ENOUGH = 3


def whole_cores(result: Mapping[str, Any]) -> list[Sample]:
    """The samples during which no other user of a core slowed the threads down. Programs in different
    languages have different probes."""
    def program(sample: Sample) -> str:
        return str(result["variants"][sample["variant"]]["program"])

    probe = counted("core_ns")
    fastest: dict[str, float] = {}
    for sample in result["samples"]:
        if (core := probe(sample)) is not None:
            fastest[program(sample)] = min(core, fastest.get(program(sample), core))
    return [sample for sample in result["samples"]
            if (core := probe(sample)) is None or core <= SHARED_CORE * fastest[program(sample)]]


@dataclass
class Campaign:
    """A result of schema 2."""

    result: dict[str, Any]
    _samples: dict[tuple[Case, Contender], list[Sample]] = field(default_factory=dict)
    _slots: dict[int, float] = field(default_factory=dict)
    _whole: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._whole = {id(sample) for sample in whole_cores(self.result)}
        for sample in self.result["samples"]:
            case = Case(sample["scenario"], sample["threads"], tuple(sample.get("arguments", {}).items()))
            contender = Contender(sample["variant"], sample["peer"])
            self._samples.setdefault((case, contender), []).append(sample)
        slots = [sample for sample in self.result["samples"] if sample["slot_ns"] is not None]
        self._slots = by_round(slots, lambda sample: float(sample["slot_ns"]))

    # What there is.

    @property
    def cases(self) -> list[Case]:
        return sorted({case for case, _ in self._samples})

    @property
    def scenarios(self) -> list[str]:
        """In the order of the result."""
        return list(dict.fromkeys(sample["scenario"] for sample in self.result["samples"]))

    @property
    def timed_cases(self) -> list[Case]:
        return [case for case in self.cases if case.scenario not in UNTIMED]

    def cases_of(self, scenario: str) -> list[Case]:
        return [case for case in self.cases if case.scenario == scenario]

    def contenders(self, case: Case) -> list[Contender]:
        """Fastest first, in slots."""
        found = {who: known(self.ratio(case, who)) for each, who in self._samples
                 if each == case and (who.variant == BASE or not who.anchor)}
        return sorted(found, key=lambda who: (found[who].median, who))

    def shown(self, case: Case) -> list[Contender]:
        """What a figure has room for: peers under glibc, the other allocators, the other pin, and Go, but not the
        pool under each allocator."""
        return [who for who in self.contenders(case)
                if who.variant in (BASE, "go") or who.peer == "new_delete"
                or (who.own and who.variant.startswith("poolproof_"))]

    def subject(self, case: Case, who: Contender) -> Contender:
        """What of ours a contender is compared with: of what stands on top that with the same allocator below it."""
        own = ON_TOP.get(case.scenario, SUBJECT)
        same = Contender(who.variant, own.peer)
        return same if own != SUBJECT and (case, same) in self._samples else own

    def rivals(self, case: Case) -> list[Contender]:
        return [each for each in self.contenders(case) if each.rival]

    @property
    def go(self) -> Contender | None:
        """Go's own pool, whatever its program calls it."""
        return next((who for _, who in sorted(self._samples) if who.variant == "go"), None)

    @property
    def skipped(self) -> dict[str, str]:
        return self.result.get("skipped", {})

    @property
    def timelines(self) -> list[dict[str, Any]]:
        return self.result.get("timelines", [])

    def timelines_of(self, scenario: str) -> dict[Contender, list[dict[str, Any]]]:
        """Under glibc, by contender, the subject first; each has its rounds in their order."""
        found: dict[Contender, list[dict[str, Any]]] = {}
        for each in sorted(self.timelines, key=lambda each: int(each["round"])):
            if each["variant"] == BASE and each["scenario"] == scenario:
                found.setdefault(Contender(BASE, each["peer"]), []).append(each)
        return dict(sorted(found.items(), key=lambda item: (not item[0].own, item[0].label)))

    # What it says.

    def rounds(self, case: Case, who: Contender, quantity: Quantity) -> dict[int, float]:
        """Those with whole cores, if they are enough."""
        whole = self._rounds(case, who, quantity, True)
        return whole if len(whole) >= ENOUGH else self._rounds(case, who, quantity, False)

    def _rounds(self, case: Case, who: Contender, quantity: Quantity, whole: bool) -> dict[int, float]:
        return by_round([sample for sample in self._samples.get((case, who), [])
                         if not whole or id(sample) in self._whole], quantity)

    def pairs(self, one: tuple[Case, Contender], other: tuple[Case, Contender],
              quantity: Quantity) -> list[tuple[float, float]]:
        """Round by round: of those in which both had whole cores, if they are enough."""
        for whole in (True, False):
            ones, others = (self._rounds(*each, quantity, whole) for each in (one, other))
            both = [(ones[number], others[number]) for number in ones if number in others]
            if len(both) >= ENOUGH:
                break
        return both

    def quotient(self, above: tuple[Case, Contender], below: tuple[Case, Contender],
                 quantity: Quantity) -> Spread | None:
        """Of their pairs."""
        return spread(one / other for one, other in self.pairs(above, below, quantity) if other)

    @property
    def shared_cores(self) -> float:
        """The share of the samples during which something else ran on a core."""
        return 1 - len(self._whole) / len(self.result["samples"])

    def slot_of(self, sample: Sample) -> float:
        """The process's own bare slot; a program without one takes the round's."""
        own = sample["slot_ns"]
        return float(own) if own is not None else self._slots[sample["round"]]

    def slot_ratio(self, sample: Sample) -> float:
        return ns_per_pair(sample) / self.slot_of(sample)

    def time(self, case: Case, who: Contender) -> Spread | None:
        """Nanoseconds for a pair."""
        return spread(self.rounds(case, who, ns_per_pair).values())

    def throughput(self, case: Case, who: Contender) -> Spread | None:
        """Pairs per second, of all threads together."""
        return spread(self.rounds(case, who, pairs_per_second).values())

    def ratio(self, case: Case, who: Contender) -> Spread | None:
        """The time for a pair, in bare slots."""
        return spread(self.rounds(case, who, self.slot_ratio).values())

    def versus(self, case: Case, who: Contender, other: Contender = SUBJECT) -> Spread | None:
        """How many times as long as the other one takes, round by round: through the slot, but for what takes long."""
        by_time = case.scenario in COMPARED_BY_TIME
        return self.quotient((case, who), (case, other), ns_per_pair if by_time else self.slot_ratio)

    def speedup(self, case: Case, base: Case, who: Contender = SUBJECT) -> Spread | None:
        """The throughput of one case as a multiple of another's, round by round."""
        return self.quotient((case, who), (base, who), pairs_per_second)

    def counter_names(self, case: Case, who: Contender) -> list[str]:
        return list(dict.fromkeys(name for sample in self._samples.get((case, who), [])
                                  for name in sample.get("counters", {})))

    def counter(self, case: Case, who: Contender, name: str) -> Spread | None:
        """Of all samples, so that the worst one is among them."""
        values = map(counted(name), self._samples.get((case, who), []))
        return spread(value for value in values if value is not None)


# Where others win.

# What else is better if there is less of it, beside time.
LESS_IS_BETTER = {"p99_ns": "p99", "peak_context_bytes": "bytes of contexts", "resident_bytes": "resident bytes"}


@dataclass(frozen=True)
class Loss:
    """A rival that beats the subject: what the subject needs as a multiple of what it needs; and, of time, how
    many nanoseconds of each pair that is."""

    case: Case
    who: Contender
    what: str
    factor: Spread
    cost_ns: float = 0

    @property
    def clear(self) -> bool:
        """The quartiles say so, not the median alone."""
        return self.factor.low > 1


def losses(*campaigns: Campaign | None) -> list[Loss]:
    """Every case and rival of which the median is better than ours, what costs a user most first."""
    found = []
    for campaign, case in ((one, case) for one in campaigns if one is not None for case in one.timed_cases):
        for who in campaign.rivals(case):
            subject = campaign.subject(case, who)
            compared = {"time": campaign.versus(case, subject, who)}
            for name, what in LESS_IS_BETTER.items():
                compared[what] = campaign.quotient((case, subject), (case, who), counted(name))
            own = campaign.time(case, subject)
            found += [Loss(case, who, what, factor,
                           own.median * (1 - 1 / factor.median) if own and what == "time" else 0)
                      for what, factor in compared.items() if factor is not None and factor.median > 1]
    return sorted(found, key=lambda each: (each.what != "time", -each.cost_ns, -each.factor.median, each.case,
                                           each.who))


# The files.


def machine_name(result: Mapping[str, Any]) -> str:
    return f"{result['machine']['cpu']} with {result['machine']['logical_cpus']} CPUs"


def read(path: pathlib.Path) -> dict[str, Any]:
    """A result of either schema, whatever it is worth."""
    try:
        result = files.read(path)
    except OSError as error:
        raise ResultError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise ResultError(f"{path}: {error}") from error
    if not isinstance(result, dict) or result.get("schema") not in (1, SCHEMA):
        raise ResultError(f"{path}: not a result of bench/run.py (schema 1 or {SCHEMA})")
    return result


def check(result: Mapping[str, Any], path: pathlib.Path) -> None:
    """Refuses what must not be published."""
    if missing := [key for key in REQUIRED[result["schema"]] if key not in result]:
        tables = [files.table_path(path, each).name for each in missing if each in files.TABLES]
        beside = f" (there is no {' and no '.join(tables)} beside it)" if tables else ""
        raise ResultError(f"{path}: lacks {', '.join(missing)}{beside}; bench/run.py makes a whole one")
    if result["quick"]:
        raise ResultError(f"{path}: a quick run is never shown; run the campaign without --quick")
    builds = result["variants"] if result["schema"] == SCHEMA else {"": result["build"]}
    for variant, build in builds.items():
        if not build.get("optimized"):
            raise ResultError(f"{path}: {variant or 'its program'} was built without optimization")
        if build.get("flags") is None:
            raise ResultError(f"{path}: the compiler flags of {variant or 'its program'} are not known")
    if not result["source"]["commit"]:
        raise ResultError(f"{path}: its commit is not known")
    if result["schema"] != SCHEMA:
        return
    if BASE not in result["variants"]:
        raise ResultError(f"{path}: has no variant '{BASE}', in which the peers are compared")
    if result["slot_drift"] > MOST_DRIFT:
        raise ResultError(f"{path}: the bare slot drifted by {result['slot_drift']:.1%} during the campaign, "
                          f"{MOST_DRIFT:.0%} at most: run it on a quieter machine")
    for sample in result["samples"]:
        if not (sample["pairs"] > 0 and sample["wall_ns"] > 0):
            raise ResultError(f"{path}: {sample['scenario']}, {sample['peer']}, round {sample['round']}: "
                              "a sample without pairs or without time")


def is_campaign(result: Mapping[str, Any]) -> bool:
    """Of the pool: one in which the subject was measured."""
    return result["schema"] == SCHEMA and any(
        sample["peer"] == SUBJECT.peer for sample in result.get("samples", ()))


def is_on_top(result: Mapping[str, Any]) -> bool:
    """One of what stands on top of the pool."""
    return result["schema"] == SCHEMA and any(
        sample["scenario"] in ON_TOP for sample in result.get("samples", ()))


def date_of(result: Mapping[str, Any]) -> str:
    return str(result["date"])


def newest(paths: Iterable[pathlib.Path], wanted: Callable[[Mapping[str, Any]], bool],
           what: str) -> dict[str, Any] | None:
    """The latest of the wanted results; all must be of one machine, so that a date does not decide which
    machine is shown. None if there is none."""
    found = [(path, result) for path in paths if wanted(result := read(path))]
    for path, result in found:
        check(result, path)
    machines = sorted({machine_name(result) for _, result in found})
    if len(machines) > 1:
        raise ResultError(f"{what} of different machines ({'; '.join(machines)}); name the files of one")
    return max((result for _, result in found), key=date_of) if found else None


def results_in(paths: list[pathlib.Path]) -> list[pathlib.Path]:
    """Those that are named, else all that are committed."""
    return paths or sorted(RESULTS.glob("*.json"))


def load(paths: list[pathlib.Path]) -> Campaign:
    """The newest campaign."""
    result = newest(results_in(paths), is_campaign, "campaigns")
    if result is None:
        raise ResultError(f"no campaign among {', '.join(map(str, paths)) or RESULTS}; bench/run.py makes one "
                          "from a .toml file")
    return Campaign(result)


def load_on_top(paths: list[pathlib.Path]) -> Campaign | None:
    """The newest campaign of what stands on top of the pool, if there is one."""
    result = newest(results_in(paths), is_on_top, "campaigns of what stands on top")
    return Campaign(result) if result else None


# The checker's seconds.


def checker_seconds(result: Mapping[str, Any]) -> dict[str, Spread]:
    """By benchmark."""
    units = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}
    seconds: dict[str, list[float]] = {}
    for run in result["runs"]:
        if run["run_type"] == "iteration":
            name = run["run_name"].partition("/")[0]
            seconds.setdefault(name, []).append(run["real_time"] * units[run["time_unit"]])
    return {name: known(spread(values)) for name, values in seconds.items()}


def is_checker_run(result: Mapping[str, Any]) -> bool:
    return bool(result["schema"] == 1 and result.get("command", [""])[0] == "checker_bench")


def load_checker(paths: list[pathlib.Path]) -> dict[str, Any] | None:
    """The newest measurement of the checker, if there is one."""
    return newest(results_in(paths), is_checker_run, "checker runs")
