# SPDX-License-Identifier: MIT
"""The targets that the pool was built to, and what a campaign says of each.

A target is met or missed by the median of the rounds; where the spread reaches across the limit, that is
said. What lacks a sample is "not measured", and so is a comparison with the best of several where one of
them is missing, unless the others decide it already.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from campaign import (ALLOCATORS, BASE, ELSEWHERE, PORTABLE, SUBJECT, VECTOR, Campaign, Case, Contender, Sample, Spread,
                      counted, ns_per_pair, spread)

NOT_MEASURED = "not measured"
USERS = 64  # threads of oversubscribed and of zstd_responses


@dataclass(frozen=True)
class Measured:
    """A number for a target, against whom, and what is missing for it to be the whole truth."""

    value: Spread
    note: str = ""
    missing: str = ""


Measure = Callable[[Campaign], Measured | None]
Limit = Callable[[Campaign], float]
Decider = Callable[[Spread], float]


def middle(value: Spread) -> float:
    return value.median


@dataclass(frozen=True)
class Target:
    scenario: str
    aim: str
    measure: Measure
    limit: Limit
    at_most: bool
    unit: str = "×"
    decides: Decider = middle


@dataclass(frozen=True)
class Verdict:
    target: Target
    measured: Measured | None
    says: str  # "met", "missed" or "not measured"
    remark: str = ""


def judge(target: Target, campaign: Campaign) -> Verdict:
    measured = target.measure(campaign)
    if measured is None:
        return Verdict(target, None, NOT_MEASURED)
    limit = target.limit(campaign)

    def holds(value: float) -> bool:
        return value <= limit if target.at_most else value >= limit

    met = holds(target.decides(measured.value))
    if met and measured.missing:
        return Verdict(target, measured, NOT_MEASURED, f"{measured.missing} is missing")
    across = holds(measured.value.low) != holds(measured.value.high)
    return Verdict(target, measured, "met" if met else "missed",
                   "the quartiles are on both sides of the target" if across else "")


def verdicts(campaign: Campaign) -> list[Verdict]:
    return [judge(target, campaign) for target in TARGETS]


# What is measured.


def measured(value: Spread | None, note: str = "") -> Measured | None:
    return None if value is None else Measured(value, note)


def slots(case: Case) -> Measure:
    return lambda campaign: measured(campaign.ratio(case, SUBJECT))


def vectors(case: Case) -> Measure:
    return lambda campaign: measured(campaign.versus(case, SUBJECT, VECTOR))


def times(case: Case, who: Contender) -> Measure:
    return lambda campaign: measured(campaign.versus(case, SUBJECT, who))


def than_go(case: Case, who: Contender = SUBJECT) -> Measure:
    return lambda campaign: measured(campaign.versus(case, campaign.go, who)) if campaign.go else None


def longer_than(case: Case, other: Case) -> Measure:
    """The time of one case as a multiple of another's."""
    return lambda campaign: measured(campaign.quotient((case, SUBJECT), (other, SUBJECT), ns_per_pair))


def counters(case: Case, who: Contender, name: str) -> Measure:
    """The subject's counter as a multiple of another contender's."""
    return lambda campaign: measured(campaign.quotient((case, SUBJECT), (case, who), counted(name)))


def beyond_frees(campaign: Campaign) -> Measured | None:
    """How much longer the longest call of low traffic is than as many frees as it made, in ms."""
    longest, frees = counted("longest_ns"), counted("longest_frees_ns")

    def beyond(sample: Sample) -> float | None:
        call, alone = longest(sample), frees(sample)
        return None if call is None or alone is None else (call - alone) / 1e6
    return measured(spread(campaign.rounds(QUIET, SUBJECT, beyond).values()))


def than_fastest(campaign: Campaign, case: Case, rivals: list[Contender], missing: list[str]) -> Measured | None:
    """Than the rival of whom the most is left for the subject to be compared with."""
    found = [(value.median, who, value) for who in rivals
             if (value := campaign.versus(case, who)) is not None]
    if not found:
        return None
    _, fastest, value = min(found, key=lambda each: each[:2])
    return Measured(value, f"the fastest: {fastest.label}", ", ".join(missing))


def than_allocators(case: Case) -> Measure:
    def measure(campaign: Campaign) -> Measured | None:
        rivals = [Contender(variant, "new_delete") for variant in ALLOCATORS]
        missing = [each.variant for each in rivals if campaign.time(case, each) is None]
        return than_fastest(campaign, case, rivals, missing)
    return measure


def than_everybody(case: Case, *but: Contender) -> Measure:
    """Every peer of the campaign but those; the ones that it skipped are missing."""
    return lambda campaign: than_fastest(campaign, case, [peer for peer in campaign.rivals(case) if peer not in but],
                                         sorted(campaign.skipped))


def throughput(case: Case, base: Case) -> Measure:
    return lambda campaign: measured(campaign.speedup(case, base))


def counter(case: Case, name: str) -> Measure:
    return lambda campaign: measured(campaign.counter(case, SUBJECT, name))


def rotation(items: int) -> Case:
    return Case("pool_rotate", 1, (("items", items),))


def cycle_cost(campaign: Campaign) -> Measured | None:
    """How much later the 99.9th percentile of the users is while the pool cleans up, in us."""
    cycle, quiet = counted("cycle_p99.9_ns"), counted("quiet_p99.9_ns")

    def later(sample: Sample) -> float | None:
        during, before = cycle(sample), quiet(sample)
        return None if during is None or before is None else (during - before) / 1e3
    return measured(spread(campaign.rounds(rotation(100_000), SUBJECT, later).values()))


def hold_growth(campaign: Campaign) -> Measured | None:
    """Of all holds but a thousandth, which an interrupt may have hit: the longer a cycle, the more of them."""
    def holds(items: int) -> tuple[Case, Contender]:
        return Case("rotate_holds", 1, (("items", items),)), SUBJECT
    return measured(campaign.quotient(holds(1_000_000), holds(1_000), counted("hold_p99.9_ns")))


def responses(size: int) -> Case:
    return Case("zstd_responses", USERS, (("bytes", size),))


def response_throughput(size: int) -> Measure:
    return lambda campaign: measured(campaign.versus(responses(size), VECTOR))


def context_bytes(size: int) -> Measure:
    return lambda campaign: measured(campaign.quotient((responses(size), SUBJECT), (responses(size), VECTOR),
                                                       counted("peak_context_bytes")))


# The targets.


def cpus(campaign: Campaign) -> int:
    return int(campaign.result["machine"]["logical_cpus"])


def at_most(scenario: str, aim: str, limit: float | Limit, measure: Measure, unit: str = "×",
            decides: Decider = middle) -> Target:
    return Target(scenario, aim, measure, limit if callable(limit) else constant(limit), True, unit, decides)


def at_least(scenario: str, aim: str, limit: float, measure: Measure) -> Target:
    return Target(scenario, aim, measure, constant(limit), False)


def constant(limit: float) -> Limit:
    return lambda _: limit


def worst(value: Spread) -> float:
    """What may never happen is decided by the worst round."""
    return value.most


def lower_quartile(value: Spread) -> float:
    """What shall not grow, but is as often above 1 as below by chance, is decided by the lower quartile."""
    return value.low


POOL, POOL_2 = Case("pool", 1), Case("pool", 2)
BURST, OVERFLOW = Case("burst_16", 1), Case("pool_overflow", 1)
STARVATION, HAND_OVER = Case("pool_starvation", 2), Case("producer_consumer", 2)
CROWD, PAIR, CHURN = Case("oversubscribed", USERS), Case("oversubscribed", 2), Case("thread_churn", 1)
COUNTED_CROWD = Case("oversubscribed_in_use", USERS)
BORROW, BURST_BORROW, QUIET = Case("pool_borrow", 1), Case("burst_16_borrow", 1), Case("low_traffic", 1)
LONG_BURSTS = Case("pool_overflow_1000", 1), Case("pool_overflow_10000", 1)
TURNS, MANY = Case("take_turns", 2), Case("many_pools", 1)
MOVED, AFTER_CYCLE, LIFE = Case("after_migration", 1), Case("after_cycle", 1), Case("first_use", 1)
MUTEX, OWN_VECTOR = Contender(BASE, "mutex_vector"), Contender(BASE, "own_vector")

TARGETS = (
    at_most("pool, 1 thread", "at most 1.35 × the bare thread_local slot", 1.35, slots(POOL)),
    at_least("pool, 1 thread", "at least 4 × faster than Go", 4, than_go(POOL)),
    at_least("pool, 1 thread", "at least 2 × faster than the best allocator", 2, than_allocators(POOL)),
    at_most("pool, 1 thread", "at most 1.45 × a thread_local vector", 1.45, vectors(POOL)),
    at_most("pool_borrow, 1 thread", "at most 1.3 × a get and a put", 1.3, longer_than(BORROW, POOL)),
    at_most("burst_16_borrow, 1 thread", "at most 1.3 × gets and puts", 1.3, longer_than(BURST_BORROW, BURST)),
    at_least("pool, 2 threads", "at least 1.9 × the throughput of one thread", 1.9, throughput(POOL_2, POOL)),
    at_least("burst_16, 1 thread", "at least 5 × faster than Go", 5, than_go(BURST)),
    at_least("burst_16, 1 thread", "at least 2 × faster than the best allocator", 2, than_allocators(BURST)),
    at_most("burst_16, 1 thread", "at most 2.5 × a thread_local vector", 2.5, vectors(BURST)),
    at_least("pool_overflow, 1 thread", "at least 3 × faster than Go", 3, than_go(OVERFLOW)),
    at_least("pool_overflow, 1 thread", "faster than the best allocator", 1, than_allocators(OVERFLOW)),
    *(at_least(f"{case.scenario}, 1 thread", "at most 1.25 × the best allocator's time", 0.8, than_allocators(case))
      for case in LONG_BURSTS),
    at_most("after_cycle, 1 thread", "no slower than mutex + vector", 1, times(AFTER_CYCLE, MUTEX)),
    at_most("many_pools, 1 thread", "no slower than vectors of one thread", 1, times(MANY, OWN_VECTOR)),
    at_most("take_turns, 2 threads", "p50 at most 1.5 × mutex + vector", 1.5, counters(TURNS, MUTEX, "own_p50_ns")),
    at_most("after_migration, 1 thread", "p50 at most 400 ns where no other thread runs", 400,
            counter(MOVED, "own_p50_ns"), unit="ns"),
    at_most("first_use, 1 thread", "at most 5 × mutex + vector", 5, times(LIFE, MUTEX)),
    *(at_least(f"{case.scenario}, 1 thread", f"{words}: no slower than Go", 1, than_go(case, who))
      for who, words in ((PORTABLE, "portable pin"), (ELSEWHERE, "compiled as elsewhere than on Linux"))
      for case in (POOL, BURST, OVERFLOW)),
    at_most("low_traffic", "20,000 items gone within 3 intervals, with a call each half (after busy hits up to 64 "
            "calls of a CPU go unnoticed)", 3,
            counter(QUIET, "gone_after"), unit="intervals"),
    at_most("low_traffic", "the longest call at most 1 ms beyond its frees", 1, beyond_frees, unit="ms"),
    at_least("pool_starvation, 2 threads", "faster than every peer that shares", 1,
             than_everybody(STARVATION, VECTOR)),
    at_least("pool_starvation, 2 threads", "at least 2 × faster than Go", 2, than_go(STARVATION)),
    at_least("producer_consumer, 2 threads", "faster than every peer", 1, than_everybody(HAND_OVER)),
    at_least("producer_consumer, 2 threads", "at least 2 × faster than Go", 2, than_go(HAND_OVER)),
    at_least("oversubscribed, 64 threads", "at least 0.8 of the throughput of 2 threads", 0.8,
             throughput(CROWD, PAIR)),
    at_most("oversubscribed, 64 threads",
            "never more than 16 × CPUs live objects beyond those in use at once, at their peak",
            lambda campaign: 16 * cpus(campaign), counter(COUNTED_CROWD, "live_beyond_peak"), unit="objects",
            decides=worst),
    at_most("oversubscribed, 64 threads", "at most 2 × CPUs objects left after two cycles, none being in use",
            lambda campaign: 2 * cpus(campaign), counter(CROWD, "live_after_cycles"), unit="objects",
            decides=worst),
    at_most("pool_rotate, 100,000 items", "p99.9 of a put or get during a cycle at most 50 µs above that without",
            50, cycle_cost, unit="µs"),
    at_most("rotate_holds", "the longest time that a cycle keeps a shard from its users does not grow from 1,000 "
            "to 1,000,000 items (p99.9: interrupts make the longest ones)", 1, hold_growth),
    *(at_least(f"zstd_responses, {size} bytes, 64 threads", "at least 0.97 of the throughput of a thread_local cache",
               0.97, response_throughput(size)) for size in (512, 4096)),
    *(at_most(f"zstd_responses, {size} bytes, 64 threads", "at most a tenth of its context bytes", 0.1,
              context_bytes(size)) for size in (512, 4096)),
    at_most("thread_churn", "no object left after two cycles", 0, counter(CHURN, "live_after_cycles"),
            unit="objects", decides=worst),
    at_most("thread_churn", "no slow-down from the first tenth to the last (lower quartile at most 1)", 1,
            counter(CHURN, "slowdown"), decides=lower_quartile),
)
