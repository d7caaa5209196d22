# SPDX-License-Identifier: MIT
"""bench/run.py and bench/runner, on campaigns of a program that stands for the real ones."""

import contextlib
import fcntl
import io
import json
import os
import re
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any
from unittest import mock

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "bench"))

import run  # noqa: E402
from runner import campaign, files, programs, provenance, result, session, tables  # noqa: E402
from runner.errors import RunnerError  # noqa: E402


def iteration(name: str, family: int, seconds: float, **more: Any) -> dict[str, Any]:
    return {"name": name, "run_name": f"{name}/iterations:1/real_time", "run_type": "iteration",
            "family_index": family, "per_family_instance_index": 0, "threads": 1,
            "real_time": seconds, "time_unit": "s", **more}


def table_of(*runs: dict[str, Any]) -> list[list[str]]:
    """The rows of the table, cells separated where columns are."""
    lines = tables.table(tables.all_series(list(runs))).splitlines()
    starts = [match.start() for match in re.finditer(r"(?<!\S )\b\S+( \S+)*", lines[0])]
    return [[line[start:end].strip() for start, end in zip(starts, [*starts[1:], None])]
            for line in lines[1:]]


class PlainTable(unittest.TestCase):
    def test_row_has_time_cost_of_an_item_and_label(self) -> None:
        runs = [iteration("ring", 0, seconds, items_per_second=240_000 / seconds,
                          executions=240_000, label="GenMC 4.6 s") for seconds in (0.5, 0.4, 0.6)]
        [row] = table_of(*runs)
        self.assertEqual(["ring", "1", "500 ms", "450 ms .. 550 ms", "2.08 us"], row[:5])
        self.assertEqual("executions 2.4e+05, GenMC 4.6 s", row[5])


class Staleness(unittest.TestCase):
    """A program is as old as what it is built from: another program's file does not count."""

    FILES = ("bench/pool_scenarios.cpp", "bench/checker_bench.cpp",
             "bench/scenarios/pool.hpp", "bench/go/pool_test.go", "impl/include/poolproof/sync.hpp",
             "checker/include/checker/model.hpp", "checker/src/search.cpp")

    def newer(self, program: str, changed: str) -> list[str]:
        with tempfile.TemporaryDirectory() as place:
            root = Path(place)
            for name in (*self.FILES, f"build/{program}"):
                file = root / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.touch()
                os.utime(file, (1000, 1000))
            os.utime(root / changed, (2000, 2000))
            with mock.patch.object(provenance, "ROOT", root):
                return provenance.newer_sources(root / "build" / program)

    def test_own_file_and_own_headers_count(self) -> None:
        for program, file in (("pool_scenarios", "bench/pool_scenarios.cpp"),
                              ("pool_scenarios", "bench/scenarios/pool.hpp"),
                              ("pool_scenarios", "impl/include/poolproof/sync.hpp"),
                              ("pool_go", "bench/go/pool_test.go"),
                              ("checker_bench", "bench/checker_bench.cpp"),
                              ("checker_bench", "checker/include/checker/model.hpp"),
                              ("checker_bench", "checker/src/search.cpp")):
            self.assertEqual([file], self.newer(program, file))

    def test_the_other_programs_do_not(self) -> None:
        self.assertEqual([], self.newer("pool_scenarios", "bench/checker_bench.cpp"))
        self.assertEqual([], self.newer("pool_scenarios", "checker/include/checker/model.hpp"))
        self.assertEqual([], self.newer("checker_bench", "impl/include/poolproof/sync.hpp"))
        self.assertEqual([], self.newer("pool_go", "impl/include/poolproof/sync.hpp"))

    def test_every_program_has_its_sources_listed(self) -> None:
        built = {path.stem for path in (ROOT / "bench").glob("*_bench.cpp")}
        scenarios = {"pool_scenarios", "pool_scenarios_elsewhere", "on_top_scenarios"}
        self.assertEqual(built | scenarios | {"pool_go"}, set(provenance.SOURCES))
        self.assertEqual(set(programs.KINDS), set(provenance.SOURCES))
        for patterns in provenance.SOURCES.values():
            for pattern in patterns:
                self.assertTrue(list(ROOT.glob(pattern)), pattern)


class CampaignFiles(unittest.TestCase):
    """What is wrong with a file is said with its name, and what would be right."""

    def load(self, text: str) -> campaign.Campaign:
        with tempfile.TemporaryDirectory() as place:
            path = Path(place) / "some.toml"
            path.write_text(text)
            return campaign.load(path)

    def assert_refused(self, text: str, *words: str) -> None:
        with self.assertRaises(RunnerError) as refused:
            self.load(text)
        for word in (*words, "some.toml"):
            self.assertIn(word, str(refused.exception))

    GOOD = 'rounds = 5\nmin_time = 0.05\n[variants.glibc]\nprogram = "pool_scenarios"\n'

    def test_good_one(self) -> None:
        loaded = self.load(self.GOOD + 'peers = ["poolproof"]\noptional = true\n')
        self.assertEqual(("some", 5, 0.05, 1), (loaded.name, loaded.rounds, loaded.min_time,
                                                loaded.seed))
        self.assertEqual([campaign.Variant("glibc", "pool_scenarios", peers=["poolproof"],
                                           optional=True)], loaded.variants)

    def test_unknown_key(self) -> None:
        self.assert_refused("round = 5\n" + self.GOOD, "unknown key 'round'", "rounds")
        self.assert_refused(self.GOOD + 'preloads = "x"\n', "unknown key 'preloads'", "glibc")

    def test_wrong_value(self) -> None:
        for line in ("rounds = 0", "rounds = true", 'min_time = "1"', "threads = [0]",
                     "scenarios = []", "seed = 1.5"):
            key = line.split()[0]
            others = "".join(f"{each}\n" for each in self.GOOD.splitlines()
                             if not each.startswith(key))
            self.assert_refused(f"{line}\n{others}", f"'{key}'")
        self.assert_refused(self.GOOD + 'optional = "no"\n', "'optional'")
        self.assert_refused(self.GOOD.replace("pool_scenarios", "ls"), "'program'", "pool_go")

    def test_what_is_missing(self) -> None:
        self.assert_refused(self.GOOD.replace("rounds = 5\n", ""), "'rounds' is missing")
        self.assert_refused(self.GOOD.replace("program", "preload"), "'program' is missing")

    def test_a_program_without_peers_is_alone(self) -> None:
        self.assert_refused(self.GOOD + '[variants.x]\nprogram = "checker_bench"\n', "'x'")

    def test_no_toml_and_no_file(self) -> None:
        self.assert_refused("{}", "TOML")
        with self.assertRaisesRegex(RunnerError, "nowhere.toml.*bench/campaigns"):
            campaign.load(Path("nowhere.toml"))

    def test_the_committed_ones_are_good(self) -> None:
        for path in (ROOT / "bench" / "campaigns").glob("*.toml"):
            campaign.load(path)


# Stands for pool_scenarios and the others: writes what Google Benchmark would, and counts how often
# it was called. FAKE says, as JSON, which call fails, and the slot's nanoseconds by call. It is run
# a hundred times: by the interpreter of the tests, without a look at what is installed.
FAKE = f"#!{sys.executable} -IS\n" + r'''
import json, os, re, sys
NAMES = ["pool/bare_slot/real_time/repeats:3/threads:1", "pool/poolproof/real_time/threads:1",
         "pool/poolproof/real_time/threads:2", "pool/other/real_time/threads:1",
         "rotate/poolproof/items:1000/iterations:10/real_time", "memory/poolproof/real_time",
         "memory/other/real_time"]
options = dict(each.lstrip("-").split("=", 1) for each in sys.argv[1:])
if "benchmark_list_tests" in options:
    sys.exit(print("\n".join(NAMES)))
how = json.loads(os.environ.get("FAKE", "{}"))
calls = sys.argv[0] + ".calls"
with open(calls, "a") as file:
    file.write(options["benchmark_filter"] + "\n")
count = len(open(calls).readlines())
if count == how.get("fails"):
    sys.exit("out of order")
if count == how.get("is_interrupted"):
    import signal, time
    os.kill(os.getppid(), signal.SIGINT)
    time.sleep(60)
slot = how.get("slots", [2.0])[(count - 1) % len(how.get("slots", [2.0]))]
runs = []
for place, name in enumerate(NAMES):
    if not re.search(options["benchmark_filter"], name):
        continue
    for repetition in range(3 if "repeats" in name else 1):
        cost = slot * (1 if "bare_slot" in name else 3) + repetition
        run = {"name": name, "run_name": name, "run_type": "iteration", "family_index": place,
               "per_family_instance_index": 0, "repetitions": 1, "repetition_index": repetition,
               "threads": 2 if "threads:2" in name else 1, "iterations": 10, "real_time": 1.0,
               "cpu_time": 1.0, "time_unit": "ns", "pairs": 100.0, "wall_ns": cost * 100,
               "constructed": 0.0}
        if name.startswith("memory"):
            run["label"] = '{"seconds": [0, 1], "live": [2, 3]}'
        runs.append(run)
print(json.dumps({"context": {"host_name": "secret", "executable": sys.argv[0], "compiler": "g++ 12",
      "optimized": "yes", "pin": "rseq", "allocator": how.get("allocator", "libc.so.6")},
      "benchmarks": runs}))
'''

COMMIT = "0123456789abcdef"
CAMPAIGN = """rounds = 3
min_time = 0.01
process_per_peer = ["memory"]
[variants.glibc]
program = "pool_scenarios"
[variants.go]
program = "pool_go"
optional = true
"""
PROCESSES = 4  # of a round: pool, rotate, and memory twice


class Campaigns(unittest.TestCase):
    """Whole runs of a campaign, in a folder of their own."""

    def setUp(self) -> None:
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.root = Path(place.name)
        self.program = self.root / "build" / "bench" / "pool_scenarios"
        self.program.parent.mkdir(parents=True)
        self.program.write_text(FAKE)
        self.program.chmod(0o755)
        self.file = self.root / "some.toml"
        self.file.write_text(CAMPAIGN)
        self.results, self.kept = self.root / "results", self.root / "kept"
        for name, value in (("RESULTS", self.results), ("KEPT", self.kept),
                            ("source", lambda: {"commit": COMMIT, "dirty": False}),
                            ("FEWEST_ROUNDS", 3), ("check_builds", lambda _: None)):
            patch = mock.patch.object(run, name, value)
            patch.start()
            self.addCleanup(patch.stop)

    def measure(self, *more: str, **how: Any) -> tuple[int, str]:
        """The exit status, and what was said."""
        arguments = ["run.py", str(self.file), "--build", str(self.root / "build"), *more]
        said = io.StringIO()
        with mock.patch.object(sys, "argv", arguments), mock.patch.object(sys, "stderr", said), \
                mock.patch.dict(os.environ, {"FAKE": json.dumps(how)}), \
                contextlib.redirect_stdout(said):
            status = run.main()
        return status, said.getvalue()

    def calls(self) -> int:
        path = Path(f"{self.program}.calls")
        return len(path.read_text().splitlines()) if path.exists() else 0

    def published(self) -> list[dict[str, Any]]:
        return [files.read(path) for path in self.results.glob("*.json")]

    def test_result_has_every_sample_of_every_round(self) -> None:
        status, said = self.measure()
        self.assertEqual(0, status, said)
        [found] = self.published()
        self.assertEqual((2, "some", False, 3, 3 * PROCESSES),
                         (found["schema"], found["campaign"], found["quick"], found["rounds"],
                          self.calls()))
        samples = {(each["round"], each["scenario"], each["peer"], each["threads"])
                   for each in found["samples"]}
        self.assertEqual(3 * 7, len(samples))
        self.assertEqual(3 * 7, len(found["samples"]))
        self.assertNotIn("secret", json.dumps(found))
        self.assertIn("pool_go", found["skipped"]["go"])
        self.assertIn("golang-go", said)

    def test_sample_goes_through_the_slot_of_its_process(self) -> None:
        self.measure(slots=[2.0, 2.02])
        [found] = self.published()
        for sample in found["samples"]:
            # Of three repetitions of the slot the one in the middle counts: 1 ns more.
            self.assertIn(round(sample["slot_ns"], 2), (3.0, 3.02))
            if sample["peer"] == "poolproof":
                self.assertAlmostEqual(3 * (sample["slot_ns"] - 1),
                                       sample["wall_ns"] / sample["pairs"])

    def test_arguments_and_timelines_are_told(self) -> None:
        self.measure()
        [found] = self.published()
        rotate = next(each for each in found["samples"] if each["scenario"] == "rotate")
        self.assertEqual({"items": 1000}, rotate["arguments"])
        self.assertEqual(2 * 3, len(found["timelines"]))
        self.assertEqual({"variant": "glibc", "round": 0, "scenario": "memory", "peer": "poolproof",
                          "seconds": [0, 1], "live": [2, 3]}, found["timelines"][0])

    def test_order_is_random_but_the_seeds(self) -> None:
        self.measure()
        first = Path(f"{self.program}.calls").read_text()
        rounds = [first.splitlines()[start::][:PROCESSES] for start in (0, 4, 8)]
        self.assertEqual(sorted(rounds[0]), sorted(rounds[1]))
        self.assertGreater(len({tuple(each) for each in rounds}), 1)
        Path(f"{self.program}.calls").unlink()
        self.measure()
        self.assertEqual(first, Path(f"{self.program}.calls").read_text())

    def test_processes_of_a_scenario_run_one_after_the_other(self) -> None:
        tasks = [campaign.Task(variant, scenario, "", ()) for variant in "abc" for scenario in "xyz"]
        plan = session.order_of(campaign.load(self.file), 5, tasks)
        self.assertEqual(sorted(task.key for task in tasks) * 5,
                         [key for turn in range(5) for key in sorted(task.key for at, task in plan if at == turn)])
        scenarios = [task.scenario for _, task in plan]
        self.assertEqual([1] * 15, [len(set(scenarios[at:at + 3])) for at in range(0, 45, 3)])
        self.assertGreater(len({tuple(scenarios[at:at + 9:3]) for at in range(0, 45, 9)}), 1)
        self.assertGreater(len({tuple(task.variant for _, task in plan[at:at + 3]) for at in range(0, 45, 3)}), 1)

    def test_failure_keeps_what_there_is_and_resume_goes_on(self) -> None:
        status, said = self.measure(fails=6)
        self.assertEqual(1, status)
        self.assertIn("out of order", said)
        self.assertIn("5 processes are kept", said)
        self.assertEqual([], self.published())
        status, said = self.measure()
        self.assertEqual(1, status)
        self.assertIn("--resume", said)
        status, said = self.measure("--resume")
        self.assertEqual(0, status, said)
        self.assertEqual(3 * PROCESSES + 1, self.calls())
        [found] = self.published()
        self.assertEqual(3 * 7, len(found["samples"]))
        self.assertEqual([], list(self.kept.glob("*.jsonl")))

    def test_interrupt_keeps_what_there_is(self) -> None:
        status, said = self.measure(is_interrupted=3)
        self.assertEqual(run.INTERRUPTED, status)
        self.assertIn("2 processes are kept", said)
        self.assertEqual(0, self.measure("--resume")[0])
        self.assertEqual(3 * PROCESSES + 1, self.calls())

    def test_line_that_was_being_written_is_measured_again(self) -> None:
        self.measure(fails=6)
        [partial] = self.kept.glob("*.jsonl")
        partial.write_text(partial.read_text()[:-20])
        self.assertEqual(0, self.measure("--resume")[0])
        self.assertEqual(3 * 7, len(self.published()[0]["samples"]))

    def test_restart_begins_again(self) -> None:
        self.measure(fails=6)
        self.assertEqual(0, self.measure("--restart")[0])
        self.assertEqual(6 + 3 * PROCESSES, self.calls())

    def test_resume_refuses_another_machine_commit_and_program(self) -> None:
        self.measure(fails=6)
        with mock.patch.object(run, "machine", lambda: {"cpu": "another"}):
            status, said = self.measure("--resume")
        self.assertEqual(1, status)
        self.assertIn("another machine", said)
        with mock.patch.object(run, "source", lambda: {"commit": "f" * 16, "dirty": False}):
            self.assertIn("another source", self.measure("--resume")[1])
        self.program.write_text(FAKE + "# newer\n")
        self.assertIn("another programs", self.measure("--resume")[1])
        self.assertEqual([], self.published())

    def test_resume_refuses_another_part(self) -> None:
        self.assertEqual(run.INTERRUPTED, self.measure("--quick", is_interrupted=2)[0])
        status, said = self.measure("--quick", "--resume", "--scenario", "pool")
        self.assertEqual(1, status)
        self.assertIn("another part", said)

    def test_load_is_that_of_the_process_which_ran_first(self) -> None:
        loads = iter(range(1, 100))
        with mock.patch.object(os, "getloadavg", lambda: (float(next(loads)), 0.0, 0.0)):
            self.assertEqual(0, self.measure()[0])
        [found] = self.published()
        self.assertEqual([1.0, 1.0 + PROCESSES, 1.0 + 2 * PROCESSES], [load[0] for load in found["load"]])

    def test_two_at_once(self) -> None:
        self.measure(fails=6)
        [partial] = self.kept.glob("*.jsonl")
        with partial.open("a") as other:
            fcntl.flock(other, fcntl.LOCK_EX)
            self.assertIn("another run.py is at work", self.measure("--resume")[1])
            self.assertIn("another run.py is at work", self.measure("--restart")[1])
        self.assertEqual(0, self.measure("--resume")[0])
        self.assertEqual(3 * 7, len(self.published()[0]["samples"]))

    def test_resume_without_anything_to_go_on_with(self) -> None:
        self.assertIn("nothing to go on with", self.measure("--resume")[1])

    def test_campaign_whose_slot_drifts_is_kept_but_not_published(self) -> None:
        slots = [2.0] * 2 * PROCESSES + [2.3] * PROCESSES
        status, said = self.measure(slots=slots)
        self.assertEqual(run.REFUSED, status)
        self.assertIn("REJECTED", said)
        self.assertEqual([], self.published())
        [path] = self.kept.glob("rejected-some-*.json")
        self.assertEqual(3 * 7, len(files.read(path)["samples"]))
        self.assertIn(path.name, said)

    def test_small_drift_is_published_and_told(self) -> None:
        self.measure(slots=[2.0] * 2 * PROCESSES + [2.06] * PROCESSES)
        self.assertAlmostEqual(0.02, self.published()[0]["slot_drift"])

    def test_quick_run_is_one_round_and_published_nowhere(self) -> None:
        status, said = self.measure("--quick", slots=[2.0, 9.0])
        self.assertEqual((0, PROCESSES), (status, self.calls()), said)
        self.assertEqual([], self.published())
        inside = self.results / "quick.json"
        self.assertIn("never written to", self.measure("--quick", "--output", str(inside))[1])
        outside = self.root / "quick.json"
        self.measure("--quick", "--output", str(outside))
        self.assertTrue(files.read(outside)["quick"])

    def test_too_few_rounds(self) -> None:
        self.file.write_text(CAMPAIGN.replace("rounds = 3", "rounds = 2"))
        self.assertIn("at least 3", self.measure()[1])
        self.assertEqual(0, self.measure("--quick")[0])

    def test_part_needs_quick(self) -> None:
        self.assertIn("--quick", self.measure("--scenario", "pool")[1])
        status, said = self.measure("--quick", "--scenario", "pool", "--peer", "poolproof")
        self.assertEqual((0, 1), (status, self.calls()), said)
        self.assertIn("has a peer 'nobody'", self.measure("--quick", "--peer", "nobody")[1])
        self.assertNotIn(" other ", said.split("scenario ")[1].split("warning")[0])

    def test_preload_that_was_not_taken(self) -> None:
        self.file.write_text(CAMPAIGN.replace('"pool_scenarios"',
                                              '"pool_scenarios"\npreload = "libc.so.6"'))
        self.assertEqual(0, self.measure()[0])
        status, said = self.measure(allocator="libother.so")
        self.assertEqual(1, status)
        self.assertIn("libc.so.6 was not preloaded; malloc is libother.so's", said)

    def test_missing_library_program_peer_and_scenario(self) -> None:
        for line, words in (('preload = "libmissing.so.1"', "libmissing.so.1: no such library"),
                            ('peers = ["tbb"]', "no peer 'tbb'"),
                            ('scenarios = ["pol"]', "no scenario 'pol'")):
            self.file.write_text(CAMPAIGN.replace('"pool_scenarios"', f'"pool_scenarios"\n{line}'))
            status, said = self.measure()
            self.assertEqual(1, status)
            self.assertIn(words, said)
        self.file.write_text(CAMPAIGN.replace('["memory"]', '["memmory"]'))
        self.assertIn("'memmory'", self.measure()[1])
        self.assertEqual(0, self.measure("--quick", "--variant", "glibc")[0])
        Path(f"{self.program}.calls").unlink()
        self.file.write_text('scenarios = ["pol"]\n' + CAMPAIGN)
        self.assertIn("'pol'", self.measure()[1])
        self.program.unlink()
        self.assertIn("'make bench' builds it", self.measure()[1])
        self.assertEqual(0, self.calls())

    def test_threads_of_the_campaign(self) -> None:
        self.file.write_text("threads = [2]\n" + CAMPAIGN)
        self.measure()
        found = {(each["peer"], each["threads"]) for each in self.published()[0]["samples"]
                 if each["scenario"] == "pool"}
        self.assertEqual({("bare_slot", 1), ("poolproof", 2)}, found)  # the anchor is always there

    def test_plain_program_keeps_google_benchmarks_runs(self) -> None:
        plain = self.program.with_name("checker_bench")
        plain.write_text(FAKE)
        plain.chmod(0o755)
        self.file.write_text('rounds = 3\nmin_time = 0.01\n[variants.x]\nprogram = '
                             '"checker_bench"\n')
        status, said = self.measure()
        self.assertEqual(0, status, said)
        [path] = self.results.glob("checker_bench-0123456789ab-*.json")
        found = files.read(path)
        self.assertEqual((1, 3), (found["schema"], found["repetitions"]))
        self.assertNotIn("secret", json.dumps(found))
        self.assertEqual(3 * (7 + 2), len(found["runs"]))


class GoogleBenchmarkReports(unittest.TestCase):
    program = programs.GoogleBenchmark(Path("ring_bench"))

    def test_failed_benchmark_ends_the_run(self) -> None:
        failed = {"context": {}, "benchmarks": [{"name": "ring", "error_occurred": True,
                                                 "error_message": "5 executions instead of 6"}]}
        with self.assertRaisesRegex(RunnerError, "ring: 5 executions instead of 6"):
            self.program.report(json.dumps(failed))

    def test_no_json(self) -> None:
        with self.assertRaisesRegex(RunnerError, "no JSON"):
            self.program.report("Failed to match any benchmarks")


class GoReports(unittest.TestCase):
    program = programs.GoTest(Path("pool_go"))
    TEXT = ("goos: linux\n"
            "Benchmark_pool/threads:2-4 \t 4822233\t 32.35 ns/op\t 0 constructed\t 16.5 ns/pair\t"
            " 4822234 pairs\n"
            "Benchmark_pool_starvation/threads:1 \t 100\t 6625 ns/op\t 7.5e+05 found\t 0 moved\t"
            " 79.34 ns/pair\t 1055440 pairs\n"
            "PASS\n")

    def test_lines_become_samples(self) -> None:
        first, second = self.program.samples(self.program.report(self.TEXT))
        self.assertEqual(("pool", "go_sync_pool", 2, 4822234.0, {"constructed": 0.0}),
                         tuple(first[key] for key in ("scenario", "peer", "threads", "pairs",
                                                      "counters")))
        self.assertAlmostEqual(16.5, first["wall_ns"] / first["pairs"])
        self.assertEqual(("pool_starvation", 1, {"found": 7.5e5, "moved": 0.0}),
                         (second["scenario"], second["threads"], second["counters"]))

    def test_no_line_and_failure(self) -> None:
        with self.assertRaisesRegex(RunnerError, "no result"):
            self.program.report("PASS\n")
        with self.assertRaisesRegex(RunnerError, "failed"):
            self.program.report(self.TEXT + "--- FAIL: Benchmark_producer_consumer\n")

    def test_ratio_of_go_goes_through_the_round(self) -> None:
        def sample(variant: str, slot: float | None, wall: float) -> dict[str, Any]:
            return {"variant": variant, "round": 0, "scenario": "pool", "peer": variant,
                    "threads": 1, "arguments": {}, "pairs": 1.0, "wall_ns": wall, "slot_ns": slot,
                    "counters": {}}
        text = tables.campaign_table([sample("a", 2.0, 4.0), sample("b", 4.0, 4.0),
                                      sample("go", None, 9.0)])
        self.assertRegex(text, r"go +go +9 ns +3\.00")


class ProgressLines(unittest.TestCase):
    def test_time_left_is_that_of_the_rounds_before(self) -> None:
        tasks = [campaign.Task("a", "pool", "", ()), campaign.Task("a", "rotate", "", ())]
        progress = session.Progress(io.StringIO(), [(0, tasks[0]), (1, tasks[0]), (1, tasks[1])])
        self.assertIsNone(progress.seconds_left())
        progress.know(tasks[0].key, 10.0)
        progress.know(tasks[0].key, 20.0)
        self.assertEqual(3 * 15.0, progress.seconds_left())
        progress.know(tasks[1].key, 100.0)
        self.assertEqual(2 * 15.0 + 100.0, progress.seconds_left())

    def test_plain_lines_where_there_is_no_terminal(self) -> None:
        stream = io.StringIO()
        task = campaign.Task("a", "pool", "", ())
        progress = session.Progress(stream, [(0, task)])
        progress.know(task.key, 600.0)
        progress.show(task, 0)
        progress.show(task, 0)  # too soon for another line
        self.assertEqual("process 1 of 1, round 1, 10 min left: a pool\n", stream.getvalue())


class Files(unittest.TestCase):
    """What is written is read again."""

    SAMPLE: dict[str, Any] = {
        "variant": "glibc", "round": 3, "scenario": "rotate", "peer": "poolproof", "threads": 2,
        "arguments": {"items": 1000, "bytes": 8}, "pairs": 5e18, "wall_ns": 0.1 + 0.2, "slot_ns": None,
        "counters": {"p99.9_ns": 1e-300, "steals": 0}}
    HEAD: dict[str, Any] = {"schema": 2, "flags": ["-O3"], "nothing": None}

    def setUp(self) -> None:
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.head = Path(place.name) / "a.b-c.json"

    def test_every_value_and_what_is_missing(self) -> None:
        other = {**self.SAMPLE, "arguments": {}, "slot_ns": 2.0, "counters": {"constructed": 7}}
        written = {**self.HEAD, "samples": [self.SAMPLE, other],
                   "timelines": [{"variant": "glibc", "round": 0, "scenario": "memory", "peer": "poolproof",
                                  "seconds": [1e-05, 2.5], "live": [2, 3]}],
                   "runs": [{"name": "ring/1", "iterations": 3, "label": "18 s, \"goal\" 2 s"},
                            {"name": "ring/2", "real_time": 1.5}]}
        files.write(self.head, written)
        self.assertEqual(written, files.read(self.head))

    def test_one_line_a_sample(self) -> None:
        files.write(self.head, {**self.HEAD, "samples": [self.SAMPLE] * 5})
        self.assertEqual(1 + 5, len(files.table_path(self.head, "samples").read_text().splitlines()))
        self.assertEqual(2 + len(self.HEAD), len(self.head.read_text().splitlines()))

    def test_counter_called_like_a_field(self) -> None:
        with self.assertRaisesRegex(ValueError, "threads"):
            files.write(self.head, {**self.HEAD, "samples": [{**self.SAMPLE, "counters": {"threads": 1}}]})

    def test_table_of_something_else(self) -> None:
        files.write(self.head, {**self.HEAD, "samples": [self.SAMPLE]})
        files.table_path(self.head, "samples").write_text("a,b\n1,2\n")
        with self.assertRaisesRegex(ValueError, "a.b-c.samples.csv: its first line does not name"):
            files.read(self.head)


class Names(unittest.TestCase):
    def test_further_result_of_the_same_gets_a_number(self) -> None:
        found = {"schema": 2, "campaign": "pool", "source": {"commit": COMMIT, "dirty": True},
                 "machine": {"cpu": "AMD (7)"}, "variants": {"glibc": {"compiler": "g++ 12.2.0"}}}
        with tempfile.TemporaryDirectory() as place:
            first = result.new_path(Path(place), found)
            self.assertEqual("pool-0123456789ab_modified-amd_7-g++_12.2.0.json", first.name)
            files.write(first, found)
            self.assertEqual(f"{first.stem}-2.json", result.new_path(Path(place), found).name)


if __name__ == "__main__":
    unittest.main()
