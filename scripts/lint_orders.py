#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks the label line above every atomic operation of the library, and lists the operations.

    // [pop_tail.claim] acquire: pairs with [push_head.publish]; so that ... (I1).
    // [pop_tail.claim.fail] relaxed: hint, rechecked by [pop_tail.claim]; ...
    while (!head_tail_.compare_exchange_weak(seen, next, std::memory_order_acquire,
                                             std::memory_order_relaxed));

The rules, and the short list of reasons that defend a relaxed order, are in CONTRIBUTING.md.
sync.hpp and its sections are not scanned: they are the policy that the operations go through.

A label stands for a source line, because a checker weakens the operation by the line that
__builtin_LINE() gives it. g++ takes the line of the member's name for it, clang that of the
receiver's first token; hence receiver and `.op(` must share a line, and no two operations may.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import scopes
from headers import blank_comments

ROOT = Path(__file__).resolve().parent.parent
HEADERS = Path("impl/include/poolproof")
# They name the machine, and are not scanned: the policy, and the sections that it has.
POLICY = ("sync.hpp", "sync_policy.hpp", "section.hpp", "rseq.hpp", "rseq_x86_64.hpp", "rseq_aarch64.hpp")
TABLE = Path("docs/memory-ordering.md")
TABLE_BEGIN = "<!-- pair table: begin -->"
TABLE_END = "<!-- pair table: end -->"
COLUMNS = 100

ORDERS = ("relaxed", "acquire", "release", "acq_rel", "seq_cst")
ACQUIRING = ("acquire", "acq_rel", "seq_cst")
RELEASING = ("release", "acq_rel", "seq_cst")
LEGAL = {
    "load": ("relaxed", "acquire", "seq_cst"),
    "store": ("relaxed", "release", "seq_cst"),
    "fail": ("relaxed", "acquire", "seq_cst"),
}

OPERATION = re.compile(
    r"(?:\.|->)\s*(load|store|exchange|fetch_\w+|compare_exchange_(?:weak|strong))\s*\("
)
ORDER_ARGUMENT = re.compile(r"(?:std\s*::\s*)?memory_order(?:_|\s*::\s*)(\w+)")
LABEL_LINE = re.compile(r"\[([\w.]+)\]\s+([\w-]+):(?:\s+(.*))?$")
LABEL_SHAPE = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*(?:\.fail)?")
REFERENCE = re.compile(r"\[([a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)+)\]")
REFS = r"((?:\[[\w.]+\](?:,? and |, )?)+)"
SO_THAT = r"; ((?:so that|as \[[\w.]+\])(?:[ .].*?)?)"
INVARIANT_STATED = re.compile(r"^\s*//\s+I(\d+)[.:]?\s")
INVARIANT_NAMED = re.compile(r"\bI(\d+)\b")

# What a text must look like after "[label] order: ".
PAIRING = re.compile(rf"pairs with {REFS}{SO_THAT}$")
BOTH_HALVES = re.compile(
    rf"acquire pairs with {REFS}{SO_THAT}; release pairs with {REFS}{SO_THAT}$"
)
TOTAL = re.compile(
    rf"total order with {REFS}{SO_THAT}"
    rf"(?:; acquire pairs with {REFS}{SO_THAT})?(?:; release pairs with {REFS}{SO_THAT})?$"
)
RELAXED = re.compile(
    r"(owner-only|counter|exclusive|section|"
    rf"(hint, rechecked by|ordered by|coherence with) {REFS})(?:[;.]|$)"
)

# Only the policy names the machine; and operation orders, not fences, order things.
POLICY_ONLY = re.compile(
    r"std\s*::\s*atomic\w*|atomic_(?:thread|signal)_fence|(?<!pin_kind::)\bsched_getcpu\b"
    r"|\b__rseq\w*|\bmembarrier\b"
)


@dataclasses.dataclass(frozen=True)
class Error:
    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


@dataclasses.dataclass
class Label:
    """One label and its text, unwrapped."""

    file: str
    line: int
    name: str
    order: str
    text: str
    used: bool = False
    sides: dict[str, list[str]] = dataclasses.field(
        default_factory=lambda: {"acquire": [], "release": [], "total": []}
    )
    promises: dict[str, str] = dataclasses.field(default_factory=dict)
    reason: str = ""
    reason_labels: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True)
class Operation:
    """One call on an atomic."""

    line: int
    offset: int
    name: str
    receiver: str
    arguments: list[str]

    @property
    def is_cas(self) -> bool:
        return self.name.startswith("compare_exchange")

    def orders(self) -> list[str]:
        """Those that it spells out: its order; of a compare-exchange that of success and that of failure."""
        last = self.arguments[-2 if self.is_cas else -1:]
        return [match[1] for match in map(ORDER_ARGUMENT.fullmatch, last) if match]


@dataclasses.dataclass(frozen=True)
class Site:
    """One order of one operation: what a mutant weakens."""

    label: Label
    operation: Operation
    which: str  # "op", or "fail" for the failure order of a compare-exchange
    order: str

    def record(self) -> dict[str, object]:
        return {
            "file": self.label.file,
            "line": self.operation.line,
            "label": self.label.name,
            "which": self.which,
            "op": self.operation.name,
            "receiver": self.operation.receiver,
            "order": self.order,
            "pairs": [name for names in self.label.sides.values() for name in names],
            "sides": self.label.sides,
            "reason": self.label.reason,
            "text": self.label.text,
        }


class Header:
    """One header: its lines, its labels, its sites, and what is wrong with them."""

    def __init__(self, name: str, source: str) -> None:
        self.name = name
        self.lines = source.splitlines()
        self.code = blank_comments(source)
        self.code_lines = self.code.splitlines()
        self.errors: list[Error] = []
        self.labels = list(self._read_labels())
        self.operations: list[tuple[Operation, list[Label]]] = []
        self.sites: list[Site] = []
        self._claimed_lines: set[int] = set()
        self._read_operations()
        self._check_orphans()
        self._check_invariants()
        self._check_policy_names()

    def error(self, line: int, message: str) -> None:
        self.errors.append(Error(self.name, line, message))

    def comment(self, line: int) -> str | None:
        """The text of a line that holds nothing but a // comment."""
        stripped = self.lines[line - 1].strip()
        return stripped[2:].strip() if stripped.startswith("//") else None

    # Labels.

    def _read_labels(self) -> Iterator[Label]:
        current: Label | None = None
        for line in range(1, len(self.lines) + 1):
            comment = self.comment(line)
            start = LABEL_LINE.match(comment) if comment is not None else None
            if current is not None and (comment is None or start):
                yield self._finish(current)
                current = None
            if start:
                current = Label(self.name, line, start[1], start[2], start[3] or "")
            elif current is not None and comment:
                current.text = f"{current.text} {comment}".strip()
        if current is not None:
            yield self._finish(current)

    def _finish(self, label: Label) -> Label:
        if len(self.lines[label.line - 1]) > COLUMNS:
            self.error(label.line, f"[{label.name}] is longer than {COLUMNS} columns")
        if not LABEL_SHAPE.fullmatch(label.name):
            self.error(label.line, f"[{label.name}] is not of the form function.step")
        if label.order not in ORDERS:
            self.error(label.line, f"[{label.name}] names no memory order: {label.order}")
        else:
            self._parse_text(label)
        return label

    def _parse_text(self, label: Label) -> None:
        if label.order == "relaxed":
            self._parse_relaxed(label)
        elif label.order == "acq_rel":
            self._parse_sides(
                label,
                BOTH_HALVES,
                ("acquire", "release"),
                "'acquire pairs with [..]; so that ..; release pairs with [..]; so that ..'",
            )
        elif label.order == "seq_cst":
            self._parse_sides(
                label, TOTAL, ("total", "acquire", "release"), "'total order with [..]; so that ..'"
            )
        else:
            self._parse_sides(label, PAIRING, (label.order,), "'pairs with [..]; so that ..'")

    def _parse_sides(
        self, label: Label, form: re.Pattern[str], sides: tuple[str, ...], wanted: str
    ) -> None:
        match = form.match(label.text)
        if not match:
            self.error(label.line, f"[{label.name}] {label.order} must read {wanted}")
            return
        for i, side in enumerate(sides):
            names, promise = match[2 * i + 1], match[2 * i + 2]
            if names is not None:
                label.sides[side] = REFERENCE.findall(names)
                label.promises[side] = promise.removeprefix("so that ")

    def _parse_relaxed(self, label: Label) -> None:
        match = RELAXED.match(label.text)
        if not match:
            self.error(
                label.line,
                f"[{label.name}] relaxed must begin with one of: owner-only; counter; exclusive; "
                "hint, rechecked by [..]; ordered by [..]; coherence with [..]",
            )
            return
        label.reason = match[2] or match[1]
        label.reason_labels = REFERENCE.findall(match[3] or "")

    # Operations.

    def _read_operations(self) -> None:
        previous_line = 0
        for match in OPERATION.finditer(self.code):
            operation = self._operation(match)
            if operation.line == previous_line:
                self.error(operation.line, "two atomic operations on one line")
            previous_line = operation.line
            self._check_one_line(match, operation)
            self._claim_labels(operation)

    def _operation(self, match: re.Match[str]) -> Operation:
        line_begin = self.code.rfind("\n", 0, match.start(1)) + 1
        before = self.code[line_begin:match.start()]
        return Operation(
            line=self.code.count("\n", 0, match.start(1)) + 1,
            offset=match.start(),
            name=match[1],
            receiver=receiver_at_end(before),
            arguments=split_arguments(self.code, match.end()),
        )

    def _check_one_line(self, match: re.Match[str], operation: Operation) -> None:
        previous = self.code[: match.start() - len(operation.receiver)].rstrip(" \t")
        cut = previous.endswith("\n") and previous.rstrip().endswith((".", "->", "::"))
        if "\n" in match.group() or operation.receiver == "" or cut:
            self.error(operation.line, f"receiver and .{operation.name}( must stand on one line")

    def _block_above(self, line: int) -> tuple[int, list[Label]]:
        """The comment block that stands directly above the statement that `line` belongs to."""
        line -= 1
        while line >= 1 and self.comment(line) is None and not self._ends_statement(line):
            line -= 1
        end = line
        while line >= 1 and self.comment(line) is not None:
            line -= 1
        return end, [label for label in self.labels if line < label.line <= end]

    def _ends_statement(self, line: int) -> bool:
        code = self.code_lines[line - 1].strip()
        return code == "" or code.startswith("#") or code[-1] in ";{}:"

    def _claim_labels(self, operation: Operation) -> None:
        end, labels = self._block_above(operation.line)
        self.operations.append((operation, labels))
        if not labels or end in self._claimed_lines:
            self.error(operation.line, f".{operation.name}( has no label line directly above it")
            return
        self._claimed_lines.add(end)
        for label in labels:
            label.used = True
        wanted = (
            [labels[0].name, labels[0].name + ".fail"] if operation.is_cas else [labels[0].name]
        )
        if [label.name for label in labels] != wanted or labels[0].name.endswith(".fail"):
            self.error(
                operation.line,
                f".{operation.name}( needs "
                + (
                    "a label and its .fail"
                    if operation.is_cas
                    else "exactly one label, not a .fail"
                ),
            )
            return
        self._check_function(operation, labels[0])
        self._match_orders(operation, labels)

    def _check_function(self, operation: Operation, label: Label) -> None:
        function = scopes.function_at(self.code, operation.offset)
        if function is None:
            self.error(label.line, f"[{label.name}] stands in no function")
            return
        name = "end" if function.is_destructor else function.name
        fitting = [name, *(f"{word}_{name}" for word in function.member_of.split("_") if word)]
        if label.name.split(".")[0] not in fitting:
            self.error(label.line, f"[{label.name}] is not named after its function: {' or '.join(fitting)}")

    def _match_orders(self, operation: Operation, labels: list[Label]) -> None:
        orders = operation.orders()
        if len(orders) != len(labels):
            self.error(
                operation.line,
                f".{operation.name}( must spell out "
                + ("its order" if len(labels) == 1 else "its success and its failure order"),
            )
            return
        for which, label, order in zip(("op", "fail"), labels, orders):
            if order != label.order:
                self.error(label.line, f"[{label.name}] says {label.order}, the code says {order}")
            if order not in LEGAL.get("fail" if which == "fail" else operation.name, ORDERS):
                self.error(operation.line, f"{order} is no order for [{label.name}]")
            self.sites.append(Site(label, operation, which, order))

    # What concerns the header as a whole.

    def _check_orphans(self) -> None:
        for label in self.labels:
            if not label.used:
                self.error(label.line, f"[{label.name}] has no atomic operation directly under it")

    def _check_invariants(self) -> None:
        stated: dict[str, int] = {}
        for number, text in enumerate(self.lines, start=1):
            if match := INVARIANT_STATED.match(text):
                if match[1] in stated:
                    self.error(number, f"I{match[1]} is stated twice in this header")
                stated[match[1]] = number
        for label in self.labels:
            for name in INVARIANT_NAMED.findall(label.text):
                if name not in stated:
                    self.error(
                        label.line, f"[{label.name}] names I{name}, which this header never states"
                    )

    def _check_policy_names(self) -> None:
        for match in POLICY_ONLY.finditer(self.code):
            line = self.code.count("\n", 0, match.start()) + 1
            self.error(line, f"{match.group()} may be named in {POLICY[0]} only")

    def references(self) -> Iterator[tuple[int, str]]:
        """Every [function.step] that a comment names, with its line."""
        for line in range(1, len(self.lines) + 1):
            for name in REFERENCE.findall(self.comment(line) or ""):
                yield line, name


def receiver_at_end(text: str) -> str:
    """The expression that ends `text`, as far as `text` holds it; empty if it starts further up."""
    start = len(text)
    while True:
        closed = start
        while closed > 0 and text[closed - 1] in ")]":
            closed = opening_bracket(text, closed - 1)
            if closed < 0:
                return ""
        word = closed
        while word > 0 and (text[word - 1].isalnum() or text[word - 1] == "_"):
            word -= 1
        if word == start:
            return text[start:]
        start = word
        for link in ("->", "::", "."):
            if text.endswith(link, 0, start):
                start -= len(link)
                break
        else:
            return text[start:]


def opening_bracket(text: str, closing: int) -> int:
    """Where the bracket that closes at `closing` opens, or -1."""
    depth = 0
    for i in range(closing, -1, -1):
        if text[i] in ")]}":
            depth += 1
        elif text[i] in "([{":
            depth -= 1
            if depth == 0:
                return i
    return -1


def split_arguments(code: str, begin: int) -> list[str]:
    """The arguments of the call whose opening bracket ends at `begin`."""
    arguments = [""]
    depth = 0
    for character in code[begin:]:
        if character in ")]}":
            if depth == 0:
                break
            depth -= 1
        elif character in "([{":
            depth += 1
        if character == "," and depth == 0:
            arguments.append("")
        else:
            arguments[-1] += character
    return [" ".join(argument.split()) for argument in arguments]


class Library:
    """All headers together: labels are unique, references resolve, pairs are symmetric."""

    def __init__(self, headers: list[Header]) -> None:
        self.headers = headers
        self.errors = [error for header in headers for error in header.errors]
        self.labels: dict[str, Label] = {}
        self._check_unique()
        self._check_references()
        for label in self.labels.values():
            self._check_sides(label)
            self._check_reason(label)

    @property
    def sites(self) -> list[Site]:
        return [site for header in self.headers for site in header.sites]

    def error(self, label: Label, message: str) -> None:
        self.errors.append(Error(label.file, label.line, message))

    def _check_unique(self) -> None:
        for header in self.headers:
            for label in header.labels:
                first = self.labels.setdefault(label.name, label)
                if first is not label:
                    self.error(label, f"[{label.name}] is also at {first.file}:{first.line}")

    def _check_references(self) -> None:
        for header in self.headers:
            for line, name in header.references():
                if name not in self.labels:
                    self.errors.append(Error(header.name, line, f"there is no label [{name}]"))

    def _check_sides(self, label: Label) -> None:
        for side, other_side, able in (
            ("acquire", "release", RELEASING),
            ("release", "acquire", ACQUIRING),
            ("total", "total", ("seq_cst",)),
        ):
            for name in label.sides[side]:
                other = self.labels.get(name)
                if other is None:
                    continue
                if other.order not in able:
                    self.error(
                        label,
                        f"[{label.name}] pairs its {side} with [{name}], which is {other.order}",
                    )
                elif label.name not in other.sides[other_side]:
                    self.error(
                        label, f"[{label.name}] pairs with [{name}], which does not name it back"
                    )

    def _check_reason(self, label: Label) -> None:
        for name in label.reason_labels:
            other = self.labels.get(name)
            if name == label.name:
                self.error(label, f"[{label.name}] gives itself as its reason")
            elif label.reason == "ordered by" and other is not None and other.order == "relaxed":
                self.error(label, f"[{label.name}] is ordered by [{name}], which is relaxed")


def read_library(root: Path) -> Library:
    paths = sorted((root / HEADERS).glob("*.hpp"))
    if not paths:
        raise SystemExit(f"{root / HEADERS}: no headers found")
    return Library(
        [
            Header(str(HEADERS / path.name), path.read_text())
            for path in paths
            if path.name not in POLICY
        ]
    )


def table(title: str, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [columns, ("---",) * len(columns), *rows]
    body = ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]
    return "\n".join([title, "", *body, ""])


def stem(label: Label) -> str:
    return Path(label.file).stem


def code(*names: str) -> str:
    return ", ".join(f"`{name}`" for name in names)


def pair_rows(library: Library) -> list[tuple[str, ...]]:
    rows = []
    for site in library.sites:
        for name in site.label.sides["release"]:
            acquirer = library.labels[name]
            promise = acquirer.promises["acquire"].removesuffix(".")
            rows.append((stem(acquirer), code(site.label.name), code(name), promise))
    return sorted(rows, key=lambda cells: cells[0])


def total_rows(library: Library) -> list[tuple[str, ...]]:
    return [
        (
            stem(site.label),
            code(site.label.name),
            code(*site.label.sides["total"]),
            site.label.promises["total"].removesuffix("."),
        )
        for site in library.sites
        if site.label.sides["total"]
    ]


def relaxed_rows(library: Library) -> list[tuple[str, ...]]:
    return [
        (
            stem(site.label),
            code(site.label.name),
            ("failure of " if site.which == "fail" else "") + site.operation.name,
            site.label.text.removesuffix("."),
        )
        for site in library.sites
        if site.order == "relaxed"
    ]


def pair_table(library: Library) -> str:
    """The generated part of docs/memory-ordering.md."""
    parts = [
        "Generated by `scripts/lint_orders.py --markdown` from the label lines of the headers. "
        "(I2) is the second invariant that the header states.\n",
        table(
            "Pairs: what comes before the release side is seen after the acquire side.",
            ("Header", "Release side", "Acquire side", "So that"),
            pair_rows(library),
        ),
    ]
    if totals := total_rows(library):
        parts.append(table("Total order.", ("Header", "Site", "With", "So that"), totals))
    parts.append(
        table(
            "Relaxed, and why that is enough.",
            ("Header", "Site", "Operation", "Reason"),
            relaxed_rows(library),
        )
    )
    return "\n".join(parts)


def with_table(document: str, table: str, path: Path) -> str:
    """The document with the table between its markers."""
    begin, end = document.find(TABLE_BEGIN), document.find(TABLE_END)
    if begin < 0 or end < begin:
        raise SystemExit(f"{path}: needs the lines '{TABLE_BEGIN}' and '{TABLE_END}'")
    return document[: begin + len(TABLE_BEGIN)] + "\n" + table + document[end:]


def read_document(path: Path) -> str:
    if not path.is_file():
        raise SystemExit(f"{path}: no such file")
    return path.read_text()


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    assert __doc__ is not None
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--root", type=Path, default=ROOT, help="the repository (default: this one)"
    )
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="print every site as JSON")
    output.add_argument(
        "--markdown", action="store_true", help=f"write the pair table into {TABLE}"
    )
    output.add_argument(
        "--check-markdown", action="store_true", help=f"fail if the pair table in {TABLE} is stale"
    )
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    options = parse_arguments(arguments)
    library = read_library(options.root)
    for error in sorted(library.errors, key=lambda e: (e.file, e.line)):
        print(error, file=sys.stderr)
    if library.errors:
        print(f"{len(library.errors)} errors in the order labels", file=sys.stderr)
        return 1
    if options.json:
        print(json.dumps([site.record() for site in library.sites], indent=2))
        return 0
    path = options.root / TABLE
    if options.markdown:
        path.write_text(with_table(read_document(path), pair_table(library), path))
    if options.check_markdown:
        document = read_document(path)
        if document != with_table(document, pair_table(library), path):
            print(
                f"{path}: the pair table is stale; run scripts/lint_orders.py --markdown",
                file=sys.stderr,
            )
            return 1
    relaxed = sum(site.order == "relaxed" for site in library.sites)
    print(f"order labels: {len(library.sites)} sites, {relaxed} of them relaxed; every rule holds")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
