"""Pictures of a training, as PNG bytes: curves, confusion matrix, weights before and after quantization."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hlsflow.foundation.drawing import BLUE, FEW_VALUES, GREY, ORANGE, new_figure, png, tidy
from hlsflow.frontends.keras.sparsity import quantized_weights
from hlsflow.training.record import TrainingRecord

if TYPE_CHECKING:
    import keras

FASHION = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot")
CIFAR = ("airplane", "car", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
CLASS_NAMES = {"fashion_mnist": FASHION, "cifar10": CIFAR}


def curves(record: TrainingRecord) -> bytes:
    """Loss and accuracy of each epoch, training and validation."""
    figure = new_figure(9.0, 3.6)
    history = record.history
    epochs = np.arange(1, len(history.loss) + 1)
    left, right = figure.subplots(1, 2)
    for axes, train, validation, label, best in (
        (left, history.loss, history.validation_loss, "cross-entropy loss", "upper right"),
        (right, _percent(history.accuracy), _percent(history.validation_accuracy), "accuracy (%)", "lower right"),
    ):
        style = {"linewidth": 1.6, "markersize": 3.5, "marker": "o" if len(epochs) <= 40 else None}
        axes.plot(epochs, train, color=BLUE, label="training (during the epoch)", **style)
        axes.plot(epochs, validation, color=ORANGE, label="validation", **style)
        tidy(axes, "epoch", label)
        axes.xaxis.get_major_locator().set_params(integer=True)
        if axes is right:
            test = record.accuracy.test
            axes.axhline(
                100 * test, color=GREY, linewidth=1, linestyle="--", zorder=0, label=f"test, at the end: {test:.2%}"
            )
        axes.legend(loc=best, frameon=False, fontsize=9)
    figure.suptitle(f"{record.model} on {record.dataset}", fontsize=11)
    return png(figure)


def class_names(dataset: str, classes: tuple[int, ...] | None) -> tuple[str, ...]:
    """The names of a dataset's classes, or of those that a recipe keeps."""
    names = CLASS_NAMES.get(dataset, tuple(str(digit) for digit in range(10)))
    return names if classes is None else tuple(names[index] for index in classes)


def confusion(
    record: TrainingRecord, classes: np.ndarray, predicted: np.ndarray, names: tuple[str, ...]
) -> bytes:  # fmt: skip
    """The confusion matrix of the test set: integer classes (n,) against predicted ones (n,)."""
    counts = np.zeros((len(names), len(names)), int)
    np.add.at(counts, (classes, predicted), 1)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = new_figure(6.2, 5.8)
    axes = figure.subplots()
    # The square root lets the few mistakes be seen beside the many hits.
    axes.imshow(np.sqrt(shares), cmap="Blues", vmin=0, vmax=1)
    for row in range(len(names)):
        for column in range(len(names)):
            if counts[row, column]:
                color = "white" if shares[row, column] > 0.3 else "#1b2733"
                axes.text(column, row, str(counts[row, column]), ha="center", va="center", fontsize=8, color=color)
    rotation = 45 if max(map(len, names)) > 2 else 0
    axes.set_xticks(range(len(names)), names, rotation=rotation, ha="right" if rotation else "center")
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(length=0, labelsize=9)
    axes.set(xlabel="predicted class", ylabel="true class")
    for spine in axes.spines.values():
        spine.set_visible(False)
    figure.suptitle(
        f"{record.model}: {record.dataset} test set, {np.trace(counts):,} of {counts.sum():,} right "
        f"({np.trace(counts) / counts.sum():.2%})",
        fontsize=11,
    )
    return png(figure)


def weight_histograms(record: TrainingRecord, model: keras.Model) -> bytes:
    """Each layer's weights as trained and, where it has quantizers, as the hardware has them."""
    layers = [layer for layer in model.layers if layer.weights]
    figure = new_figure(3.1 * len(layers), 3.6)
    columns = figure.subplots(1, len(layers), squeeze=False)[0]
    for axes, layer, sparsity in zip(columns, layers, record.layers, strict=True):
        kernel = layer.get_weights()[0].ravel()
        quantized = quantized_weights(layer)
        limit = max(float(np.abs(kernel).max()), 1e-6) * 1.05
        # An odd number of bins, so that zero has one of its own.
        bins = np.linspace(-limit, limit, 82)
        axes.hist(kernel, bins=bins, color=BLUE, alpha=0.85, label="as trained")
        title = f"{layer.name}: zero {sparsity.kernel_zeros:.1%}"
        if quantized is not None:
            values, counts = np.unique(quantized[0].ravel(), return_counts=True)
            few = len(values) <= FEW_VALUES
            if few:
                axes.vlines(values, 0.5, counts, color=ORANGE, linewidth=1.2)
            axes.plot(values, counts, "o", color=ORANGE, markersize=3 if few else 1.6, label="quantized")
            title = (
                f"{layer.name}: zero {sparsity.kernel_zeros:.1%}, {sparsity.kernel_zeros_quantized:.1%} when quantized"
            )
        axes.set_yscale("log")
        axes.set_ylim(bottom=0.5)
        axes.set_title(title, fontsize=9)
        axes.xaxis.get_major_locator().set_params(nbins=5)
        tidy(axes, "weight", "count" if layer is layers[0] else "")
    figure.legend(*columns[0].get_legend_handles_labels(), loc="upper right", ncols=2, frameon=False, fontsize=9)
    figure.suptitle(f"{record.model}: weights of each layer", fontsize=11, x=0.01, ha="left")
    return png(figure)


def _percent(shares: tuple[float, ...]) -> np.ndarray:
    return 100 * np.asarray(shares)
