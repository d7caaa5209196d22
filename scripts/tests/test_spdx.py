# SPDX-License-Identifier: MIT
"""Each source names its licence: where the line is written, and what is told where it lacks."""

import contextlib
import io
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

import spdx  # noqa: E402


class Licence(unittest.TestCase):
    def setUp(self) -> None:
        self.root = Path(self.enterContext(tempfile.TemporaryDirectory()))
        (self.root / "impl").mkdir()
        self.enterContext(mock.patch.object(spdx, "ROOT", self.root))
        self.enterContext(mock.patch.object(spdx, "FILES", ()))

    def run_spdx(self, *options: str) -> tuple[int, str]:
        said = io.StringIO()
        with (mock.patch("sys.argv", ["spdx.py", *options]), contextlib.redirect_stdout(said),
              contextlib.redirect_stderr(said)):
            return spdx.main(), said.getvalue()

    def written(self, name: str, text: str) -> list[str]:
        path = self.root / "impl" / name
        path.write_text(text)
        self.assertEqual((1, f"impl/{name}: no line '{spdx.LINE}': make format writes it\n"), self.run_spdx())
        self.assertEqual(0, self.run_spdx("--fix")[0])
        lines = path.read_text().splitlines()
        self.assertEqual((0, "licence: 1 files name it\n"), self.run_spdx())
        self.assertEqual(0, self.run_spdx("--fix")[0])
        self.assertEqual(lines, path.read_text().splitlines())  # once is enough
        path.unlink()
        return lines

    def test_it_is_the_first_line(self) -> None:
        line = f"// {spdx.LINE}"
        self.assertEqual([line, "// A pool.", "#pragma once"], self.written("pool.hpp", "// A pool.\n#pragma once\n"))
        self.assertEqual([f"# {spdx.LINE}", "add_test()"], self.written("CMakeLists.txt", "add_test()\n"))

    def test_what_names_an_interpreter_stays_before_it(self) -> None:
        self.assertEqual(["#!/bin/sh", f"# {spdx.LINE}", "true"], self.written("run.sh", "#!/bin/sh\ntrue\n"))

    def test_it_documents_no_package(self) -> None:
        self.assertEqual([f"// {spdx.LINE}", "", "package pool"], self.written("pool.go", "package pool\n"))

    def test_a_licence_further_below_is_none(self) -> None:
        (self.root / "impl" / "a.cpp").write_text(f"int a;\nint b;\n// {spdx.LINE}\n")
        self.assertEqual(1, self.run_spdx()[0])

    def test_what_is_no_source_is_left_alone(self) -> None:
        (self.root / "impl" / "README.md").write_text("# impl\n")
        self.assertEqual((0, "licence: 0 files name it\n"), self.run_spdx())


if __name__ == "__main__":
    unittest.main()
