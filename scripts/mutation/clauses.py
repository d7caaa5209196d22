# SPDX-License-Identifier: MIT
"""The clauses of the pool's specification, and whether each is needed: for each there is a mutant, and a client that
fails for it, and that does not fail any more if the clause is left out. The table stands in proofs/README.md."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from .build import CheckedModels
from .killers import Clients
from .ledger import PLAYERS, ROOT, Mutant, MutantError

HEAD = "| clause | what is said | the mutant that needs it | the client that shows it |\n"


@dataclass(frozen=True)
class Need:
    """A row of the table."""

    clause: str
    sentence: str
    mutant: str
    client: str  # 'FAMILY SCRIPTS'


def table() -> list[Need]:
    text = (ROOT / "proofs" / "README.md").read_text()
    rows = text.split(HEAD, 1)[1].split("\n\n", 1)[0].splitlines()[1:]
    return [Need(*(cell.strip().strip("`").replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", row.strip("|"))))
            for row in rows]


class Judge:
    """Makes the program of each mutant, and runs its client with the clause and without."""

    def __init__(self, models: CheckedModels, mutants: list[Mutant]):
        self.models = models
        self.mutants = {mutant.name: mutant for mutant in mutants}
        self.clients = Clients(models.build / "proofs" / "proofs")

    def complaint(self, need: Need) -> str:
        """Why the clause is not shown to be needed; empty if it is."""
        try:
            mutant = self.mutants[need.mutant]
            program = self._program(mutant, need.client.partition(" ")[0])
        except (KeyError, MutantError) as error:
            return str(error)
        with_it, report = self._run(need, mutant, program)
        if with_it != 1:
            return f"the client does not fail: exit status {with_it}"
        without, report = self._run(need, mutant, program, "--without", need.clause)
        if without != 0:
            return f"the client also fails without the clause: exit status {without}: {report}"
        return ""

    def _program(self, mutant: Mutant, family: str) -> Path:
        if not mutant.patches:
            return self.clients.program
        include = self.models.patched_headers(mutant, self.models.build / "mutants_of_clauses" / mutant.folder())
        return self.models.program_with(mutant, include, "proofs", {PLAYERS[family]})

    def _run(self, need: Need, mutant: Mutant, program: Path, *options: str) -> tuple[int, str]:
        name, _, scripts = need.client.partition(" ")
        family = self.clients.family(name)
        if family is None:
            raise MutantError(f"{need.clause}: '{need.client}' names no family's client")
        status, report = self.clients.one(family, scripts, [*mutant.options, *options], program)
        return status, " ".join(report.splitlines()[1:2])
