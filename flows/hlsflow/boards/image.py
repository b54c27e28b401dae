"""What a build leaves for a board, `build/<name>/open/board/`: bitstream, Verilog, and `board.json` which describes it.

board.json      BoardImage
rtl/            the board's whole design, from which it is simulated too
core.bit …      the bitstream, by the family's packer; absent where the clock was missed or there is no packer
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from hlsflow.boards.design import BoardDesign
from hlsflow.boards.protocol import Identity
from hlsflow.devices.wiring import Wiring, wirings
from hlsflow.foundation.errors import ReportError
from hlsflow.network.fixed_point import parse_type
from hlsflow.rtl.design import StreamPort

MANIFEST, RTL = "board.json", "rtl"


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class PortImage(_Value):
    """One side of the network: `size` values of `type` a frame, `lanes` of them a beat."""

    type: str
    size: int
    lanes: int

    @property
    def port(self) -> StreamPort:
        return StreamPort(type=parse_type(self.type), size=self.size, lanes=self.lanes)


class BoardImage(_Value):
    """A board's design as a build left it. `digest` is what the board states, `sources` are the files of its Verilog;
    `bitstream` is a file's name, None where there is none, and then `no_bitstream` says why.
    """

    board: str
    part: str
    architecture: str
    digest: str
    slots: int
    source: PortImage
    sink: PortImage
    output: str
    sources: list[str]
    bitstream: str | None
    no_bitstream: str | None = None

    @property
    def wiring(self) -> Wiring:
        return wirings()[self.board]

    @property
    def identity(self) -> Identity:
        """What a board with this design says of itself."""
        source, sink = self.source.port, self.sink.port
        return Identity(
            slots=self.slots,
            frame_bytes=source.beats * source.data_bits // 8,
            result_bytes=sink.beats * sink.data_bits // 8,
            digest=self.digest,
        )


def image_of(design: BoardDesign, part: str, bitstream: str | None, why_none: str | None) -> BoardImage:
    """The image of a design."""
    network = design.network
    return BoardImage(
        board=design.wiring.board,
        part=part,
        architecture=network.architecture,
        digest=design.identity.digest,
        slots=design.identity.slots,
        source=PortImage(type=str(network.source.type.grid), size=network.source.size, lanes=network.source.lanes),
        sink=PortImage(type=str(network.sink.type.grid), size=network.sink.size, lanes=network.sink.lanes),
        output=network.output,
        sources=sorted(design.sources),
        bitstream=bitstream,
        no_bitstream=why_none,
    )


def read_image(folder: Path) -> BoardImage:
    """The image in a folder. Raises ReportError where there is none or it is damaged."""
    path = folder / MANIFEST
    try:
        image = BoardImage.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ReportError(
            f"{folder}: no design for a board",
            hint="make one: hlsflow build --model NAME --synth open --device BOARD, with one of "
            f"{', '.join(sorted(wirings()))}",
        ) from None
    except (OSError, UnicodeDecodeError, ValidationError) as error:
        raise ReportError(f"{path}: damaged: {error}", hint="build the model again") from error
    if image.board not in wirings():
        raise ReportError(f"{path}: no board '{image.board}' is known", hint="build the model again")
    return image
