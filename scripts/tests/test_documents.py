# SPDX-License-Identifier: MIT
"""The documents: links lead somewhere, code compiles and prints what they say, words are explained, lists are
whole, and what is generated in them is up to date."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

import facts  # noqa: E402

DOCS = ROOT / "docs"
PAGES = [*facts.documents(), ROOT / "CHANGELOG.md", *sorted(DOCS.glob("decisions/*.md"))]
FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)


def prose(path: Path) -> str:
    """Without code: what is fenced, and what stands between backquotes."""
    return re.sub(r"`[^`\n]*`", "", FENCED.sub("", path.read_text()))


def anchors(path: Path) -> set[str]:
    """The headings of a page, as links name them."""
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.*)$", FENCED.sub("", path.read_text()), re.MULTILINE):
        words = re.sub(r"[^\w\- ]", "", re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower())
        found.add(words.replace(" ", "-"))
    return found


class Numbers(unittest.TestCase):
    def test_each_that_pools_tell_is_explained(self) -> None:
        header = (ROOT / "impl/include/poolproof/pool_stats.hpp").read_text()
        page = (ROOT / "docs/observability.md").read_text()
        entries = re.findall(r'pool_number\{"(\w+)".*?\}', header, re.DOTALL)
        told = re.findall(r'pool_number\{"(\w+)",[^{}]*?"[^"]*"(?:,\s*pool_number::counted::by_(\w+))?\}', header)
        self.assertEqual([name for name, _ in told], entries)
        kinds = {"": "O", "both": "O B", "bounded_pools": "B"}
        rows = dict(re.findall(r"^\| `(\w+)` \| ([OB ]+) \|", page, re.MULTILINE))
        self.assertEqual(rows, {**{name: kinds[who] for name, who in told}, "pin": "O B"})


class Links(unittest.TestCase):
    def test_each_leads_somewhere(self) -> None:
        for page in PAGES:
            for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
                if re.match(r"\w+:", link):
                    continue
                name, _, anchor = link.partition("#")
                target = (page.parent / name).resolve() if name else page
                self.assertTrue(target.exists(), f"{page.relative_to(ROOT)}: {link}")
                if anchor:
                    self.assertIn(anchor, anchors(target), f"{page.relative_to(ROOT)}: {link}")

    def test_files_named_in_prose_exist(self) -> None:
        for page in facts.documents():
            for name in re.findall(r"`((?:docs|engines|examples|impl|proofs|relacy_models|scripts|stress|checker|bench|"
                                   r"plots)/[\w./-]*\w(?:\.\w+|/))`", page.read_text()):
                if "<" not in name and not name.startswith("plots/figures"):
                    places = (ROOT / name, page.parent / name)
                    self.assertTrue(any(place.exists() for place in places), f"{page.relative_to(ROOT)}: {name}")


def blocks() -> list[tuple[Path, str, str]]:
    """The code of the pages that uses the library, and what stands behind it."""
    found = []
    for page in sorted(DOCS.glob("*.md")):
        for block, after in re.findall(r"^```cpp\n(.*?)^```\n(.*?)(?=\n\n|\Z)", page.read_text() + "\n",
                                       re.DOTALL | re.MULTILINE):
            if "#include <poolproof/" in block:
                found.append((page, block, after))
    return found


def joined() -> str:
    """All of it as one program, which takes a compiler no longer than the longest: each block in a namespace."""
    includes, bodies, calls = set(), [], []
    for number, (page, block, _) in enumerate(blocks()):
        includes.update(re.findall(r"^#include .*$", block, re.MULTILINE))
        body = re.sub(r"^#include .*$", "", block, flags=re.MULTILINE).replace("int main() {", "void run() {")
        bodies.append(f'#line 1 "{page.name}"\nnamespace block_{number} {{ {body} }}')
        calls.append(f"block_{number}::run();" if "int main() {" in block else "")
        calls.append('std::cout << "-- end of block" << std::endl;')
    return "\n".join(["#include <iostream>", *sorted(includes), *bodies, "int main() {", *calls, "}"])


class Code(unittest.TestCase):
    @unittest.skipUnless(shutil.which("g++"), "there is no g++")
    def test_it_compiles_and_prints_what_the_page_says(self) -> None:
        self.assertGreater(len(blocks()), 5)
        with tempfile.TemporaryDirectory() as place:
            source, program = Path(place) / "blocks.cpp", Path(place) / "blocks"
            source.write_text(joined())
            compiled = subprocess.run(
                ["g++", "-std=c++20", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror",
                 f"-I{ROOT}/impl/include", source, "-pthread", "-o", program],
                capture_output=True, text=True, check=False)
            self.assertEqual(0, compiled.returncode, compiled.stderr)
            run = subprocess.run([program], capture_output=True, text=True, check=False, timeout=60)
        self.assertEqual((0, ""), (run.returncode, run.stderr))
        for (page, block, after), printed in zip(blocks(), run.stdout.split("-- end of block\n"), strict=False):
            said = re.match(r"\nprints `([^`]*)`", after)
            self.assertEqual(printed.strip(), said[1] if said else "", f"{page.name}:\n{block}")


class Lists(unittest.TestCase):
    def test_every_page_is_in_the_index(self) -> None:
        for folder in (DOCS, DOCS / "decisions"):
            index = (folder / "README.md").read_text()
            for page in folder.glob("*.md"):
                if page.name != "README.md":
                    self.assertIn(f"({page.name})", index, folder.name)

    def test_decisions_are_listed_by_date_and_say_it(self) -> None:
        index = (DOCS / "decisions" / "README.md").read_text()
        listed = re.findall(r"^\| (\d{4}-\d\d-\d\d) \| \[.*\]\((\S+)\) \|$", index, re.MULTILINE)
        self.assertEqual(sorted(date for date, _ in listed), [date for date, _ in listed])
        for date, name in listed:
            self.assertTrue(name.startswith(date), name)

    def test_no_header_is_longer_than_400_lines(self) -> None:
        """Comments included: one that is longer has two jobs."""
        for header in sorted((ROOT / "impl" / "include" / "poolproof").glob("*.hpp")):
            self.assertLessEqual(len(header.read_text().splitlines()), 400, header.name)

    def test_every_call_of_a_pool_is_on_the_page_of_the_interface(self) -> None:
        header = (ROOT / "impl" / "include" / "poolproof" / "object_pool.hpp").read_text()
        public = header.split("\nclass object_pool {", 1)[1].split("\n private:", 1)[0]
        calls = set(re.findall(r"^  [\w\[\], :]*?\b(?:item|handle|void|pool_stats) (\w+)\(", public, re.MULTILINE))
        self.assertLessEqual({"get", "try_get", "try_get_near", "put", "borrow", "stats", "rotate"}, calls)
        page = (DOCS / "interface.md").read_text()
        for call in calls:
            self.assertIn(f"`p.{call}(", page)

    def test_guarantees_name_what_is_not_finished(self) -> None:
        """The models: a client of a few letters stands for no sentence of its own."""
        begun = {name for entry in facts.models() for name in entry["unfinished"]}
        page = (DOCS / "guarantees.md").read_text().split("\n## What is not finished\n", 1)[1]
        self.assertEqual(begun, set(re.findall(r"`(\w+_vs_\w+)`", page)))

    def test_the_entry_that_is_shown_stands_in_the_list_of_mutants(self) -> None:
        shown = re.findall(r"^```toml\n(.*?)^```", (DOCS / "adding-a-feature.md").read_text(), re.DOTALL | re.MULTILINE)
        self.assertEqual(1, len(shown))
        self.assertIn(shown[0], (ROOT / "relacy_models" / "mutants.toml").read_text())

    def test_headers_that_the_reference_leaves_out_exist(self) -> None:
        named = re.findall(r"impl/include/poolproof/\w+\.hpp", (DOCS / "Doxyfile").read_text())
        self.assertTrue(named)
        for name in named:
            self.assertTrue((ROOT / name).is_file(), name)

    def test_pages_of_the_reference_lead_to_pages_of_the_reference(self) -> None:
        """Doxygen takes a link to a page, not to a part of one, for its own."""
        pages = re.findall(r"docs/\S+\.md", (DOCS / "Doxyfile").read_text().split("\nFILE_PATTERNS", 1)[0])
        self.assertIn("docs/interface.md", pages)
        for page in pages:
            for target in re.findall(r"\]\(([\w./-]+\.md)\)", (ROOT / page).read_text()):
                self.assertIn(os.path.normpath(f"docs/{target}"), pages, page)

    def test_every_folder_is_on_the_map(self) -> None:
        page = (DOCS / "architecture.md").read_text()
        tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
        if tracked.returncode != 0:
            self.skipTest("this is no checkout")
        for folder in {name.split("/")[0] for name in tracked.stdout.split() if "/" in name} - {".ci", ".github"}:
            self.assertIn(f"`{folder}/", page)


class Words(unittest.TestCase):
    def test_what_is_explained_on_a_page_is_in_the_glossary(self) -> None:
        """A word in bold inside a sentence is one that is explained there."""
        known = set(re.findall(r"\*\*(\w[\w ]*)\*\*", (DOCS / "glossary.md").read_text()))
        known |= {f"{word}s" for word in known}
        inside = {"design.md", "memory-ordering.md"}  # whose bold words are emphasis
        for page in (ROOT / "README.md", *(page for page in DOCS.glob("*.md") if page.name not in inside)):
            for word in re.findall(r"(?<=[a-z,:] )\*\*([a-z ]+)\*\*", prose(page)):
                self.assertTrue(word in known, f"{page.name}: {word!r} is not in the glossary")


class Facts(unittest.TestCase):
    def test_what_is_generated_is_up_to_date(self) -> None:
        for page in facts.documents():
            self.assertTrue(facts.renewed(page.read_text()) == page.read_text(),
                            f"{page.relative_to(ROOT)}: scripts/facts.py --write makes it anew")

    def test_every_block_is_used(self) -> None:
        told = "".join(page.read_text() for page in facts.documents())
        for name in facts.BLOCKS:
            self.assertEqual(1, told.count(f"<!-- {name}: begin -->"), name)

    def test_what_changes_is_noticed(self) -> None:
        old = (DOCS / "verification.md").read_text()
        with mock.patch.object(facts, "mutants", return_value={"weakening": 1, "operation": 2, "patch": 3}):
            self.assertIn("by a patch | 3 |", facts.renewed(old))

    def test_bounds_are_those_of_the_makefile(self) -> None:
        rows = [row for row in facts.bounds().splitlines() if re.search(r"\| \d+", row)]
        self.assertEqual(len(facts.sizes("proofs")), len(rows))
        self.assertGreater(len(rows), len(facts.FAMILIES))

    def test_minutes_in_prose_are_those_of_the_targets(self) -> None:
        known = {name: minutes for name, minutes in
                 re.findall(r"^([a-z0-9-]+):.*; (\d+) min$", (ROOT / "Makefile").read_text(), re.MULTILINE)}
        self.assertIn("check", known)
        words = {word: str(number) for number, word in
                 enumerate("one two three four five six seven eight nine ten".split(), 1)} | {"a": "1"}
        for page in facts.documents():
            text = re.sub(r"<!-- ending: begin -->.*<!-- ending: end -->", "", page.read_text(), flags=re.DOTALL)
            for name, said in re.findall(r"make (?:setup )?([a-z0-9-]+)`?[^.|\n]{0,70}?\b(\w+) min(?:ute)?s?\b", text):
                if name in known:
                    self.assertEqual(known[name], words.get(said, said), f"{page.relative_to(ROOT)}: make {name}")


if __name__ == "__main__":
    unittest.main()
