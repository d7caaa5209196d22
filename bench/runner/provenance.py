# SPDX-License-Identifier: MIT
"""Where numbers come from: the machine, the commit, the build."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import platform
import shlex
import subprocess
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

# What the numbers do not depend on: results and figures are written after the measurement.
OUTPUTS = ("bench/results", "plots/figures")

# What a program is built from.
HEADERS = "impl/include/poolproof/*.hpp"
SCENARIOS = ("bench/*.hpp", "bench/baselines/*.hpp", "bench/scenarios/*.hpp", HEADERS)
SOURCES = {
    "pool_scenarios": ("bench/pool_scenarios.cpp", *SCENARIOS),
    "pool_scenarios_elsewhere": ("bench/pool_scenarios.cpp", *SCENARIOS),
    "on_top_scenarios": ("bench/on_top_scenarios.cpp", *SCENARIOS),
    "pool_go": ("bench/go/*",),
    "checker_bench": ("bench/checker_bench.cpp", "checker/include/checker/*.hpp",
                      "checker/src/*", "checker/examples/go_ring.hpp"),
}


# The machine.


def read_text(path: str) -> str | None:
    try:
        return pathlib.Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None


def cpu_info() -> dict[str, str]:
    """The first processor of /proc/cpuinfo, by field."""
    fields: dict[str, str] = {}
    for line in (read_text("/proc/cpuinfo") or "").splitlines():
        if not line.strip():
            break
        key, _, value = line.partition(":")
        fields[key.strip()] = value.strip()
    return fields


def cpu_model(info: dict[str, str]) -> str:
    """The marketing name, and the numbers that tell generations apart where it does not."""
    name = info.get("model name") or platform.machine()
    numbers = [f"{word} {info[key]}" for word, key in (("family", "cpu family"), ("model", "model"))
               if key in info]
    return f"{name} ({', '.join(numbers)})" if numbers else name


def distribution() -> str | None:
    for line in (read_text("/etc/os-release") or "").splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.partition("=")[2].strip('"')
    return None


def machine() -> dict[str, Any]:
    info = cpu_info()
    return {
        "cpu": cpu_model(info),
        "logical_cpus": os.cpu_count(),
        "virtualized": "hypervisor" in info.get("flags", "").split(),
        "governor": read_text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "architecture": platform.machine(),
        "kernel": platform.release(),
        "distribution": distribution(),
        "libc": " ".join(platform.libc_ver()),
    }


# The source and the build.


def output_of(*command: str) -> str | None:
    """What a command prints, or None if it cannot be run or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def git(*arguments: str) -> str | None:
    return output_of("git", "-C", str(ROOT), *arguments)


def source() -> dict[str, Any]:
    commit = git("rev-parse", "--verify", "HEAD")
    changes = git("status", "--porcelain", "--", ".", *(f":(exclude){path}" for path in OUTPUTS))
    return {"commit": commit, "dirty": changes is None or changes != ""}


def digest(path: pathlib.Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def newer_sources(binary: pathlib.Path) -> list[str]:
    built = binary.stat().st_mtime
    paths = [path for pattern in SOURCES[binary.name] for path in sorted(ROOT.glob(pattern))]
    return [str(path.relative_to(ROOT)) for path in paths if path.stat().st_mtime > built]


def build_flags(binary: pathlib.Path) -> list[str] | None:
    """How Ninja compiled the program, without what names places; None where no build tells."""
    directory = next((each for each in binary.parents if (each / "build.ninja").is_file()), None)
    if directory is None:
        return None
    database = output_of("ninja", "-C", str(directory), "-t", "compdb")
    for entry in json.loads(database) if database else []:
        if entry["file"].endswith(".cpp") and f"{binary.name}.dir" in pathlib.Path(entry["output"]).parts:
            return without_places(shlex.split(entry["command"]))
    return None


def without_places(command: list[str]) -> list[str]:
    """Drops the compiler, the inputs, the outputs and the include directories."""
    flags = []
    words = iter(command[1:])
    for word in words:
        if word in ("-o", "-I", "-isystem", "-MF", "-MT", "-MQ"):
            next(words, None)
        elif word.startswith("-") and not word.startswith(("-c", "-I", "-isystem", "-M")):
            flags.append(word)
    return flags


def short_flags(flags: list[str]) -> list[str]:
    """Those that change the code: warnings do not."""
    return [flag for flag in flags if not flag.startswith("-W")]
