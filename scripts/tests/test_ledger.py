# SPDX-License-Identifier: MIT
"""The ledger of proofs: what it says of what was not finished, what makes it stale, and how shares are merged."""

from __future__ import annotations

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "proofs"))

import ledger  # noqa: E402
import headers  # noqa: E402  (ledger.py knows where it is)


def table(**sizes: object) -> str:
    entry = {
        "subject": "pool, 4 calls", "property": "p", "bound": "b", "clients": 1, "proved": 0, "unfinished": ["p|g"],
        "executions": 0, "blocked": 0, "seconds": 0, **sizes,
    }
    return ledger.table_of({"headers": "0", "entries": [entry]})


class UnfinishedTest(unittest.TestCase):
    def size(self, executions: int, estimate: object) -> str:
        return table(sizes={"p|g": ledger.size_of({"complete": executions, "estimate": estimate})})

    def test_an_estimate_has_its_error(self) -> None:
        text = self.size(2000, {"executions": 31234.5, "error": 2500, "rough": False})
        self.assertIn("`p\\|g` (2,000 executions, of about 3.1e+04 ± 8 %)", text)

    def test_without_an_estimate_it_says_so(self) -> None:
        self.assertIn("`p\\|g` (2,000 executions, no estimate)", self.size(2000, None))

    def test_an_estimate_that_was_too_low_is_called_so(self) -> None:
        text = self.size(2000, {"executions": 1000, "error": 100, "rough": True})
        self.assertIn("more than were estimated: roughly 1.0e+03 ± 10 %", text)

    def test_a_ledger_without_sizes_names_them_as_before(self) -> None:
        self.assertIn("unfinished: `p\\|g` | 0 |", table())


class TokensTest(unittest.TestCase):
    def tokens(self, source: str) -> list[str]:
        return list(headers.tokens_of(source))

    def test_comments_and_blanks_are_none(self) -> None:
        plain = self.tokens("int f(int a) {\n  return a - 1;\n}\n")
        for same in ("int f(int a) { return a - 1; }", "int f ( int a ) // what\n{ /* why\n */ return a-1 ; }",
                     "// [f.read] relaxed: counter.\nint\nf(int a) {\n\n\n  return a  -  1;\n}"):
            self.assertEqual(plain, self.tokens(same))

    def test_what_is_compiled_otherwise_is_another_token(self) -> None:
        for one, other in (("a - -b", "a--b"), ("a > = b", "a >= b"), ("ab", "a b"), ('f("a b")', 'f("a  b")'),
                           ('f("//a")', 'f("//b")'), ("'a'", "'b'"), ("1'000", "1'001"), ('R"(a // b)"', 'R"(a // c)"'),
                           ("#define A b\nc", "#define A\nb c"), ("# if A\nb\n", "# if A b\n"),
                           ("relaxed", "acquire")):
            self.assertNotEqual(self.tokens(one), self.tokens(other), one)

    def test_what_looks_like_a_comment_is_none(self) -> None:
        self.assertEqual(["f", "(", '"/*"', ",", "'\"'", ",", "1'000'000", ")", ";", "a", ";"],
                         self.tokens("f(\"/*\", '\"', 1'000'000); /* \" ' */ a;"))

    def test_a_directive_goes_on_behind_a_backslash(self) -> None:
        self.assertEqual(self.tokens("#define A b c\n"), self.tokens("#define A \\\n  b \\\n c\n"))

    def test_the_hash_is_of_what_a_checker_may_run(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            folder = pathlib.Path(directory)
            (folder / "pin.hpp").write_text("int a;")
            without = headers.hash_of(folder)
            (folder / "trimmer.hpp").write_text("int a;")
            self.assertEqual(without, headers.hash_of(folder))
            (folder / "shard.hpp").write_text("int a;")
            self.assertNotEqual(without, headers.hash_of(folder))


class StaleTest(unittest.TestCase):
    """`ledger.py --check` in a copy of what it looks at."""

    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = pathlib.Path(directory.name)
        for name in ("impl/include", "scripts", "proofs", "docs"):
            shutil.copytree(ROOT / name, self.root / name, ignore=shutil.ignore_patterns("__pycache__"))
        self.header = self.root / "impl" / "include" / "poolproof" / "pin.hpp"
        self.text = self.header.read_text()
        # Whatever the ledger of this commit says.
        path = self.root / "proofs" / "ledger.json"
        known = json.loads(path.read_text()) | {"headers": headers.hash_of()}
        path.write_text(json.dumps(known))
        (self.root / "docs" / "proofs.md").write_text(ledger.table_of(known))

    def check(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, self.root / "proofs" / "ledger.py", "--check"], capture_output=True,
                              text=True, check=False)

    def test_a_comment_does_not_make_it_stale(self) -> None:
        self.assertEqual(0, self.check().returncode)
        moved = self.text.replace("// [take_from.claim]", "//   [take_from.claim]")
        self.header.write_text("// One more line.\n\n" + moved)
        self.assertEqual(0, self.check().returncode, self.check().stderr)

    def test_an_order_does(self) -> None:
        self.assertIn("memory_order_acquire", self.text)
        self.header.write_text(self.text.replace("memory_order_acquire", "memory_order_relaxed", 1))
        done = self.check()
        self.assertEqual(1, done.returncode)
        self.assertIn("the headers have changed", done.stderr)


class MergeTest(unittest.TestCase):
    """The lines of a search of five clients, in two shares."""

    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.place = pathlib.Path(directory.name)

    def share(self, number: int, count: int = 2, whole: int = 5, **changes: object) -> list[ledger.Entry]:
        head = {"search": "s", "shard": f"{number}/{count}", "whole": whole, "headers": headers.hash_of(),
                "family": "f", "calls": 2, "progress": False, "property": "p", "bound": "b"}
        client = {"search": "s", "complete": 3, "blocked": 1, "errors": 0, "cut": 0, "hash": "ff" * 16, "seconds": 0.5}
        return [head | changes] + [client | {"client": f"p|{i}"} for i in range(number, whole, count)]

    def merged(self, *shares: list[ledger.Entry]) -> list[ledger.Entry]:
        files: list[pathlib.Path] = []
        for lines in shares:
            files.append(self.place / f"{len(files)}.lines")
            files[-1].write_text("".join(json.dumps(line) + "\n" for line in lines))
        return ledger.entries_of(files)

    def refused(self, why: str, *shares: list[ledger.Entry]) -> None:
        with self.assertRaisesRegex(SystemExit, why):
            self.merged(*shares)

    def test_shares_in_any_order_are_the_whole(self) -> None:
        [entry] = self.merged(self.share(1), self.share(0))
        self.assertEqual((5, 5, 15), (entry["clients"], entry["proved"], entry["executions"]))
        self.assertEqual(f"{(5 * ((1 << 128) - 1)) % (1 << 128):032x}", entry["hash"])
        self.assertEqual([entry], self.merged(self.share(0, count=1)))

    def test_what_is_not_the_whole_is_refused(self) -> None:
        self.refused("missing shares \\[1\\] of 2", self.share(0))
        self.refused("a share is there twice", self.share(0), self.share(1), self.share(1))
        self.refused("different searches are mixed", self.share(0), self.share(1, count=3))
        self.refused("4 of 5 were searched", self.share(0), self.share(1)[:-1])
        self.refused("different searches are mixed", self.share(0), self.share(1, whole=4))
        self.refused("not a line of", self.share(0)[1:])
        self.refused("there is no line", [])

    def test_other_headers_are_refused(self) -> None:
        self.refused("of other headers", self.share(0), self.share(1, headers="00"))

    def test_failures_are_refused(self) -> None:
        lines = self.share(1)
        lines[1]["errors"] = 1
        self.refused("what fails stands in no ledger: p\\|1", self.share(0), lines)


if __name__ == "__main__":
    unittest.main()
