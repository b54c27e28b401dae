"""What goes beside the RTL for people who take the folder: testbench, README, constraints, Vivado's script."""

from __future__ import annotations

from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from hlsflow.foundation.workspace import write_text
from hlsflow.rtl.design import RtlDesign, StreamPort, template_file

if TYPE_CHECKING:
    import numpy as np

TESTBENCH_FRAMES = 4


class _Template(Template):
    """Verilog and Tcl have their own use for the dollar."""

    delimiter = "@@"


def write_companions(
    design: RtlDesign, folder: Path, inputs: np.ndarray, expected: np.ndarray, *, part: str, period_ns: float
) -> None:
    """Writes them into the folder of the sources. `inputs`, `expected`: frames as integers; the first ones are used."""
    values = _values(design, min(TESTBENCH_FRAMES, len(inputs)), part, period_ns)
    for name, file in (("testbench.v", "testbench.v"), ("README.md", "README.md"), ("vivado.tcl", "vivado.tcl")):
        write_text(folder / name, _Template(template_file(file)).substitute(values))
    write_text(folder / f"{design.top}.xdc", f"create_clock -name aclk -period {period_ns:g} [get_ports aclk]\n")
    write_text(folder / f"{design.top}.lpf", constraints_lpf(period_ns))
    for name, port, frames in (("inputs", design.source, inputs), ("expected", design.sink, expected)):
        write_text(folder / f"testbench_{name}.mem", beat_rows(port, frames[:TESTBENCH_FRAMES]))


def constraints_lpf(period_ns: float) -> str:
    """The clock for nextpnr; pins are the board's business."""
    return f'FREQUENCY PORT "aclk" {1000 / period_ns:.3f} MHZ;\n'


def beat_rows(port: StreamPort, frames: np.ndarray) -> str:
    """TDATA of every beat, hexadecimal, one a line."""
    data = port.to_bytes(frames)
    size = port.data_bits // 8
    beats = (data[first : first + size] for first in range(0, len(data), size))
    return "\n".join(beat[::-1].hex() for beat in beats) + "\n"


def _values(design: RtlDesign, frames: int, part: str, period_ns: float) -> dict[str, object]:
    values: dict[str, object] = {
        "top": design.top,
        "architecture": design.architecture,
        "output": design.output,
        "sources": " ".join(sorted(design.sources)),
        "layers": "\n".join(f"- {note}" for note in design.notes),
        "frames": frames,
        "part": part,
        "period_ns": f"{period_ns:g}",
        "half_period_ns": f"{period_ns / 2:g}",
    }
    for side, port in (("in", design.source), ("out", design.sink)):
        values |= {
            f"{side}_beats": port.beats,
            f"{side}_lanes": port.lanes,
            f"{side}_lane_bits": port.lane_bits,
            f"{side}_bits": port.data_bits,
            f"{side}_size": port.size,
            f"{side}_type": str(port.type.grid),
        }
    return values
