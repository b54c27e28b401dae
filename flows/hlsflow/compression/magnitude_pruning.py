"""Magnitude pruning after training: the smallest weights become zero, and the sizes that a sparse format then has.

No further training keeps them there; a recipe's `compression.pruning` prunes while it trains.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from typing import Self

import numpy as np
from pydantic import Field, model_validator

from hlsflow.compression.method import Derived, Facts, Method, is_kernel
from hlsflow.datasets.dataset import Dataset
from hlsflow.models.recipe import Part
from hlsflow.models.source import Source


class Parameters(Part):
    """One of two: `percent` of each layer's weights, the smallest by magnitude, or all below `threshold` become zero.

    Biases are kept, as tfmot keeps them. The weights are those as trained, before any quantizer.
    """

    percent: float | None = Field(default=None, ge=0.0, lt=100.0)
    threshold: float | None = Field(default=None, ge=0.0)

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.percent is None) == (self.threshold is None):
            raise ValueError("give one of the two, percent or threshold")
        return self


def derive(source: Source, parameters: Parameters, dataset: Dataset) -> Derived:
    """The same network with the small weights of its kernels at zero, and its sizes in several formats."""
    weights, facts = on_weights(source.weights, parameters)
    return Derived(recipe=source.recipe, weights=weights, facts=facts)


def on_weights(
    weights: Mapping[str, np.ndarray], parameters: Parameters
) -> tuple[dict[str, np.ndarray], Facts]:  # fmt: skip
    """Weights whose small ones in kernels are zero, and their sizes in several formats."""
    pruned = {key: prune(array, parameters) if is_kernel(key) else array for key, array in weights.items()}
    return pruned, sizes(pruned)


def prune(kernel: np.ndarray, parameters: Parameters) -> np.ndarray:
    """A copy of a kernel with its small weights at exactly zero; of equal magnitudes the first go first."""
    pruned = kernel.copy()
    if parameters.threshold is not None:
        pruned[np.abs(kernel) < parameters.threshold] = 0
        return pruned
    assert parameters.percent is not None
    count = round(kernel.size * parameters.percent / 100)
    pruned.reshape(-1)[np.argsort(np.abs(kernel), axis=None, kind="stable")[:count]] = 0
    return pruned


def sizes(weights: dict[str, np.ndarray]) -> dict[str, int | float]:
    """What weights (`<layer>/<variable>`, float32) take in memory and compressed, in bytes, biases included.

    `zero_share` (0..1) is of the kernels. `dense_bytes`: every value as float32; `gzip_bytes`: the same through gzip at
    its highest level; `csr_bytes`: each kernel by rows (compressed sparse row: float32 values, column indices and row
    pointers, each as narrow an unsigned integer as holds them), biases dense; `csr_int32_bytes`: the same with 32-bit
    indices and pointers, as scipy.sparse keeps it.
    """
    kernels = [array for key, array in weights.items() if is_kernel(key)]
    dense = b"".join(np.ascontiguousarray(array).tobytes() for array in weights.values())
    biases = len(dense) - sum(kernel.nbytes for kernel in kernels)
    zeros = sum(int(np.count_nonzero(kernel == 0)) for kernel in kernels)
    return {
        "zero_share": round(zeros / sum(kernel.size for kernel in kernels), 6),
        "dense_bytes": len(dense),
        "gzip_bytes": len(gzip.compress(dense, compresslevel=9, mtime=0)),
        "csr_bytes": biases + sum(csr_bytes(kernel) for kernel in kernels),
        "csr_int32_bytes": biases + sum(csr_bytes(kernel, index_bytes=4) for kernel in kernels),
    }


def csr_bytes(kernel: np.ndarray, *, index_bytes: int | None = None) -> int:
    """The bytes of a kernel (…, outputs) by rows; a convolution's window positions and channels are its rows.

    `index_bytes` is the width of column indices and row pointers; None: the narrowest unsigned type that holds them.
    """
    rows = kernel.reshape(-1, kernel.shape[-1])
    values = int(np.count_nonzero(rows))
    index = index_bytes or np.min_scalar_type(rows.shape[1] - 1).itemsize
    pointer = index_bytes or np.min_scalar_type(values).itemsize
    return values * (kernel.itemsize + index) + (len(rows) + 1) * pointer


METHOD = Method(
    name="magnitude_pruning",
    parameters=Parameters,
    derive=derive,
    undone_by_training="the weights that are zero would grow again",
    on_weights=on_weights,
)
