#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The options of the checker, each by what it is there for, on small unmodified programs."""

import json
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import traceback
from typing import Any

from single import compiled, parser_of

HERE = pathlib.Path(__file__).parent


def seconds_of_programs() -> float:
    """Of a processor: of those that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Test:
    def __init__(self, arguments: Any) -> None:
        self.arguments = arguments
        self.work: pathlib.Path = arguments.work

    def build(self, name: str, *flags: str) -> pathlib.Path:
        return compiled(self.arguments, HERE / "programs" / f"{name}.cpp", "".join([name, *flags]), *flags)

    @staticmethod
    def run(program: pathlib.Path, *options: object) -> tuple[int, str, str]:
        done = subprocess.run([program, *map(str, options)], capture_output=True, text=True, timeout=300, check=False)
        return done.returncode, done.stdout, done.stderr

    def test_stop(self) -> None:
        """A thread that never comes so far is refused: nothing was looked at that was asked for."""
        program = self.build("stopped_thread")
        for thread, after, why in ((7, 1, "starts no thread 7"), (1, 50, "thread 1 makes at most 5 operations")):
            status, said, wrong = self.run(program, "--check-stop", f"{thread},{after}")
            assert status == 2 and not said and why in wrong, (status, said, wrong)
        found = self.found(program, "--check-stop", "1,1")[1]
        assert found["options"] == ["--check-stop 1,1"] and found["stopped"] > 0, found

    def found(self, program: pathlib.Path, *options: object) -> tuple[int, dict[str, Any]]:
        status, said, wrong = self.run(program, "--check-quiet", "--check-json", "-", *options)
        assert said, wrong
        return status, json.loads(said)

    def test_files_that_cannot_be_written(self) -> None:
        """That is said before the search, and what is there stays."""
        program = self.build("message_passing", "-DBROKEN")
        nowhere = self.work / "nowhere" / "file"
        for option in ("--check-json", "--check-page", "--check-checkpoint"):
            status, said, wrong = self.run(program, option, nowhere)
            assert status == 2 and not said and f"{option}: cannot write {nowhere}" in wrong, (status, said, wrong)
        kept = self.work / "kept.json"
        kept.write_text("as it was")
        status, _, _ = self.run(program, "--check-json", kept, "--check-page", nowhere)
        assert status == 2 and kept.read_text() == "as it was"

    def test_json(self) -> None:
        """The fields of the litmus tool, with its names."""
        status, found = self.found(self.build("message_passing", "-DBROKEN"))
        assert status == 1 and found["first_error"].startswith("data race: "), found
        assert found["kinds"][0]["replay"] == found["replay"], found
        limit = self.build("choices_told", "-DTIME")
        choices = self.found(limit, "--check-spurious", 0)[1]["kinds"][0]["choices"]
        assert any(each.endswith(" the time limit of wait_for expires") for each in choices), choices
        outcomes = compiled(self.arguments, HERE / "hunted" / "parts.cpp", "parts")
        assert self.found(outcomes)[1]["outcomes"] == 3
        status, said, _ = self.run(outcomes, "--check-json", "-", "--check-outcomes")
        found = json.loads(said.splitlines()[0])
        assert sorted(found["outcomes"]) == ["main", "one", "other"], found
        assert "outcome: one" in said, said

    def test_json_of_both_front_ends(self) -> None:
        """A line has the same fields, whichever front end has written it; but for what a litmus program has not."""
        writes_late = self.build("message_passing")
        races = self.build("message_passing", "-DBROKEN")
        for litmus, program, options in (
            ("W.rel x = 1 || R.acq x", writes_late, ()),
            ("plain x; W x = 1 || W x = 2", races, ()),
            ("while R x == 0 bound 2 {} || R x", writes_late, ("--check-events", 3)),
        ):
            done = subprocess.run([self.arguments.litmus, "-"], input=f"name: one\n{litmus}\n", capture_output=True,
                                  text=True, timeout=60, check=False)
            line = json.loads(done.stdout)
            status, found = self.found(program, *options)
            assert status == done.returncode, (litmus, status, done)
            assert found["verdict"] == line["verdict"], (found, line)
            assert set(found) - {"cpus", "options", "not_seen"} == set(line), (litmus, set(found) ^ set(line))
            assert set(found["bounds"]) == set(line["bounds"]), (found, line)
            assert "load buffering" in found["not_explored"] and "load buffering" in line["not_explored"]
        unmet = self.build("verdict_words")
        assert len(self.found(unmet)[1]["conflicts_never_reached"]) == 2
        assert self.found(unmet, "--check-no-leaks")[1]["not_explored"] == ["load buffering", "leaks"]
        # The second read is ordered behind the write by the first.
        text = "name: one\nW.rel x = 1; W.rel y = 1 || if R.acq y {\nR x }\n"
        done = subprocess.run([self.arguments.litmus, "-"], input=text, capture_output=True, text=True, timeout=60,
                              check=True)
        line = json.loads(done.stdout)
        assert line["conflicts_reached"] == ["-:2"] and line["conflicts_never_reached"] == ["-:3"], line

    def test_page(self) -> None:
        program = self.build("message_passing", "-DBROKEN")
        page = self.work / "error.html"
        page.unlink(missing_ok=True)
        assert self.run(program, "--check-page", page)[0] == 1
        text = page.read_text()
        assert "<html" in text and "message_passing.cpp" in text and "data race" in text
        page.unlink()
        assert self.run(self.build("message_passing"), "--check-page", page)[0] == 0 and not page.exists()

    def test_keep_going(self) -> None:
        """Each kind of error is counted, and one of each shown, with a page of its own."""
        program = self.build("several_errors")
        page = self.work / "kinds.html"
        second = self.work / "kinds.2.html"
        second.unlink(missing_ok=True)
        kinds = {}
        for jobs in (1, 2):
            status, said, _ = self.run(program, "--check-keep-going", "--check-page", page, "--check-jobs", jobs)
            assert status == 1, said
            assert "assertion: " in page.read_text() + second.read_text()
            assert re.search(r"errors: \d+ of [a-z ]+, \d+ of [a-z ]+\. ", said), said
            replays = re.findall(r"--check-replay '?([^'\s]+)", said)
            assert len(replays) == 2, said
            again = [self.found(program, "--check-replay", each)[1]["error"] for each in replays]
            assert sorted(again) == ["assertion", "deadlock"], again
            found = self.found(program, "--check-keep-going", "--check-jobs", jobs)[1]
            kinds[jobs] = {each["error"]: each["count"] for each in found["kinds"]}
            second.unlink()
        assert kinds[1] == kinds[2] and sum(kinds[1].values()) > 2, kinds
        status, said, _ = self.run(program)
        assert status == 1 and len(re.findall("--check-replay", said)) == 1, said

    def test_verdict(self) -> None:
        """It says what was left out, whether leaks were looked for, and what was never tested."""
        program = self.build("verdict_words")
        status, said, _ = self.run(program)
        words = " ".join(said.split())
        line = next(i for i, each in enumerate((HERE / "programs" / "verdict_words.cpp").read_text().splitlines(), 1)
                    if each.endswith("// never meets another"))
        assert status == 0, said
        assert "1 execution was left out, in which an assumption does not hold" in words, said
        assert "Leaks were looked for at each end." in words, said
        assert re.search(rf"Conflicts never reached: 2 of 4 lines .*: verdict_words\.cpp:{line}, ", words), said
        assert "Leaks were not looked for." in self.run(program, "--check-no-leaks")[1]
        assert "poolproof" not in said

    def test_estimate(self) -> None:
        program = compiled(self.arguments, HERE / "hunted" / "parts.cpp", "parts")
        status, said, _ = self.run(program, "--check-estimate", 1)
        assert status == 0 and re.match(r"(roughly )?6 \+- \d+ executions$", said), said
        status, said, _ = self.run(program, "--check-estimate", 1e-9)
        assert status == 3 and said == "the time was too short for an estimate\n", (status, said)

    def test_replay_without_an_error(self) -> None:
        """It is one execution, and proves nothing."""
        program = self.build("leak", "-DBROKEN")
        status, found = self.found(program)
        assert status == 1 and found["error"] == "memory leak", found
        options = ("--check-no-leaks", "--check-replay", found["replay"])
        status, said, _ = self.run(program, *options)
        assert status == 3 and "only the execution of a replay string was run" in said, (status, said)
        assert "nothing is proved. 1 execution" in " ".join(said.split()), said
        status, found = self.found(program, *options)
        assert status == 3 and found["verdict"] == "not finished" and found["complete"] == 1, found

    def test_command_that_runs_an_error_again(self) -> None:
        """The report has it, with the arguments and the options that the error needs."""
        source = HERE / "hunted" / "asked_for.cpp"
        for program, options in (
            (compiled(self.arguments, source, "asked_for"), ("it's two", "--check-spurious", 2)),
            (compiled(self.arguments, source, "asked_for_reused", "-DREUSED"), ("it's two", "--check-reuse", 2)),
            (self.build("stopped_thread", "-DBROKEN"), ("--check-stop", "1,2")),
            (self.build("uninitialised_plain", "-DBROKEN"), ("--check-uninitialised", "--check-model", "sc")),
            (self.build("choices_told", "-DTIME"), ("--check-no-leaks", "--check-all-turns", "--check-events", 50)),
        ):
            status, said, wrong = self.run(program, *options)
            assert status == 1, (options, said, wrong)
            command = re.findall("^again, with its output: (.*)$", said, re.MULTILINE)[0]
            for option in options:
                assert str(option) in command or option == "it's two", (option, command)
            again = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
            assert again.returncode == 1, (command, again)
            assert again.stdout.splitlines()[0] == said.splitlines()[0], (said, again.stdout)
            assert command in again.stdout, (command, again.stdout)

    def test_checkpoint(self) -> None:
        """What was interrupted goes on, and comes to what it would have come to."""
        program = self.build("lost_signal")
        whole = self.found(program)[1]
        state = self.work / "state"
        state.unlink(missing_ok=True)
        parts = 0
        while True:
            status, found = self.found(program, "--check-checkpoint", state, "--check-seconds", 0.3)
            parts += 1
            if status == 0:
                break
            assert status == 3 and state.exists() and parts < 1000, (status, found)
        assert parts > 1 and not state.exists(), parts
        for key in ("complete", "blocked", "hash", "outcomes"):
            assert found[key] == whole[key], (key, found, whole)

    def test_many_threads(self) -> None:
        """With more threads than a search has room for at first, an error can be run again, a search goes on, and its
        size is estimated."""
        source = HERE / "hunted" / "many_threads.cpp"
        broken = compiled(self.arguments, source, "many_threads_broken", "-DBROKEN")
        status, found = self.found(broken)
        assert status == 1 and found["error"] == "assertion", found
        again = self.found(broken, "--check-replay", found["replay"])[1]
        assert again["error"] == "assertion" and again["replay"] == found["replay"], again
        early = compiled(self.arguments, source, "many_threads_early", "-DBROKEN_EARLY")
        for jobs in (1, 2):
            going_on = self.found(early, "--check-keep-going", "--check-jobs", jobs)[1]
            assert [each["error"] for each in going_on["kinds"]] == ["assertion"], going_on
        slow = compiled(self.arguments, source, "many_threads_slow", "-DSLOW")
        state = self.work / "state_of_many"
        state.unlink(missing_ok=True)
        parts = 0
        status = 3
        while status == 3:
            status, found = self.found(slow, "--check-checkpoint", state, "--check-seconds", 0.02)
            parts += 1
        assert status == 0 and parts > 1 and found["complete"] == 5040, (parts, found)
        status, said, _ = self.run(slow, "--check-estimate", 1)
        assert status == 0 and re.match(r"(roughly )?\d{4} \+- \d+ executions$", said), (status, said)

    def test_bounds(self) -> None:
        """A bound that is met proves nothing, and is named."""
        program = self.build("work_stealing")
        for option, value in (("--check-runs", 2), ("--check-events", 3)):
            status, said, _ = self.run(program, option, value)
            assert status == 3 and "nothing is proved" in said and option in said, said

    def test_time_within_an_execution(self) -> None:
        """A limit of time holds inside an execution, and a thread that does nothing is left after a second."""
        endless = self.build("endless")
        began = seconds_of_programs()
        status, said, _ = self.run(endless, "--check-seconds", 1, "--check-events", 1_000_000_000)
        assert status == 3 and "the time is up" in said, said
        assert seconds_of_programs() - began < 10, seconds_of_programs() - began
        quiet = self.build("without_operations", "-DBROKEN")
        began = seconds_of_programs()
        status, said, _ = self.run(quiet)
        assert status == 3 and "thread 1 has run for a second" in said, said
        assert seconds_of_programs() - began < 10, seconds_of_programs() - began

    def test_line_of_a_quiet_loop(self) -> None:
        """Its line is the program's own, also where the loop is a library's; without lines it is the function."""
        source = (HERE / "programs" / "without_operations.cpp").read_text().splitlines()

        def line(mark: str) -> str:
            return str(next(i for i, each in enumerate(source, 1) if each.endswith(f"// @{mark}")))

        for macro, mark in (("-DBROKEN", "turns"), ("-DIN_LIBRARY", "looks")):
            for level in ("-O0", "-O1"):
                said = self.run(self.build("without_operations", macro, level))[1]
                assert f"it is at without_operations.cpp:{line(mark)}." in said, said
        said = " ".join(self.run(self.build("without_operations", "-DBROKEN", "-O0", "-g0"))[1].split())
        assert re.search(r"it is at main::\{lambda\(\)#1\}::operator\(\) in without_operations\S*, of which no line is "
                         r"known: -g0 or -s was given, or check-c\+\+ has not compiled it\. ", said), said
        said = self.run(self.build("without_operations", "-DBROKEN", "-O0", "-s"))[1]
        assert re.search(r"it is at 0x4\w+ in without_operations", said), said

    def test_output(self) -> None:
        """What the program writes goes nowhere, whichever way; but once, where it is run again."""
        program = self.build("output")
        status, said, wrong = self.run(program)
        assert status == 1 and "assertion" in said, said
        written = ("by printf", "by cout", "by cerr", "by write", "by puts at exit")
        assert not any(each in said + wrong for each in written), (said, wrong)
        replay = re.findall(r"--check-replay '?([^'\s]+)", said)[0]
        status, again, wrong = self.run(program, "--check-replay", replay)
        assert status == 1, again
        shown = [(again + wrong).count(each) for each in written]
        assert shown == [1, 1, 1, 1, 0], (shown, again, wrong)

    def test_library(self) -> None:
        """What an instrumented library keeps is as it was at the entry of main in each execution. Of one that is not
        instrumented the verdict says so."""
        source = HERE / "libraries" / "counter.cpp"
        library = self.work / "libcounter.so"
        environment = {**os.environ, "CXX": self.arguments.compiler, "CHECKER_LIBRARY": self.arguments.library}
        user = HERE / "libraries" / "uses_counter.cpp"
        linked = ("-Wl,--no-as-needed", f"-L{self.work}", "-lcounter", f"-Wl,-rpath,{self.work}")
        subprocess.run([self.arguments.check, "-std=c++20", "-O1", "-shared", source, "-o", library], check=True,
                       env=environment)
        program = compiled(self.arguments, user, "uses_counter", *linked)
        status, found = self.found(program)
        assert status == 0 and found["complete"] > 1 and found["not_seen"] == [], found
        racing = compiled(self.arguments, user, "uses_counter_broken", "-DBROKEN", *linked)
        status, found = self.found(racing)
        assert status == 1 and found["error"] == "data race", found
        subprocess.run([self.arguments.compiler, "-std=c++20", "-O1", "-shared", "-fPIC", source, "-o", library],
                       check=True)
        status, said, _ = self.run(racing)
        assert status == 0 and "Not seen: libcounter.so (not instrumented).\n" in said, said
        assert self.found(racing)[1]["not_seen"] == ["libcounter.so (not instrumented)"]
        part = self.work / "counter.o"
        subprocess.run([self.arguments.compiler, "-std=c++20", "-O1", "-c", source, "-o", part], check=True)
        program = compiled(self.arguments, user, "uses_plain_part", str(part))
        status, found = self.found(program)
        assert status == 0 and found["not_seen"] == ["counter.cpp (not instrumented)"], found

    def test_program_header(self) -> None:
        """Without the checker what a program says to it is harmless: in C, and in C++."""
        source = HERE / "libraries" / "program_header.c"
        for compiler, language, standard in (("gcc", "c", "c99"), ("clang", "c", "c99"), ("g++", "c++", "c++11"),
                                             ("clang++", "c++", "c++20")):
            if not shutil.which(compiler):
                continue
            program = self.work / f"program_header.{compiler}"
            subprocess.run([compiler, "-x", language, f"-std={standard}", "-Wall", "-Wextra", "-pedantic", "-Werror",
                            f"-I{HERE.parent / 'include'}", source, "-o", program], check=True)
            assert self.run(program) == (0, "", ""), compiler

    def test_arguments(self) -> None:
        program = self.build("message_passing")
        assert "--check-help" in self.run(program, "--check-help")[1]
        for wrong in (["--check-nothing"], ["--check-jobs", "many"], ["--check-shard", "2/2"], ["--check-cpus", "0"],
                      ["--check-model", "tso"], ["--check-json"]):
            status, said, why = self.run(program, *wrong)
            assert status == 2 and not said and why.startswith("checker: "), (wrong, status, said)


def main() -> int:
    parser = parser_of(__doc__)
    parser.add_argument("--litmus", required=True, help="the litmus tool")
    test = Test(parser.parse_args())
    failed = 0
    for name in (each for each in vars(Test) if each.startswith("test_")):
        try:
            getattr(test, name)()
        except AssertionError:
            traceback.print_exc()
            failed += 1
        else:
            print(f"{name}: good", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
