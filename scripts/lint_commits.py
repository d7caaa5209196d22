#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The commits since the last tag: subjects of at most 72 characters, and bodies, which say why.

Merges are left out. Where there is no tag, as in an archive or a shallow clone, there is nothing to check.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LONGEST_SUBJECT = 72


def git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None


def wrong_with(message: str) -> list[str]:
    """Of one commit."""
    subject, _, rest = message.partition("\n")
    found = []
    if len(subject) > LONGEST_SUBJECT:
        found.append(f"its subject has {len(subject)} characters, {LONGEST_SUBJECT} at most")
    if not rest.strip():
        found.append("it has no body that says why")
    elif not rest.startswith("\n"):
        found.append("no empty line stands below its subject")
    return found


def main() -> int:
    tag = git("describe", "--tags", "--abbrev=0")
    log = tag and git("log", "--no-merges", "-z", "--format=%h%n%B", f"{tag.strip()}..HEAD")
    if log is None or not tag:
        print("commits: no tag here, so none is looked at")
        return 0
    commits = [each.partition("\n") for each in log.split("\0") if each]
    wrong = [f"{commit} {message.partition(chr(10))[0][:60]}: {each}"
             for commit, _, message in commits for each in wrong_with(message.rstrip("\n"))]
    if wrong:
        print("\n".join(wrong), file=sys.stderr)
        return 1
    print(f"commits: {len(commits)} since {tag.strip()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
