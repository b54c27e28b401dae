"""The datasets, from the first place that has them: a local folder, the Keras cache, Keras' download."""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from hlsflow.datasets import files as dataset_files
from hlsflow.foundation.errors import DataError, UsageError, did_you_mean

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array

NAMES = ("mnist", "fashion_mnist", "cifar10", "digits")
CLASSES = 10
SHAPES = {"mnist": (28, 28), "fashion_mnist": (28, 28), "cifar10": (32, 32, 3), "digits": (8, 8)}
# File names in a local folder, the best first.
LOCAL_FILES = {
    "mnist": ("mnist.npz",),
    "fashion_mnist": ("fashion_mnist.npz",),
    "cifar10": ("cifar10.npz", "cifar10_small.npz"),
}
# scikit-learn counts 0..16 inked sub-pixels in each pixel; 15 is the largest factor that stays within a byte.
DIGITS_FACTOR = 15
DIGITS_TEST_SHARE = 0.2

T = TypeVar("T")


class MissingDataError(DataError):
    """A dataset that no place has. Other DataErrors are about a file that is there and cannot be used."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Dataset:
    """Images and their classes.

    `x_*` are uint8 pixels 0..255 of shape (n, 28, 28), (n, 32, 32, 3) or, for digits, (n, 8, 8); `y_*` are int64
    classes of shape (n,). Digits' pixels are scikit-learn's counts 0..16 times 15. `sha256` is of the file (or, where
    Keras keeps several, of their concatenation), `source` says in a sentence which it was.
    """

    name: str
    x_train: Array
    y_train: Array
    x_test: Array
    y_test: Array
    sha256: str
    source: str
    classes: int = CLASSES


def load_dataset(name: str, data_dir: str | os.PathLike[str] | None = None, *, download: bool = True) -> Dataset:
    """A dataset from `data_dir` (else HLSFLOW_DATA), else the Keras cache, else (`download`) the network.

    Raises UsageError for an unknown name, MissingDataError where no place has it, and DataError for a file that is
    corrupt, misshapen, or holds pickles. The download gives up within dataset_files.DOWNLOAD_TIMEOUT_S.
    """
    _known(name)
    path = find_dataset_file(name, data_dir)
    failure = ""
    if path is None and download and name != "digits":
        try:
            path = dataset_files.download(name)
        except dataset_files.DownloadError as error:
            failure = str(error)
    if path is None:
        raise _missing(name, data_dir, failure)
    sha256 = _sha256_of(path)
    source = _source(name, path)
    if name == "digits":
        arrays = _reading(path, _read_digits)
    elif path.suffix == ".npz":
        arrays = _reading(path, dataset_files.read_npz)
    elif name == "fashion_mnist":
        arrays = _reading(path, dataset_files.read_idx_folder)
    else:
        arrays = _reading(path, dataset_files.read_cifar_folder)
    x_train, y_train, x_test, y_test = (arrays[key] for key in ("x_train", "y_train", "x_test", "y_test"))
    for part, x, y in (("train", x_train, y_train), ("test", x_test, y_test)):
        _check(path, name, part, x, y)
    return Dataset(
        name=name,
        x_train=np.ascontiguousarray(x_train),
        y_train=y_train.reshape(-1).astype(np.int64),
        x_test=np.ascontiguousarray(x_test),
        y_test=y_test.reshape(-1).astype(np.int64),
        sha256=sha256,
        source=source,
    )


def select_classes(dataset: Dataset, classes: tuple[int, ...] | None) -> Dataset:
    """The images of some classes alone, in the dataset's order, their classes counted as `classes` lists them."""
    if classes is None:
        return dataset
    x_train, y_train = images_of(dataset.x_train, dataset.y_train, classes)
    x_test, y_test = images_of(dataset.x_test, dataset.y_test, classes)
    return replace(dataset, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test, classes=len(classes))


def images_of(x: Array, y: Array, classes: tuple[int, ...]) -> tuple[Array, Array]:
    """The images of some classes and, int64, the place of each one's class in `classes`."""
    kept = np.isin(y, classes)
    place = np.full(max(CLASSES, int(y.max(initial=0)) + 1), -1, np.int64)
    place[list(classes)] = np.arange(len(classes))
    return x[kept], place[y[kept]]


def find_dataset_file(name: str, data_dir: str | os.PathLike[str] | None = None) -> Path | None:
    """The file (or the Keras cache's folder) that `load_dataset` would read without network, or None. Reads nothing.

    Raises UsageError for an unknown name and DataError for a `data_dir` that is no folder.
    """
    _known(name)
    if data_dir is not None and not Path(data_dir).is_dir():
        raise DataError(f"{data_dir} is no folder", hint="give --data-dir the folder that holds the dataset files")
    if name == "digits":
        return _digits_file()
    return next((path for path in _places(name, data_dir) if path.exists()), None)


def dataset_digest(name: str, data_dir: str | os.PathLike[str] | None = None) -> tuple[str, str] | None:
    """(sha256, source) of the dataset as `load_dataset` gives them, or None where no local place has it.

    Hashes the file and parses nothing: about 10 ms for MNIST. Raises as `find_dataset_file` does.
    """
    path = find_dataset_file(name, data_dir)
    return None if path is None else (_sha256_of(path), _source(name, path))


def _known(name: str) -> None:
    if name not in NAMES:
        raise UsageError(f"no dataset '{name}'", hint=did_you_mean(name, NAMES))


def _local_dir(data_dir: str | os.PathLike[str] | None) -> Path | None:
    named = data_dir if data_dir is not None else os.environ.get("HLSFLOW_DATA") or None
    return None if named is None else Path(named).expanduser()


def _places(name: str, data_dir: str | os.PathLike[str] | None) -> list[Path]:
    """Where the dataset may be, in order."""
    local = _local_dir(data_dir)
    files = [] if local is None else [local / file for file in LOCAL_FILES[name]]
    return [*files, dataset_files.keras_cache_path(name)]


def _missing(name: str, data_dir: str | os.PathLike[str] | None, failure: str) -> MissingDataError:
    if name == "digits":
        return MissingDataError(
            "scikit-learn's digits.csv.gz is not in the installed package", hint="run `uv sync` to install it again"
        )
    tried = [f"    {path}" for path in _places(name, data_dir)]
    tried.append(f"    {dataset_files.URLS[name]}: {failure or 'download not allowed'}")
    return MissingDataError(
        f"dataset '{name}' was not found; looked in\n" + "\n".join(tried),
        hint=f"put {LOCAL_FILES[name][0]} (arrays x_train, y_train, x_test, y_test) into a folder and name that folder "
        "with --data-dir or HLSFLOW_DATA",
    )


def _reading(path: Path, read: Callable[[Path], T]) -> T:
    """The result of `read(path)`, whatever a broken file makes it raise turned into a DataError."""
    try:
        return read(path)
    except dataset_files.UNREADABLE as error:
        # KeyError's own text is only the key.
        reason = f"it has no {error.args[0]}" if isinstance(error, KeyError) else str(error) or type(error).__name__
        raise DataError(
            f"cannot read {path}: {reason}", hint="delete the file and supply it again, or name another with --data-dir"
        ) from error


def _check(path: Path, name: str, part: str, x: Array, y: Array) -> None:
    """Raises DataError unless the arrays are images of the dataset's shape with one class each."""
    problem = None
    if x.dtype != np.uint8 or x.shape[1:] != SHAPES[name] or len(x) == 0:
        expected = ", ".join(["n", *map(str, SHAPES[name])])
        problem = f"x_{part} is {x.dtype} of shape {x.shape}, expected uint8 of shape ({expected})"
    elif not np.issubdtype(y.dtype, np.integer) or y.shape not in ((len(x),), (len(x), 1)):
        problem = f"y_{part} is {y.dtype} of shape {y.shape}, expected {len(x)} integer classes"
    elif y.min() < 0 or y.max() >= CLASSES:
        problem = f"y_{part} has classes {y.min()} to {y.max()}, expected 0 to {CLASSES - 1}"
    if problem is not None:
        raise DataError(f"{path}: {problem}", hint=f"supply the file in the layout that keras.datasets.{name} gives")


def _source(name: str, path: Path) -> str:
    if name == "digits":
        return "scikit-learn's handwritten digits (8x8, from the installed package)"
    if path == dataset_files.keras_cache_path(name):
        return f"{name} from the Keras cache"
    if path.name == "cifar10_small.npz":
        return "cifar10_small.npz, a small lossy set (10,000/2,000 decoded JPEGs): not for a published accuracy"
    return f"{path.name} from a local folder"


def _sha256_of(path: Path) -> str:
    """The SHA-256 of a file, or of a folder's files concatenated in the order of their names."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return _sha256_of_files(tuple((file, file.stat().st_mtime_ns, file.stat().st_size) for file in files))


@cache
def _sha256_of_files(files: tuple[tuple[Path, int, int], ...]) -> str:
    digest = hashlib.sha256()
    for file, _, _ in files:
        try:
            with file.open("rb") as stream:
                while chunk := stream.read(1 << 20):
                    digest.update(chunk)
        except OSError as error:
            raise DataError(f"cannot read {file}: {error.strerror or error}") from error
    return digest.hexdigest()


def _digits_file() -> Path | None:
    """The file behind sklearn.datasets.load_digits, found without importing scikit-learn (which takes a second)."""
    spec = importlib.util.find_spec("sklearn")
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / "datasets" / "data" / "digits.csv.gz"
    return path if path.is_file() else None


def _read_digits(path: Path) -> dict[str, Array]:
    """scikit-learn's 1,797 digits, uint8 (n, 8, 8), split 80 : 20 in each class by a fixed shuffle."""
    with gzip.open(path, "rt", encoding="ascii") as stream:
        table = np.loadtxt(stream, delimiter=",")
    if table.ndim != 2 or table.shape[1] != 65:
        raise ValueError(f"a table of shape {table.shape} has not 64 pixels and a class in each row")
    counts, classes = table[:, :-1].reshape(-1, 8, 8), table[:, -1].astype(np.int64)
    pixels = (counts * DIGITS_FACTOR).astype(np.uint8)
    generator = np.random.default_rng(0)
    in_test = np.zeros(len(classes), bool)
    for digit in range(CLASSES):
        members = generator.permutation(np.flatnonzero(classes == digit))
        in_test[members[: round(DIGITS_TEST_SHARE * len(members))]] = True
    # The training set is shuffled once, so that the share held back for validation has every class and writer.
    order = generator.permutation(np.flatnonzero(~in_test))
    return {"x_train": pixels[order], "y_train": classes[order], "x_test": pixels[in_test], "y_test": classes[in_test]}
