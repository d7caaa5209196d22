# SPDX-License-Identifier: MIT
"""Tests of lint_orders.py: each rule is seen to pass on a good header and to fail on a bad one."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import lint_orders  # noqa: E402

GOOD = """\
// A queue.
//
//   I1. A slot is its taker's.
#pragma once

void push() {
  // [push.look] relaxed: hint, rechecked by [pop.claim]; a prose line may
  // follow it.
  while (full_.load(std::memory_order_relaxed)) {
  }
  // Prose may stand above a label.
  // [push.publish] release: pairs with [pop.claim]; so that the slot is
  // filled (I1).
  head_.store(1, std::memory_order_release);
}

bool pop() {
  // [pop.claim] acquire: pairs with [push.publish]; so that the slot is seen (I1).
  // [pop.claim.fail] relaxed: hint, rechecked by [pop.claim]; it is tried again.
  return head_.compare_exchange_strong(seen, next, std::memory_order_acquire,
                                       std::memory_order_relaxed);
}

void swap() {
  // [swap.both] acq_rel: acquire pairs with [swap.both]; so that the last one is seen; release
  // pairs with [swap.both]; so that this one is seen.
  other_->slot_[i + 1].exchange(item, std::memory_order_acq_rel);
  // [swap.mine] seq_cst: total order with [swap.theirs]; so that one sees the other.
  mine_.store(1, std::memory_order_seq_cst);
  // [swap.theirs] seq_cst: total order with [swap.mine]; so that one sees the other.
  const bool seen = theirs_.load(std::memory_order_seq_cst);
  // [swap.count] relaxed: counter.
  count_.fetch_add(1, std::memory_order_relaxed);
}
"""


def errors_of(*sources: str) -> list[str]:
    headers = [lint_orders.Header(f"h{i}.hpp", source) for i, source in enumerate(sources)]
    return [str(error) for error in lint_orders.Library(headers).errors]


class rules(unittest.TestCase):
    """GOOD with one thing changed."""

    def assert_error(self, old: str, new: str, expected: str) -> None:
        self.assertIn(old, GOOD)
        errors = errors_of(GOOD.replace(old, new, 1))
        self.assertTrue(any(expected in error for error in errors), f"{expected!r} not in {errors}")

    def test_good_header_has_no_error(self) -> None:
        self.assertEqual(errors_of(GOOD), [])

    def test_operation_without_label(self) -> None:
        self.assert_error(
            "  // [swap.count] relaxed: counter.\n", "", "no label line directly above"
        )

    def test_blank_line_between_label_and_operation(self) -> None:
        changed = "  // [swap.count] relaxed: counter.\n\n"
        old = "  // [swap.count] relaxed: counter.\n"
        self.assert_error(old, changed, "no label line directly above")
        self.assert_error(old, changed, "[swap.count] has no atomic operation directly under it")

    def test_statement_between_label_and_operation(self) -> None:
        old = "  // [swap.count] relaxed: counter.\n"
        self.assert_error(old, old + "  int n = 0;\n", "no label line directly above")

    def test_label_without_operation(self) -> None:
        self.assert_error(
            "  count_.fetch_add(1, std::memory_order_relaxed);\n",
            "",
            "[swap.count] has no atomic operation directly under it",
        )

    def test_two_labels_over_one_plain_operation(self) -> None:
        old = "  // [swap.count] relaxed: counter.\n"
        self.assert_error(
            old, old + "  // [swap.again] relaxed: counter.\n", "needs exactly one label"
        )

    def test_fail_label_over_plain_operation(self) -> None:
        self.assert_error(
            "[swap.count] relaxed", "[swap.count.fail] relaxed", "needs exactly one label"
        )

    def test_compare_exchange_without_fail_label(self) -> None:
        self.assert_error(
            "  // [pop.claim.fail] relaxed: hint, rechecked by [pop.claim]; it is tried again.\n",
            "",
            "needs a label and its .fail",
        )

    def test_fail_label_of_another_name(self) -> None:
        self.assert_error("[pop.claim.fail]", "[pop.other.fail]", "needs a label and its .fail")

    def test_two_operations_of_one_statement_share_a_label(self) -> None:
        self.assert_error(
            "count_.fetch_add(1, std::memory_order_relaxed);",
            "count_.fetch_add(1, std::memory_order_relaxed) +\n"
            "      other_.load(std::memory_order_relaxed);",
            "h0.hpp:34: .load( has no label line directly above it",
        )

    def test_two_operations_on_one_line(self) -> None:
        self.assert_error(
            "count_.fetch_add(1, std::memory_order_relaxed);",
            "count_.fetch_add(1, std::memory_order_relaxed); b_.load(std::memory_order_relaxed);",
            "two atomic operations on one line",
        )

    def test_defaulted_order(self) -> None:
        self.assert_error(
            "fetch_add(1, std::memory_order_relaxed)", "fetch_add(1)", "must spell out its order"
        )

    def test_defaulted_failure_order(self) -> None:
        self.assert_error(
            "std::memory_order_acquire,\n" + " " * 39 + "std::memory_order_relaxed",
            "std::memory_order_acquire",
            "must spell out its success and its failure order",
        )

    def test_order_in_a_variable(self) -> None:
        self.assert_error(
            "fetch_add(1, std::memory_order_relaxed)",
            "fetch_add(1, order)",
            "must spell out its order",
        )

    def test_order_of_comment_differs_from_code(self) -> None:
        self.assert_error(
            "head_.store(1, std::memory_order_release)",
            "head_.store(1, std::memory_order_relaxed)",
            "[push.publish] says release, the code says relaxed",
        )

    def test_failure_order_of_comment_differs_from_code(self) -> None:
        self.assert_error(
            "                                       std::memory_order_relaxed",
            "                                       std::memory_order_acquire",
            "[pop.claim.fail] says relaxed, the code says acquire",
        )

    def test_order_that_the_operation_cannot_have(self) -> None:
        self.assert_error(
            "full_.load(std::memory_order_relaxed)",
            "full_.load(std::memory_order_release)",
            "release is no order for [push.look]",
        )
        self.assert_error(
            "                                       std::memory_order_relaxed",
            "                                       std::memory_order_release",
            "release is no order for [pop.claim.fail]",
        )

    def test_receiver_on_another_line(self) -> None:
        self.assert_error(
            "other_->slot_[i + 1].exchange(", "other_->slot_[i + 1]\n  .exchange(", "on one line"
        )

    def test_receiver_begins_on_another_line(self) -> None:
        self.assert_error(
            "other_->slot_[i + 1].exchange(", "other_->\n  slot_[i + 1].exchange(", "on one line"
        )
        self.assert_error(
            "other_->slot_[i + 1].exchange(", "slot_[i +\n  1].exchange(", "on one line"
        )

    def test_bracket_on_another_line(self) -> None:
        self.assert_error("count_.fetch_add(1", "count_.fetch_add\n      (1", "on one line")

    def test_duplicate_label(self) -> None:
        self.assert_error("[swap.count]", "[push.look]", "[push.look] is also at h0.hpp:7")

    def test_duplicate_label_in_another_header(self) -> None:
        other = "void swap() {\n  // [swap.count] relaxed: counter.\n  n_.load(std::memory_order_relaxed);\n}\n"
        self.assertEqual(errors_of(GOOD, other), ["h1.hpp:2: [swap.count] is also at h0.hpp:32"])

    def test_label_of_another_function(self) -> None:
        self.assert_error("void push() {", "void fill() {", "[push.look] is not named after its function: fill")
        self.assert_error("void push() {", "struct push {", "[push.look] stands in no function")

    def test_label_named_after_class_and_function(self) -> None:
        form = "// [{}.add] relaxed: counter.\n  n_.fetch_add(1, std::memory_order_relaxed);\n}}\n"
        inside = "template <class T>\nclass lent_items {{\n  {} {{ [&] {{ if (x[0]) {{\n" + form + "}}();\n  }}\n}};\n"
        outside = "template <class T>\nvoid lent_items<T>::size() noexcept {{\n  " + form
        for source, label in ((inside.format("auto size() const", "size"), "size"),
                              (inside.format("auto size() const", "lent_size"), "lent_size"),
                              (inside.format("lent_items() : n_(0)", "lent_items"), "a constructor"),
                              (inside.format("~lent_items()", "items_end"), "a destructor"),
                              (outside.format("items_size"), "defined outside")):
            with self.subTest(label):
                self.assertEqual([], errors_of(source))
        for source, wanted in ((inside.format("auto size() const", "count"), "size or lent_size or items_size"),
                               (outside.format("lent"), "size or lent_size or items_size")):
            self.assertIn(f"not named after its function: {wanted}", " ".join(errors_of(source)))

    def test_label_that_is_not_function_step(self) -> None:
        self.assert_error("[swap.count] relaxed", "[swap] relaxed", "not of the form function.step")
        self.assert_error(
            "[swap.count] relaxed", "[swap.a.b] relaxed", "not of the form function.step"
        )

    def test_unknown_order(self) -> None:
        self.assert_error(
            "[swap.count] relaxed:", "[swap.count] lax:", "names no memory order: lax"
        )

    def test_reference_to_missing_label(self) -> None:
        self.assert_error(
            "Prose may stand above",
            "Prose [pop.gone] may stand above",
            "there is no label [pop.gone]",
        )

    def test_one_sided_pair(self) -> None:
        self.assert_error(
            "release: pairs with [pop.claim]",
            "release: pairs with [swap.both]",
            "[pop.claim] pairs with [push.publish], which does not name it back",
        )

    def test_pair_of_equal_sides(self) -> None:
        bad = GOOD.replace("[push.publish] release", "[push.publish] acquire")
        bad = bad.replace(
            "head_.store(1, std::memory_order_release)", "head_.load(std::memory_order_acquire)"
        )
        self.assertIn(
            "h0.hpp:18: [pop.claim] pairs its acquire with [push.publish], which is acquire",
            errors_of(bad),
        )

    def test_pair_with_relaxed(self) -> None:
        self.assert_error(
            "release: pairs with [pop.claim]",
            "release: pairs with [push.look]",
            "[push.publish] pairs its release with [push.look], which is relaxed",
        )

    def test_pair_without_promise(self) -> None:
        self.assert_error("; so that the slot is seen (I1).", ".", "[pop.claim] acquire must read")

    def test_promise_may_refer_to_another_label(self) -> None:
        self.assertEqual(
            errors_of(GOOD.replace("so that the slot is seen (I1).", "as [pop.claim].")), []
        )

    def test_acq_rel_with_one_half(self) -> None:
        self.assert_error(
            "; release\n  // pairs with [swap.both]; so that this one is seen",
            "",
            "[swap.both] acq_rel must read",
        )

    def test_seq_cst_without_total_order(self) -> None:
        self.assert_error(
            "seq_cst: total order with [swap.mine]",
            "seq_cst: pairs with [swap.mine]",
            "[swap.theirs] seq_cst must read",
        )

    def test_relaxed_without_listed_reason(self) -> None:
        self.assert_error(
            "relaxed: counter.", "relaxed: harmless.", "[swap.count] relaxed must begin with one of"
        )
        self.assert_error(
            "relaxed: counter.", "relaxed: counters are fun.", "relaxed must begin with one of"
        )
        self.assert_error(
            "hint, rechecked by [pop.claim]; a prose",
            "hint; a prose",
            "[push.look] relaxed must begin with one of",
        )

    def test_every_listed_reason_is_accepted(self) -> None:
        for reason in (
            "owner-only; mine.",
            "counter.",
            "exclusive; no one else is here.",
            "coherence with [push.look].",
            "ordered by [pop.claim]; x.",
            "hint, rechecked by [pop.claim], [swap.both] and [swap.mine].",
        ):
            with self.subTest(reason):
                self.assertEqual(
                    errors_of(GOOD.replace("relaxed: counter.", f"relaxed: {reason}")), []
                )

    def test_ordered_by_a_relaxed_label(self) -> None:
        self.assert_error(
            "relaxed: counter.",
            "relaxed: ordered by [push.look].",
            "is ordered by [push.look], which is relaxed",
        )

    def test_label_that_is_its_own_reason(self) -> None:
        self.assert_error(
            "relaxed: counter.",
            "relaxed: coherence with [swap.count].",
            "gives itself as its reason",
        )

    def test_invariant_that_is_not_stated(self) -> None:
        self.assert_error(
            "is seen (I1).", "is seen (I1, I2).", "names I2, which this header never states"
        )

    def test_invariant_that_is_stated_twice(self) -> None:
        self.assert_error("//   I1. A", "//   I1. B\n//   I1. A", "I1 is stated twice")

    def test_label_longer_than_100_columns(self) -> None:
        self.assert_error(
            "relaxed: counter.", "relaxed: counter; " + "x" * 80, "longer than 100 columns"
        )

    def test_names_that_only_the_policy_may_use(self) -> None:
        for name in ("std::atomic<int> a;", "std::atomic_thread_fence(order);", "sched_getcpu();"):
            with self.subTest(name):
                self.assert_error(
                    "void swap() {\n",
                    f"void swap() {{\n  {name}\n",
                    "may be named in sync.hpp only",
                )

    def test_comments_and_strings_are_not_code(self) -> None:
        self.assertEqual(
            errors_of(GOOD + '// x.load()\n/* x.load() */ f("x.load() std::atomic");\n'), []
        )


class compilers(unittest.TestCase):
    """Where a call spans lines, both compilers give it the line that the lint gives it."""

    PROGRAM = """\
#include <cstdio>
enum order { memory_order_relaxed };
struct word {
  word* self() { return this; }
  int load(order, int line = __builtin_LINE()) { return std::printf("%d\\n", line); }
  int exchange(int, order, int line = __builtin_LINE()) { return std::printf("%d\\n", line); }
};
int main() {
  word w;
  // [main.plain] relaxed: exclusive.
  w.load(
      memory_order_relaxed);
  // [main.nested] relaxed: exclusive.
  const int sum = 1 +
                  w.self()->exchange(1,
                                     memory_order_relaxed);
  // [main.loop] relaxed: exclusive.
  while (
      !w.self()->self()->load(memory_order_relaxed
                              )) {
  }
  return sum < 0;
}
"""

    def test_line_of_a_call_is_what_the_compiler_says(self) -> None:
        header = lint_orders.Header("program.cpp", self.PROGRAM)
        self.assertEqual(header.errors, [])
        lines = [site.operation.line for site in header.sites]
        found = [name for name in ("g++", "clang++") if shutil.which(name)]
        self.assertTrue(found, "neither g++ nor clang++ is installed")
        for name in found:
            with self.subTest(name), tempfile.TemporaryDirectory() as directory:
                program = f"{directory}/program"
                subprocess.run(
                    [name, "-x", "c++", "-", "-o", program],
                    input=self.PROGRAM,
                    text=True,
                    check=True,
                )
                result = subprocess.run([program], capture_output=True, text=True, check=True)
                self.assertEqual([int(line) for line in result.stdout.split()], lines)


class command(unittest.TestCase):
    """The program, on a small repository."""

    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = Path(directory.name)
        (self.root / lint_orders.HEADERS).mkdir(parents=True)
        self.header = self.root / lint_orders.HEADERS / "queue.hpp"
        self.header.write_text(GOOD)
        self.table = self.root / lint_orders.TABLE

    def run_lint(self, *arguments: str) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = lint_orders.main(["--root", str(self.root), *arguments])
        return code, out.getvalue(), err.getvalue()

    def write_table(self) -> None:
        self.table.parent.mkdir(exist_ok=True)
        self.table.write_text(
            f"# Orders\n\n{lint_orders.TABLE_BEGIN}\n{lint_orders.TABLE_END}\n\nThe end.\n"
        )

    def test_good_header_exits_with_zero(self) -> None:
        code, out, err = self.run_lint()
        self.assertEqual((code, err), (0, ""))
        self.assertIn("8 sites, 3 of them relaxed", out)

    def test_bad_header_exits_with_one_and_names_the_line(self) -> None:
        self.header.write_text(GOOD.replace("relaxed: counter.", "relaxed: harmless."))
        code, _, err = self.run_lint()
        self.assertEqual(code, 1)
        self.assertIn("impl/include/poolproof/queue.hpp:32: [swap.count]", err)

    def test_policy_is_not_scanned(self) -> None:
        (self.header.parent / "sync.hpp").write_text("std::atomic<int> a; int b = a.load();\n")
        self.assertEqual(self.run_lint()[0], 0)

    def test_no_headers_is_an_error(self) -> None:
        self.header.unlink()
        with self.assertRaisesRegex(SystemExit, "no headers found"):
            self.run_lint()

    def test_json_lists_every_site(self) -> None:
        code, out, _ = self.run_lint("--json")
        sites = {site["label"]: site for site in json.loads(out)}
        self.assertEqual(code, 0)
        self.assertEqual(len(sites), 8)
        claim, fail = sites["pop.claim"], sites["pop.claim.fail"]
        self.assertEqual((claim["line"], claim["which"], claim["order"]), (20, "op", "acquire"))
        self.assertEqual((fail["line"], fail["which"], fail["order"]), (20, "fail", "relaxed"))
        self.assertEqual(claim["pairs"], ["push.publish"])
        self.assertEqual(fail["reason"], "hint, rechecked by")
        self.assertEqual(sites["swap.both"]["receiver"], "other_->slot_[i + 1]")
        self.assertEqual(sites["swap.both"]["sides"]["release"], ["swap.both"])
        self.assertEqual(
            sites["push.publish"]["text"],
            "pairs with [pop.claim]; so that the slot is filled (I1).",
        )

    def test_written_table_is_fresh_until_a_label_changes(self) -> None:
        self.write_table()
        self.assertEqual(self.run_lint("--check-markdown")[0], 1)
        self.assertEqual(self.run_lint("--markdown")[0], 0)
        self.assertEqual(self.run_lint("--check-markdown")[0], 0)
        document = self.table.read_text()
        self.assertIn("| queue | `push.publish` | `pop.claim` | the slot is seen (I1) |", document)
        self.assertIn("| queue | `swap.mine` | `swap.theirs` | one sees the other |", document)
        self.assertIn(
            "| queue | `pop.claim.fail` | failure of compare_exchange_strong | hint,", document
        )
        self.assertTrue(document.endswith("\n\nThe end.\n"))
        self.header.write_text(GOOD.replace("is seen (I1)", "is read (I1)"))
        self.assertEqual(self.run_lint("--check-markdown")[0], 1)

    def test_missing_markers_are_an_error(self) -> None:
        self.table.parent.mkdir()
        self.table.write_text("# Orders\n")
        with self.assertRaisesRegex(SystemExit, "needs the lines"):
            self.run_lint("--markdown")

    def test_missing_document_is_an_error(self) -> None:
        with self.assertRaisesRegex(SystemExit, "no such file"):
            self.run_lint("--check-markdown")

    def test_runs_as_a_script(self) -> None:
        script = Path(lint_orders.__file__)
        result = subprocess.run(
            [sys.executable, script, "--root", self.root],
            capture_output=True,
            text=True,
            check=True,
        )
        self.assertIn("every rule holds", result.stdout)


if __name__ == "__main__":
    unittest.main()
