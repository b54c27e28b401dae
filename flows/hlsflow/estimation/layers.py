"""`data/single_layers.csv`: dense layers of io_parallel with the resource strategy, for error bars where no design is.

No collected design without recurrent layers uses that strategy in io_parallel. Ten modules of three recurrent designs
do (`module of a real design`), and so do single layers that were made and synthesized for wa-hls4ml (`synthetic
layer`). Nothing is fitted to them. The structure of `estimate_folded` was read off the modules' own tables, and the
price of a choice of outputs off the synthetic layers, so that their errors are no more than what is left unexplained.
The synthetic layers' tool is the one that the collection names (Vitis 2023.2); the file with their figures does not.
"""

from __future__ import annotations

import csv
from pathlib import Path

from hlsflow.devices.catalogue import find_part
from hlsflow.estimation.cost import TARGETS
from hlsflow.estimation.design import Design, Kind, Layer, Target
from hlsflow.estimation.facts import DEFAULT_UNCERTAINTY
from hlsflow.estimation.table import Row, row_of
from hlsflow.foundation.errors import ReportError
from hlsflow.network.fixed_point import parse_type

LAYERS_FILE = Path(__file__).parent / "data" / "single_layers.csv"


def single_layer_rows(path: Path = LAYERS_FILE) -> list[Row]:
    """The layers as rows of a calibration. Raises ReportError where the file is damaged."""
    try:
        with path.open(newline="") as file:
            return [_row(said) for said in csv.DictReader(file)]
    except (OSError, ValueError, KeyError) as error:
        raise ReportError(f"{path}: not a table of layers: {error!r}") from error


def _row(said: dict[str, str]) -> Row:
    major, minor = said["tool_version"].split(".")
    input_type, result = parse_type(said["input_type"]), parse_type(said["result_type"])
    layer = Layer(
        name="dense", function="dense", kind=Kind.DENSE, inputs=("x",), output="y", x=input_type, y=result,
        n_in=int(said["n_in"]), n_out=int(said["n_out"]), reuse_factor=int(said["reuse_factor"]), strategy="resource",
        weight=parse_type(said["weight_type"]), accum=result,
    )  # fmt: skip
    target = Target(
        part=find_part(said["part"]),
        clock_period_ns=float(said["clock_period_ns"]),
        clock_uncertainty_percent=DEFAULT_UNCERTAINTY,
        backend=said["backend"],
        tool_version=(int(major), int(minor)),
        io_stream=False,
    )
    design = Design(
        name=said["source"], target=target, layers=(layer,), streams=(), input_bits=input_type.width,
        input_size=layer.n_in, dataflow=True,
    )  # fmt: skip
    return row_of(
        design,
        source=said["source"],
        repository=said["repository"],
        measured={name: float(said[name]) for name in TARGETS},
        synthetic=said["kind"] == "synthetic layer",
    )
