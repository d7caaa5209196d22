# SPDX-License-Identifier: MIT
"""What becomes of a mutant that no client kills, and what is written into the ledger; the programs are stand-ins
that print what they are told."""

import json
import sys
import tempfile
import tomllib
import unittest
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from mutation.build import CheckedModels  # noqa: E402
from mutation.judge import OnChecker  # noqa: E402
from mutation.killers import Client, Clients, Family, Finding, compared, keep, smallest_failing_model  # noqa: E402
from mutation.ledger import record  # noqa: E402

FAMILY = Family("ring", 2)


def client(name: str, **changes: Any) -> Client:
    same = {"client": name, "complete": 3, "blocked": 1, "errors": 0, "cut": 0, "hash": "aa", "error": "", "replay": "",
            "contended": ["pop.claim"] if "|" in name else []}
    return same | changes


class Recorded(unittest.TestCase):
    """The client that the ledger names, searched in two ways."""

    def status(self, program: str, *reads: str) -> int:
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory, "proofs", "proofs")
            path.parent.mkdir()
            path.write_text(f"#!{sys.executable}\nimport sys\n{program}\n")
            path.chmod(0o755)
            models = cast(CheckedModels, SimpleNamespace(build=Path(directory)))
            found, _ = OnChecker(models, Path(directory), True, reads)._one(FAMILY, "+|s", [], path)
        return found

    def test_each_way_must_fail(self) -> None:
        self.assertEqual(1, self.status("sys.exit(1)", "merged", "each"))
        self.assertEqual(0, self.status("sys.exit(0)", "merged", "each"))
        for way in ("merged", "each"):
            self.assertEqual(0, self.status(f"sys.exit(0 if '{way}' in sys.argv else 1)", "merged", "each"))
            self.assertEqual(1, self.status(f"sys.exit(1 if '{way}' in sys.argv else 0)", way))


class Certificates(unittest.TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.place = Path(directory.name)

    def program(self, name: str, answer: object) -> Path:
        path = self.place / name
        path.write_text(f"#!{sys.executable}\nprint({json.dumps(answer)!r})\n")
        path.chmod(0o755)
        return path

    def judge(self, *changed: Client, site: str = "pop.claim", unchanged: tuple[Client, ...] = ()) -> Finding:
        before = self.program("before", {"clients": list(unchanged) or [client("+|s"), client("+-|s")]})
        after = self.program("after", {"clients": list(changed)})
        clients = Clients(before, (FAMILY,))
        finding, searches = clients.smallest_failing([], set(), after)
        return finding or compared(clients, searches, site)

    def test_equal_executions_with_a_conflict_are_certified(self) -> None:
        found = self.judge(client("+|s"), client("+-|s"))
        self.assertEqual("certified", found.found)
        self.assertIn("ring +-|s", found.certificate)
        self.assertIn("ring +-|s", found.contending)

    def test_a_list_that_never_runs_the_site_beside_a_conflicting_access_is_rejected(self) -> None:
        for site in ("pop.claim.fail", "push.publish", ""):
            found = self.judge(client("+|s"), client("+-|s"), site=site)
            self.assertEqual("alarm", found.found, site)
            self.assertIn("conflicting", found.detail)
        alone = (client("+"), client("+-"))
        self.assertEqual("alarm", self.judge(*alone, unchanged=alone).found)

    def test_only_finished_clients_show_a_conflict(self) -> None:
        both = (client("+|s", cut=1), client("+-"))
        found = self.judge(*both, unchanged=both)
        self.assertEqual("alarm", found.found)
        self.assertIn("nothing changes in", found.detail)

    def test_every_difference_is_an_alarm(self) -> None:
        changes: list[dict[str, Any]] = [{"complete": 4}, {"blocked": 0}, {"hash": "ab"}]
        for change in changes:
            found = self.judge(client("+|s"), client("+-|s", **change))
            self.assertEqual(("alarm", "ring +-|s"), (found.found, found.by), change)

    def test_unfinished_clients_certify_nothing(self) -> None:
        found = self.judge(client("+|s", cut=1), client("+-|s", cut=1))
        self.assertEqual(("alarm", "no client was finished"), (found.found, found.detail))

    def test_the_failing_client_of_fewest_calls_is_found(self) -> None:
        found = self.judge(client("+|s"), client("+-|s", errors=1, error="lost", replay="0=i"))
        self.assertEqual(("killed", "ring +-|s", 1), (found.found, found.by, found.calls))
        self.assertEqual("0=i", found.command[-1])

    def test_a_cut_model_is_no_killer_and_the_fewest_threads_are_preferred(self) -> None:
        model = {"timed_out": False, "failed_by": "assertion", "message": "m", "complete": 1, "blocked": 0, "errors": 1,
                 "replay": ""}
        models = [model | {"name": "a", "threads": 3}, model | {"name": "b", "threads": 2},
                  model | {"name": "c", "threads": 1, "timed_out": True}]
        found = smallest_failing_model(self.program("models", models), [], "a")
        assert found is not None
        self.assertEqual("model b", found.by)

    def test_a_failure_is_kept_as_text_and_as_a_page_and_must_fail_when_it_is_replayed(self) -> None:
        for status, writes, found in ((1, True, "killed"), (1, False, "alarm"), (0, True, "alarm")):
            path = self.place / "replayed"
            write = "open(sys.argv[sys.argv.index('--page') + 1], 'w').write('page')" if writes else ""
            path.write_text(f"#!{sys.executable}\nimport sys\n{write}\nprint('lost')\nsys.exit({status})\n")
            path.chmod(0o755)
            finding = Finding("killed", "lost", "model a", command=[str(path), "--model", "a"])
            kept = self.place / "kept"
            keep(finding, kept)
            self.assertEqual(found, finding.found, (status, writes))
            self.assertEqual(writes, (kept / "page.html").exists())
            self.assertIn("lost", (kept / "report.txt").read_text())


class Record(unittest.TestCase):
    """The killers that a run has found, in the ledger."""

    LEDGER = """# What became of every mutant.

[[weakening]]
site = "take_from.claim"
to = "relaxed"
verdict = "killed"
by = "a_model"
checker = "ring p|p"  # the smallest

[[patch]]
name = "ring: off by one"
verdict = "killed"
by = "a_model"
change = [
  { file = "ring.hpp", find = "a\\n  \\"b\\"", replace = "c" },
]
"""

    def recorded(self, killers: dict[str, str]) -> str:
        with tempfile.TemporaryDirectory() as place:
            ledger = Path(place) / "mutants.toml"
            ledger.write_text(self.LEDGER)
            record(ledger, killers)
            return ledger.read_text()

    def test_without_a_killer_nothing_changes(self) -> None:
        self.assertEqual(self.LEDGER, self.recorded({"another": "ring g"}))

    def test_killers_are_written_and_nothing_else(self) -> None:
        text = self.recorded({"take_from.claim -> relaxed": 'ring "p"', "ring: off by one": "model b"})
        known = tomllib.loads(text)
        self.assertEqual(('ring "p"', "model b"), (known["weakening"][0]["checker"], known["patch"][0]["checker"]))
        before, after = self.LEDGER.splitlines(), text.splitlines()
        self.assertEqual(['checker = "ring p|p"  # the smallest'], [line for line in before if line not in after])
        self.assertEqual(len(before) + 1, len(after))


if __name__ == "__main__":
    unittest.main()
