"""scikit-learn's digits redrawn as MNIST would have them: for trying an MNIST model where MNIST cannot be had."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from hlsflow.datasets.dataset import DIGITS_FACTOR, load_dataset

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array

# MNIST's framing (http://yann.lecun.com/exdb/mnist): the digit is fitted into a box of 20x20 pixels, which stands in
# 28x28 pixels with the ink's centre of mass in the middle.
BOX = 20
FRAME = 28
# Sub-pixels of a redrawn pixel: the digit is redrawn in black and white on this finer grid, then averaged, which gives
# the grey edges that MNIST's anti-aliasing gives.
FINE = 4
# A sub-pixel is ink where it has this share of the ink around it: a thin stroke never fills one of the 8x8 pixels, a
# thick one fills several. With it the share of inked pixels is MNIST's (14 % against 13 %).
INK_SHARE = 0.6
LEAST_INK = 0.2


@cache
def digits_as_mnist() -> tuple[Array, Array]:
    """All 1,797 digits of scikit-learn as uint8 pixels (n, 28, 28) and int64 classes (n,). Raises DataError.

    Drawn once a process; treat the arrays as read-only.
    """
    digits = load_dataset("digits")
    pixels = np.concatenate([digits.x_train, digits.x_test])
    classes = np.concatenate([digits.y_train, digits.y_test])
    ink = pixels.astype(np.float32) / (16 * DIGITS_FACTOR)
    return np.stack([_redraw(image) for image in ink]), classes


def _redraw(image: Array) -> Array:
    """One digit, ink 0..1 of shape (8, 8), as MNIST's pixels (28, 28)."""
    from scipy import ndimage

    smooth = ndimage.zoom(np.pad(image, 1), BOX * FINE / 8, order=3, mode="grid-constant", grid_mode=True)
    pixel = BOX * FINE // 8
    around = ndimage.uniform_filter(ndimage.maximum_filter(smooth, size=2 * pixel + 1), size=pixel)
    strokes = _crop(smooth > np.clip(INK_SHARE * around, LEAST_INK, INK_SHARE))
    # Fitted into the box by its longer side, as MNIST keeps the proportions.
    factor = BOX * FINE / max(strokes.shape)
    fitted = ndimage.zoom(strokes.astype(np.float32), factor, order=1, mode="grid-constant", grid_mode=True)
    rows, columns = ndimage.center_of_mass(fitted)
    canvas = np.zeros((FRAME * FINE, FRAME * FINE), np.float32)
    top = _place(rows, fitted.shape[0])
    left = _place(columns, fitted.shape[1])
    canvas[top : top + fitted.shape[0], left : left + fitted.shape[1]] = fitted
    coverage = canvas.reshape(FRAME, FINE, FRAME, FINE).mean(axis=(1, 3))
    return np.rint(255 * np.clip(coverage, 0, 1)).astype(np.uint8)


def _place(centre: float, length: int) -> int:
    """Where a side of `length` begins so that `centre` comes to the frame's middle, kept within the frame."""
    return int(np.clip(round(FRAME * FINE / 2 - centre), 0, FRAME * FINE - length))


def _crop(strokes: Array) -> Array:
    """The smallest rectangle with all the ink."""
    rows, columns = np.flatnonzero(strokes.any(axis=1)), np.flatnonzero(strokes.any(axis=0))
    return strokes[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
