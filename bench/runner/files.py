# SPDX-License-Identifier: MIT
"""How a result lies on disk: a small head as JSON, and beside it its tables as CSV, one line a sample.

    NAME.json            where the numbers come from, and whatever is said once
    NAME.samples.csv     a campaign's samples: their fields, then a column for each counter
    NAME.timelines.csv   its timelines: a cell holds a whole list, separated by spaces
    NAME.runs.csv        instead of both, the runs of a program without peers

In memory a result is one dictionary, in which a table is a list of dictionaries.
"""

from __future__ import annotations

import csv
import json
import pathlib
from collections.abc import Iterable
from typing import Any

Row = dict[str, Any]

TABLES = ("samples", "timelines", "runs")
SAMPLE_FIELDS = ("variant", "round", "scenario", "peer", "threads", "arguments", "pairs", "wall_ns", "slot_ns")


def table_path(head: pathlib.Path, table: str) -> pathlib.Path:
    return head.with_name(f"{head.stem}.{table}.csv")


# A cell: nothing, a number, a word, a list of numbers, or names with numbers.


def cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dict):
        return " ".join(f"{name}={cell(each)}" for name, each in value.items())
    if isinstance(value, list):
        return " ".join(map(cell, value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def number(text: str) -> float | int:
    try:
        return int(text)
    except ValueError:
        return float(text)


def number_or_word(text: str) -> float | int | str:
    try:
        return number(text)
    except ValueError:
        return text


# A table's rows, and the lines of its file.


def flat(table: str, row: Row) -> Row:
    """A sample's counters become columns."""
    if table != "samples":
        return row
    if clashes := set(SAMPLE_FIELDS).intersection(row.get("counters", {})):
        raise ValueError(f"a counter is called like a field of each sample: {', '.join(sorted(clashes))}")
    return {**{name: row.get(name) for name in SAMPLE_FIELDS}, **row.get("counters", {})}


def nested(table: str, line: dict[str, str]) -> Row:
    """The row that a line was made of; what it does not have is an empty cell."""
    if table == "timelines":
        words = {"variant": line.pop("variant"), "round": number(line.pop("round")),
                 "scenario": line.pop("scenario"), "peer": line.pop("peer")}
        return {**words, **{name: list(map(number, text.split())) for name, text in line.items()}}
    if table == "runs":
        return {name: number_or_word(text) for name, text in line.items() if text}
    fields = {name: line.pop(name) for name in SAMPLE_FIELDS}
    arguments = (each.split("=") for each in fields.pop("arguments").split())
    return {**{name: number_or_word(text) if text else None for name, text in fields.items()},
            "arguments": {name: number(value) for name, value in arguments},
            "counters": {name: number(text) for name, text in line.items() if text}}


def columns_of(table: str, rows: Iterable[Row]) -> list[str]:
    """A sample's counters by name, as both benchmark libraries print them; else in the order of the rows."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    known = len(SAMPLE_FIELDS) if table == "samples" else len(names)
    return names[:known] + sorted(names[known:])


def write_table(path: pathlib.Path, table: str, rows: list[Row]) -> None:
    flattened = [flat(table, row) for row in rows]
    columns = columns_of(table, flattened)
    with path.open("x", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([cell(row.get(name)) for name in columns] for row in flattened)


def read_table(path: pathlib.Path, table: str) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        lines = list(csv.reader(file))
    if not lines or (table == "samples" and tuple(lines[0][:len(SAMPLE_FIELDS)]) != SAMPLE_FIELDS):
        raise ValueError(f"{path.name}: its first line does not name the columns of {table}")
    rows = []
    for place, line in enumerate(lines[1:], 2):
        try:
            rows.append(nested(table, dict(zip(lines[0], line, strict=True))))
        except ValueError as error:
            raise ValueError(f"{path.name}, line {place}: {error}") from error
    return rows


# A whole result.


def write(head: pathlib.Path, result: Row) -> None:
    """The head last: what has one is whole."""
    head.parent.mkdir(parents=True, exist_ok=True)
    for table in TABLES:
        if table in result:
            write_table(table_path(head, table), table, result[table])
    # A key is a line, so that a change shows what has changed.
    kept = [f" {json.dumps(key)}: {json.dumps(value)}" for key, value in result.items() if key not in TABLES]
    with head.open("x", encoding="utf-8") as file:
        file.write("{\n" + ",\n".join(kept) + "\n}\n")


def read(head: pathlib.Path) -> Any:
    """What write() was given; OSError, or ValueError which says what is wrong with the text."""
    try:
        result = json.loads(head.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError("not JSON") from error
    if isinstance(result, dict):
        for table in TABLES:
            if (path := table_path(head, table)).exists():
                result[table] = read_table(path, table)
    return result
