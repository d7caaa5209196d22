# SPDX-License-Identifier: MIT
"""run_tests.py: what it counts, names and ends with; ctest and the tests' programs are stand-ins."""

import contextlib
import io
import os
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import ending  # noqa: E402
import run_tests  # noqa: E402

# Lists the programs of unit tests; of all else it writes a report, of one test that passes and one
# that may fail.
CTEST = """#!{python}
import os, sys
if "--output-junit" not in sys.argv:
    sys.exit(print('{{"tests": [{{"name": "unit.pool", "command": ["{programs}/catch"]}},'
                   '{{"name": "builds.plain", "command": ["{programs}/plain"]}}]}}'))
print("what ctest prints")
if os.environ.get("POOLPROOF_TEST_CTEST") == "broken":
    sys.exit(8)
bad = os.environ.get("POOLPROOF_TEST_CTEST") == "bad"
end = '<failure message="Failed"/><system-out>three links are dead</system-out></testcase>' if bad else '</testcase>'
with open(sys.argv[sys.argv.index("--output-junit") + 1], "w") as report:
    skipped = '<testcase name="assembly.aarch64" status="notrun"><skipped message="SKIP_RETURN_CODE=77"/></testcase>'
    report.write('<testsuite><testcase name="scripts.ports" status="run"/>' +
                 (skipped if os.environ.get("POOLPROOF_TEST_CTEST") == "skipping" else "") +
                 '<testcase name="scripts.documents" status="' + ("fail" if bad else "run") + '">' + end +
                 '</testsuite>')
sys.exit(8 if bad else 0)
"""

# Writes a report as Catch2 does. Every second run on the portable pin fails; without rseq it
# crashes, if it is to.
CATCH = """#!{python}
import os, sys
if "GLIBC_TUNABLES" in os.environ and "POOLPROOF_TEST_CRASH" in os.environ:
    os.abort()
bad = False
if os.environ.get("POOLPROOF_PIN") == "portable":
    with open(sys.argv[0] + ".calls", "a+") as calls:
        calls.write("x")
        calls.flush()
        calls.seek(0)
        bad = len(calls.read()) % 2 == 0
with open(sys.argv[sys.argv.index("--out") + 1], "w") as report:
    report.write('<testsuites><testsuite><testcase name="one"/><testcase name="two">' +
                 ('<failure>it never happened</failure>' if bad else '') +
                 '</testcase></testsuite></testsuites>')
sys.exit(1 if bad else 0)
"""


class Runs(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        refusing = self.root / run_tests.PINS[1].prefix
        refusing.parent.mkdir(parents=True)
        self.program(refusing, '#!/bin/sh\nexec "$@"\n')
        for name, text in (("ctest", CTEST), ("catch", CATCH), ("plain", "#!/bin/sh\n")):
            self.program(self.root / name, text.format(python=sys.executable, programs=self.root))
        clean = {name: text for name, text in os.environ.items() if name not in ("POOLPROOF_PIN", "GLIBC_TUNABLES")}
        self.enterContext(mock.patch.object(run_tests, "ROOT", self.root))
        self.enterContext(mock.patch.object(run_tests, "LOGS", self.root / "logs"))
        path = f"{self.root}:{os.environ['PATH']}"
        self.enterContext(mock.patch.dict(os.environ, {**clean, "PATH": path}, clear=True))

    @staticmethod
    def program(path: Path, text: str) -> None:
        path.write_text(text)
        path.chmod(0o755)

    def run_with(self, *arguments: str) -> tuple[int, list[str]]:
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            status = run_tests.main(["--jobs", "2", *arguments])
        return status, said.getvalue().splitlines()

    def test_steps_are_counted_by_case(self) -> None:
        status, lines = self.run_with()
        # Five times two cases and a plain program, and what ctest runs.
        self.assertEqual((0, "17 passed, 0 failed"), (status, lines[-1]))
        self.assertIn("    3       0  unit tests with POOLPROOF_PIN=portable", lines)
        self.assertIn("    2       0  examples, the installed package, scripts", lines)
        self.assertLess(len(lines) - lines.index(""), 13)
        self.assertEqual("what ctest prints\n", (self.root / "logs" / "test" / "dev.txt").read_text())

    def test_failed_case_is_named_with_its_pin_and_how_to_run_it_again(self) -> None:
        self.run_with("--pins")
        status, lines = self.run_with("--pins")
        self.assertEqual((1, "8 passed, 1 failed"), (status, lines[-1]))
        place = lines.index("failed: two")
        self.assertEqual("POOLPROOF_PIN=portable catch two", lines[place + 1].strip())
        self.assertIn("it never happened", lines)
        self.assertIn("it never happened", (self.root / "logs" / "pins" / "portable.catch.txt").read_text())

    def test_failed_test_of_ctest_is_named_with_how_to_run_it_again(self) -> None:
        with mock.patch.dict(os.environ, {"POOLPROOF_TEST_CTEST": "bad"}):
            status, lines = self.run_with()
        self.assertEqual((1, "16 passed, 1 failed"), (status, lines[-1]))
        place = lines.index("failed: scripts.documents")
        self.assertEqual(r"ctest --preset dev -R '^scripts\.documents$'", lines[place + 1].strip())
        self.assertIn("three links are dead", lines)

    def test_what_is_skipped_is_named_and_no_failure(self) -> None:
        with mock.patch.dict(os.environ, {"POOLPROOF_TEST_CTEST": "skipping"}):
            status, lines = self.run_with()
        self.assertEqual((0, "17 passed, 0 failed"), (status, lines[-1]))
        self.assertIn("skipped, for what they need is not installed (make setup-all): assembly.aarch64", lines)

    def test_pins_are_three_steps(self) -> None:
        self.assertEqual("9 passed, 0 failed", self.run_with("--pins")[1][-1])

    def test_crash_is_a_failure_of_the_program(self) -> None:
        with mock.patch.dict(os.environ, {"POOLPROOF_TEST_CRASH": "yes"}):
            status, lines = self.run_with("--pins")
        self.assertEqual((1, "7 passed, 1 failed"), (status, lines[-1]))
        self.assertIn("failed: catch: status -6", lines)

    def test_ctest_that_runs_nothing_is_a_failure(self) -> None:
        with mock.patch.dict(os.environ, {"POOLPROOF_TEST_CTEST": "broken"}):
            status, lines = self.run_with()
        self.assertEqual((1, "15 passed, 1 failed"), (status, lines[-1]))
        self.assertIn("failed: ctest itself, with status 8", lines)

    def test_build_without_unit_tests_is_a_failure(self) -> None:
        self.program(self.root / "ctest", "#!/bin/sh\necho '{\"tests\": []}'\n")
        status, lines = self.run_with("--pins")
        self.assertEqual((1, "0 passed, 3 failed"), (status, lines[-1]))

    def test_repeated_tests_are_counted_by_case(self) -> None:
        with mock.patch.dict(os.environ, {"POOLPROOF_TEST_CRASH": "yes"}):
            status, lines = self.run_with("--repeat", "4")
        self.assertEqual(1, status)
        # Four times three tests on four pins; but for the crashes, in which nothing is known of the
        # cases.
        self.assertEqual("38 passed, 6 failed", lines[-1])
        place = lines.index("failed, 2 times: two")
        self.assertEqual("POOLPROOF_PIN=portable catch two", lines[place + 1].strip())
        self.assertIn("failed, 4 times: catch: status -6", lines)
        kept = list((self.root / "logs" / "repeat").glob("portable.catch.*.txt"))
        self.assertEqual(2, len(kept))
        self.assertIn("it never happened", kept[0].read_text())

    def test_only_programs_that_are_matched_are_repeated(self) -> None:
        self.assertEqual("8 passed, 0 failed", self.run_with("--repeat", "2", "--only", "^pl")[1][-1])
        with self.assertRaises(SystemExit) as stopped:
            self.run_with("--repeat", "2", "--only", "nothing")
        self.assertIn("'nothing'", str(stopped.exception))

    def test_who_ends_it_is_told_what_ran(self) -> None:
        own = run_tests.Outcome(run_tests.REPEATED[0], passed=3)
        with mock.patch.object(run_tests, "run_program", side_effect=[own, KeyboardInterrupt, own, own]):
            status, lines = self.run_with("--repeat", "1", "--only", "plain", "--jobs", "1")
        self.assertEqual((1, True), (status, "interrupted: what had not ended is not counted" in lines))

    def test_what_runs_beside_is_ended(self) -> None:
        mark, beside = self.root / "mark", self.root / "beside"
        self.program(beside, f"#!/bin/sh\necho $$ > {mark}\nexec sleep 1000\n")
        self.program(self.root / "plain", f"#!/bin/sh\nuntil test -s {mark}; do sleep 0.01; done\n")
        self.run_with("--repeat", "1", "--beside", str(beside))
        with self.assertRaises(ProcessLookupError):
            os.kill(int(mark.read_text()), 0)

    def test_what_ends_before_the_tests_is_no_load(self) -> None:
        mark, beside = self.root / "mark", self.root / "beside"
        self.program(beside, f"#!/bin/sh\necho $$ > {mark}\n")
        self.program(self.root / "plain",
                     f"#!/bin/sh\nuntil grep -q ' Z ' /proc/$(cat {mark})/stat; do sleep 0.01; done 2>/dev/null\n")
        with self.assertRaises(SystemExit) as stopped:
            self.run_with("--repeat", "1", "--beside", str(beside))
        self.assertIn("has ended before the tests", str(stopped.exception))


class Ending(unittest.TestCase):
    def test_durations_are_said_in_words(self) -> None:
        for seconds, said in ((0.44, "0.4 s"), (9.96, "10 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"),
                              (3900, "1 h 5 min")):
            self.assertEqual(said, ending.duration(seconds))


if __name__ == "__main__":
    unittest.main()
