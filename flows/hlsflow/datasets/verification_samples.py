"""The samples that a build is verified on: the model's own test set, or for MNIST a stand-in that needs no network."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hlsflow.datasets.dataset import MissingDataError, dataset_digest, images_of, load_dataset
from hlsflow.foundation.errors import UsageError
from hlsflow.foundation.workspace import write_text

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleSet:
    """Which samples: of which dataset, found where, with which digest. `limit` takes the first so many alone.

    `classes` takes the images of those classes alone, as a recipe does.
    """

    dataset: str
    source: str
    sha256: str
    substitute: bool
    limit: int | None
    data_dir: Path | None
    classes: tuple[int, ...] | None = None

    @property
    def identity(self) -> dict[str, object]:
        """What decides the samples, for a step's digest."""
        return {
            "dataset": self.dataset, "sha256": self.sha256, "substitute": self.substitute, "limit": self.limit,
            "classes": self.classes,
        }  # fmt: skip

    def load(self) -> tuple[Array, Array]:
        """(pixels uint8 (n, …), classes int64 (n,))."""
        if self.substitute:
            from hlsflow.datasets.digits_as_mnist import digits_as_mnist

            pixels, classes = digits_as_mnist()
        else:
            dataset = load_dataset(self.dataset, self.data_dir)
            pixels, classes = dataset.x_test, dataset.y_test
        if self.classes is not None:
            pixels, classes = images_of(pixels, classes, self.classes)
        return pixels[: self.limit], classes[: self.limit]


def choose_samples(
    dataset: str, data_dir: Path | None, limit: int | None, memory: Path, classes: tuple[int, ...] | None = None
) -> SampleSet:
    """The test set of a dataset where it can be had, else, for MNIST, scikit-learn's digits in MNIST's framing.

    `memory` is a file that remembers that the network had no MNIST either, so that it is not asked at every build.
    Raises DataError where neither is possible.
    """
    if limit is not None and limit < 1:
        raise UsageError(f"--samples {limit}: at least one sample is needed")
    found = dataset_digest(dataset, data_dir)
    if found is None and not (dataset == "mnist" and memory.is_file()):
        try:
            load_dataset(dataset, data_dir)
            found = dataset_digest(dataset, data_dir)
        except MissingDataError:
            if dataset != "mnist":
                raise
            write_text(memory, "The download of MNIST failed. Remove this file to try it again.\n")
    if found is not None:
        memory.unlink(missing_ok=True)
        sha256, source = found
        return SampleSet(
            dataset=dataset,
            source=source,
            sha256=sha256,
            substitute=False,
            limit=limit,
            data_dir=data_dir,
            classes=classes,
        )
    digits = dataset_digest("digits")
    assert digits is not None, "scikit-learn is a dependency and ships its digits"
    return SampleSet(
        dataset="digits",
        source="scikit-learn's handwritten digits resampled to 28x28 in MNIST's framing, since MNIST was not found",
        sha256=hashlib.sha256(digits[0].encode() + b"as mnist").hexdigest(),
        substitute=True,
        limit=limit,
        data_dir=data_dir,
        classes=classes,
    )
