#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the tests of the sections on aarch64, under a real kernel in an emulated machine of two processors.

Cross-compiles the tests with a static C library, boots Debian's arm64 kernel with them, and judges what they report:
that they pass, and with sections, as the kernel's own count of restarts confirms. The kernel is unpacked into
build/aarch64, once; nothing is installed. Then the same stress test under qemu-user, which has no restartable
sequences: there it must pass on the portable pin. --broken breaks the sections first, and sees each test fail.

QEMU interrupts a processor only between the straight pieces that it translates code in, and a host such as x86-64
lends it its own, stronger memory order. So rseq_test interrupts each instruction by a breakpoint, and that the bounds
are read by an acquire load is seen where the instructions are compared (proofs/assembly), not by running it.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import dataclasses
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "build" / "aarch64"
COMPILERS = ("aarch64-linux-gnu-g++", "clang++ --target=aarch64-linux-gnu")
FLAGS = "-std=c++20 -O2 -static -pthread -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror".split()
KERNEL_PACKAGE = "linux-image-cloud-arm64"
CATCH = Path("/usr/include/catch2")

# What has to be there, and the Debian package that it is in.
PACKAGES = {
    COMPILERS[0]: "g++-aarch64-linux-gnu",
    "qemu-system-aarch64": "qemu-system-arm",
    "cpio": "cpio",
    "apt-get": "apt",
    "dpkg-deb": "dpkg",
}
USER_MODE = ("qemu-aarch64-static", "qemu-aarch64")

# The programs of the machine, and the folders that they are in.
TESTS = {"rseq_test": "impl/tests", "magazine_test": "impl/tests", "section_stress": "stress"}

# Longer than both need on a busy machine.
BOOT_SECONDS = 400
USER_MODE_SECONDS = 120


class Problem(Exception):
    """What stops us, or is wrong; the message says what to do."""


@dataclasses.dataclass(frozen=True)
class Breakage:
    """A change to the headers that a test must notice."""

    name: str
    test: str
    header: str
    find: str
    replace: str


ASSEMBLY = "rseq_aarch64.hpp"
BREAKAGES = (
    Breakage("no_membarrier", "section_stress", "rseq.hpp", r"return membarrier\(command\)", "return true"),
    Breakage("commit_not_last", "rseq_test", ASSEMBLY, r'"2:\\n"', r'"nop\\n2:\\n"'),
    Breakage("ends_before_commit", "rseq_test", ASSEMBLY, "2f - 1f", "2f - 1f - 4"),
    Breakage("not_announced_again", "rseq_test", ASSEMBLY, "b 5b", "b 1b"),
    Breakage("still_announced", "rseq_test", ASSEMBLY, r'"str xzr, .*"', '"nop"'),
    Breakage("no_signature", "rseq_test", ASSEMBLY, "brk #0x45e0", "brk #0x45e1"),
)


def run(command: list[str | Path], **options: Any) -> subprocess.CompletedProcess[str]:
    done: subprocess.CompletedProcess[str] = subprocess.run(
        [str(part) for part in command], text=True, capture_output=True, **options)
    if done.returncode != 0:
        raise Problem(f"this failed:\n  {' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done


def require_tools() -> None:
    missing = [package for tool, package in PACKAGES.items() if shutil.which(tool) is None]
    if not CATCH.is_dir():
        missing.append("catch2")
    if missing:
        raise Problem(f"missing; install what is in these Debian packages: {' '.join(missing)}")


# ---- The kernel ----------------------------------------------------------------------------------


def fetch_kernel() -> Path:
    """Debian's, by an apt that looks at arm64, in folders of its own: this system's stays as it is."""
    kernel = FOLDER / "vmlinuz"
    if kernel.exists():
        return kernel
    apt = FOLDER / "apt"
    for folder in ("lists/partial", "cache/archives/partial", "unpacked"):
        (apt / folder).mkdir(parents=True, exist_ok=True)
    (apt / "status").touch()
    settings = {
        "APT::Architecture": "arm64",
        "APT::Architectures": "arm64",
        "APT::Sandbox::User": "",
        "Acquire::Languages": "none",
        "Dir::State": apt,
        "Dir::State::Lists": apt / "lists",
        "Dir::State::Status": apt / "status",
        "Dir::Cache": apt / "cache",
    }
    options = [part for name, value in settings.items() for part in ("-o", f"{name}={value}")]
    print(f"aarch64: fetching {KERNEL_PACKAGE}", flush=True)
    run(["apt-get", *options, "update"])
    package = re.search(r"Depends: (\S+)", run(["apt-cache", *options, "depends", KERNEL_PACKAGE]).stdout)
    if package is None:
        raise Problem(f"apt knows no {KERNEL_PACKAGE}: give a kernel by --kernel")
    run(["apt-get", *options, "download", package[1]], cwd=apt)
    run(["dpkg-deb", "--extract", *apt.glob(f"{package[1]}_*.deb"), apt / "unpacked"])
    next((apt / "unpacked" / "boot").glob("vmlinuz-*")).rename(kernel)
    shutil.rmtree(apt)
    return kernel


# ---- The programs --------------------------------------------------------------------------------


def compile_all(compiler: list[str], broken: bool) -> Path:
    """What the machine is to see as its root, with the programs in tests/."""
    root = FOLDER / "root"
    shutil.rmtree(root, ignore_errors=True)
    for folder in (root / "tests", root / "dev", FOLDER / "include"):
        folder.mkdir(parents=True, exist_ok=True)
    # Not /usr/include itself: that is this machine's C library.
    if not (FOLDER / "include" / "catch2").exists():
        (FOLDER / "include" / "catch2").symlink_to(CATCH)
    catch_main = FOLDER / "catch_main.o"
    headers = ROOT / "impl" / "include"
    jobs = [(root / "init", "impl/tests/aarch64/init.cpp", headers)]
    if broken:
        jobs += [(root / "tests" / b.name, f"{TESTS[b.test]}/{b.test}.cpp", broken_headers(b)) for b in BREAKAGES]
    else:
        jobs += [(root / "tests" / name, f"{folder}/{name}.cpp", headers) for name, folder in TESTS.items()]

    def build(program: Path, source: str, include: Path) -> None:
        objects = [catch_main] if "/tests/" in source and program.name != "init" else []
        run([*compiler, *FLAGS, f"-I{include}", f"-I{FOLDER / 'include'}", ROOT / source, *objects, "-o", program])
        print(f"aarch64: compiled {program.name}", flush=True)

    if not catch_main.exists():
        run([COMPILERS[0], "-std=c++20", "-O1", f"-I{FOLDER / 'include'}", "-c", ROOT / "impl/tests/catch_main.cpp",
             "-o", catch_main])
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for done in [pool.submit(build, *job) for job in jobs]:
            done.result()
    return root


def broken_headers(breakage: Breakage) -> Path:
    folder = FOLDER / "broken" / breakage.name
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "impl" / "include", folder)
    header = folder / "poolproof" / breakage.header
    text, count = re.subn(breakage.find, breakage.replace, header.read_text())
    if count == 0:
        raise Problem(f"{breakage.name}: {breakage.header} has nothing that looks like {breakage.find}")
    header.write_text(text)
    return folder


# ---- The machine ---------------------------------------------------------------------------------


def boot(kernel: Path, root: Path) -> str:
    """What the machine prints, until it powers off."""
    archive = FOLDER / "initrd"
    names = "\n".join(str(path.relative_to(root)) for path in sorted(root.rglob("*")))
    run(["cpio", "--create", "--format=newc", "--quiet", "--file", archive], cwd=root, input=names)
    command = ["qemu-system-aarch64", "-machine", "virt", "-cpu", "cortex-a72", "-accel", "tcg,thread=multi"]
    command += ["-smp", "2", "-m", "1G", "-nographic", "-nic", "none", "-no-reboot", "-kernel", str(kernel)]
    command += ["-initrd", str(archive), "-append", "console=ttyAMA0 rdinit=/init panic=-1 quiet"]
    print("aarch64: booting", flush=True)
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors="replace", timeout=BOOT_SECONDS)
    except subprocess.TimeoutExpired as late:
        print((late.stdout or b"").decode(errors="replace"))
        raise Problem(f"the machine was not done after {BOOT_SECONDS} seconds") from None
    (FOLDER / "console.log").write_text(done.stdout)
    if "init: done" not in done.stdout:
        raise Problem(f"the machine did not come to its end:\n{done.stdout[-4000:]}")
    return re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)


def outcome(console: str, program: str) -> tuple[str, int]:
    """How it ended, "exit 0" if well, and how often the kernel restarted sections meanwhile."""
    match = re.search(rf"^init: {program}: (\w+ \d+), (-?\d+) restarts", console, re.MULTILINE)
    if match is None:
        raise Problem(f"{program} was not run:\n{console[-4000:]}")
    return match[1], int(match[2])


def judge(console: str) -> list[str]:
    failures = []
    for program in TESTS:
        end, restarts = outcome(console, program)
        print(f"aarch64: {program}: {end}, the kernel restarted {restarts} sections")
        if end != "exit 0":
            failures.append(f"{program}: {end}")
        if program == "rseq_test" and restarts <= 0:
            failures.append("the kernel restarted no section")
    if "this process runs no sections" in console or "rounds with sections" not in console:
        failures.append("the tests ran without sections")
    return failures


def judge_broken(console: str) -> list[str]:
    failures = []
    for breakage in BREAKAGES:
        end, _ = outcome(console, breakage.name)
        print(f"aarch64: {breakage.name}: {breakage.test}: {end}")
        if end == "exit 0":
            failures.append(f"{breakage.name} was not noticed by {breakage.test}")
    return failures


def run_in_user_mode(program: Path) -> list[str]:
    emulator = next((found for each in USER_MODE if (found := shutil.which(each))), None)
    if emulator is None:
        print("aarch64: no qemu-user (Debian: qemu-user-static); not tested: a system without sections")
        return []
    done = run([emulator, program, "--seconds", "1"], timeout=USER_MODE_SECONDS)
    print(f"aarch64: in qemu-user: {done.stdout.strip()}")
    return [] if "rounds without sections" in done.stdout else ["qemu-user: it was to run without sections"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--broken", action="store_true", help="break the sections, and see that the tests fail")
    parser.add_argument("--compiler", choices=COMPILERS, default=COMPILERS[0], help="(default: %(default)s)")
    parser.add_argument("--kernel", type=Path, help="boot this arm64 kernel (default: Debian's, fetched once)")
    options = parser.parse_args()
    if options.kernel and not options.kernel.is_file():
        parser.error(f"--kernel {options.kernel}: no such file")
    require_tools()
    FOLDER.mkdir(parents=True, exist_ok=True)
    kernel = options.kernel or fetch_kernel()
    root = compile_all(options.compiler.split(), options.broken)
    console = boot(kernel, root)
    if options.broken:
        failures = judge_broken(console)
    else:
        print("".join(f"{line}\n" for line in console.splitlines() if line.startswith("section_stress:")), end="")
        failures = judge(console) + run_in_user_mode(root / "tests" / "section_stress")
    print("".join(f"aarch64: {failure}\n" for failure in failures) + f"aarch64: {'FAIL' if failures else 'PASS'}")
    return 1 if failures else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Problem, OSError, subprocess.TimeoutExpired) as problem:
        print(f"aarch64: {problem}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
