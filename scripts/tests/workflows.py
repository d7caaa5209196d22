# SPDX-License-Identifier: MIT
"""What a workflow of GitHub's in a document would run: enough of YAML for that."""

from __future__ import annotations

import re
import textwrap


def blocks(text: str) -> list[str]:
    """Of a section of a document."""
    return re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)


def commands(job: str) -> list[str]:
    """What the steps of a job run. The lines of a folded one (`run: >`) are one line."""
    found = re.findall(r"^( *)- run: (?!>)(.*)$|^( *)- run: >\n((?:\3 {4}.*\n)+)", job, re.MULTILINE)
    return [plain or " ".join(textwrap.dedent(folded).split("\n")).strip() for _, plain, _, folded in found]


def matrix(job: str) -> list[int]:
    """The parts of the matrix."""
    listed = re.search(r"part: \[([\d, ]+)\]", job)
    assert listed is not None
    return [int(each) for each in listed[1].split(",")]


def artefact(job: str, parts: int, part: int) -> str:
    """The file that a job of the matrix leaves for the last one."""
    path = re.search(r"^ *path: (.*)$", job, re.MULTILINE)
    assert path is not None
    return filled_in(path[1], parts, part)


def filled_in(command: str, parts: int, part: int) -> str:
    """As the runner does, for one job of the matrix."""
    text = command.replace("${{ matrix.part }}", str(part)).replace("${{ strategy.job-total }}", str(parts))
    assert "${{" not in text, text
    return text
