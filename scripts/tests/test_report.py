# SPDX-License-Identifier: MIT
"""The figures and the report, on a campaign that nobody measured: the same bytes each time, nothing invented."""

import contextlib
import importlib.util
import io
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any
from unittest import mock

for module in ("matplotlib", "jinja2"):
    if importlib.util.find_spec(module) is None:
        raise unittest.SkipTest(f"there is no {module}: make setup-bench")

ROOT = Path(__file__).resolve().parent.parent.parent
PLOTS = ROOT / "plots"
sys.path[:0] = [str(PLOTS), str(ROOT / "scripts")]

import campaign  # noqa: E402
from matplotlib.text import Text  # noqa: E402

import cycles  # noqa: E402
import facts  # noqa: E402
import families  # noqa: E402
import growth  # noqa: E402
import low_traffic  # noqa: E402
import memory  # noqa: E402
import orders  # noqa: E402
import overview  # noqa: E402
import proof_coverage  # noqa: E402
import ratios  # noqa: E402
import readme_table  # noqa: E402
import reasons  # noqa: E402
import report  # noqa: E402
import responses  # noqa: E402
import scaling  # noqa: E402
import style  # noqa: E402
import synthetic  # noqa: E402
from campaign import Campaign, losses  # noqa: E402
from runner import files  # noqa: E402


def start(output: Path, *results: Path, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-B", PLOTS / "report.py", *results, "--output", output], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **environment})


class Proofs(unittest.TestCase):
    def test_the_figure_counts_as_the_documents_do(self) -> None:
        found = proof_coverage.read()
        self.assertEqual(len(facts.models()), found.models)
        self.assertIn(f"| clients | {found.clients_proved:,} | {found.clients_known:,} |", facts.ledger())

    def test_it_shows_how_deep_and_crosses_what_is_not_finished(self) -> None:
        found = proof_coverage.read()
        for depth in found.clients:
            self.assertEqual(depth.proved < depth.known, bool(depth.unfinished), depth.family)
            self.assertLessEqual(depth.unfinished, set(depth.threads), depth.family)
        open_ones = proof_coverage.Depth("pool_dequeue", 5, "", False, 7, 9, frozenset({2}))
        figure, (axes,) = style.new_figure(4, 3)
        proof_coverage.draw_depth(axes, 0, open_ones)
        self.assertEqual([("", 5), ("xxxx", 5), ("", 5)],
                         [(bar.get_hatch() or "", bar.get_width()) for bar in axes.patches])

    def test_clients_have_as_many_threads_as_the_figure_says(self) -> None:
        source = (ROOT / "proofs" / "pool_clients.cpp").read_text()
        made = re.findall(r"\.afters = afters,\s*\.most_threads = (\d+),", source)
        self.assertEqual({str(proof_coverage.MOST_THREADS)}, set(made))
        for entry in facts.entries():
            if entry["subject"].startswith("pool_dequeue"):
                self.assertIn(f"up to {proof_coverage.MOST_THREADS - 1} thieves", entry["bound"])


class InAPlace(unittest.TestCase):
    def setUp(self) -> None:
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.place = Path(place.name)

    def write(self, name: str, result: dict[str, Any]) -> Path:
        path = self.place / name
        files.write(path, result)
        return path


class Bytes(InAPlace):
    def test_two_reports_of_the_same_results_are_the_same(self) -> None:
        results = [self.write("campaign.json", synthetic.campaign()),
                   self.write("checker.json", synthetic.checker_run())]
        ugly = self.place / "matplotlibrc"
        ugly.write_text("font.size: 20\nsavefig.dpi: 50\naxes.grid: True\n")
        runs = [start(self.place / "one", *results, PYTHONHASHSEED="1", TZ="UTC"),
                start(self.place / "two", *results, PYTHONHASHSEED="2", TZ="Asia/Tokyo", MATPLOTLIBRC=str(ugly))]
        for run in runs:
            _, errors = run.communicate()
            self.assertEqual(0, run.returncode, errors)
            self.assertNotIn("is not drawn", errors)
        names = sorted(path.name for path in (self.place / "one").iterdir())
        wanted = [f"{module.NAME}.{suffix}" for module in report.FIGURES for suffix in ("png", "svg")]
        self.assertEqual(sorted([*wanted, "index.html"]), names)
        for name in names:
            one, two = ((self.place / each / name).read_bytes() for each in ("one", "two"))
            self.assertTrue(one == two, f"{name} differs")


class Refused(InAPlace):
    """Before anything is written."""

    def refuse(self, message: str, *results: Path) -> None:
        run = start(self.place / "report", *results)
        _, errors = run.communicate()
        self.assertNotEqual(0, run.returncode)
        self.assertIn(message, errors)
        self.assertNotIn("Traceback", errors)
        self.assertFalse((self.place / "report").exists())

    def test_quick_run(self) -> None:
        quick = self.write("quick.json", {**synthetic.campaign(), "quick": True})
        self.refuse("quick.json: a quick run is never shown", quick)

    def test_checker_run_of_another_machine(self) -> None:
        other = {**synthetic.machine(), "cpu": "Another 1"}
        self.refuse("of different machines (Example 9000 (family 1, model 2) with 2 CPUs; Another 1 with 2 CPUs)",
                    self.write("campaign.json", synthetic.campaign()),
                    self.write("checker.json", {**synthetic.checker_run(), "machine": other}))

    def test_one_figure_of_a_quick_run(self) -> None:
        quick = self.write("quick.json", {**synthetic.campaign(), "quick": True})
        run = subprocess.run([sys.executable, "-B", PLOTS / "orders.py", quick, "--output", self.place / "orders"],
                             capture_output=True, text=True, check=False)
        self.assertIn("orders: ", run.stderr)
        self.assertIn("a quick run is never shown", run.stderr)
        self.assertFalse((self.place / "orders.png").exists())


class Page(unittest.TestCase):
    def setUp(self) -> None:
        self.campaign = Campaign(synthetic.campaign())
        drawn = [report.Drawn("one", "A figure", "What it shows", ("data:image/svg+xml;base64,AAAA",)),
                 report.Drawn("two", "Another", "What it shows", refused="the campaign has no <sample>")]
        self.page = report.page(self.campaign, drawn)

    def test_refers_to_nothing_outside(self) -> None:
        self.assertIsNone(re.search(r"https?://|@import|<script|<link", self.page))
        self.assertEqual(["data:image/svg+xml;base64,AAAA"], re.findall(r'src="([^"]*)"', self.page))
        targets = set(re.findall(r'href="#([^"]*)"', self.page))
        self.assertEqual(set(), targets - set(re.findall(r'id="([^"]*)"', self.page)))

    def test_shows_no_address_of_a_python_object(self) -> None:
        self.assertIsNone(re.search(r"0x[0-9a-f]{6,}|\bNone\b|\bnan\b", self.page))

    def test_what_stands_on_top_has_its_numbers_if_it_was_measured(self) -> None:
        self.assertNotIn("What stands on top", self.page)
        samples = [{"variant": variant, "round": number, "scenario": scenario, "peer": peer, "threads": 1, "pairs": 10,
                    "arguments": {}, "wall_ns": 10 * time, "slot_ns": 2.0, "counters": {}}
                   for variant, scenario, peer, time in (
                       ("glibc", "pool", "bare_slot", 2), ("glibc", "buffers", "buffer_pool", 10),
                       ("glibc", "buffers", "new_delete", 30), ("jemalloc", "buffers", "new_delete", 70))
                   for number in range(3)]
        on_top = Campaign({**synthetic.campaign(), "samples": samples})
        self.assertTrue(campaign.is_on_top(on_top.result))
        self.assertFalse(campaign.is_campaign(on_top.result) or campaign.is_on_top(self.campaign.result))
        section = report.page(self.campaign, [], on_top).partition('id="on-top"')[2].partition("<h2")[0]
        self.assertIn("a buffer of a size", section)
        self.assertEqual(["1.00", "3.00", "7.00"],
                         re.findall(r"([0-9.]+) \([0-9.]+ – [0-9.]+\)</td>\n<td class=\"counters", section))
        self.assertEqual(1, section.count('class="own"'))

    def test_figure_without_data_says_so(self) -> None:
        self.assertIn("Not measured: the campaign has no &lt;sample&gt;.", self.page)

    def test_every_loss_of_the_committed_campaign_has_a_reason(self) -> None:
        on_top = campaign.load_on_top([])
        self.assertIn("bounded", {loss.case.scenario for loss in losses(on_top) if loss.clear})
        lost = losses(campaign.load([]), on_top)
        self.assertEqual(set(), {loss.case.scenario for loss in lost if loss.clear} - set(reasons.REASONS))

    def test_starts_with_what_somebody_takes_away(self) -> None:
        top = self.page.partition('id="short"')[2].partition("<nav>")[0]
        self.assertRegex(top, r"A hit, a get with its put, takes [0-9.]+ ns with one thread")
        self.assertRegex(top, r"What costs a user of the pool most: .+ needs [0-9.,]+ [nµm]?s less: .{20,}\.</p>")

    def test_names_are_words_outside_code(self) -> None:
        """Scenarios, variants and counters as programs call them stand in code only."""
        page = report.page(campaign.load([]), [], campaign.load_on_top([]))
        text = re.sub(r"<(code|style)\b.*?</\1>|<[^>]*>", " ", page, flags=re.DOTALL)
        ours = {*campaign.OURS, *campaign.PEER_LABELS.values()}
        keys = set(re.findall(r"\b[a-z0-9]+(?:_[a-z0-9]+)+\b", text))
        self.assertEqual(set(), keys - ours - {"thread_local", "x86_64"})

    def test_names_are_words_in_figures(self) -> None:
        keys = {name for name in campaign.SCENARIO_WORDS if "_" in name} | {*families.WORDS}
        paths = campaign.results_in([])
        for module in (overview, ratios, scaling, cycles, responses, memory, low_traffic, orders, growth,
                       proof_coverage):
            told = {text.get_text() for text in module.figure(paths).findobj(Text)}
            self.assertEqual(set(), {key for key in keys for text in told if key in re.findall(r"\w+", text)},
                             module.NAME)

    def test_what_stands_on_top_is_ranked_with_the_rest(self) -> None:
        own, on_top = campaign.load([]), campaign.load_on_top([])
        lost = losses(own, on_top)
        self.assertEqual("bounded", lost[0].case.scenario)
        section = report.page(own, [], on_top).partition('id="others"')[2].partition("<h2")[0]
        self.assertEqual(len(lost), section.count("<tr>") - 1)
        self.assertIn("items at most", section.partition("<tr><td>")[2].partition("</tr>")[0])

    def test_buffers_are_compared_with_the_allocator_below_them(self) -> None:
        on_top = campaign.load_on_top([])
        assert on_top is not None
        rivals = {each.who.variant: on_top.subject(each.case, each.who) for each in losses(on_top)
                  if each.case.scenario == "buffers"}
        self.assertIn("mimalloc", rivals)
        for variant, subject in rivals.items():
            self.assertEqual(campaign.Contender(variant, "buffer_pool"), subject)

    def test_losses_come_by_what_they_cost(self) -> None:
        costs = [loss.cost_ns for loss in losses(self.campaign) if loss.what == "time"]
        self.assertGreater(len(costs), 1)
        self.assertEqual(sorted(costs, reverse=True), costs)

    def test_lists_every_loss(self) -> None:
        section = self.page.partition('id="others"')[2].partition("<h2")[0]
        self.assertEqual(len(losses(self.campaign)), section.count("<tr>") - 1)

    def test_target_without_a_sample_is_not_measured(self) -> None:
        samples = [each for each in synthetic.campaign()["samples"] if each["variant"] != "go"]
        page = report.page(Campaign({**synthetic.campaign(), "samples": samples}), [])
        rows = re.findall(r"<tr><td class=\"says ([a-z-]+)\">.*?</tr>", page, re.DOTALL)
        before = re.findall(r"<tr><td class=\"says ([a-z-]+)\">.*?</tr>", self.page, re.DOTALL)
        self.assertEqual(len(before), len(rows))
        self.assertEqual(8, rows.count("not-measured") - before.count("not-measured"))

    def test_every_script_that_draws_is_in_the_report(self) -> None:
        drawing = {path.stem for path in PLOTS.glob("*.py") if "\nNAME = " in path.read_text()}
        self.assertEqual(drawing, {module.NAME for module in report.FIGURES})


class ReadmeTable(InAPlace):
    def test_is_that_of_the_committed_campaign(self) -> None:
        parts = readme_table.split(readme_table.README.read_text())
        if any(campaign.is_campaign(campaign.read(path)) for path in campaign.results_in([])):
            assert parts is not None, "a campaign is committed: README.md needs its table"
            self.assertEqual(readme_table.table(campaign.load([]), campaign.load_on_top([])), parts[1],
                             "plots/readme_table.py --write makes it anew")
        else:
            self.assertIsNone(parts, "README.md has a table of a campaign that is not committed")

    def test_bold_is_where_another_is_faster(self) -> None:
        rows = readme_table.table(Campaign(synthetic.campaign())).splitlines()
        self.assertIn("| **0.928 ×** |", rows[2])
        self.assertNotIn("**5.07 ×**", rows[2])

    def test_what_is_missing_is_not_measured(self) -> None:
        samples = [each for each in synthetic.campaign()["samples"] if each["variant"] != "go"]
        rows = readme_table.table(Campaign({**synthetic.campaign(), "samples": samples})).splitlines()
        self.assertIn("| not measured |", rows[2])

    def test_write_changes_what_is_between_the_marks(self) -> None:
        readme = self.place / "README.md"
        readme.write_text(f"above\n{readme_table.BEGIN}old\n{readme_table.END}below\n")
        result = self.write("campaign.json", synthetic.campaign())
        with (mock.patch.object(readme_table, "README", readme), mock.patch("sys.argv", ["", "--write", str(result)]),
              contextlib.redirect_stdout(io.StringIO())):
            readme_table.main()
        parts = readme_table.split(readme.read_text())
        assert parts is not None
        before, between, after = parts
        self.assertEqual(("above\n", "below\n"), (before, after))
        self.assertEqual(readme_table.table(Campaign(synthetic.campaign())), between)


if __name__ == "__main__":
    unittest.main()
