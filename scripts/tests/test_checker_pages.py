# SPDX-License-Identifier: MIT
"""The programs in the checker's pages: that of the README is its example, that of the guide compiles
and prints what stands below it; and the lists of the reference, which are whole."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BROKEN_FLAG = os.environ.get("BROKEN_FLAG", "")
RUNTIME = os.environ.get("CHECKER_RUNTIME", "")
README, GUIDE, REFERENCE = ((ROOT / "checker" / page).read_text()
                            for page in ("README.md", "docs/guide.md", "docs/reference.md"))


def program(page: str) -> str:
    blocks = re.findall(r"```cpp\n(.*?)```", page, re.DOTALL)
    [found] = [str(block) for block in blocks if "int main" in block]
    return found


def library() -> list[str]:
    """The checker's library: as CMake has built it, else its sources."""
    built = os.environ.get("CHECKER_LIBRARY")
    return [built] if built else [str(path) for path in (ROOT / "checker" / "src").glob("*.cpp")]


class CheckerPages(unittest.TestCase):
    def test_program_of_the_readme_is_the_example(self) -> None:
        example = (ROOT / "checker" / "examples" / "broken_flag.cpp").read_text()
        self.assertEqual(example, program(README))

    @unittest.skipUnless(RUNTIME and shutil.which("g++"), "CHECKER_RUNTIME names no runtime, or there is no g++: "
                         "'make test-checker' runs this test")
    def test_the_unmodified_program_says_what_the_readme_shows(self) -> None:
        [source] = re.findall(r"```c\+\+\n(.*?)```", README, re.DOTALL)
        failing, proved = (re.findall(r"\n((?:    .*\n|\n(?=    ))+)", part) for part in
                           README.split("\nIt fails.", 1)[1].split("\nWith `release` it says\n"))
        for text, status, shown in ((source, 1, failing[0]), (source.replace("relaxed", "release"), 0, proved[0])):
            with tempfile.TemporaryDirectory() as place:
                (Path(place) / "flag.cpp").write_text(text)
                subprocess.run([ROOT / "checker" / "bin" / "check-c++", "-std=c++20", "-O1", "flag.cpp", "-o", "flag"],
                               cwd=place, env={**os.environ, "CXX": "g++", "CHECKER_LIBRARY": RUNTIME}, check=True)
                run = subprocess.run(["./flag"], cwd=place, capture_output=True, text=True, check=False, timeout=60)
            self.assertEqual(status, run.returncode)
            said = run.stdout + run.stderr
            for line in shown.splitlines():
                self.assertIn(re.sub(r", [\d.]+ s$", "", line.removeprefix("    ")), said)

    @unittest.skipUnless(BROKEN_FLAG, "BROKEN_FLAG names no program: 'make test-checker' runs this test")
    def test_the_example_prints_what_the_guide_shows(self) -> None:
        run = subprocess.run([str(BROKEN_FLAG), "/dev/null"], capture_output=True, text=True, check=False, timeout=60,
                             cwd=ROOT / "checker" / "examples")
        [shown] = re.findall(r"\n```\n([^`]*broken_flag, model rc11\n[^`]*)```\n", GUIDE)
        self.assertEqual((0, shown), (run.returncode, run.stdout))

    @unittest.skipUnless(shutil.which("g++"), "there is no g++")
    def test_program_of_the_guide_prints_what_is_shown(self) -> None:
        with tempfile.TemporaryDirectory() as place:
            (Path(place) / "model.cpp").write_text(program(GUIDE))
            compiled = subprocess.run(
                ["g++", "-std=c++20", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion",
                 "-Werror", f"-I{ROOT}/checker/include", "model.cpp", *library(), "-o", "model"],
                cwd=place, capture_output=True, text=True)
            self.assertEqual(0, compiled.returncode, compiled.stderr)
            run = subprocess.run(["./model"], cwd=place, capture_output=True, text=True, timeout=60)
        self.assertEqual((0, ""), (run.returncode, run.stderr))
        for line in run.stdout.splitlines():
            self.assertIn(f"\n    {line}\n", GUIDE)
        self.assertEqual(2, len(run.stdout.splitlines()))

    def test_every_header_is_listed(self) -> None:
        table = REFERENCE.split("\n## The headers, in reading order\n", 1)[1]
        for folder, tells in zip(("include/checker", "src"), table.split("\n\nHow it works")):
            headers = {path.name for path in (ROOT / "checker" / folder).glob("*.hpp")}
            self.assertEqual(headers, set(re.findall(r"`(\w+\.hpp)`", tells)))

    def test_every_option_and_result_is_documented(self) -> None:
        text = (ROOT / "checker" / "include" / "checker" / "search.hpp").read_text()
        for name in ("statistics", "options"):
            table = REFERENCE.split(f"\n| `{name}` member |", 1)[1].split("\n\n", 1)[0]
            body = re.search(rf"\nstruct {name} \{{\n(.*?)\n\}};", text, re.DOTALL)
            assert body is not None
            members = re.findall(r"^  [\w:<>(), &]+ (\w+)(?: = [^;]*)?;", body.group(1),
                                 re.MULTILINE)
            self.assertGreater(len(members), 8)
            for member in members:
                self.assertIn(f"`{member}`", table, f"{name}::{member}")

    def test_each_case_from_outside_has_tests_that_exist(self) -> None:
        page = (ROOT / "checker" / "tests" / "README.md").read_text()
        rows = re.findall(r"^\| (C\d+) \|.*\| (.*) \|$", page, re.MULTILINE)
        self.assertEqual([f"C{number}" for number in range(2, 18) if number not in (9, 14)], [case for case, _ in rows])
        sources = [*(ROOT / "checker" / "tests").glob("*_test.*"), *(ROOT / "scripts" / "tests").glob("test_*.py")]
        written = "".join(path.read_text() for path in sources)
        tests = set(re.findall(r'(?:TEST_CASE\("|def (?=test_))(\w+)', written))
        tests |= {path.stem for pattern in ("tests/*_test.py", "tests/programs/*.cpp", "examples/headers/*.cpp")
                  for path in (ROOT / "checker").glob(pattern)}
        for case, named in rows:
            for name in re.findall(r"`(\w+)`", named):
                self.assertIn(name, tests, case)


if __name__ == "__main__":
    unittest.main()
