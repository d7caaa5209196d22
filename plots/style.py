"""How every figure looks, where its data may come from, and what it says about that.

A figure is a pure function of a result file: fixed metadata, no dates, no random identifiers, so
that drawing it again gives the same bytes (with the same Matplotlib).
"""

from __future__ import annotations

import json
import pathlib
import sys
from typing import Any, NoReturn

try:
    import matplotlib
except ModuleNotFoundError:
    sys.exit(f"plots: {sys.executable} has no matplotlib; on Debian: apt install "
             "python3-matplotlib, and run the script with /usr/bin/python3")

matplotlib.use("Agg")

import matplotlib.figure  # noqa: E402
import matplotlib.pyplot as pyplot  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results"
FIGURES = ROOT / "plots" / "figures"

# The runner knows how to read its results: one definition of medians, quartiles and ratios.
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "bench"))

import run as runner  # noqa: E402

# Two roles, told apart by darkness and by hatch, so that nobody needs to see colours.
SUBJECT = {"facecolor": "#7fb0de", "hatch": "", "edgecolor": "black"}
BASELINE = {"facecolor": "#e3e3e3", "hatch": "////", "edgecolor": "#555555"}

_SETTINGS = {
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "hatch.linewidth": 0.4,
    "savefig.dpi": 160,
    "svg.fonttype": "path",
    "svg.hashsalt": "poolproof",
}

Result = dict[str, Any]


def fail(message: str) -> NoReturn:
    sys.exit(f"plots: {message}")


def apply() -> None:
    """Matplotlib's own defaults and ours: nothing from the user's configuration."""
    pyplot.rcdefaults()
    matplotlib.use("Agg")
    pyplot.rcParams.update(_SETTINGS)


# The data.


def _load(path: pathlib.Path) -> Result:
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        fail(f"{path}: {error.strerror}")
    except ValueError:
        fail(f"{path}: not JSON")
    if not isinstance(result, dict) or result.get("schema") != runner.SCHEMA:
        fail(f"{path}: not a result of bench/run.py (schema {runner.SCHEMA})")
    if result["quick"]:
        fail(f"{path}: a quick run is never drawn")
    if result["build"]["flags"] is None or result["source"]["commit"] is None:
        fail(f"{path}: its commit or its compiler flags are not known")
    if not result["build"]["optimized"]:
        fail(f"{path}: measured without optimization")
    return result


def newest_result(paths: list[pathlib.Path], program: str = "pool_bench") -> Result:
    """The latest of the given results, or of all of a program in bench/results. All must be of one
    machine, so that a date does not decide which machine a figure shows."""
    paths = paths or sorted(RESULTS.glob(f"{program}-*.json"))
    if not paths:
        fail(f"no result in {RESULTS}; 'make bench' makes one")
    results = [_load(path) for path in paths]
    machines = sorted({f"{each['machine']['cpu']} with {each['machine']['logical_cpus']} CPUs"
                       for each in results})
    if len(machines) > 1:
        fail(f"results of different machines ({'; '.join(machines)}); name those of one")
    return max(results, key=lambda each: each["date"])


# The picture.


def provenance(result: Result) -> str:
    """The birth certificate, for a corner of the figure."""
    source, build, machine = result["source"], result["build"], result["machine"]
    commit = (source["commit"] or "none")[:12] + (" + changes" if source["dirty"] else "")
    flags = " ".join(runner.short_flags(build["flags"]))
    virtual = ", virtual machine" if machine["virtualized"] else ""
    return (f"commit {commit} · {build['compiler']} {flags}\n"
            f"{machine['cpu']}, {machine['logical_cpus']} CPUs{virtual} · "
            f"Linux {machine['kernel']} · n = {result['repetitions']} interleaved repetitions")


def sign(figure: matplotlib.figure.Figure, result: Result) -> None:
    figure.text(0.01, 0.01, provenance(result), fontsize=6.5, color="#444444", ha="left",
                va="bottom", linespacing=1.4)


def save(figure: matplotlib.figure.Figure, stem: pathlib.Path) -> list[pathlib.Path]:
    """Writes stem.png and stem.svg without what changes from one drawing to the next."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    written = [stem.with_suffix(".png"), stem.with_suffix(".svg")]
    figure.savefig(written[0], metadata={"Software": None})
    figure.savefig(written[1], metadata={"Date": None, "Creator": None})
    return written
