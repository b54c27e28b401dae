"""A generated design as a value: its files, its ports, and which module is which layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from hlsflow.foundation.workspace import write_text
from hlsflow.network.fixed_point import FixedType

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamPort:
    """One side of a design: frames of `size` values of `type`, `lanes` values a beat, each in whole bytes."""

    type: FixedType
    size: int
    lanes: int

    @property
    def beats(self) -> int:
        """Beats of a frame; the last one may have lanes that hold nothing."""
        return -(-self.size // self.lanes)

    @property
    def lane_bits(self) -> int:
        """Bits of a lane of TDATA."""
        return -(-self.type.width // 8) * 8

    @property
    def data_bits(self) -> int:
        """Bits of TDATA."""
        return self.lane_bits * self.lanes

    def to_bytes(self, values: np.ndarray) -> bytes:
        """TDATA of all beats of frames (n, size) int64, sign-extended in its lanes, little-endian."""
        import numpy as np

        padded = np.zeros((len(values), self.beats * self.lanes), dtype="<i8")
        padded[:, : self.size] = values
        return padded.reshape(-1, 1).view(np.uint8)[:, : self.lane_bits // 8].tobytes()

    def from_bytes(self, data: bytes) -> np.ndarray:
        """Frames (n, size) int64 from TDATA of all beats."""
        import numpy as np

        lanes = np.frombuffer(data, dtype=np.uint8).reshape(-1, self.lane_bits // 8)
        wide = np.zeros((len(lanes), 8), dtype=np.uint8)
        wide[:, : lanes.shape[1]] = lanes
        spare = 64 - self.lane_bits
        values = wide.view("<i8").ravel() << spare
        values = values >> spare if self.type.signed else (values.view(np.uint64) >> np.uint64(spare)).astype(np.int64)
        return values.reshape(-1, self.beats * self.lanes)[:, : self.size]


@dataclass(frozen=True, kw_only=True, slots=True)
class RtlDesign:
    """A design. `sources` holds Verilog by file name, `memories` rows in hexadecimal; `modules` layers by module."""

    top: str
    architecture: str
    source: StreamPort
    sink: StreamPort
    output: str
    sources: Mapping[str, str]
    memories: Mapping[str, str]
    modules: Mapping[str, str]
    notes: tuple[str, ...] = field(default=())

    def write(self, folder: Path) -> None:
        """Writes all sources and memories into a folder."""
        for name, text in (*self.sources.items(), *self.memories.items()):
            write_text(folder / name, text)


def library(*names: str) -> dict[str, str]:
    """Files of the Verilog library beside this module, by name."""
    return {name: library_file(name) for name in names}


def library_file(name: str) -> str:
    """The text of a file of the Verilog library."""
    return (files("hlsflow.rtl") / "verilog" / name).read_text()


def template_file(name: str) -> str:
    """The text of a template that goes beside the sources."""
    return (files("hlsflow.rtl") / "templates" / name).read_text()
