"""The table of the ledger of proofs: what it says of what was not finished."""

from __future__ import annotations

import importlib.util
import pathlib
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SPEC = importlib.util.spec_from_file_location("ledger", ROOT / "proofs" / "ledger.py")
ledger = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(ledger)


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


if __name__ == "__main__":
    unittest.main()
