# SPDX-License-Identifier: MIT
"""What the next sizes would cost: how it is estimated, and the form of what is said."""

from __future__ import annotations

import json
import pathlib
import random
import statistics
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "proofs"))
sys.path.insert(0, str(ROOT / "scripts"))

import facts  # noqa: E402
import next_sizes  # noqa: E402


def counted(executions: float, seconds: float = 0) -> next_sizes.Client:
    return {"cut": 0, "complete": executions, "estimate": None, "seconds": seconds}


def estimated(executions: float, error: float, seen: float = 5000) -> next_sizes.Client:
    return {"cut": 1, "complete": seen, "estimate": {"executions": executions, "error": error, "rough": False},
            "seconds": 1}


class EstimateTest(unittest.TestCase):
    # A few clients have nearly all executions, as with those of pools.
    CLIENTS = [counted(1.1 ** n) for n in range(100)]
    TRUTH = sum(client["complete"] for client in CLIENTS)

    def take(self, number: int, count: int) -> list[next_sizes.Client]:
        return self.CLIENTS[number::count]

    def estimate(self, seed: int, seconds: float) -> tuple[float, float]:
        """With a clock that says how many shares were drawn before."""
        ticks = iter(range(100))
        shares, count = next_sizes.draw(self.take, 100, seconds, random.Random(seed), lambda: next(ticks))
        return next_sizes.estimate_of(shares, count)

    def test_all_shares_are_the_truth(self) -> None:
        executions, error = self.estimate(1, 1000)
        self.assertAlmostEqual(self.TRUTH, executions, delta=1e-6 * self.TRUTH)
        self.assertEqual(0, error)

    def test_some_shares_are_right_on_average(self) -> None:
        found = [self.estimate(seed, 0)[0] for seed in range(2000)]
        self.assertAlmostEqual(self.TRUTH, statistics.fmean(found), delta=0.03 * self.TRUTH)

    def test_two_errors_of_some_shares_mostly_hold_the_truth(self) -> None:
        found = [self.estimate(seed, 15) for seed in range(500)]
        held = sum(abs(executions - self.TRUTH) <= 2 * error for executions, error in found)
        self.assertGreater(held, 0.9 * len(found))

    def test_there_are_some_shares_however_short_the_time(self) -> None:
        shares, count = next_sizes.draw(self.take, 100, 0, random.Random(1), lambda: 1.0)
        self.assertEqual((next_sizes.LEAST_SHARES, 50), (len(shares), count))

    def test_errors_of_clients_are_errors_of_the_whole(self) -> None:
        self.assertEqual(500, next_sizes.estimate_of([[estimated(9000, 300)], [estimated(7000, 400)]], 2)[1] / 2.5)

    def test_a_client_has_what_was_seen_of_it_at_least(self) -> None:
        self.assertEqual((5000, 10), next_sizes.size_of(estimated(4000, 10)))
        self.assertEqual((5000, 0), next_sizes.size_of(estimated(0, 0) | {"estimate": None}))

    def test_time_is_that_of_clients_that_were_counted(self) -> None:
        clients = [counted(3000, 0.3), counted(1000, 0.1), counted(10, 5), estimated(9000, 1)]
        self.assertAlmostEqual(1e-4, next_sizes.seconds_of_one(clients, "pool_dequeue"))

    def test_without_them_it_is_that_of_the_ledger(self) -> None:
        self.assertLess(1e-7, next_sizes.seconds_of_one([counted(10, 5)], "pool_dequeue"))
        self.assertGreater(1e-3, next_sizes.seconds_of_one([counted(10, 5)], "pool_dequeue"))


class FormTest(unittest.TestCase):
    """Of what is in the repository."""

    def setUp(self) -> None:
        self.known = json.loads(next_sizes.SIZES.read_text())
        self.sizes = self.known["sizes"]

    def test_the_next_two_sizes_of_each_family_are_there(self) -> None:
        there = [(each["family"], each["calls"], each["options"]) for each in self.sizes]
        self.assertEqual([(family, calls, " ".join(options)) for family, calls, options in next_sizes.searches()],
                         there)

    def test_each_says_how_it_was_made(self) -> None:
        self.assertRegex(self.known["headers"], "^[0-9a-f]{64}$")
        self.assertGreater(self.known["seconds"], 0)
        self.assertIsInstance(self.known["seed"], int)
        for each in self.sizes:
            if each["clients"] is None:
                continue
            self.assertLessEqual(min(next_sizes.LEAST_SHARES, each["of_shares"]), each["shares"])
            self.assertLessEqual(each["counted"] + each["not_estimated"], each["sampled"])
            self.assertLessEqual(each["sampled"], each["clients"])
            self.assertGreater(each["executions"], 0)
            self.assertGreaterEqual(each["error"], 0)
            if each["sampled"] < each["clients"]:
                self.assertGreater(each["error"], 0)

    def test_the_table_has_a_row_for_each(self) -> None:
        rows = facts.next_sizes().split("\n\n")[0].splitlines()[2:]
        self.assertEqual(len(self.sizes), len(rows))
        for each, row in zip(self.sizes, rows, strict=True):
            self.assertTrue(row.startswith(f"| {each['family']}, {each['calls']} calls"), row)
            self.assertRegex(row, r"± \d+ %|counted|more than five million|no estimate")
            few = each["clients"] is not None and 2 * each["not_estimated"] > each["sampled"]
            self.assertEqual(few, "no estimate" in row, row)


if __name__ == "__main__":
    unittest.main()
