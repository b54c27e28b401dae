"""`data/calibration.csv`: a row a finished design, with its features, its results and where they come from."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hlsflow.estimation.cost import FITTED, TARGETS, DesignCost, design_cost
from hlsflow.estimation.design import Design, Kind
from hlsflow.estimation.layer_cost import LayerCost
from hlsflow.estimation.model import group_of, traits
from hlsflow.estimation.read import design_of, target_of
from hlsflow.estimation.source import read_source
from hlsflow.foundation.csv_text import csv_text
from hlsflow.foundation.errors import ReportError, ToolError

TABLE_FILE = Path(__file__).parent / "data" / "calibration.csv"

_TRAITS = (
    "tool", "device", "io_type", "strategy", "kinds", "tool_version", "clock_period_ns", "products", "input_bits",
)  # fmt: skip
_COLUMNS = ("source", "repository", "group", "part", *_TRAITS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A calibration design: `measured` are csynth figures by target (worst-case cycles), `cost` holds the features.

    A `synthetic` one was made to be synthesized: it says nothing of what people build."""

    source: str
    repository: str
    group: str
    part: str
    traits: dict[str, str | float]
    measured: dict[str, float]
    cost: DesignCost
    synthetic: bool = False


def row_of(design: Design, *, source: str, repository: str, measured: dict[str, float], synthetic: bool = False) -> Row:
    """The row of a finished design."""
    return Row(
        source=source,
        repository=repository,
        group=group_of(design),
        part=design.target.part.device.name,
        traits=traits(design),
        measured=measured,
        cost=design_cost(design),
        synthetic=synthetic,
    )


def table_text(rows: Sequence[Row]) -> str:
    """The table's file, sorted by source."""
    columns = [*_COLUMNS, *(f"measured_{target}" for target in TARGETS)]
    columns += [
        *(f"computed_{target}" for target in TARGETS if target not in FITTED),
        *(f"features_{t}" for t in FITTED),
    ]
    records = []
    for row in sorted(rows, key=lambda row: row.source):
        said: dict[str, object] = {name: getattr(row, name) for name in ("source", "repository", "group", "part")}
        said |= row.traits
        said |= {f"measured_{target}": f"{row.measured[target]:g}" for target in TARGETS}
        said |= {f"computed_{target}": f"{value:g}" for target, value in row.cost.computed.items()}
        for target in FITTED:
            features = {name: round(value, 1) for name, value in sorted(row.cost.features[target].items())}
            said[f"features_{target}"] = json.dumps(features, separators=(",", ":"))
        records.append(said)
    return csv_text(records, columns)


def read_table(path: Path = TABLE_FILE) -> list[Row]:
    """The rows of a table. Raises ReportError where it is damaged."""
    try:
        with path.open(newline="") as file:
            return [_parsed(said) for said in csv.DictReader(file)]
    except (OSError, ValueError, KeyError) as error:
        raise ReportError(f"{path}: not a calibration table: {error!r}") from error


def _parsed(said: dict[str, str]) -> Row:
    return Row(
        source=said["source"],
        repository=said["repository"],
        group=said["group"],
        part=said["part"],
        traits={name: said[name] if name in _TRAITS[:5] else float(said[name]) for name in _TRAITS},
        measured={target: float(said[f"measured_{target}"]) for target in TARGETS},
        cost=DesignCost(
            features={target: json.loads(said[f"features_{target}"]) for target in FITTED},
            computed={target: float(said[f"computed_{target}"]) for target in TARGETS if target not in FITTED},
            layers=(),
            top=LayerCost(name="(top)", kind=Kind.OTHER),
        ),
    )


# Columns of PAIRS.csv by target.
_RESULTS = {
    "lut": "LUT", "ff": "FF", "dsp": "DSP", "bram_18k": "BRAM", "latency_cycles": "lat_max",
    "interval_cycles": "ii_max",
}  # fmt: skip
# Designs that are no neural network of layers, or whose network was optimised away.
_NO_DESIGN = ("hls4mlprj_extensions_Quartus", "AlexNet_PYNQ")


def collected_designs(reports: Path) -> Iterator[tuple[Design, Row]]:
    """The designs of a folder with PAIRS.csv, that are no copy, belong to their sources and have all results.

    Two rows with the same repository and the same results are one design. Raises ToolError where there is no such file.
    """
    pairs = reports / "PAIRS.csv"
    if not pairs.is_file():
        raise ToolError(f"no collected reports at {reports}: it has no PAIRS.csv")
    seen: set[tuple[str, ...]] = set()
    with pairs.open(newline="") as file:
        for said in csv.DictReader(file):
            results = tuple(said[column] for column in _RESULTS.values())
            repository = said["root"].split("/")[0]
            doubtful = "MISMATCH" in said["check"] or "SHARED" in said["check"]
            if said["duplicate_of"] or doubtful or not all(results) or (repository, *results) in seen:
                continue
            if said["root"].endswith(_NO_DESIGN):
                continue
            seen.add((repository, *results))
            source = read_source(reports / said["root"])
            version = re.match(r"\d+\.\d+", said["version"])
            target = target_of(
                source, part=said["report_part"], clock_period_ns=float(said["clk_target"]), backend=said["backend"],
                io_type=said["io"], tool_version=version.group() if version else None,
            )  # fmt: skip
            design = design_of(source, target)
            measured = {name: float(said[column]) for name, column in _RESULTS.items()}
            yield design, row_of(design, source=said["root"], repository=repository, measured=measured)
