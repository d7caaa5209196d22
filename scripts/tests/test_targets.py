# SPDX-License-Identifier: MIT
"""plots/targets.py: what is met, missed, and not measured."""

import sys
import unittest
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "plots"))

import synthetic  # noqa: E402
import targets  # noqa: E402
from campaign import Campaign  # noqa: E402

HIT, GO, ALLOCATOR = "at most 1.35 ×", "at least 4 × faster than Go", "at least 2 × faster than the best allocator"


def sample(variant: str, peer: str, slots: float, number: int = 0, **more: Any) -> dict[str, Any]:
    return {"variant": variant, "round": number, "scenario": "pool", "peer": peer, "threads": 1, "pairs": 100,
            "wall_ns": 100 * slots, "slot_ns": None if variant == "go" else 1.0, "counters": {}, **more}


def judged(aim: str, *samples: dict[str, Any], scenario: str = "pool, 1 thread", **more: Any) -> targets.Verdict:
    campaign = Campaign({**synthetic.campaign(), "skipped": {}, **more, "samples": list(samples)})
    [verdict] = [each for each in targets.verdicts(campaign)
                 if each.target.scenario == scenario and each.target.aim.startswith(aim)]
    return verdict


def allocators(**slots: float) -> list[dict[str, Any]]:
    return [sample(variant, "new_delete", each) for variant, each in slots.items()]


def median(verdict: targets.Verdict) -> float:
    assert verdict.measured is not None
    return verdict.measured.value.median


class Verdicts(unittest.TestCase):
    def test_the_limit_itself_is_met(self) -> None:
        self.assertEqual("met", judged(HIT, sample("glibc", "poolproof", 1.35)).says)
        self.assertEqual("missed", judged(HIT, sample("glibc", "poolproof", 1.36)).says)

    def test_spread_across_the_limit_is_said(self) -> None:
        verdict = judged(HIT, *(sample("glibc", "poolproof", slots, number)
                                for number, slots in enumerate((1.2, 1.3, 1.5))))
        self.assertEqual(("met", "the quartiles are on both sides of the target"),
                         (verdict.says, verdict.remark))

    def test_what_has_no_sample_is_not_measured(self) -> None:
        verdict = judged(GO, sample("glibc", "poolproof", 1.0))
        self.assertEqual(("not measured", None), (verdict.says, verdict.measured))

    def test_nothing_is_measured_of_nothing(self) -> None:
        campaign = Campaign({**synthetic.campaign(), "samples": [sample("glibc", "bare_slot", 1.0)]})
        self.assertEqual({"not measured"}, {each.says for each in targets.verdicts(campaign)})

    def test_go_is_compared_through_the_slot(self) -> None:
        verdict = judged(GO, sample("glibc", "poolproof", 1.0), sample("go", "go_sync_pool", 4.5))
        self.assertEqual(("met", 4.5), (verdict.says, median(verdict)))

    def test_responses_are_not_compared_through_the_slot(self) -> None:
        responses: dict[str, Any] = {"scenario": "zstd_responses", "threads": 64, "arguments": {"bytes": 512}}
        verdict = judged("at least 0.97", sample("glibc", "poolproof", 4000.0, slot_ns=2.0, **responses),
                         sample("glibc", "thread_local_cache", 4000.0, slot_ns=1.5, **responses),
                         scenario="zstd_responses, 512 bytes, 64 threads")
        self.assertEqual(("met", 1.0), (verdict.says, median(verdict)))


class Best(unittest.TestCase):
    def test_the_fastest_allocator_counts(self) -> None:
        verdict = judged(ALLOCATOR, sample("glibc", "poolproof", 1.0),
                         *allocators(glibc=5, jemalloc=3, mimalloc=2.5, tcmalloc=2.2))
        assert verdict.measured is not None
        self.assertEqual(("met", "the fastest: new/delete, tcmalloc"), (verdict.says, verdict.measured.note))

    def test_met_without_an_allocator_is_not_measured(self) -> None:
        verdict = judged(ALLOCATOR, sample("glibc", "poolproof", 1.0),
                         *allocators(glibc=5, jemalloc=3, mimalloc=2.5))
        self.assertEqual(("not measured", "tcmalloc is missing"), (verdict.says, verdict.remark))

    def test_missed_without_an_allocator_is_missed(self) -> None:
        self.assertEqual("missed", judged(ALLOCATOR, sample("glibc", "poolproof", 1.0), *allocators(glibc=1.5)).says)

    def test_faster_than_all_that_were_not_skipped_is_not_measured(self) -> None:
        samples = [sample("glibc", peer, slots, scenario="producer_consumer", threads=2)
                   for peer, slots in (("poolproof", 1.0), ("mutex_vector", 3.0))]
        where = {"scenario": "producer_consumer, 2 threads"}
        self.assertEqual("met", judged("faster than every peer", *samples, **where).says)
        self.assertEqual("not measured",
                         judged("faster than every peer", *samples, **where, skipped={"go": "no Go here"}).says)

    def test_faster_than_all_that_share(self) -> None:
        """A thread_local vector shares nothing: what its thread has no use for is of no use to others."""
        def verdict(mutex: float) -> str:
            samples = [sample("glibc", peer, slots, scenario="pool_starvation", threads=2) for peer, slots in
                       (("poolproof", 2.0), ("thread_local_cache", 1.0), ("mutex_vector", mutex))]
            return judged("faster than every peer that shares", *samples, scenario="pool_starvation, 2 threads").says

        self.assertEqual("met", verdict(3.0))
        self.assertEqual("missed", verdict(1.5))


class Worst(unittest.TestCase):
    """What may never happen is not decided by the median."""

    def judged_with(self, *beyond: float) -> str:
        samples = [sample("glibc", "poolproof", 1.0, number, scenario="oversubscribed_in_use", threads=64,
                          counters={"live_beyond_peak": each}) for number, each in enumerate(beyond)]
        return judged("never more than 16 × CPUs live objects", *samples, scenario="oversubscribed, 64 threads").says

    def test_one_round_above_misses(self) -> None:
        self.assertEqual("met", self.judged_with(-1, 7, 32))
        self.assertEqual("missed", self.judged_with(-1, 7, 33))


class Cycles(unittest.TestCase):
    """Of pool_rotate: what the machine does to the users without a cycle is no fault of the cycle's."""

    def judged_with(self, aim: str, scenario: str, **of_items: dict[str, float]) -> targets.Verdict:
        samples = [sample("glibc", "poolproof", 1.0, scenario="pool_rotate", arguments={"items": int(items[1:])},
                          counters=counters) for items, counters in of_items.items()]
        return judged(aim, *samples, scenario=scenario)

    def test_cost_is_what_comes_on_top(self) -> None:
        for cycle, says in ((69_000.0, "met"), (71_000.0, "missed")):
            verdict = self.judged_with("p99.9", "pool_rotate, 100,000 items",
                                       _100000={"cycle_p99.9_ns": cycle, "quiet_p99.9_ns": 20_000.0})
            self.assertEqual((says, (cycle - 20_000) / 1e3), (verdict.says, median(verdict)))


class Holds(unittest.TestCase):
    def test_growth_is_that_of_all_holds_but_a_thousandth(self) -> None:
        for longest, says in ((1_500.0, "met"), (1_700.0, "missed")):
            samples = [sample("glibc", "poolproof", 1.0, scenario="rotate_holds", arguments={"items": items},
                              counters={"hold_p99.9_ns": each, "hold_longest_ns": 9_000.0 * items})
                       for items, each in ((1_000, 1_600.0), (1_000_000, longest))]
            verdict = judged("the longest time", *samples, scenario="rotate_holds")
            self.assertEqual((says, longest / 1_600), (verdict.says, median(verdict)))


if __name__ == "__main__":
    unittest.main()
