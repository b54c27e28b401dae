"""What a record knows of whole board designs, as rows of a table."""

from __future__ import annotations

from hlsflow.records.record import BuildRecord, FigureRecord
from hlsflow.records.tools import BOARD_ROUTE, BOARD_STAGES

BOARD_TITLE = "The whole design of a board, serial line included"
BOARD_COLUMNS = (
    "stage", "tool or board", "part", "board's clock (MHz)", "routed (MHz)", "bitstream (bytes)", "samples, all equal",
    "results/s", "round trip (ms)",
)  # fmt: skip
BOARD_NOTE = (
    "`board` is hardware; `board-sim` is none: Verilator ran the board's design, and its rates are by cycles of the "
    "board's clock."
)


def board_rows(record: BuildRecord) -> list[list[str]]:
    """A row of BOARD_COLUMNS for each bitstream, simulated board and board; what is not known is `-`."""
    return [_row(figure) for figure in record.figures if figure.stage in (BOARD_ROUTE, *BOARD_STAGES)]


def _row(figure: FigureRecord) -> list[str]:
    return [
        figure.stage,
        f"{figure.tool} {figure.tool_version or ''}".strip(),
        figure.part or "-",
        _number(_megahertz(figure.clock_target_ns), 1),
        _number(_megahertz(figure.clock_achieved_ns), 1),
        _number(figure.bitstream_bytes, 0),
        _number(figure.samples, 0),
        _number(figure.frames_per_s, 0),
        _number(figure.round_trip_ms, 2),
    ]


def _megahertz(period_ns: float | None) -> float | None:
    return None if period_ns is None else 1000 / period_ns


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"
