# SPDX-License-Identifier: MIT
"""plots/campaign.py: the arithmetic of the results, and what it refuses."""

import copy
import re
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "plots"))

import campaign  # noqa: E402
import synthetic  # noqa: E402
from campaign import BASE, SUBJECT, Campaign, Case, Contender, known  # noqa: E402
from runner import files  # noqa: E402

POOL = Case("pool", 1)
RIVAL = Contender(BASE, "mutex_vector")
GO = Contender("go", "go_sync_pool")


def sample(variant: str, peer: str, number: int, wall: float, slot: float | None, threads: int = 1,
           pairs: int = 100, core: float | None = None) -> dict[str, Any]:
    return {"variant": variant, "round": number, "scenario": "pool", "peer": peer, "threads": threads,
            "pairs": pairs, "wall_ns": wall, "slot_ns": slot,
            "counters": {} if core is None else {"core_ns": core}}


def campaign_of(*samples: dict[str, Any]) -> Campaign:
    return Campaign({**synthetic.campaign(), "samples": list(samples)})


class Arithmetic(unittest.TestCase):
    def test_quartiles_are_inclusive(self) -> None:
        found = known(campaign.spread([5.0, 1.0, 2.0, 3.0, 4.0]))
        self.assertEqual((3.0, 2.0, 4.0, 1.0, 5.0, 5),
                         (found.median, found.low, found.high, found.least, found.most, found.n))

    def test_nothing_has_no_median(self) -> None:
        self.assertIsNone(campaign.spread([]))

    def test_a_ratio_is_that_of_one_process_not_of_the_medians(self) -> None:
        # The slot doubles in the second process, and so does the pool: the ratio is 2 in all three.
        found = campaign_of(*(sample(BASE, "poolproof", number, 200 * slot, slot)
                              for number, slot in enumerate((1.0, 2.0, 1.5))))
        ratio = known(found.ratio(POOL, SUBJECT))
        self.assertEqual((2.0, 2.0, 2.0), (ratio.median, ratio.least, ratio.most))

    def test_go_takes_the_slot_of_its_round(self) -> None:
        found = campaign_of(sample(BASE, "poolproof", 0, 100, 1.0), sample(BASE, "poolproof", 1, 200, 2.0),
                            sample("go", "go_sync_pool", 0, 600, None),
                            sample("go", "go_sync_pool", 1, 1200, None))
        ratio = known(found.ratio(POOL, GO))
        self.assertEqual((6.0, 6.0), (ratio.least, ratio.most))

    def test_contenders_are_compared_round_by_round(self) -> None:
        # Medians: 3 and 3. But in each round but one, the rival takes three times as long.
        found = campaign_of(*(sample(BASE, "poolproof", number, 100 * cost, 1.0)
                              for number, cost in enumerate((1, 3, 5))),
                            *(sample(BASE, "mutex_vector", number, 100 * cost, 1.0)
                              for number, cost in enumerate((3, 9, 1))))
        self.assertEqual(3.0, known(found.versus(POOL, RIVAL)).median)

    def test_a_round_counts_once_however_often_it_was_measured(self) -> None:
        found = campaign_of(*(sample(BASE, "poolproof", 0, 900, 1.0) for _ in range(5)),
                            sample(BASE, "poolproof", 1, 100, 1.0), sample(BASE, "poolproof", 2, 100, 1.0))
        self.assertEqual((1.0, 3), (known(found.ratio(POOL, SUBJECT)).median, known(found.ratio(POOL, SUBJECT)).n))

    def test_throughput_is_that_of_all_threads(self) -> None:
        found = campaign_of(sample(BASE, "poolproof", 0, 100, 1.0, threads=1, pairs=100),
                            sample(BASE, "poolproof", 0, 100, 1.0, threads=2, pairs=190))
        self.assertEqual(1.9, known(found.speedup(Case("pool", 2), POOL)).median)

    def test_what_takes_long_is_compared_by_time(self) -> None:
        responses = {"scenario": "zstd_responses", "threads": 64}
        found = campaign_of(sample(BASE, "poolproof", 0, 100, 2.0) | responses,
                            sample(BASE, "mutex_vector", 0, 50, 1.0) | responses)
        self.assertEqual(0.5, known(found.versus(Case("zstd_responses", 64), RIVAL)).median)

    def test_anchors_of_other_processes_are_only_anchors(self) -> None:
        found = campaign_of(sample(BASE, "poolproof", 0, 100, 1.0), sample("jemalloc", "bare_slot", 0, 90, 1.0))
        self.assertEqual([SUBJECT], found.contenders(POOL))

    def test_every_scenario_has_its_words(self) -> None:
        tables = (ROOT / "bench" / "README.md").read_text().split("| scenario | one iteration |\n")[1:]
        named = {name for table in tables for row in table.split("\n\n", 1)[0].splitlines()
                 for name in re.findall(r"`(\w+)`", row.split("|")[1])}
        self.assertGreater(len(named), 20)
        self.assertEqual(named, set(campaign.SCENARIO_WORDS))

    def test_arguments_are_a_case_of_their_own(self) -> None:
        cases = Campaign(synthetic.campaign()).cases_of("pool_rotate")
        self.assertEqual(3, len(cases))
        self.assertIn(Case("pool_rotate", 1, (("items", 1000),)), cases)


class WholeCores(unittest.TestCase):
    """Rounds in which another user of a core slowed a thread down are left out, if enough others are left."""

    @staticmethod
    def rounds(peer: str, *times_and_cores: tuple[float, float], variant: str = BASE) -> list[dict[str, Any]]:
        return [sample(variant, peer, number, 100 * time, 1.0, core=core)
                for number, (time, core) in enumerate(times_and_cores)]

    def test_three_whole_ones_are_enough(self) -> None:
        found = campaign_of(*self.rounds("poolproof", (1, 0.5), (9, 0.6), (1, 0.57), (9, 0.9), (1, 0.5)))
        self.assertEqual((3, 1.0), (known(found.time(POOL, SUBJECT)).n, known(found.time(POOL, SUBJECT)).most))
        self.assertAlmostEqual(0.4, found.shared_cores)

    def test_counters_are_compared_where_both_are_whole(self) -> None:
        def counting(peer: str, values: tuple[int, ...], cores: tuple[float, ...]) -> list[dict[str, Any]]:
            return [each | {"counters": {**each["counters"], "p99_ns": value}}
                    for each, value in zip(self.rounds(peer, *[(1, core) for core in cores]), values)]
        # Each has three whole ones, but both only in the first round: so all count.
        found = campaign_of(*counting("poolproof", (1, 2, 3, 4, 5), (0.5, 0.5, 0.5, 0.9, 0.9)),
                            *counting("mutex_vector", (1, 1, 1, 1, 1), (0.5, 0.9, 0.9, 0.5, 0.5)))
        factor = known(found.quotient((POOL, SUBJECT), (POOL, RIVAL), campaign.counted("p99_ns")))
        self.assertEqual((5, 3.0), (factor.n, factor.median))

    def test_two_are_not(self) -> None:
        found = campaign_of(*self.rounds("poolproof", (1, 0.5), (9, 0.9), (1, 0.5), (9, 0.9)))
        self.assertEqual(4, known(found.time(POOL, SUBJECT)).n)

    def test_both_of_a_comparison_are_whole(self) -> None:
        found = campaign_of(*self.rounds("poolproof", (1, 0.5), (1, 0.5), (1, 0.5), (1, 0.5), (9, 0.9)),
                            *self.rounds("mutex_vector", (4, 0.9), (3, 0.5), (3, 0.5), (3, 0.5), (3, 0.5)))
        self.assertEqual((3, 3.0, 3.0), (known(found.versus(POOL, RIVAL)).n, known(found.versus(POOL, RIVAL)).least,
                                         known(found.versus(POOL, RIVAL)).most))

    def test_each_program_has_a_probe_of_its_own(self) -> None:
        found = campaign_of(*self.rounds("poolproof", *[(1, 0.5)] * 3),
                            *self.rounds("go_sync_pool", *[(5, 0.9)] * 3, variant="go"))
        self.assertEqual(0, found.shared_cores)

    def test_samples_without_a_probe_are_kept(self) -> None:
        found = campaign_of(*(sample(BASE, "poolproof", number, 100, 1.0) for number in range(3)))
        self.assertEqual(0, found.shared_cores)


class Losses(unittest.TestCase):
    def test_lists_every_rival_that_is_faster(self) -> None:
        found = campaign_of(sample(BASE, "poolproof", 0, 200, 1.0), sample(BASE, "bare_slot", 0, 100, 1.0),
                            sample(BASE, "mutex_vector", 0, 800, 1.0),
                            sample(BASE, "thread_local_cache", 0, 100, 1.0))
        [loss] = campaign.losses(found)
        self.assertEqual(("thread_local_cache", "time", 2.0), (loss.who.peer, loss.what, loss.factor.median))

    def test_lists_what_is_held_too(self) -> None:
        found = [(loss.who.label, loss.what) for loss in campaign.losses(Campaign(synthetic.campaign()))
                 if loss.case.scenario == "zstd_responses" and loss.case.argument("bytes") == 512]
        self.assertIn(("mutex + vector", "bytes of contexts"), found)
        self.assertNotIn(("thread_local vector", "bytes of contexts"), found)

    def test_the_pool_in_another_variant_is_no_rival(self) -> None:
        found = campaign_of(sample(BASE, "poolproof", 0, 200, 1.0),
                            sample("jemalloc", "poolproof", 0, 100, 1.0),
                            sample("poolproof_portable", "poolproof", 0, 100, 1.0))
        self.assertEqual([], campaign.losses(found))


class Refused(unittest.TestCase):
    """What must not be published, and files that are none."""

    def setUp(self) -> None:
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.place = Path(place.name)
        self.good = synthetic.campaign()

    def write(self, name: str, result: Any) -> Path:
        path = self.place / name
        files.write(path, result)
        return path

    def refuse(self, message: str, *paths: Path) -> None:
        with self.assertRaises(campaign.ResultError) as refused:
            campaign.load(list(paths))
        self.assertIn(message, str(refused.exception))

    def changed(self, **change: Any) -> Path:
        return self.write("changed.json", {**self.good, **change})

    def test_the_unchanged_one_is_not(self) -> None:
        self.assertEqual("synthetic", campaign.load([self.changed()]).result["campaign"])

    def test_quick_run(self) -> None:
        self.refuse("a quick run is never shown", self.changed(quick=True))

    def test_drifting_slot(self) -> None:
        self.refuse("drifted by 5.1%", self.changed(slot_drift=0.051))

    def test_unknown_commit(self) -> None:
        self.refuse("commit is not known", self.changed(source={"commit": None, "dirty": True}))

    def test_unoptimized_build_or_unknown_flags(self) -> None:
        for key, value, message in (("optimized", False, "mimalloc was built without optimization"),
                                    ("flags", None, "flags of mimalloc are not known")):
            builds = copy.deepcopy(self.good["variants"])
            builds["mimalloc"][key] = value
            self.refuse(message, self.write(f"{key}.json", {**self.good, "variants": builds}))

    def test_sample_without_time(self) -> None:
        samples = copy.deepcopy(self.good["samples"])
        samples[3]["wall_ns"] = 0
        self.refuse("without pairs or without time", self.changed(samples=samples))

    def test_truncated_result(self) -> None:
        del self.good["slot_drift"]
        self.refuse("lacks slot_drift", self.changed())

    def test_result_without_its_samples(self) -> None:
        path = self.write("alone.json", self.good)
        files.table_path(path, "samples").rename(self.place / "elsewhere.csv")
        with self.assertRaisesRegex(campaign.ResultError, r"lacks samples \(there is no alone\.samples\.csv beside"):
            campaign.check(campaign.read(path), path)

    def test_sample_cut_short(self) -> None:
        path = self.write("short.json", self.good)
        samples = files.table_path(path, "samples")
        samples.write_text(samples.read_text().rpartition(",")[0])
        self.refuse(f"short.samples.csv, line {len(self.good['samples']) + 1}: ", path)

    def test_truncated_checker_run(self) -> None:
        run = synthetic.checker_run()
        del run["build"]
        with self.assertRaisesRegex(campaign.ResultError, "lacks build"):
            campaign.load_checker([self.write("checker.json", run)])
        self.assertIsNone(campaign.load_checker([self.write("other.json", {"schema": 1})]))

    def test_campaign_without_the_variant_of_the_peers(self) -> None:
        builds = {name: build for name, build in self.good["variants"].items() if name != BASE}
        self.refuse("has no variant 'glibc'", self.changed(variants=builds))

    def test_mixed_machines(self) -> None:
        other = {**self.good, "machine": {**self.good["machine"], "cpu": "Another 1"}}
        self.refuse("different machines (Another 1 with 2 CPUs; Example 9000",
                    self.write("one.json", self.good), self.write("other.json", other))

    def test_wrong_files(self) -> None:
        self.refuse("No such file", self.place / "none.json")
        (self.place / "text.json").write_text("no")
        self.refuse("not JSON", self.place / "text.json")
        self.refuse("not a result of bench/run.py", self.write("other.json", {"schema": 7}))
        self.refuse("no campaign among", self.write("checker.json", synthetic.checker_run()))

    def test_the_newest_is_taken(self) -> None:
        newer = {**self.good, "date": "2027-01-01T00:00:00+00:00", "campaign": "newer"}
        paths = [self.write("newer.json", newer), self.write("older.json", self.good)]
        for order in (paths, paths[::-1]):
            self.assertEqual("newer", campaign.load(order).result["campaign"])


class Checker(unittest.TestCase):
    def test_seconds_by_benchmark(self) -> None:
        found = campaign.checker_seconds(synthetic.checker_run())
        self.assertEqual(0.04 * 1.02, found["fetch_add_8"].median)


if __name__ == "__main__":
    unittest.main()
