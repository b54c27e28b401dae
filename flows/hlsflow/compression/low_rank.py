"""Low rank: a dense layer's kernel as the product of two smaller ones, by its singular values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from pydantic import Field

from hlsflow.compression.method import Derived, Method
from hlsflow.datasets.dataset import Dataset
from hlsflow.foundation.errors import ModelError, UnsupportedError, did_you_mean
from hlsflow.models.recipe import Part, Recipe
from hlsflow.models.source import Source


class Parameters(Part):
    """`rank` of the kernels of dense `layers` (default: all that have more), by the singular value decomposition.

    The factors become two dense layers, `fc1_left` (without bias) and `fc1`. `batch` is the number of images for which
    the multiplications are counted; the hardware takes one at a time.
    """

    rank: int = Field(ge=1, le=8192)
    layers: tuple[str, ...] | None = Field(default=None, min_length=1, strict=False)
    batch: int = Field(default=1, ge=1)


class Product(NamedTuple):
    """The cheapest order of a matrix product: its multiplications, and the order with brackets."""

    multiplications: int
    order: str


def derive(source: Source, parameters: Parameters, dataset: Dataset) -> Derived:
    """The network with factorized layers, and what that saves and loses.

    Raises ModelError where no layer has such a rank, UnsupportedError for a quantized network.
    """
    recipe = source.recipe
    if recipe.compression.quantization is not None:
        raise UnsupportedError(
            f"{recipe.name} is quantized: the factors of its kernels are on no grid of its quantizers",
            hint="factorize the float model, then quantize what comes out",
        )
    weights = {}
    errors = {}
    for layer in _chosen(source, parameters):
        kernel = dense_kernel(source, layer)
        left, right = factorize(kernel, parameters.rank)
        weights |= {f"{layer}_left/kernel": left, f"{layer}/kernel": right}
        errors[layer] = (float(np.linalg.norm(kernel - left.astype(np.float64) @ right)), float(np.linalg.norm(kernel)))
    ranks = {**recipe.architecture.ranks, **dict.fromkeys(errors, parameters.rank)}
    factorized = recipe.model_copy(update={"architecture": recipe.architecture.model_copy(update={"ranks": ranks})})
    weights = {**source.weights, **weights}
    facts = {f"{layer}_relative_error": _relative([pair]) for layer, pair in errors.items()}
    facts["relative_error"] = _relative(errors.values())
    facts |= _counts(source, factorized, weights, parameters.batch)
    return Derived(recipe=factorized, weights=weights, facts=facts)


def factorize(kernel: np.ndarray, rank: int) -> tuple[np.ndarray, np.ndarray]:
    """The factors (inputs, rank) and (rank, outputs), float32, whose product is the nearest one of that rank.

    Nearest in the Frobenius norm (Eckart and Young, Psychometrika 1, 1936). Each factor has the square root of the
    singular values, so that both have weights and results of the same size, which is what fixed point likes.
    """
    u, singular, v = np.linalg.svd(kernel.astype(np.float64), full_matrices=False)
    root = np.sqrt(singular[:rank])
    return (u[:, :rank] * root).astype(np.float32), (root[:, None] * v[:rank]).astype(np.float32)


def dense_kernel(source: Source, layer: str) -> np.ndarray:
    """A dense layer's kernel, float64 (inputs, outputs); of a factorized layer the product of both factors."""
    kernel = source.weights[f"{layer}/kernel"].astype(np.float64)
    left = source.weights.get(f"{layer}_left/kernel")
    return kernel if left is None else left.astype(np.float64) @ kernel


def cheapest_product(shapes: Sequence[tuple[int, int]], names: Sequence[str]) -> Product:
    """The order of a product of matrices that takes the fewest multiplications (the matrix-chain problem).

    By dynamic programming: Cormen, Leiserson, Rivest and Stein, Introduction to Algorithms, chapter 14.2. Of equally
    cheap orders it gives the one that goes on from the left.
    """

    @cache
    def best(first: int, last: int) -> Product:
        if first == last:
            return Product(0, names[first])
        found = []
        for middle in reversed(range(first, last)):
            left, right = best(first, middle), best(middle + 1, last)
            count = shapes[first][0] * shapes[middle][1] * shapes[last][1]
            found.append(Product(left.multiplications + right.multiplications + count, f"({left.order} {right.order})"))
        return min(found, key=lambda product: product.multiplications)

    return best(0, len(shapes) - 1)


def _chosen(source: Source, parameters: Parameters) -> list[str]:
    """The layers to factorize. Raises ModelError for a name that is no dense layer, or a rank that none has."""
    recipe, rank = source.recipe, parameters.rank
    names = recipe.architecture.dense_names()
    most = {}
    for name in names:
        shape = dense_kernel(source, name).shape
        most[name] = min(*shape, recipe.architecture.ranks.get(name, shape[0]))
    for layer in parameters.layers or ():
        if layer not in names:
            raise ModelError(f"{recipe.name}: no dense layer '{layer}'; {did_you_mean(layer, names)}")
        if rank > most[layer]:
            raise ModelError(f"{recipe.name}: layer '{layer}' has rank {most[layer]} at most, not {rank}")
    chosen = [name for name in names if (name in parameters.layers if parameters.layers else rank < most[name])]
    if not chosen:
        raise ModelError(
            f"{recipe.name}: no layer has a rank above {rank}",
            hint=f"choose a rank below {max(most.values())}",
        )
    return chosen


def _relative(norms: Iterable[tuple[float, float]]) -> float:
    """The norm of all errors over that of all kernels, from pairs of both."""
    error, norm = (sum(part**2 for part in parts) ** 0.5 for parts in zip(*norms, strict=True))
    return round(error / norm, 6) if norm else 0.0


def _counts(
    source: Source, recipe: Recipe, weights: Mapping[str, np.ndarray], batch: int
) -> dict[str, int | float | str]:
    """Parameters, and the multiplications of all dense layers for a batch in the best order, before and after."""
    before = multiplications(source.recipe, source.weights, batch)
    after = multiplications(recipe, weights, batch)
    return {
        "parameters_before": sum(array.size for array in source.weights.values()),
        "parameters_after": sum(array.size for array in weights.values()),
        "batch": batch,
        "multiplications_before": sum(product.multiplications for product in before.values()),
        "multiplications": sum(product.multiplications for product in after.values()),
        "order": ", ".join(after[name].order for name in recipe.architecture.ranks),
    }


def multiplications(recipe: Recipe, weights: Mapping[str, np.ndarray], batch: int) -> dict[str, Product]:
    """The cheapest order of each dense layer's product with its inputs `x` (batch, inputs), by layer."""
    found = {}
    for name in recipe.architecture.dense_names():
        factors = [f"{name}_left", name] if name in recipe.architecture.ranks else [name]
        shapes = [weights[f"{factor}/kernel"].shape for factor in factors]
        found[name] = cheapest_product([(batch, shapes[0][0]), *shapes], ["x", *factors])
    return found


METHOD = Method(name="low_rank", parameters=Parameters, derive=derive)
