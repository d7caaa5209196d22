"""bench/run.py, on reports as Google Benchmark writes them."""

import argparse
import importlib.util
import os
import re
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any
from unittest import mock

ROOT = Path(__file__).resolve().parent.parent.parent

_spec = importlib.util.spec_from_file_location("bench_run", ROOT / "bench" / "run.py")
assert _spec is not None and _spec.loader is not None
runner = importlib.util.module_from_spec(_spec)
sys.modules["bench_run"] = runner
_spec.loader.exec_module(runner)


def iteration(name: str, family: int, seconds: float, **more: Any) -> dict[str, Any]:
    return {"name": name, "run_name": f"{name}/iterations:1/real_time", "run_type": "iteration",
            "family_index": family, "per_family_instance_index": 0, "threads": 1,
            "real_time": seconds, "time_unit": "s", **more}


def table_of(*runs: dict[str, Any]) -> tuple[list[list[str]], str]:
    """The rows of the table, cells separated where columns are, and what stands below it."""
    series = runner.all_series({"benchmarks": list(runs)})
    lines = runner.table(series).splitlines()
    starts = [match.start() for match in re.finditer(r"(?<!\S )\b\S+( \S+)*", lines[0])]
    rows = [[line[start:end].strip() for start, end in zip(starts, [*starts[1:], None])]
            for line in lines[1:]]
    return rows, runner.foot(series)


class WithoutBaseline(unittest.TestCase):
    """A program that has no bare slot: its table has no ratio, and speaks of none."""

    def setUp(self) -> None:
        runs = [iteration("ring", 0, seconds, items_per_second=240_000 / seconds,
                          executions=240_000, label="GenMC 4.6 s") for seconds in (0.5, 0.4, 0.6)]
        self.rows, self.foot = table_of(*runs)

    def test_row_has_time_cost_of_an_item_and_label(self) -> None:
        [row] = self.rows
        self.assertEqual(["ring", "1", "500 ms", "450 ms .. 550 ms", "2.08 us", ""], row[:6])
        self.assertEqual("executions 2.4e+05, GenMC 4.6 s", row[6])

    def test_foot_does_not_speak_of_the_baseline(self) -> None:
        self.assertNotIn(runner.BASELINE, self.foot)


class WithBaseline(unittest.TestCase):
    def test_ratio_is_that_of_the_medians(self) -> None:
        rows, foot = table_of(iteration("pool/bare_slot", 0, 2.0), iteration("pool/poolproof", 1, 6.0),
                              iteration("pool_rotate", 2, 6.0))
        self.assertEqual(["1.00 (1.00 .. 1.00)", "3.00 (3.00 .. 3.00)", ""],
                         [row[5] for row in rows])
        self.assertIn("ratio: to pool/bare_slot", foot)


class Staleness(unittest.TestCase):
    """A program is as old as what it is built from: another program's file does not count."""

    def newer(self, program: str, changed: str) -> list[str]:
        with tempfile.TemporaryDirectory() as place:
            root = Path(place)
            for name in ("bench/pool_bench.cpp", "bench/checker_bench.cpp",
                         "impl/include/poolproof/sync.hpp", "checker/include/checker/model.hpp",
                         f"build/{program}"):
                file = root / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.touch()
                os.utime(file, (1000, 1000))
            os.utime(root / changed, (2000, 2000))
            with mock.patch.object(runner, "ROOT", root):
                return runner.newer_sources(root / "build" / program)

    def test_own_file_and_own_headers_count(self) -> None:
        for program, file in (("pool_bench", "bench/pool_bench.cpp"),
                              ("pool_bench", "impl/include/poolproof/sync.hpp"),
                              ("checker_bench", "bench/checker_bench.cpp"),
                              ("checker_bench", "checker/include/checker/model.hpp")):
            self.assertEqual([file], self.newer(program, file))

    def test_the_other_programs_do_not(self) -> None:
        self.assertEqual([], self.newer("pool_bench", "bench/checker_bench.cpp"))
        self.assertEqual([], self.newer("pool_bench", "checker/include/checker/model.hpp"))
        self.assertEqual([], self.newer("checker_bench", "impl/include/poolproof/sync.hpp"))

    def test_every_program_has_its_headers_listed(self) -> None:
        programs = {path.stem for path in (ROOT / "bench").glob("*_bench.cpp")}
        self.assertEqual(programs, set(runner.SOURCES))
        for patterns in runner.SOURCES.values():
            for pattern in patterns:
                self.assertTrue(list(ROOT.glob(pattern)), pattern)


class FailedBenchmark(unittest.TestCase):
    def test_ends_the_run(self) -> None:
        with tempfile.TemporaryDirectory() as place:
            program = Path(place) / "ring_bench"
            program.write_text('#!/bin/sh\necho \'{"context": {"executable": "ring_bench"}, '
                               '"benchmarks": [{"name": "ring", "error_occurred": true, '
                               '"error_message": "5 complete executions instead of 6"}]}\'\n')
            program.chmod(0o755)
            options = argparse.Namespace(repetitions=1, min_time=0.1, filter=None)
            with self.assertRaises(SystemExit) as end:
                runner.run_benchmarks(runner.benchmark_command(program, options))
        self.assertIn("5 complete executions instead of 6", str(end.exception.code))


if __name__ == "__main__":
    unittest.main()
