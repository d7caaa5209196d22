# SPDX-License-Identifier: MIT
"""What is wrong with a commit, and a clone in which there is nothing to look at."""

from __future__ import annotations

import contextlib
import io
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

import lint_commits  # noqa: E402


class Commits(unittest.TestCase):
    def test_a_subject_and_a_body_are_enough(self) -> None:
        self.assertEqual([], lint_commits.wrong_with("Rings: one less\n\nNobody used it.\n"))

    def test_each_fault_is_told(self) -> None:
        for message, words in (("x" * 73 + "\n\nwhy", "73 characters, 72 at most"), ("Rings", "no body"),
                               ("Rings\nwhy", "no empty line")):
            self.assertEqual(1, len(lint_commits.wrong_with(message)), message)
            self.assertIn(words, lint_commits.wrong_with(message)[0])


@unittest.skipUnless(shutil.which("git"), "there is no git")
class Repository(unittest.TestCase):
    def setUp(self) -> None:
        self.place = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.enterContext(mock.patch.object(lint_commits, "ROOT", self.place))
        self.git("init", "-q")

    def git(self, *arguments: str) -> None:
        subprocess.run(["git", "-c", "user.name=n", "-c", "user.email=e", *arguments], cwd=self.place, check=True)

    def run_lint(self) -> tuple[int, str]:
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            return lint_commits.main(), said.getvalue()

    def test_without_a_tag_nothing_fails(self) -> None:
        self.git("commit", "-q", "--allow-empty", "-m", "no body")
        self.assertEqual((0, "commits: no tag here, so none is looked at\n"), self.run_lint())

    def test_what_is_since_the_tag_is_looked_at(self) -> None:
        self.git("commit", "-q", "--allow-empty", "-m", "old, without a body")
        self.git("tag", "v1")
        self.git("commit", "-q", "--allow-empty", "-m", "one", "-m", "why")
        self.assertEqual((0, "commits: 1 since v1\n"), self.run_lint())
        self.git("commit", "-q", "--allow-empty", "-m", "two")
        status, said = self.run_lint()
        self.assertEqual(1, status)
        self.assertRegex(said, r"^\w+ two: it has no body that says why\n$")


if __name__ == "__main__":
    unittest.main()
