"""A board held against the integers that it must give: identity first, then every frame, then how fast."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from hlsflow.boards.host import Exchange, Line, exchange, identify
from hlsflow.boards.image import BoardImage
from hlsflow.boards.protocol import Identity
from hlsflow.foundation.errors import MismatchError, ToolError

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array

# Frames that are sent one at a time, for the time of a round trip.
LONE_FRAMES = 20


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Checked:
    """What a board gave: outputs int64 (n, n_out) in LSBs of the output's type, how the frames went, and how the first
    ones did one at a time (`lone`)."""

    identity: Identity
    outputs: Array
    exchange: Exchange
    lone: Exchange

    @property
    def frames_per_s(self) -> float:
        """Results a second by the host's clock, as many frames under way as the board holds."""
        return len(self.exchange.results) / self.exchange.seconds

    @property
    def round_trip_ms(self) -> float:
        """Mean milliseconds by the host's clock from a frame to its result, where no other is under way."""
        return 1000 * fmean(self.lone.latencies_s)


def frames_of(image: BoardImage, inputs: Array) -> list[bytes]:
    """The frames on the line of inputs int64 (n, n_in) in LSBs of the input's type."""
    size = image.identity.frame_bytes
    data = image.source.port.to_bytes(inputs)
    return [data[first : first + size] for first in range(0, len(data), size)]


def check_board(
    line: Line,
    image: BoardImage,
    inputs: Array,
    expected: Array,
    *,
    window: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Checked:
    """Sends inputs int64 (n, n_in), and holds what comes against `expected` int64 (n, n_out), both in LSBs.

    `window` frames are under way at once, as many as the board holds unless it is said. Raises ToolError where another
    design answers or none does, MismatchError that names the first integer that differs.
    """
    identity = checked_identity(line, image)
    frames = frames_of(image, inputs)
    sent = exchange(
        line, frames, result_bytes=identity.result_bytes, window=window or identity.slots, progress=progress
    )
    lone = exchange(line, frames[:LONE_FRAMES], result_bytes=identity.result_bytes, window=1)
    outputs = image.sink.port.from_bytes(b"".join(sent.results))
    _check_equal(image, outputs, expected)
    _check_equal(image, image.sink.port.from_bytes(b"".join(lone.results)), expected[:LONE_FRAMES])
    return Checked(identity=identity, outputs=outputs, exchange=sent, lone=lone)


def checked_identity(line: Line, image: BoardImage) -> Identity:
    """What the board says that it is. Raises ToolError where that is another design than the image's."""
    identity = identify(line)
    if identity.digest != image.digest:
        raise ToolError(
            f"the board runs another design: {identity.digest[:12]}, the build has {image.digest[:12]}",
            hint="flash this one: hlsflow board flash NAME",
        )
    wanted = image.identity
    if (identity.frame_bytes, identity.result_bytes) != (wanted.frame_bytes, wanted.result_bytes):
        raise ToolError(
            f"the board takes frames of {identity.frame_bytes} bytes and gives {identity.result_bytes}, the build has "
            f"{wanted.frame_bytes} and {wanted.result_bytes}",
            hint="flash this design: hlsflow board flash NAME",
        )
    return identity


def _check_equal(image: BoardImage, outputs: Array, expected: Array) -> None:
    import numpy as np

    wrong = np.argwhere(outputs != expected)
    if len(wrong):
        frame, value = (int(index) for index in wrong[0])
        raise MismatchError(
            f"{image.board} differs in {len(wrong):,} of {expected.size:,} integers of '{image.output}'; first: sample "
            f"{frame}, value {value}: {outputs[frame, value]} instead of {expected[frame, value]}"
        )
