# SPDX-License-Identifier: MIT
"""How every figure looks, and what stands in its corner.

A figure is a pure function of a result file: fixed metadata, no dates, no random identifiers, so that
drawing it again gives the same bytes (with the same Matplotlib).
"""

from __future__ import annotations

import argparse
import io
import math
import os
import pathlib
import sys
from collections.abc import Callable
from typing import Any

try:
    import matplotlib
except ModuleNotFoundError:
    sys.exit(f"plots: {sys.executable} has no matplotlib; on Debian: make "
             "setup-bench, and run the script with /usr/bin/python3")

matplotlib.use("Agg")

import matplotlib.pyplot as pyplot  # noqa: E402
from matplotlib.axes import Axes as Axes  # noqa: E402
from matplotlib.figure import Figure as Figure  # noqa: E402
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter  # noqa: E402

from campaign import Campaign, Contender, ResultError, Spread  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
FIGURES = ROOT / "plots" / "figures"

# Roles of bars, told apart by darkness and by hatch, so that nobody needs to see colours.
OWN = {"facecolor": "#7fb0de", "hatch": "", "edgecolor": "black"}
SLOWER = {"facecolor": "#ededed", "hatch": "////", "edgecolor": "#666666"}
FASTER = {"facecolor": "#f0a868", "hatch": "xxxx", "edgecolor": "black"}
FLOOR = {"facecolor": "white", "hatch": "....", "edgecolor": "#666666"}
DERIVED = {"facecolor": "#c4c4c4", "hatch": "\\\\\\\\", "edgecolor": "black"}

# Lines: colour, marker and dashes are all different.
_LINES = (
    ("#0072b2", "o", "-"), ("#56b4e9", "s", "--"), ("#d55e00", "^", "-."), ("#009e73", "D", ":"),
    ("#cc79a7", "v", (0, (5, 1))), ("#555555", "X", (0, (3, 1, 1, 1))), ("#000000", "P", (0, (1, 1))),
    ("#b08f00", "<", (0, (6, 2, 1, 2))),
)

_SETTINGS = {
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "hatch.linewidth": 0.4,
    "legend.frameon": False,
    "savefig.dpi": 160,
    "svg.fonttype": "path",
    "svg.hashsalt": "poolproof",
}


def new_figure(width: float, height: float, rows: int = 1, columns: int = 1,
               **more: Any) -> tuple[Figure, list[Axes]]:
    """With Matplotlib's own defaults and ours: nothing from the user's configuration."""
    pyplot.close("all")
    pyplot.rcdefaults()
    matplotlib.use("Agg")
    pyplot.rcParams.update(_SETTINGS)
    figure, axes = pyplot.subplots(rows, columns, figsize=(width, height), squeeze=False, **more)
    return figure, list(axes.flat)


def line(place: int) -> dict[str, Any]:
    """The look of the line in this place of the legend."""
    colour, marker, dashes = _LINES[place % len(_LINES)]
    return {"color": colour, "marker": marker, "linestyle": dashes, "markersize": 5, "linewidth": 1.3}


def role(who: Contender, wins: bool) -> dict[str, Any]:
    if who.own:
        return OWN
    if who.anchor:
        return FLOOR
    return FASTER if wins else SLOWER


def whiskers(value: Spread) -> list[list[float]]:
    """From the median to the quartiles, as Matplotlib wants them."""
    return [[value.median - value.low], [value.high - value.median]]


def number(value: float) -> str:
    """Three significant digits, without an exponent where people write none."""
    if value == 0:
        return "0"
    if 1e-3 <= abs(value) < 999.5:
        return f"{value:#.3g}".rstrip(".")
    return f"{float(f'{value:.3g}'):,.0f}" if 1 <= abs(value) < 1e6 else f"{value:.2e}"


def nanoseconds(value: float) -> str:
    for unit in ("ns", "µs", "ms"):
        if abs(value) < 999.5:
            return f"{number(value)} {unit}"
        value /= 1e3
    return f"{number(value)} s"


def tick(value: float) -> str:
    return f"{value:,.10g}"


def log_axis(axis: Any, low: float, high: float) -> None:
    """Plain numbers on a logarithmic axis: at 1, 2 and 5 where a few decades leave room for them."""
    decades = math.log10(high / low)
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if decades < 2.2 else (1,)))
    axis.set_minor_locator(LogLocator(subs=range(2, 10)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: tick(value)))
    axis.set_minor_formatter(NullFormatter())


# The corner.


def short_flags(flags: list[str]) -> str:
    """Those that change the code: not the warnings, nor which peers were found."""
    return " ".join(flag for flag in flags if not flag.startswith(("-W", "-DPOOL_SCENARIOS_HAS_")))


def commit_of(result: dict[str, Any]) -> str:
    return str(result["source"]["commit"])[:12] + (" + changes" if result["source"]["dirty"] else "")


def machine_line(result: dict[str, Any]) -> str:
    machine = result["machine"]
    virtual = ", virtual machine" if machine["virtualized"] else ""
    return f"{machine['cpu']}, {machine['logical_cpus']} CPUs{virtual} · Linux {machine['kernel']}"


def provenance(campaign: Campaign) -> str:
    """The birth certificate of a campaign's figure."""
    result = campaign.result
    built = result["variants"]["glibc"]
    return (f"commit {commit_of(result)} · {built['compiler']} {short_flags(built['flags'])} · "
            f"{result['rounds']} interleaved rounds, slot drift {result['slot_drift']:.1%}\n"
            f"{machine_line(result)} · {result['date'][:10]}")


def sign(figure: Figure, text: str) -> None:
    figure.text(0.01, 0.005, text, fontsize=6.5, color="#444444", ha="left", va="bottom", linespacing=1.4)


def finish(figure: Figure, text: str, legend: float = 0.0) -> Figure:
    """Signed, and nothing above the signature and a legend of that height, in inches."""
    height = figure.get_size_inches()[1]
    figure.tight_layout(rect=(0, (0.36 + legend) / height, 1, 1), h_pad=1.6, w_pad=1.6)
    sign(figure, text)
    return figure


def legend_below(figure: Figure, columns: int, handles: list[Any], labels: list[str]) -> None:
    """One legend for all panels, above the signature."""
    figure.legend(handles, labels, loc="lower center", ncol=columns, fontsize=8,
                  bbox_to_anchor=(0.5, 0.34 / figure.get_size_inches()[1]), handlelength=3.4)


# The files.


def save(figure: Figure, stem: pathlib.Path) -> list[pathlib.Path]:
    """Writes stem.png and stem.svg without what changes from one drawing to the next."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    written = [stem.with_suffix(".png"), stem.with_suffix(".svg")]
    figure.savefig(written[0], metadata={"Software": None})
    written[1].write_bytes(svg(figure))
    return written


def svg(figure: Figure) -> bytes:
    """Without what changes from one drawing to the next."""
    drawn = io.BytesIO()
    figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
    return drawn.getvalue()


def main(name: str, what: str | None, figure: Callable[[list[pathlib.Path]], Figure]) -> None:
    """The command line of a figure's script."""
    parser = argparse.ArgumentParser(description=what, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", nargs="*", type=pathlib.Path, metavar="RESULT",
                        help="the JSON head of a result of bench/run.py (default: of all in bench/results the newest)")
    parser.add_argument("--output", type=pathlib.Path, metavar="STEM", default=FIGURES / name,
                        help=f"writes STEM.png and STEM.svg (default: plots/figures/{name})")
    options = parser.parse_args()
    try:
        drawn = figure(options.results)
    except ResultError as error:
        sys.exit(f"{name}: {error}")
    for path in save(drawn, options.output):
        print(f"written: {os.path.relpath(path)}")
