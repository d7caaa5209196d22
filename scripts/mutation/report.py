# SPDX-License-Identifier: MIT
"""What is printed of a run, and the index and the killers of what --engine checker has left in build/mutants."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

from .ledger import Result, Site


def print_table(results: list[Result], sites: dict[str, Site]) -> None:
    width = max(len(r.mutant.name) for r in results)
    for r in results:
        verdict = r.mutant.verdict if r.agrees() else f"{r.mutant.verdict}, BUT {r.found}"
        reason = r.detail if r.mutant.verdict == "killed" or not r.agrees() else r.mutant.why
        note = f"[{r.mutant.litmus}] " if r.mutant.litmus else ""
        print(f"{r.mutant.name:{width}}  {verdict:10}  {r.seconds:5.1f} s  {note}{reason}")
    kinds = ("weakening", "operation", "patch")
    counts = {k: [r for r in results if r.mutant.kind == k] for k in kinds}
    strong = sum(1 for s in sites.values() if s.order != "relaxed")
    print(f"\n{len(sites)} labelled sites, {strong} of them not relaxed")
    for kind in kinds:
        by_verdict: dict[str, int] = {}
        for r in counts[kind]:
            verdict = r.mutant.verdict if r.agrees() else r.found
            by_verdict[verdict] = by_verdict.get(verdict, 0) + 1
        shown = ", ".join(f"{n} {v}" for v, n in sorted(by_verdict.items())) or "none run"
        print(f"{kind + ' mutants':18} {len(counts[kind]):3}: {shown}")


def write_index(artefacts: Path) -> None:
    """INDEX.md, of all results that are there."""
    lines = ["# Mutants on the checker", "", "| mutant | found | by | calls | executions | seconds | see | again |",
             "| --- | --- | --- | --- | --- | --- | --- | --- |"]
    for path in sorted(artefacts.glob("*/result.json")):
        known = json.loads(path.read_text())
        files = [f for f in ("report.txt", "page.html") if (path.parent / f).exists()]
        links = " ".join(f"[{f}]({path.parent.name}/{f})" for f in files)
        cells = [known["mutant"], known["found"], known["by"] or known["detail"], str(known["calls"] or ""),
                 str(known["executions"]), f"{known['seconds']:.1f}", links, shlex.join(known["command"])]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    (artefacts / "INDEX.md").write_text("\n".join(lines) + "\n")


def killers_in(artefacts: Path) -> dict[str, str]:
    """By mutant, the client or model that killed it."""
    results = [json.loads(path.read_text()) for path in artefacts.glob("*/result.json")]
    return {known["mutant"]: known["by"] for known in results if known["found"] == "killed"}
