# SPDX-License-Identifier: MIT
"""The programs `proofs` and `checked_models`: they refuse what says nothing, and their shares make the whole.

The build of the models runs this, and names the programs in PROOFS and CHECKED_MODELS.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "proofs"))

import ledger  # noqa: E402
import workflows  # noqa: E402

PROOFS, MODELS = os.environ.get("PROOFS", ""), os.environ.get("CHECKED_MODELS", "")
RECIPES = ROOT / "docs" / "checking-at-scale.md"
POOL, RING = ("--family", "object_pool_one_cpu"), ("--family", "pool_dequeue")
OWNERS = ("--model", "owner_vs_owner")


def run(program: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program, *options], capture_output=True, text=True, check=False, timeout=300)


@unittest.skipUnless(PROOFS and MODELS, "PROOFS and CHECKED_MODELS name no programs: 'make proofs' runs this test")
class Documents(unittest.TestCase):
    def test_commands_that_they_show_do_what_they_are_for(self) -> None:
        """Those that name a client or a model: they pass, did run it, and print what stands below them, if anything."""
        shown = {match.groups() for page in ROOT.glob("docs/*.md") for match in re.finditer(
            r"^    build/dev/\S*/(\w+ --.*)$(?:\n\n    (.* complete.*)$)?", page.read_text(), re.MULTILINE)}
        self.assertGreater(len(shown), 1)
        self.assertTrue(any(output for _, output in shown))
        for line, output in shown:
            name, *options = shlex.split(line, comments=True)
            done = run({"proofs": PROOFS, "checked_models": MODELS}[name] or "", *options)
            self.assertEqual(0, done.returncode, line + done.stdout + done.stderr)
            self.assertRegex(done.stdout, r'\b[1-9]\d* complete|"complete":[1-9]', line)
            if output:
                self.assertRegex(done.stdout, ".*".join(map(re.escape, output.split("..."))), line)


@unittest.skipUnless(PROOFS and MODELS, "PROOFS and CHECKED_MODELS name no programs: 'make proofs' runs this test")
class Refusals(unittest.TestCase):
    """Each of these once said '0 errors', or nothing at all, and exited with 0."""

    def refused(self, program: str, why: str, *options: str) -> None:
        with self.subTest(" ".join(options)):
            done = run(program, *options)
            self.assertEqual(2, done.returncode, done.stdout + done.stderr)
            self.assertIn(why, done.stderr)

    def test_clients_that_are_none(self) -> None:
        for options, why in (
            (("--client", "zzz|qqq"), "is no client of any family"),
            (("--client", "zzz|qqq"), "object_pool_one_cpu: 'z' is none of its letters: p put a new item, g get"),
            ((*POOL, "--client", "p|y"), "'y' is none of its letters: p put a new item"),
            ((*POOL, "--client", "p>g"), "'>' is none of its letters"),  # it has one CPU
            ((*POOL, "--client", "y/p"), "'y' is none of its letters"),
            ((*RING, "--client", "+/+|s"), "nothing comes before or after its threads"),
            ((*POOL, "--client", "p|e"), "a handle is missing"),
            ((*POOL, "--client", "k"), "'k' has nothing to put back"),
            ((*POOL, "--client", "p1"), "an event needs a call behind it"),
            ((*POOL, "--client", "p|x"), "beside the pool's end"),
            ((*POOL, "--client", "xg"), "after the pool's end"),
            ((*POOL, "--client", "x|x"), "a pool ends once"),
            ((*POOL, "--client", "x/p"), "'x' ends the pool"),
            ((*POOL, "--client", "*b/x|e/g"), "nothing comes after the pool's end"),
            ((*POOL, "--client", "*bu/x|e"), "must not use a pool that ends"),
            ((*RING, "--client", "s|+"), "'s' is none of thread 0's letters"),
            ((*RING, "--client", "+|+"), "'+' is none of thread 1's letters"),
            ((*POOL, "--client", "p||g"), "thread 1 makes no call"),
            ((*POOL, "--client", "p|"), "thread 1 makes no call"),
            ((*POOL, "--client", "p|p|p|g|r"), "5 threads: it has 1 to 4"),
            ((*POOL, "--client", "ppppp|ppppp|ppppp|pp"), "17 calls: it can hold 16"),
            ((*POOL, "--client", "pppppp"), "more items than a script may make: 5"),
            ((*POOL, "--client", "ppppppp/g/pppppp"), "more items than a script may make: 12"),
            ((*POOL, "--client", "*b*b*b*b"), "more handles than a script may borrow: 3"),
            (("--family", "ring", "--client", "p"), "there is no 'ring', but pool_dequeue, "),
        ):
            self.refused(PROOFS, why, *options)

    def test_options_that_are_none(self) -> None:
        """The message names the argument."""
        for program in (PROOFS, MODELS):
            for options in (("--nothing",), ("nothing",), ("--seconds", "x"), ("--seconds", "-1"), ("--jobs", "-1"),
                            ("--jobs", "1.5"), ("--jobs",), ("--progress-line", "maybe"), ("--shard", "1"),
                            ("--shard", "1/x"), ("--weaken",)):
                self.refused(program, options[0], *options)
        self.refused(MODELS, "iso", "--memory", "arm")

    def test_sizes_that_no_client_has(self) -> None:
        self.refused(PROOFS, "a client makes at least one", "--calls", "0")
        self.refused(PROOFS, "can hold 16", *POOL, "--calls", "17")
        self.refused(PROOFS, "--plain-calls: with --within", *POOL, "--calls", "2", "--plain-calls", "4")
        self.refused(PROOFS, "more than 5 million clients", *POOL, "--calls", "6")
        self.refused(PROOFS, "has no client of 3", *RING, "--letters", "x", "--calls", "3")

    def test_clauses_that_are_none(self) -> None:
        self.refused(PROOFS, "there is no clause 'all', but once, kept", *POOL, "--client", "p", "--without", "all")

    def test_sites_that_are_none(self) -> None:
        for program, what in ((PROOFS, (*POOL, "--client", "p|g")), (MODELS, OWNERS)):
            self.refused(program, "[push_head.read]", *what, "--weaken", "pool_dequeue.hpp:9:op:relaxed")
            self.refused(program, "[take_from.claim]", *what, "--weaken", "take_from.clam:relaxed")
            self.refused(program, "no site 'take_from.claim.fail'", *what, "--weaken", "take_from.claim.fail:relaxed")
            self.refused(program, "no site 'nowhere.hpp:9'", *what, "--mutate", "nowhere.hpp:9:skip-store")

    def test_changes_of_another_kind(self) -> None:
        for change, why in (
            (("--mutate", "take_from.claim:skip-store"), "nothing that could befall [take_from.claim]"),
            (("--mutate", "take_from.look:skip-store"), "nothing that could befall [take_from.look]"),
            (("--mutate", "release.hand_over:cas-blind"), "nothing that could befall"),
            (("--mutate", "release.hand_over:exchange-returns-zero"), "nothing that could befall"),
            (("--weaken", "release.hand_over:release"), "release is no weaker order"),
            (("--weaken", "release.hand_over:seq_cst"), "seq_cst is no weaker order"),
            (("--weaken", "release.hand_over:acquire"), "acquire is no weaker order"),
            (("--weaken", "take_from.look:acquire"), "acquire is no weaker order"),
        ):
            self.refused(MODELS, why, *OWNERS, *change)

    def test_sites_that_nothing_reaches(self) -> None:
        why = "nothing of this run reaches [chain_pop_tail.unlink]"
        change = ("--weaken", "chain_pop_tail.unlink:relaxed")
        self.refused(PROOFS, why, *POOL, "--client", "p|g", *change)
        self.refused(PROOFS, why, *POOL, "--calls", "2", "--letters", "pg", "--json", *change)
        self.refused(MODELS, why, *OWNERS, *change)
        self.refused(MODELS, "[release.hand_over]", *OWNERS, *change)  # among the nearest

    def test_a_site_that_is_reached_is_not_refused(self) -> None:
        done = run(PROOFS, *POOL, "--client", "g|p", "--weaken", "take_from.claim:relaxed")
        self.assertEqual(1, done.returncode, done.stderr)
        self.assertIn("data race", done.stdout)

    def test_the_order_that_is_to_blame_comes_first(self) -> None:
        """Not those of the slot, which are relaxed by design: in the text and on the page."""
        with tempfile.TemporaryDirectory() as folder:
            page = Path(folder) / "error.html"
            done = run(PROOFS, *RING, "--client", "+|s", "--weaken", "pop_tail.claim:relaxed", "--page", str(page))
            self.assertEqual(1, done.returncode, done.stdout + done.stderr)
            above = page.read_text().split("What each thread did")[0]
        for told in (done.stdout, above):
            blamed = re.findall(r"(\w+) is relaxed: it (\w+) nothing", " ".join(told.split()))
            self.assertEqual([("compare_exchange", "acquires")], blamed, told)

    def test_replays_of_another_execution(self) -> None:
        failing = (*POOL, "--client", "g|p", "--weaken", "take_from.claim:relaxed")
        found = run(PROOFS, *failing).stdout
        whole = found.split("replay: ")[1].split("\n")[0]
        self.assertEqual(1, run(PROOFS, *failing, "--replay", whole).returncode)
        events = whole.split(",")
        self.refused(PROOFS, "not of this program", *failing, "--replay", ",".join(events[:-1]))
        self.refused(PROOFS, "not of this program", *failing, "--replay", f"{whole},0=i")
        self.refused(PROOFS, "not of this program", *POOL, "--client", "p|p", "--replay", whole)
        self.refused(PROOFS, "name one with --family", "--client", "g|p", "--replay", whole)
        self.refused(MODELS, "not of this program", *OWNERS, "--replay", whole)

    def test_stops_that_stop_nothing(self) -> None:
        self.refused(PROOFS, "has no thread 2", *POOL, "--client", "p|g", "--stop", "2:1")
        self.refused(PROOFS, "thread 0 makes at most", *POOL, "--client", "p|g", "--stop", "0:1000")

    def test_lines_are_of_the_headers_as_they_are(self) -> None:
        self.refused(PROOFS, "as they are", "--calls", "2", "--lines", "/dev/null",
                     "--weaken", "take_from.claim:relaxed")
        self.refused(PROOFS, "I is less than N", "--shard", "2/2")

    def test_a_failure_names_all_that_repeats_it(self) -> None:
        found = run(PROOFS, *POOL, "--calls", "2", "--letters", "pg", "--spurious", "0", "--weaken",
                    "take_from.claim:relaxed").stdout
        again = found.split("again: proofs ")[1].split("\n")[0]
        self.assertIn("--spurious 0 --weaken take_from.claim:relaxed --replay", again)
        self.assertEqual(1, run("/bin/sh", "-c", f"{PROOFS} {again}").returncode)

    def test_a_single_search_says_what_it_covered(self) -> None:
        said = " ".join(run(PROOFS, *POOL, "--client", "g|p").stdout.split())
        self.assertRegex(said, r"PROVED, for this program and within its bounds: [\d,]+ complete executions?; "
                               r"2 threads with at most \d+ and \d+ operations, model rc11, "
                               r"1 spurious failure of each thread")
        self.assertIn("Load buffering is not explored", said)
        self.assertIn("1 spurious failure of each thread; load buffering is not explored", run(MODELS, *OWNERS).stdout)

    def test_help_lists_families_letters_and_how_to_list_sites(self) -> None:
        text = run(PROOFS, "--help").stdout
        self.assertIn("letters: p put a new item, g get", text)
        self.assertIn("1 to 4 threads, up to 16 calls in all", text)
        self.assertIn("--sites", text)
        sites = run(PROOFS, "--sites").stdout
        self.assertIn("[take_from.claim] pin.hpp:", sites)
        self.assertEqual(sites, run(MODELS, "--sites").stdout)


@unittest.skipUnless(PROOFS and MODELS, "PROOFS and CHECKED_MODELS name no programs: 'make proofs' runs this test")
class MergedReads(unittest.TestCase):
    def executions(self, *options: str) -> int:
        done = run(PROOFS, *options)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return int(done.stdout.split(" complete executions", 1)[0].rsplit(" ", 1)[1])

    def test_they_leave_out_what_nothing_can_tell(self) -> None:
        client = ("--family", "object_pool_two_cpus", "--client", "p|g|g", "--spurious", "0")
        merged, each = self.executions(*client), self.executions(*client, "--reads", "each")
        self.assertLess(2 * merged, each)
        self.assertEqual(merged, self.executions(*client, "--reads", "compared"))

    def test_nothing_else_is_left_out_of_small_clients(self) -> None:
        for options in ((*RING, "--calls", "5"), (*POOL, "--calls", "2", "--letters", "pgr", "--spurious", "0")):
            self.executions(*options, "--reads", "compared")

    def test_fences_end_it(self) -> None:
        client = ("--family", "object_pool_sections_two_cpus", "--client", "p|g", "--spurious", "0")
        self.assertEqual(self.executions(*client), self.executions(*client, "--reads", "each"))

    def test_one_execution_is_not_compared(self) -> None:
        done = run(PROOFS, *POOL, "--client", "p|g", "--reads", "compared", "--replay", "0=1")
        self.assertEqual(2, done.returncode)
        self.assertIn("--reads compared: not with --replay", done.stderr)


@unittest.skipUnless(PROOFS and MODELS, "PROOFS and CHECKED_MODELS name no programs: 'make proofs' runs this test")
class Alike(unittest.TestCase):
    SECTIONS = ("--family", "object_pool_sections_one_cpu", "--spurious", "0")

    def executions(self, *options: str) -> int:
        done = run(PROOFS, *options)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return int(done.stdout.split(" complete executions", 1)[0].rsplit(" ", 1)[1])

    def test_of_two_threads_that_are_alike_one_order_is_left(self) -> None:
        client = (*self.SECTIONS, "--client", "p|p")
        self.assertEqual(self.executions(*client), 2 * self.executions(*client, "--alike", "once"))

    def test_threads_on_other_cpus_are_not_alike(self) -> None:
        client = ("--family", "object_pool_sections_two_cpus", "--client", "p|p", "--spurious", "0")
        self.assertEqual(self.executions(*client), self.executions(*client, "--alike", "once"))

    def test_nothing_else_is_left_out_of_small_clients(self) -> None:
        self.executions(*self.SECTIONS, "--calls", "2", "--letters", "pgr", "--alike", "compared")
        self.executions(*RING, "--calls", "4", "--reads", "each", "--alike", "compared")

    def test_one_execution_is_not_compared(self) -> None:
        done = run(PROOFS, *POOL, "--client", "p|g", "--alike", "compared", "--replay", "0=1")
        self.assertEqual(2, done.returncode)
        self.assertIn("--alike: not with --replay", done.stderr)


@unittest.skipUnless(PROOFS and MODELS, "PROOFS and CHECKED_MODELS name no programs: 'make proofs' runs this test")
class Runs(unittest.TestCase):
    """So many executions are visited at most, on a fast machine as on a slow one."""

    def test_as_many_as_there_are_prove_and_one_less_does_not(self) -> None:
        for program, options, executions in ((PROOFS, (*POOL, "--client", "p|g", "--spurious", "0"), 30),
                                             (MODELS, ("--model", "walk_vs_begin"), 3)):
            done = run(program, *options, "--runs", str(executions))
            self.assertEqual(0, done.returncode, done.stdout)
            self.assertIn(f"{executions} complete", done.stdout)
            done = run(program, *options, "--runs", str(executions - 1))
            self.assertEqual(3, done.returncode, done.stdout)
            self.assertIn(f"{executions - 1} complete", done.stdout)

    def test_what_there_was_no_time_for_is_not_proved(self) -> None:
        """Of 162 clients one is begun at least, and not all."""
        with tempfile.TemporaryDirectory() as name:
            lines = Path(name) / "lines"
            hasty = (*RING, "--calls", "6", "--jobs", "1", "--total", "0.001")
            done = run(PROOFS, *hasty, "--partial", "--lines", str(lines))
            self.assertEqual(0, done.returncode, done.stderr)
            self.assertRegex(done.stdout, r"unfinished: \d+ more, for which there was no time")
            [entry] = ledger.entries_of([lines])
        self.assertEqual(162, entry["clients"])
        self.assertLess(entry["proved"], 162)
        self.assertEqual(162 - entry["proved"], len(entry["unfinished"]))
        self.assertEqual(3, run(PROOFS, *hasty).returncode)
        whole = run(PROOFS, *RING, "--calls", "3", "--total", "60")
        self.assertEqual(0, whole.returncode)
        self.assertNotIn("unfinished", whole.stdout)

    def test_a_total_is_of_all_clients_of_one_size(self) -> None:
        for options in (("--within", "1", "--total", "1"), ("--client", "+|s", "--total", "1"),
                        ("--within", "1", "--progress")):
            done = run(PROOFS, *RING, *options)
            self.assertEqual(2, done.returncode, done.stdout)

    def test_of_all_machines_that_a_model_chooses(self) -> None:
        """A model with choices is searched for each of them; the bound is one for all."""
        name = "put_vs_get_refused_memory"
        for runs in (1, 1_000):
            done = run(MODELS, "--model", name, "--runs", str(runs), "--seconds", "5", "--partial")
            self.assertEqual(0, done.returncode, done.stdout)
            counted = re.search(r"(\d+) complete \| (\d+) blocked", done.stdout)
            assert counted is not None
            self.assertEqual(runs, sum(map(int, counted.groups())))


@unittest.skipUnless(PROOFS and MODELS, "PROOFS and CHECKED_MODELS name no programs: 'make proofs' runs this test")
class Shares(unittest.TestCase):
    def entries(self, place: Path, count: int, *options: str) -> list[ledger.Entry]:
        """Of the ledger, from the lines of all shares, the last share first."""
        files = []
        for share in reversed(range(count)):
            files.append(place / f"{count}-{share}.lines")
            done = run(PROOFS, *options, "--shard", f"{share}/{count}", "--lines", str(files[-1]))
            self.assertEqual(0, done.returncode, done.stderr)
        merged = ledger.entries_of(files)
        for each in merged:
            each.pop("seconds")
        return merged

    def test_every_number_of_shares_makes_the_same_ledger(self) -> None:
        pool = ("--family", "object_pool_two_cpus", "--calls", "2", "--letters", "pgr", "--progress")
        for options in ((*RING, "--calls", "4"), pool):
            with tempfile.TemporaryDirectory() as place:
                one, two, three = (self.entries(Path(place), count, *options) for count in (1, 2, 3))
                self.assertGreater(one[0]["executions"], 30)
                self.assertNotEqual(0, int(one[0]["hash"], 16))
                self.assertEqual(one, two)
                self.assertEqual(one, three)
                whole = self.undivided(Path(place), *options)
                self.assertEqual(whole, ledger.certificate_of(one))

    def section(self, heading: str) -> str:
        return RECIPES.read_text().split(f"\n### {heading}\n", 1)[1].split("\n##", 1)[0]

    def run_bash(self, place: Path, text: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["bash", "-euo", "pipefail", "-c", text], cwd=place, capture_output=True, text=True,
                              check=False, timeout=300, env={**os.environ, "HOME": str(place)})

    def recipe(self, place: Path, heading: str, build: Path) -> subprocess.CompletedProcess[str]:
        """Runs the first bash block below a heading of docs/checking-at-scale.md."""
        if not (place / "proofs").exists():
            (place / "proofs").symlink_to(ROOT / "proofs")
        text = self.section(heading).split("```bash\n", 1)[1].split("```", 1)[0]
        self.assertEqual(1, text.count("build=build/dev\n"))
        return self.run_bash(place, text.replace("build=build/dev\n", f"build={shlex.quote(str(build))}\n"))

    def undivided(self, place: Path, *options: str) -> str:
        done = run(PROOFS, *options, "--lines", str(place / "whole"))
        self.assertEqual(0, done.returncode, done.stderr)
        return ledger.certificate_of(ledger.entries_of([place / "whole"]))

    def test_recipes_come_to_what_the_undivided_search_does(self) -> None:
        headings = ["Workers that may die"] + (["GNU parallel, for shares"] if shutil.which("parallel") else [])
        for heading in headings:
            with self.subTest(heading), tempfile.TemporaryDirectory() as place:
                whole = self.undivided(Path(place), *RING, "--calls", "4")
                done = self.recipe(Path(place), heading, Path(PROOFS).parent.parent)
                self.assertEqual(0, done.returncode, done.stdout + done.stderr)
                self.assertEqual(whole, (Path(place) / "certificate").read_text())

    @unittest.skipUnless(shutil.which("parallel"), "GNU parallel is not installed")
    def test_parallel_does_again_what_has_failed_and_nothing_else(self) -> None:
        """Share 1 fails, once; so does the command. It is given again, as it stands there."""
        heading = "GNU parallel, for shares"
        with tempfile.TemporaryDirectory() as name:
            place = Path(name)
            program = place / "build" / "proofs" / "proofs"
            program.parent.mkdir(parents=True)
            program.write_text(f"#!/bin/sh\necho \"$@\" >> {place}/calls\n"
                               f"case \"$*\" in *' 1/6 '*) mkdir {place}/failed 2>/dev/null && exit 1;; esac\n"
                               f"exec {shlex.quote(PROOFS)} \"$@\"\n")
            program.chmod(0o755)
            first = self.recipe(place, heading, place / "build")
            self.assertEqual(1, first.returncode, first.stdout + first.stderr)
            self.assertEqual([f"share-{share}.lines" for share in (0, 2, 3, 4, 5)],
                             sorted(each.name for each in place.glob("share-*.lines")))
            (place / "calls").unlink()
            second = self.recipe(place, heading, place / "build")
            self.assertEqual(0, second.returncode, second.stdout + second.stderr)
            self.assertEqual(["1/6"], re.findall(r"--shard (\S+)", (place / "calls").read_text()))
            self.assertEqual(self.undivided(place, *RING, "--calls", "4"), (place / "certificate").read_text())

    def test_jobs_of_a_ci_matrix_come_to_what_the_undivided_search_does(self) -> None:
        job, last = workflows.blocks(self.section("A CI matrix, for shares"))
        above = RECIPES.read_text().split("\n## A CI matrix\n", 1)[1]
        parts = workflows.matrix(above)
        build, search = workflows.commands(job)
        self.assertIn("cmake --build", build)
        self.assertEqual(1, search.count("--calls 7"))
        search = search.replace("--calls 7", "--calls 4")
        with tempfile.TemporaryDirectory() as name:
            place = Path(name)
            (place / "proofs").symlink_to(ROOT / "proofs")
            for part in parts:
                runner = place / f"job-{part}"
                (runner / "build").mkdir(parents=True)
                (runner / "build" / "dev").symlink_to(Path(PROOFS).resolve().parent.parent)
                done = self.run_bash(runner, workflows.filled_in(search, len(parts), part))
                self.assertEqual(0, done.returncode, done.stdout + done.stderr)
                left = workflows.artefact(job, len(parts), part)
                shutil.copy(runner / left, place / left)
            done = self.run_bash(place, *workflows.commands(last))
            self.assertEqual(0, done.returncode, done.stdout + done.stderr)
            self.assertEqual(self.undivided(place, *RING, "--calls", "4"), (place / "certificate").read_text())

    def test_a_dead_workers_share_is_taken_over(self) -> None:
        """The first worker is killed while it works on a share: its lease stays, and no lines."""
        options = (*RING, "--calls", "4")
        with tempfile.TemporaryDirectory() as name:
            place = Path(name)
            slow = place / "slow"
            slow.write_text(f"#!/bin/sh\n[ -e {place}/fast ] || exec sleep 600\nexec {shlex.quote(PROOFS)} \"$@\"\n")
            slow.chmod(0o755)
            worker = [sys.executable, str(ROOT / "proofs" / "shares.py"), "--lease", "1", "2", str(slow), *options]
            with subprocess.Popen(worker, cwd=place, start_new_session=True) as first:
                while not (place / "share-0.lease").exists():
                    time.sleep(0.01)
                os.killpg(first.pid, signal.SIGKILL)
            (place / "fast").touch()
            done = subprocess.run(worker, cwd=place, capture_output=True, text=True, check=False, timeout=300)
            self.assertEqual(0, done.returncode, done.stderr)
            self.assertIn("share-0: taken over", done.stdout)
            lines = sorted(place.glob("share-*"))
            self.assertEqual(["share-0.lines", "share-1.lines"], [each.name for each in lines])
            self.assertEqual(self.undivided(place, *options), ledger.certificate_of(ledger.entries_of(lines)))

    def test_a_failed_share_ends_its_worker_and_is_free_again(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            command = [sys.executable, str(ROOT / "proofs" / "shares.py"), "2", "false"]
            done = subprocess.run(command, cwd=name, capture_output=True, text=True, check=False, timeout=60)
            self.assertEqual(1, done.returncode)
            self.assertEqual([], list(Path(name).iterdir()))

    def test_every_model_is_in_one_share(self) -> None:
        whole = run(MODELS, "--list").stdout.split()
        for count in (2, 3):
            shares = [run(MODELS, "--list", "--shard", f"{share}/{count}").stdout.split() for share in range(count)]
            self.assertEqual(whole, [shares[i % count][i // count] for i in range(len(whole))])


if __name__ == "__main__":
    unittest.main()
