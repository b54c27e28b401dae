"""Tables drawn with `+---+` and `|`, read by their header, never by position."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hlsflow.foundation.errors import ReportError


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """A table: the column names (lines of a header joined by a blank) and the stripped cells of every row.

    `first_cells` keeps the first column with its leading blanks, which carry the hierarchy. `end` is the number of
    the line after the closing border.
    """

    section: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    first_cells: tuple[str, ...]
    end: int

    def column(self, *patterns: str) -> int | None:
        """The number of the column whose whole name matches one of the regular expressions, None where none does."""
        for pattern in patterns:
            found = [
                number for number, name in enumerate(self.columns) if re.fullmatch(pattern, name, flags=re.IGNORECASE)
            ]
            if len(found) > 1:
                raise ReportError(f"{self.section}: two columns '{self.columns[found[0]]}'")
            if found:
                return found[0]
        return None

    def needed_column(self, *patterns: str) -> int:
        """The number of that column. Raises ReportError where there is none."""
        number = self.column(*patterns)
        if number is None:
            raise ReportError(f"{self.section}: no column '{patterns[0]}' among {list(self.columns)}")
        return number

    def records(self) -> Iterator[dict[str, str]]:
        """Every row as {column name: cell}."""
        for row in self.rows:
            yield dict(zip(self.columns, row, strict=True))


def is_border(line: str) -> bool:
    """Whether a line is a border such as `+----+----+`."""
    return len(line) > 2 and line[0] == "+" and line[-1] == "+" and not line.strip("+-")


def read_table(lines: Sequence[str], start: int, section: str) -> Table:
    """The first table at or after line `start`. Raises ReportError naming `section` where it is cut off or broken."""
    begin = next((n for n in range(start, len(lines)) if lines[n].lstrip().startswith("+--")), None)
    if begin is None:
        raise ReportError(f"{section}: no table (is the file cut off?)")
    opening = lines[begin].strip()
    if not is_border(opening):
        raise ReportError(f"{section}: broken border on line {begin + 1}")
    header, body_begin = _header(lines, begin, opening, section)
    columns = _column_names(header, opening, section)
    width = len(opening)

    rows: list[tuple[str, ...]] = []
    first_cells: list[str] = []
    number, closed = body_begin, True
    while number < len(lines):
        line = lines[number].strip()
        if line.startswith("|"):
            cells = line.split("|")
            if line[-1] != "|" or len(cells) != len(columns) + 2 or (len(line) != width and line.isascii()):
                raise ReportError(f"{section}: row on line {number + 1} is cut off or does not fit the table's columns")
            rows.append(tuple(cell.strip() for cell in cells[1:-1]))
            first_cells.append(cells[1].rstrip())
            closed = False
        elif is_border(line) and len(line) == width:
            closed = True
        else:
            break
        number += 1
    if not closed:
        raise ReportError(f"{section}: the table is cut off on line {number}")
    return Table(section=section, columns=columns, rows=tuple(rows), first_cells=tuple(first_cells), end=number)


def _header(lines: Sequence[str], begin: int, opening: str, section: str) -> tuple[list[str], int]:
    header: list[str] = []
    for number in range(begin + 1, len(lines)):
        line = lines[number].strip()
        if is_border(line):
            if not header or len(line) != len(opening):
                break
            return header, number + 1
        # A cell that spans two header lines is drawn with `+` at its sides (cosim.rpt).
        if line[:1] not in ("|", "+") or line[-1:] not in ("|", "+") or len(line) != len(opening):
            break
        header.append(line)
    raise ReportError(f"{section}: the table's header is cut off or malformed")


def _column_names(header: list[str], opening: str, section: str) -> tuple[str, ...]:
    #   |         |  Latency (cycles) |     the cell `Latency (cycles)` is merged over the two columns below it
    #   | Module  |   min   |   max   |
    edges = [position for position, char in enumerate(header[-1]) if char in "|+"]
    names: list[list[str]] = [[] for _ in edges[1:]]
    for line in header:
        bounds = [position for position in edges if line[position] in "|+"]
        if bounds[:1] != [0] or bounds[-1] != len(opening) - 1:
            raise ReportError(f"{section}: the table's header does not line up")
        for left, right in itertools.pairwise(bounds):
            text = line[left + 1 : right].strip()
            if not text.strip("-"):
                continue
            if any(char in "|+" for char in text):
                raise ReportError(f"{section}: the table's header does not line up")
            for column, edge in enumerate(edges[:-1]):
                if left <= edge < right:
                    names[column].append(text)
    return tuple(" ".join(parts) for parts in names)
