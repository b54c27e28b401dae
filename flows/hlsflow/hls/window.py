"""The windows that a convolution or pooling slides over an image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hlsflow.hls.source import Config

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """The geometry of a convolution or pooling; a one-dimensional one has height 1."""

    in_height: int
    in_width: int
    channels: int
    height: int
    width: int
    stride_height: int
    stride_width: int
    out_height: int
    out_width: int
    pad_top: int
    pad_left: int

    def patches(self, x: Array, padding: float) -> Array:
        """(samples, out_height, out_width, height, width, channels) of a flat (samples, values) array."""
        import numpy as np

        image = x.reshape(len(x), self.in_height, self.in_width, self.channels)
        bottom = max(0, (self.out_height - 1) * self.stride_height + self.height - self.in_height - self.pad_top)
        right = max(0, (self.out_width - 1) * self.stride_width + self.width - self.in_width - self.pad_left)
        if self.pad_top or self.pad_left or bottom or right:
            pads = ((0, 0), (self.pad_top, bottom), (self.pad_left, right), (0, 0))
            image = np.pad(image, pads, constant_values=padding)
        windows = np.lib.stride_tricks.sliding_window_view(image, (self.height, self.width), axis=(1, 2))  # type: ignore[call-overload]
        windows = windows[:, :: self.stride_height, :: self.stride_width][:, : self.out_height, : self.out_width]
        return windows.transpose(0, 1, 2, 4, 5, 3)


def window_of(config: Config, kind: str) -> Window:
    two_d = "in_height" in config.values
    width = "in_width" if "in_width" in config.values else "n_in"
    out_width = "out_width" if "out_width" in config.values else "n_out"
    return Window(
        in_height=config.integer("in_height") if two_d else 1,
        in_width=config.integer(width),
        channels=config.integer("n_chan" if kind == "filt" else "n_filt"),
        height=config.integer(f"{kind}_height") if two_d else 1,
        width=config.integer(f"{kind}_width"),
        stride_height=config.integer("stride_height") if two_d else 1,
        stride_width=config.integer("stride_width"),
        out_height=config.integer("out_height") if two_d else 1,
        out_width=config.integer(out_width),
        pad_top=config.integer("pad_top") if two_d else 0,
        pad_left=config.integer("pad_left"),
    )
