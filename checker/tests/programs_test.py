#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Unmodified programs on the checker: what check-c++ makes of them must say what their heads say.

    // Mended: proved                    as it is; "Verdict: proved" says the same
    // Broken: data race                 compiled with -DBROKEN
    // Verdict with -DFOUND: data race   compiled with -DFOUND
    // Options: --check-spurious 0       what it is run with; "Options with -DFOUND: ..." of that variant instead
    // Arguments: of each line that begins with {"name",
                                         it is run once with each of these names, for main

"proved, at most 20" bounds the number of executions; "proved, load buffering at 3 > 4" is the lines of each read and
of the write that could overtake it, "nowhere" none; "data race | use after free" names the errors that may be found;
"deadlock, within 4000 runs" how long that may take, beside the thousand runs by chance; "deadlock, told of line 9" a
line of the program that the report names;
    // Told: waits at a.cpp:@here        that the report of -DBROKEN says, or a choice in its JSON, where @here stands
                                         for the number of the line that ends with this mark; also "as it is" and
                                         "with -DFOUND"
    // Shown: waits at a.cpp:@here       the same, of the text of the page
    // Weakened with -DBROKEN: pool/pin.hpp [take.claim] relaxed
                                         compiled with a copy of that header in which the first order below the label
                                         is another

"not finished" is a program that is too large; "refused" one that does what the checker cannot run. Of a header that
is not there no program is run.

With --precompile, what every program begins with is compiled once: the prelude, and the headers of PRECOMPILED. A
program then takes two thirds of the time to compile.
"""

import argparse
import html
import json
import os
import pathlib
import re
import subprocess
import sys
from typing import Any

from precompiled import with_precompiled

HERE = pathlib.Path(__file__).parent
SKIPPED = 77  # as an exit status: ctest is told of it
PRECOMPILED = ("atomic", "cassert", "thread")


def variants(source: str) -> list[tuple[str, str]]:
    """Of each variant: the macro that makes it, or none, and what is expected of it."""
    found = []
    heads = r"^// (Mended|Broken|Verdict)(?: with -D(\w+))?: (.*)$"
    for name, macro, expected in re.findall(heads, source, re.MULTILINE):
        found.append(("BROKEN" if name == "Broken" else macro, expected))
    if len(found) != len(re.findall(r"^//.*\b(?:Mended|Broken|Verdict)(?: with -D\w+)?: ", source, re.MULTILINE)):
        sys.exit("'Mended: ...' and its like stand at the beginning of a comment line")
    return found or sys.exit("a program without a line '// Mended: ...' or '// Verdict: ...'")


def arguments_of(source: str) -> list[list[str]]:
    """Of each run of a variant: what it gives to main."""
    if not re.search(r"^// Arguments: ", source, re.MULTILINE):
        return [[]]
    return [[name] for name in re.findall(r'^ *\{"(\w+)",', source, re.MULTILINE)]


def options_of(source: str, macro: str) -> list[str]:
    """What a variant is run with: its own options, or those of all."""
    found = dict(re.findall(r"^// Options(?: with -D(\w+))?: (.*)$", source, re.MULTILINE))
    return str(found.get(macro, found.get("", ""))).split()


def told(source: str, macro: str, head: str = "Told") -> list[str]:
    """What the report of a variant is to say, or its page: that is 'Shown'."""
    lines = source.splitlines()
    heads = re.findall(rf"^// {head}( as it is| with -D(\w+))?: (.*)$", source, re.MULTILINE)
    texts = [text for of, name, text in heads if (name if of else "BROKEN") == macro]

    def number(mark: re.Match[str]) -> str:
        marked = [i for i, line in enumerate(lines, 1) if line.endswith(f"// {mark.group()}")]
        return str(marked[0]) if len(marked) == 1 else sys.exit(f"{mark.group()} stands in {len(marked)} lines")

    return [re.sub(r"@[a-z]\w*", number, text) for text in texts]


def wrong_words(found: dict[str, Any], output: str, program: pathlib.Path, macro: str) -> str | None:
    """What is wrong with the words of a report."""
    source = program.read_text()
    # The report tells choices too, but in columns, which break its lines.
    choices = [each for kind in found.get("kinds", []) for each in kind.get("choices", [])]
    words = " ".join([*output.split(), *choices])
    for name, number in re.findall(r"\b(\w+\.cpp):(\d+)\b", output):
        if name == program.name and int(number) > len(source.splitlines()):
            return f"the report names line {number}, which is not there"
    for text in told(source, macro):
        if text not in words:
            return f"the report does not say '{text}'"
    # What is said of those who wait, above the columns, is said in the words of the program.
    if found.get("error") in ("deadlock", "livelock"):
        said = output.split("\n\n")[0]
        for inner in ("gthr-default.h", "std_mutex.h", "fetch_or", "compare_exchange of", "variable#"):
            if inner in said:
                return f"the report says '{inner}'"
        if not re.search(r"^- T\d", said, re.MULTILINE) and re.match(r"\w+lock: (no|each) thread", said):
            return "the report does not say who waits"
    return None


def wrong_page(page: pathlib.Path, source: str, macro: str) -> str | None:
    """What the page of a variant does not show, though it is to."""
    texts = told(source, macro, "Shown")
    body = re.sub(r"<style>.*?</style>|<script>.*?</script>", "", page.read_text() if texts else "", flags=re.DOTALL)
    words = " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).split())
    return next((f"the page does not show '{each}'" for each in texts if each not in words), None)


def weakened(arguments: argparse.Namespace, source: str, macro: str, to: pathlib.Path) -> list[str]:
    """The option for a folder with copies of headers in each of which an order is another: that of a label."""
    heads = re.findall(r"^// Weakened with -D(\w+): (\S+) \[(\S+)\] (\w+)$", source, re.MULTILINE)
    for header, label, order in [head[1:] for head in heads if head[0] == macro]:
        [original] = [path for each in arguments.include if (path := pathlib.Path(each[2:]) / header).exists()]
        before, behind = original.read_text().split(f"// [{label}] ")
        (to / header).parent.mkdir(parents=True, exist_ok=True)
        (to / header).write_text(f"{before}// [{label}] " +
                                 re.sub(r"memory_order_\w+", f"memory_order_{order}", behind, count=1))
    return [f"-I{to}"] if any(head[0] == macro for head in heads) else []


def missing_header(arguments: argparse.Namespace, source: str) -> str | None:
    """The first header of a package that is not there."""
    for header in re.findall(r"^#include <(\w+/\S+)>$", source, re.MULTILINE):
        probe = f"#if !__has_include(<{header}>)\n#error\n#endif\n"
        command = [arguments.compiler, "-std=c++20", *arguments.include, "-E", "-x", "c++", "-"]
        if subprocess.run(command, input=probe, text=True, capture_output=True, check=False).returncode != 0:
            package = re.search(r"^// Package: (.*)$", source, re.MULTILINE)
            return f"<{header}>" + (f" ({package.group(1)})" if package else "")
    return None


def compiled(arguments: argparse.Namespace, environment: dict[str, str], program: pathlib.Path,
             macro: str) -> pathlib.Path:
    """Compiles one variant."""
    flags = arguments.flags.split()
    binary: pathlib.Path = arguments.work / "".join([program.stem, f".{macro.lower()}" if macro else "", *flags])
    # A header that were precompiled otherwise than the program is compiled would be an error.
    valid = ["-Winvalid-pch", "-Werror=invalid-pch"] if arguments.precompile else []
    changed = weakened(arguments, program.read_text(), macro, binary.with_suffix(".weakened"))
    command = [str(arguments.check), "-std=c++20", *flags, *valid, *changed, *arguments.include,
               *([f"-D{macro}"] if macro else []), str(program), "-o", str(binary)]
    subprocess.run(command, env=environment, check=True)
    return binary


def run(arguments: argparse.Namespace, environment: dict[str, str], binary: pathlib.Path,
        options: list[str]) -> tuple[int, dict[str, Any], str]:
    """Runs a program. Returns its exit status and what it wrote as JSON."""
    report = binary.with_suffix(".json")
    report.unlink(missing_ok=True)
    bounds = ["--check-seconds", str(arguments.seconds), "--check-json", str(report), "--check-page",
              str(binary.with_suffix(".html"))]
    done = subprocess.run([str(binary), *bounds, *options], env=environment, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=arguments.seconds + 60, check=False)
    found = json.loads(report.read_text()) if report.exists() else {}
    return done.returncode, found, done.stdout


def wrong_buffering(found: dict[str, Any], expected: str) -> str | None:
    """What is wrong with what load buffering could reach."""
    named = re.search(r"load buffering (?:at (.*)|nowhere)$", expected)
    if named is None:
        return None
    pairs = sorted(f"{each['read'].split(':')[1]} > {each['write'].split(':')[1]}" for each in found["load_buffering"])
    return None if ", ".join(pairs) == (named.group(1) or "") else f"load buffering at {pairs}"


def wrong(status: int, found: dict[str, Any], output: str, expected: str) -> str | None:
    """What is wrong with a verdict, or nothing."""
    if re.search(r"\b0 threads", output):
        return "it tells of no threads"
    if expected.startswith("proved"):
        if status != 0:
            return f"exit status {status} for a program that is to be proved"
        most = re.search(r"at most (\d+)", expected)
        if most and found["complete"] > int(most.group(1)):
            return f"{found['complete']} executions, more than {most.group(1)}"
        return wrong_buffering(found, expected)
    if expected == "refused":
        return None if status == 2 else f"exit status {status} for a program that is to be refused"
    if expected == "not finished":
        return None if status == 3 else f"exit status {status} for a program that is too large"
    if status != 1:
        return f"exit status {status} for a program with an error"
    told = re.search(r"^(.*), told of line (\d+)", expected)
    if told:
        expected = told.group(1)
        if not re.search(rf"\.cpp:{told.group(2)}\b", output):
            return f"the report does not name line {told.group(2)}"
    within = re.search(r"^(.*), within (\d+) runs", expected)
    if within:
        expected = within.group(1)
        if found["runs"] > int(within.group(2)):
            return f"found after {found['runs']} runs, more than {within.group(2)}"
    if found["error"] not in [each.strip() for each in expected.split("|")]:
        return f"'{found['error']}' was found where '{expected}' is"
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", required=True, help="check-c++")
    parser.add_argument("--library", help="the runtime")
    parser.add_argument("--compiler", default="g++")
    parser.add_argument("--flags", default="-O1")
    parser.add_argument("--work", required=True, type=pathlib.Path)
    parser.add_argument("--seconds", type=float, default=240)
    parser.add_argument("--programs", default=HERE / "programs", type=pathlib.Path, help="the folder that they are in")
    parser.add_argument("--include", action="append", default=[], help="a folder of headers")
    parser.add_argument("--precompile", action="store_true", help="what all programs begin with")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("names", nargs="*", help="programs, without .cpp (default: all)")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "CXX": arguments.compiler}
    if arguments.library:
        environment["CHECKER_LIBRARY"] = arguments.library
    arguments.include = [f"-I{each}" for each in [HERE.parent / "include", *arguments.include]]
    if arguments.precompile:
        arguments.check = with_precompiled(arguments.check, arguments.work / "check", environment,
                                           ["-std=c++20", *arguments.flags.split(), *arguments.include], PRECOMPILED)
    programs = sorted(arguments.programs.glob("*.cpp"))
    if arguments.names:
        programs = [each for each in programs if each.stem in arguments.names]
    failures = skipped = 0
    for program in programs:
        source = program.read_text()
        if missing := missing_header(arguments, source):
            print(f"{program.stem}: skipped, there is no {missing}")
            skipped += 1
            continue
        for macro, expected in variants(source):
            given = options_of(source, macro)
            binary = compiled(arguments, environment, program, macro)
            for names in arguments_of(source):
                status, found, output = run(arguments, environment, binary, [*given, *names])
                problem = wrong(status, found, output, expected) or wrong_words(found, output, program, macro)
                problem = problem or wrong_page(binary.with_suffix(".html"), source, macro)
                failures += problem is not None
                if problem or arguments.verbose:
                    variant = " ".join([macro.lower() or "as it is", *names])
                    print(f"{program.stem} ({variant}, {arguments.compiler} {arguments.flags}): "
                          f"{problem or 'good'}; {found.get('complete')} complete, {found.get('blocked')} blocked, "
                          f"{found.get('cut')} cut, {found.get('seconds')} s, {found.get('error', '')}")
                if problem:
                    print(output)
    if not programs:
        sys.exit("no such program")
    return 1 if failures else SKIPPED if skipped == len(programs) else 0


if __name__ == "__main__":
    sys.exit(main())
