#!/usr/bin/python3
"""What pooled contexts do to a server's memory and latency, beside one context for each thread.

Starts the server, loads it with wrk (a few connections, a burst of many, then nearly none), and meanwhile asks for a
file five times a second, as a client that comes now and then: how long that takes, and what the server holds, is
recorded. The same with contexts of each thread, in turns, several rounds. Writes STEM.json, where the numbers come
from and what wrk says, STEM.timelines.csv, and STEM.png, which --draw draws again.

    cmake --preset release && cmake --build build/release --target http_zstd
    examples/http_zstd/measure.py
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import os
import pathlib
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from running import ROOT, Server

sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "plots")]

from runner import files, provenance  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
CONTEXTS = ("pool", "thread_local")
THREADS = 256
STEP = 0.2


class Phase(NamedTuple):
    name: str
    connections: int
    seconds: float


PHASES = (Phase("steady", 4, 8), Phase("burst", 200, 6), Phase("quiet", 0, 20), Phase("steady", 4, 6))


# The load.


def write_script(path: pathlib.Path, directory: pathlib.Path) -> None:
    """Tells wrk to ask for the directory's files in turn, each as often, in an order of chance."""
    names = sorted(each.name for each in directory.iterdir() if each.is_file())
    random.Random(1).shuffle(names)
    paths = ", ".join(f'"/files/{name}"' for name in names)
    path.write_text(f"local paths = {{{paths}}}\nlocal i = 0\n"
                    "request = function()\n  i = i % #paths + 1\n  return wrk.format('GET', paths[i])\nend\n")


def seconds_of(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()  # type: ignore[union-attr]
    return float(number) * {"us": 1e-6, "ms": 1e-3, "s": 1, "m": 60}[unit]


def report_of(output: str) -> dict[str, float]:
    """What wrk says; a request that has failed is an error, for the server must survive its load."""
    if failed := re.search(r"Socket errors:.*|Non-2xx.*", output):
        raise RuntimeError(f"wrk: {failed.group()}")
    found = {"requests_per_second": float(re.search(r"Requests/sec:\s+([\d.]+)", output).group(1))}  # type: ignore
    for percent in (50, 99):
        text = re.search(rf"^\s+{percent}%\s+(\S+) *$", output, re.MULTILINE).group(1)  # type: ignore[union-attr]
        found[f"p{percent}_ms"] = 1000 * seconds_of(text)
    return found


@contextlib.contextmanager
def load(port: int, phase: Phase, script: pathlib.Path, into: list[dict[str, Any]], **more: Any) -> Iterator[None]:
    """wrk at work, while this lasts and until it ends."""
    if phase.connections == 0:
        yield
        return
    command = ["wrk", "-t1", f"-c{phase.connections}", f"-d{phase.seconds:.0f}s", "--latency", "--timeout", "30s",
               "-H", "Accept-Encoding: zstd", "-s", str(script), f"http://127.0.0.1:{port}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as wrk:
        yield
        into.append({**more, "phase": phase.name, **report_of(wrk.communicate()[0])})


# What is recorded.


def resident_bytes(process: int) -> int:
    pages = pathlib.Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def run(program: pathlib.Path, directory: pathlib.Path, contexts: str, number: int,
        loads: list[dict[str, Any]]) -> dict[str, Any]:
    """One server's life, as a timeline."""
    line: dict[str, Any] = {"variant": "http_zstd", "round": number, "scenario": "burst", "peer": contexts,
                            "seconds": [], "resident_bytes": [], "contexts": [], "latency_ms": []}
    chance = random.Random(number)
    names = sorted(each.name for each in directory.iterdir() if each.is_file())
    with (tempfile.TemporaryDirectory() as folder,
          Server(program, directory, "--threads", str(THREADS), "--contexts", contexts) as server):
        script = pathlib.Path(folder) / "load.lua"
        write_script(script, directory)
        start = time.monotonic()
        over = 0.0
        for phase in PHASES:
            over += phase.seconds
            with load(server.port, phase, script, loads, contexts=contexts, round=number):
                while (now := time.monotonic()) - start < over:
                    server.get(f"/files/{chance.choice(names)}")
                    taken = time.monotonic() - now
                    line["seconds"].append(round(now - start, 3))
                    line["latency_ms"].append(round(1000 * taken, 3))
                    line["resident_bytes"].append(resident_bytes(server.process.pid))
                    line["contexts"].append(int(server.metrics()["http_zstd_contexts"]))
                    time.sleep(max(0.0, STEP - (time.monotonic() - now)))
    return line


def measure(options: argparse.Namespace) -> None:
    directory = ROOT / "docs"
    loads: list[dict[str, Any]] = []
    source, before = provenance.source(), os.getloadavg()
    lines = []
    for number in range(1, options.rounds + 1):
        # In turns, and each as often first as second.
        for contexts in CONTEXTS if number % 2 else CONTEXTS[::-1]:
            lines.append(run(options.server, directory, contexts, number, loads))
            print(f"round {number}, {contexts}: done", flush=True)
    sizes = [each.stat().st_size for each in directory.iterdir() if each.is_file()]
    head = {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "source": source,
        "machine": provenance.machine(),
        "flags": flags_of(options.server),
        "wrk": provenance.output_of("dpkg-query", "-W", "-f=${Version}", "wrk"),
        "cpp_httplib": provenance.output_of("dpkg-query", "-W", "-f=${Version}", "libcpp-httplib-dev"),
        "load_before": before,
        "threads": THREADS,
        "files": {"number": len(sizes), "least_bytes": min(sizes), "most_bytes": max(sizes)},
        "phases": [each._asdict() for each in PHASES],
        "rounds": options.rounds,
        "loads": loads,
        "timelines": lines,
    }
    options.stem.with_suffix(".json").unlink(missing_ok=True)
    files.table_path(options.stem.with_suffix(".json"), "timelines").unlink(missing_ok=True)
    files.write(options.stem.with_suffix(".json"), head)


def flags_of(program: pathlib.Path) -> list[str]:
    """As Ninja compiled it; the runner knows programs by the name of their source."""
    source = program.with_name("server")
    return provenance.short_flags(provenance.build_flags(source) or [])


# What is shown.


def ends(line: dict[str, Any]) -> dict[str, float]:
    """What the server holds before the burst, at most, and at the end of the quiet time, in MiB."""
    times = [sum(each.seconds for each in PHASES[:place]) for place in range(len(PHASES) + 1)]

    def between(begin: float, end: float) -> list[float]:
        return [held / 2 ** 20 for at, held in zip(line["seconds"], line["resident_bytes"]) if begin <= at < end]

    return {"before the burst": between(times[0], times[1])[-1], "at most": max(between(times[0], times[-1])),
            f"after {PHASES[2].seconds:.0f} s of rest": between(times[2], times[3])[-1]}


def told(values: list[float]) -> str:
    """The median, and in brackets the least and the most, where these are others."""
    median, least, most = (f"{float(format(each, '.3g')):,.0f}"
                           for each in (statistics.median(values), min(values), max(values)))
    return median if least == most else f"{median} ({least} to {most})"


def table_of(result: dict[str, Any]) -> str:
    """What documents say of it."""
    lines = ["| | " + " | ".join(each if each == "pool" else f"`{each}`" for each in CONTEXTS) + " |",
             "| --- " * (1 + len(CONTEXTS)) + "|"]
    rows: dict[str, list[str]] = {}
    for contexts in CONTEXTS:
        timelines = [line for line in result["timelines"] if line["peer"] == contexts]
        for name in (held := [ends(line) for line in timelines])[0]:
            rows.setdefault(f"MiB {name}", []).append(told([each[name] for each in held]))
        rows.setdefault("contexts at most", []).append(told([max(line["contexts"]) for line in timelines]))
        for phase, what, name in (("burst", "requests a second in the burst", "requests_per_second"),
                                  ("burst", "99th percentile in the burst, ms", "p99_ms"),
                                  ("steady", "requests a second with four connections", "requests_per_second")):
            rows.setdefault(what, []).append(told([each[name] for each in result["loads"]
                                                   if (each["phase"], each["contexts"]) == (phase, contexts)]))
    return "\n".join([*lines, *(f"| {name} | {' | '.join(cells)} |" for name, cells in rows.items())])


def draw(result: dict[str, Any], stem: pathlib.Path) -> None:
    import style  # which needs Matplotlib

    drawing, panels = style.new_figure(9.0, 7.2, 3, 1, sharex=True)
    titles = ("Memory of the server: resident MiB", "Compression contexts that exist",
              "Latency of a client that comes five times a second: ms")
    for place, contexts in enumerate(CONTEXTS):
        look = style.line((0, 2)[place])
        for line in (each for each in result["timelines"] if each["peer"] == contexts):
            first = line["round"] == 1
            values = ([each / 2 ** 20 for each in line["resident_bytes"]], line["contexts"], line["latency_ms"])
            for axes, value in zip(panels, values):
                if axes is panels[2]:
                    axes.plot(line["seconds"], value, color=look["color"], marker=look["marker"], markersize=2.5,
                              linestyle="", alpha=0.8 if first else 0.4, label=contexts if first else None)
                else:
                    axes.plot(line["seconds"], value, markevery=(5 * place, 20), alpha=1 if first else 0.35,
                              label=contexts if first else None, **{**look, "marker": look["marker"] if first else ""})
    begin = 0.0
    for phase in PHASES:
        for axes in panels:
            axes.axvline(begin, color="#999999", linewidth=0.6)
        what = f"{phase.name}: {phase.connections} connections" if phase.connections else phase.name
        panels[0].text(begin + 0.2, 0.02, what, fontsize=7, color="#444444", transform=panels[0].get_xaxis_transform())
        begin += phase.seconds
    for axes, title in zip(panels, titles):
        axes.set_title(title)
        axes.grid(axis="y", color="#dddddd", linewidth=0.5)
        axes.set_xlim(0, begin)
    panels[0].set_ylim(bottom=0)
    panels[1].set_ylim(bottom=0)
    latencies = [each for line in result["timelines"] for each in line["latency_ms"]]
    panels[2].set_yscale("log")
    style.log_axis(panels[2].yaxis, min(latencies), max(latencies))
    panels[2].set_xlabel("seconds")
    style.legend_below(drawing, 2, *panels[0].get_legend_handles_labels())
    flags = style.short_flags([each for each in result["flags"] if not each.startswith("-DCPPHTTPLIB")])
    origin = [f"commit {style.commit_of(result)}", flags, f"{result['rounds']} rounds in turns",
              "wrk on the same machine"]
    style.finish(drawing, " · ".join(filter(None, origin)) + f"\n{style.machine_line(result)} · {result['date'][:10]}",
                 legend=0.3)
    drawing.savefig(stem.with_suffix(".png"), metadata={"Software": None})
    print(f"written: {os.path.relpath(stem.with_suffix('.png'))}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", type=pathlib.Path, default=ROOT / "build" / "release" / "examples" / "http_zstd")
    parser.add_argument("--rounds", type=int, default=3, help="of each of the two (default: %(default)s)")
    parser.add_argument("--stem", type=pathlib.Path, default=HERE / "measured",
                        help="of the files (default: %(default)s)")
    parser.add_argument("--draw", action="store_true", help="measure nothing, draw STEM.json again")
    options = parser.parse_args()
    if not options.draw:
        measure(options)
    result = files.read(options.stem.with_suffix(".json"))
    print(table_of(result))
    draw(result, options.stem)


if __name__ == "__main__":
    main()
