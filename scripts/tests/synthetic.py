# SPDX-License-Identifier: MIT
"""A campaign and a checker run that nobody measured, for the tests of the plots: always the same."""

import math
import random
from typing import Any

SLOT = 1.7
ROUNDS = 5

# Bare slots for a pair with one thread, in the order of the scenarios below.
SCENARIOS = ("pool", "burst_16", "pool_overflow", "pool_starvation", "producer_consumer", "oversubscribed",
             "thread_churn", "first_use", "pool_expensive_new")
THREADS = {"pool": (1, 2, 4), "burst_16": (1, 2, 4), "pool_overflow": (1, 2, 4), "pool_starvation": (1, 2),
           "producer_consumer": (2,), "oversubscribed": (2, 64, 256)}
COSTS = {
    ("glibc", "poolproof"): (1.2, 1.3, 3.0, 3.0, 8.0, 1.3, 9000.0, 400.0, 90.0),
    ("poolproof_portable", "poolproof"): (6.0, 14.0, 12.0, 9.0, 12.0, 6.5, 9000.0, 400.0, 90.0),
    ("glibc", "thread_local_cache"): (1.1, 0.9, 2.2, 2.8, 40.0, 1.2, 9000.0, 20.0, 90.0),
    ("glibc", "new_delete"): (4.0, 7.0, 9.0, None, 30.0, 4.2, 8900.0, None, 600000.0),
    ("jemalloc", "new_delete"): (2.6, 2.6, 5.0, None, 35.0, 2.8, 8900.0, None, None),
    ("mimalloc", "new_delete"): (2.2, 2.2, 3.6, None, 20.0, 2.4, 8900.0, None, None),
    ("tcmalloc", "new_delete"): (1.7, 1.8, 2.6, None, 30.0, 1.9, 8900.0, None, None),
    ("glibc", "mutex_vector"): (7.0, 7.0, 7.0, 7.0, 30.0, 14.0, 9000.0, 60.0, 90.0),
    ("glibc", "moodycamel_tokens"): (5.0, 5.0, 5.0, 6.0, 9.0, 6.0, 9300.0, 600.0, 90.0),
    ("glibc", "tbb_concurrent_queue"): (12.0, 12.0, 13.0, 14.0, 30.0, 13.0, 9000.0, 300.0, 90.0),
    ("go", "go_sync_pool"): (6.0, 9.0, 10.0, 8.0, 20.0, 7.0, None, 500.0, 95.0),
}
ANCHORS = {"bare_slot": 1.0, "checked_slot": 1.02, "two_exchanges": 5.6}


def machine() -> dict[str, Any]:
    return {"cpu": "Example 9000 (family 1, model 2)", "logical_cpus": 2, "virtualized": True,
            "governor": None, "architecture": "x86_64", "kernel": "6.1.0", "distribution": "Example 12",
            "libc": "glibc 2.36"}


def variants() -> dict[str, Any]:
    built: dict[str, Any] = {"program": "pool_scenarios", "compiler": "g++ 12.2.0",
                             "flags": ["-O3", "-DNDEBUG", "-Wall"], "optimized": True, "pin": "rseq",
                             "command": ["pool_scenarios"]}
    found: dict[str, dict[str, Any]] = {"glibc": {**built, "preload": None}}
    for name in ("jemalloc", "mimalloc", "tcmalloc"):
        found[name] = {**built, "preload": f"lib{name}.so"}
    found["poolproof_portable"] = {**built, "preload": None, "pin": "sched_getcpu",
                                   "environment": {"POOLPROOF_PIN": "portable"}}
    found["go"] = {"program": "pool_go", "compiler": "go1.19.8", "flags": [], "optimized": True,
                   "command": ["pool_go"]}
    return found


class Maker:
    """Samples with a little noise: the round moves the slot and all that is measured in it."""

    def __init__(self) -> None:
        self.random = random.Random(4)
        self.samples: list[dict[str, Any]] = []
        self.slots = [SLOT * (1 + 0.01 * math.sin(number)) for number in range(ROUNDS)]

    def add(self, variant: str, peer: str, scenario: str, threads: int, slots: float,
            arguments: dict[str, int] | None = None, **counters: float) -> None:
        for number, slot in enumerate(self.slots):
            pairs = 1_000_000
            noise = 1 + 0.02 * self.random.random()
            self.samples.append({
                "variant": variant, "round": number, "scenario": scenario, "peer": peer,
                "threads": threads, "arguments": arguments or {}, "pairs": pairs,
                "wall_ns": slots * slot * noise * pairs,
                "slot_ns": None if variant == "go" else slot,
                "counters": {name: value * noise for name, value in counters.items()},
            })


def add_scenarios(maker: Maker) -> None:
    for (variant, peer), costs in COSTS.items():
        for scenario, cost in zip(SCENARIOS, costs):
            for threads in THREADS.get(scenario, (1,)):
                if cost is None:
                    continue
                lock = 4.0 if peer == "mutex_vector" and threads > 1 else 1 / min(threads, 2)
                own = {"live": 40.0, "live_after_cycles": 0.0} if peer == "poolproof" else {}
                more = {"slowdown": 0.98, **own} if scenario == "thread_churn" else own
                maker.add(variant, peer, scenario, threads, cost * lock, None, **more)


def add_subject_and_one(maker: Maker) -> None:
    """Scenarios of which only the subject and the one that it is compared with are made up."""
    for scenario, own, rival, slower in (("pool_borrow", 1.6, "mutex_vector", 7.0),
                                         ("burst_16_borrow", 2.2, "mutex_vector", 7.0),
                                         ("after_cycle", 4.0, "mutex_vector", 7.0),
                                         ("many_pools", 3.0, "own_vector", 2.0)):
        maker.add("glibc", "poolproof", scenario, 1, own)
        maker.add("glibc", rival, scenario, 1, slower)
    for peer in ("poolproof", "mutex_vector"):
        maker.add("glibc", peer, "take_turns", 2, 90.0, own_p50_ns=70.0)
    maker.add("glibc", "poolproof", "after_migration", 1, 500.0, own_p50_ns=300.0)
    maker.add("glibc", "poolproof", "low_traffic", 1, 9_000.0, gone_after=2.5, longest_ns=2e5, longest_frees_ns=1e5,
              longest_destroyed=4_000.0)


def add_rotations(maker: Maker) -> None:
    for items in (1_000, 100_000, 1_000_000):
        times = {f"{when}_{name}_ns": value * worse
                 for when, worse in (("quiet", 1.0), ("cycle", 1.5))
                 for name, value in (("mean", 65.0), ("p50", 60.0), ("p95", 70.0), ("p99", 90.0), ("p99.9", 900.0),
                                     ("longest", 90_000.0))}
        maker.add("glibc", "poolproof", "pool_rotate", 1, 40.0, {"items": items}, **times, busy=3.0,
                  retire_p50_ns=2_000.0, destroy_p50_ns=20.0 * items)


def add_holds(maker: Maker) -> None:
    for items in (1_000, 100_000, 1_000_000):
        times = {f"hold_{name}_ns": value for name, value in (("mean", 80.0), ("p50", 70.0), ("p99", 100.0),
                                                              ("p99.9", 600.0), ("longest", 50_000.0))}
        maker.add("glibc", "poolproof", "rotate_holds", 1, 400.0, {"items": items}, **times)


def add_responses(maker: Maker) -> None:
    for scenario, dear in (("zstd_responses", 0.6), ("zlib_responses", 0.02)):
        for size, slots in ((512, 9_000.0), (4096, 30_000.0)):
            for peer, slower, contexts in (("poolproof", 1.01, 6), ("thread_local_cache", 1.0, 64),
                                           ("new_delete", 1 + dear, 4), ("mutex_vector", 1.05, 5)):
                median = size * 20.0 * slower
                maker.add("glibc", peer, scenario, 64, slots * slower, {"bytes": size},
                          p50_ns=median, p99_ns=median * 3, contexts=contexts, peak_contexts=contexts,
                          peak_context_bytes=contexts * 1.3e6, resident_bytes=5e6 + contexts * 1.3e6)


def timelines() -> list[dict[str, Any]]:
    found = []
    for number in range(2):
        for peer, keeps in (("poolproof", 0.05), ("thread_local_cache", 1.0), ("mutex_vector", 0.9)):
            seconds = [0.02 * step for step in range(115)]
            busy = [second < 0.45 or 1.15 < second < 1.5 for second in seconds]
            share = [1.0 if each else keeps for each in busy]
            found.append({"variant": "glibc", "round": number, "scenario": "memory_over_time", "peer": peer,
                          "seconds": seconds,
                          "live": [int(128 * each) for each in share],
                          "in_use": [60 + step % 9 if each else 0 for step, each in enumerate(busy)],
                          "resident_bytes": [int(4e6 + 8e6 * each) for each in share]})
        left = [20_000, 20_000, 20_000, 12_000, 5_000, 0]
        found.append({"variant": "glibc", "round": number, "scenario": "low_traffic", "peer": "poolproof",
                      "seconds": [0.05 * step for step in range(len(left))], "live": left,
                      "in_use": [0] * len(left), "resident_bytes": [0] * len(left)})
    return found


def campaign() -> dict[str, Any]:
    maker = Maker()
    add_scenarios(maker)
    for anchor, slots in ANCHORS.items():
        for threads in (1, 2, 4):
            maker.add("glibc", anchor, "pool", threads, slots / min(threads, 2))
    add_subject_and_one(maker)
    add_rotations(maker)
    add_holds(maker)
    add_responses(maker)
    for shards in (2, 8, 64, 512):
        maker.add("glibc", "poolproof", "pool_miss", 1, 20 + 0.1 * shards, {"shards": shards},
                  unused_bytes=200.0, empty_bytes=1000.0 + 256 * shards, shard_bytes=256.0)
    return {
        "schema": 2, "campaign": "synthetic", "quick": False, "date": "2026-01-02T03:04:05+00:00",
        "source": {"commit": "0123456789abcdef0123456789abcdef01234567", "dirty": False},
        "machine": machine(), "affinity": [0, 1], "rounds": ROUNDS, "slot_drift": 0.012,
        "load": [[0.1]] * ROUNDS, "variants": variants(), "skipped": {"atomic_queue": "not installed"},
        "samples": maker.samples, "timelines": timelines(),
    }


def checker_run() -> dict[str, Any]:
    seconds = {"fetch_add_8": 0.04, "ring_3_3_3": 0.3, "ring_4_4_3x2": 1.1, "lastzero_12": 0.08,
               "fib_bench_5": 0.5}
    runs = [{"run_type": "iteration", "run_name": f"{name}/iterations:1/real_time", "threads": 1,
             "real_time": each * (1 + 0.01 * number), "time_unit": "s"}
            for name, each in seconds.items() for number in range(5)]
    return {
        "schema": 1, "quick": False, "date": "2026-01-02T03:04:05+00:00", "command": ["checker_bench"],
        "source": {"commit": "0123456789abcdef0123456789abcdef01234567", "dirty": False},
        "build": {"compiler": "g++ 12.2.0", "flags": ["-O3", "-DNDEBUG"], "optimized": True},
        "machine": machine(), "repetitions": 5, "runs": runs,
    }
