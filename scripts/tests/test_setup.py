# SPDX-License-Identifier: MIT
"""setup.sh, among programs that only pretend to be Debian's."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

SETUP = Path(__file__).resolve().parent.parent / "setup.sh"
DPKG_QUERY = """#!/bin/sh
for package; do :; done
case " $INSTALLED " in *" $package "*) printf installed ;; *) exit 1 ;; esac
"""
APT_GET = """#!/bin/sh
echo "$@" >> "$LOG"
case $* in *--simulate*) ;; *) exit 0 ;; esac
for package; do :; done
case " $UNKNOWN " in *" $package "*) exit 100 ;; esac
"""
APT_CACHE = """#!/bin/sh
if grep -q '^-q update$' "$LOG"; then printf 'clang\\n  Depends: clang-19\\n  Suggests: clang-19-doc\\n'; fi
"""
# What promtool is taken from.
DOWNLOADING = APT_GET.replace("case $* in", """case $* in *download*) touch prometheus_2_amd64.deb ;; esac
case $* in""", 1)
DPKG_DEB = """#!/bin/sh
mkdir -p usr/bin && touch usr/bin/promtool
"""


class Setup(unittest.TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.place = Path(directory.name)
        for name, text in (("dpkg-query", DPKG_QUERY), ("apt-get", APT_GET), ("id", "#!/bin/sh\necho ${USER_ID:-0}\n")):
            (self.place / name).write_text(text)
            (self.place / name).chmod(0o755)

    def run_setup(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        (self.place / "log").write_text("")
        known = {"INSTALLED": "", "UNKNOWN": "", "LOG": str(self.place / "log")}
        return subprocess.run(["bash", SETUP, *arguments], capture_output=True, text=True, check=False,
                              env=os.environ | {"PATH": f"{self.place}:{os.environ['PATH']}"} | known | environment)

    def installed(self) -> set[str]:
        """What apt-get was told to install."""
        calls = [line.split() for line in (self.place / "log").read_text().splitlines() if "--simulate" not in line]
        return {word for call in calls if "install" in call for word in call[call.index("install") + 1:]
                if word[0] != "-"}

    def test_only_what_the_two_commands_need_is_installed(self) -> None:
        self.assertEqual(0, self.run_setup().returncode)
        self.assertEqual({"g++", "clang", "cmake", "ninja-build", "make", "python3", "relacy-dev",
                          "libcli11-dev", "nlohmann-json3-dev", "catch2", "libzstd-dev", "clang-format",
                          "clang-tidy", "mypy", "flake8", "python3-tomlkit", "python3-unicorn",
                          "systemtap-sdt-dev"},
                         self.installed())

    def test_each_set_has_the_one_before(self) -> None:
        sets = []
        for arguments in ((), ("bench",), ("all",)):
            self.run_setup(*arguments)
            sets.append(self.installed())
        self.assertLess(sets[0], sets[1])
        self.assertLess(sets[1], sets[2])
        self.assertIn("libbenchmark-dev", sets[1] - sets[0])
        self.assertLessEqual({"valgrind", "qemu-user", "g++-riscv64-linux-gnu"}, sets[2] - sets[1])

    def test_what_is_there_is_left_alone(self) -> None:
        self.run_setup(INSTALLED="g++ cmake python3")
        self.assertEqual(set(), {"g++", "cmake", "python3"} & self.installed())
        self.assertIn("clang", self.installed())
        self.run_setup(INSTALLED=" ".join(self.installed()) + " g++ cmake python3")
        self.assertEqual("", (self.place / "log").read_text())

    def test_an_unknown_package_stops_nothing(self) -> None:
        done = self.run_setup(UNKNOWN="relacy-dev")
        self.assertEqual(0, done.returncode)
        self.assertNotIn("relacy-dev", self.installed())
        self.assertIn("catch2", self.installed())
        self.assertIn("relacy-dev (missing: make check, make models, make mutants)", done.stderr)

    def test_other_names_are_tried(self) -> None:
        done = self.run_setup("bench", UNKNOWN="libtcmalloc-minimal4")
        self.assertIn("libtcmalloc-minimal4t64", self.installed())
        self.assertEqual("", done.stderr)
        self.run_setup("bench", INSTALLED="libtcmalloc-minimal4t64")
        self.assertFalse([name for name in self.installed() if name.startswith("libtcmalloc")])

    def test_promtool_comes_without_its_server(self) -> None:
        for name in ("bash", "sh", "env", "mktemp", "tr", "sed", "rm", "mkdir", "touch", "cut"):
            (self.place / name).symlink_to(shutil.which(name) or name)
        for name, text in (("apt-get", DOWNLOADING), ("dpkg-deb", DPKG_DEB),
                           ("install", "#!/bin/sh\necho install-file \"$@\" >> \"$LOG\"\n")):
            (self.place / name).write_text(text)
            (self.place / name).chmod(0o755)
        done = self.run_setup("all", PATH=str(self.place))
        log = (self.place / "log").read_text()
        self.assertIn("download prometheus\n", log)
        self.assertRegex(log, r"install-file -D /\S+/usr/bin/promtool /usr/local/bin/promtool\n")
        self.assertNotIn("prometheus", self.installed())
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        self.assertNotIn("promtool", self.run_setup("bench", PATH=str(self.place)).stdout)
        # It is there already.
        (self.place / "promtool").write_text("")
        (self.place / "promtool").chmod(0o755)
        self.run_setup("all", PATH=str(self.place))
        self.assertNotIn("download", (self.place / "log").read_text())
        # It is not to be had.
        (self.place / "promtool").unlink()
        (self.place / "dpkg-deb").unlink()
        done = self.run_setup("all", PATH=str(self.place))
        self.assertEqual(0, done.returncode)
        self.assertIn("there is no promtool", done.stderr)

    def test_the_runtimes_are_of_the_clang_that_is_installed_with_them(self) -> None:
        """On a new system there is no clang yet, and apt knows of none before its first update."""
        for name in ("bash", "sh", "env", "mktemp", "tr", "sed", "rm", "mkdir", "touch", "cut", "grep"):
            (self.place / name).symlink_to(shutil.which(name) or name)
        (self.place / "apt-cache").write_text(APT_CACHE)
        (self.place / "apt-cache").chmod(0o755)
        self.run_setup("all", PATH=str(self.place))
        runtimes = {name for name in self.installed() if name.startswith("libclang-rt")}
        self.assertEqual({"libclang-rt-19-dev"}, runtimes)
        # Of the clang that is here already.
        (self.place / "clang++").write_text("#!/bin/sh\necho 18.1.3\n")
        (self.place / "clang++").chmod(0o755)
        self.run_setup("all", PATH=str(self.place))
        self.assertIn("libclang-rt-18-dev", self.installed())
        self.run_setup("all", PATH=str(self.place), INSTALLED="libclang-rt-18-dev")
        self.assertFalse([name for name in self.installed() if name.startswith("libclang-rt")])

    def test_without_sudo_it_says_what_to_run(self) -> None:
        (self.place / "sudo").unlink(missing_ok=True)
        for name in ("bash", "tr", "sed", "cut"):
            (self.place / name).symlink_to(f"/usr/bin/{name}")
        done = self.run_setup(USER_ID="1000", PATH=str(self.place))
        self.assertEqual(1, done.returncode, done.stderr)
        self.assertIn("apt-get install --no-install-recommends g++ clang ", done.stderr)
        self.assertEqual(set(), self.installed())

    def test_without_apt_it_says_what_is_missing(self) -> None:
        (self.place / "dpkg-query").unlink()
        (self.place / "apt-get").unlink()
        for name in ("bash", "g++"):
            (self.place / name).symlink_to(f"/usr/bin/{name}")
        done = self.run_setup(PATH=str(self.place))
        self.assertEqual(1, done.returncode)
        self.assertIn("  command cmake: all targets\n", done.stderr)
        self.assertNotIn("command g++", done.stderr)

    def test_help_names_the_sets_and_installs_nothing(self) -> None:
        done = self.run_setup("--help")
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        self.assertIn("scripts/setup.sh bench", done.stdout)
        self.assertNotIn("set -euo", done.stdout)
        self.assertEqual(set(), self.installed())

    def test_an_unknown_set_is_refused(self) -> None:
        self.assertEqual(2, self.run_setup("everything").returncode)


if __name__ == "__main__":
    unittest.main()
