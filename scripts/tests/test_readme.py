# SPDX-License-Identifier: MIT
"""The README's program is the one in examples/, which the tests compile and run."""

import re
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


class Readme(unittest.TestCase):
    def test_program_is_the_example(self) -> None:
        shown = re.findall(r"```cpp\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
        self.assertEqual([(ROOT / "examples" / "quick_start.cpp").read_text()], shown)

    def test_two_commands_are_those_of_ci(self) -> None:
        readme = (ROOT / "README.md").read_text()
        steps = (ROOT / ".ci" / "run").read_text()
        commands = re.findall(r"^    (make setup \w+)", readme, re.MULTILINE)
        self.assertEqual(2, len(commands))
        for command in commands:
            self.assertIn(f"\n{command}\n", steps)


if __name__ == "__main__":
    unittest.main()
