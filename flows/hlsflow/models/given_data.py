"""The data that somebody gives with a model: arrays for its inputs, labels as classes or targets."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from hlsflow.datasets.frames import Task
from hlsflow.foundation.array_file import UNREADABLE
from hlsflow.foundation.errors import DataError
from hlsflow.foundation.strict_read import UnreadableError, check_zip, demand_size

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array

MAX_BYTES = 4 << 30
_LARGEST = 2.0**47
_LABEL_KEYS = ("y", "Y", "labels", "y_test", "targets")
_INPUT_KEYS = ("x", "X", "x_test", "X_test", "inputs", "data")
_HINT = "an .npy array (n, …), or an .npz with x and y, one array for each input by its name"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class GivenData:
    """`inputs` are float64 or integer arrays (n, *shape) in the order of the model's inputs."""

    source: str
    inputs: tuple[Array, ...]
    truth: Array | None
    labels: Literal["classes", "targets"] | None

    @property
    def count(self) -> int:
        return len(self.inputs[0])

    def digest(self) -> str:
        return digest_of((*self.inputs, *(() if self.truth is None else (self.truth,))))


def digest_of(arrays: Iterable[Array]) -> str:
    """The SHA-256 of arrays, in whatever type of integers they are kept."""
    import numpy as np

    found = hashlib.sha256()
    for array in arrays:
        whole = np.ascontiguousarray(array, np.int64 if array.dtype.kind in "iub" else np.float64)
        found.update(f"{whole.dtype.str}{whole.shape}".encode() + whole.tobytes())
    return found.hexdigest()


def read_data(path: Path, labels: Path | None, shapes: Mapping[str, tuple[int, ...]]) -> tuple[list[Array], Any, str]:
    """(input arrays, labels or None, the files' names). Raises DataError."""
    arrays = _arrays(path)
    truth = None
    if labels is not None:
        found = _arrays(labels)
        truth = found.get("", next((found[key] for key in _LABEL_KEYS if key in found), None))
        if truth is None and len(found) == 1:
            truth = next(iter(found.values()))
        if truth is None:
            raise DataError(f"{labels}: no array y", hint=_HINT)
    elif "" not in arrays:
        truth = next((arrays.pop(key) for key in _LABEL_KEYS if key in arrays), None)
    named = path.name if labels is None else f"{path.name} and {labels.name}"
    return _for_inputs(arrays, list(shapes), path), truth, named


def _for_inputs(arrays: dict[str, Array], names: Sequence[str], path: Path) -> list[Array]:
    if "" in arrays and len(names) == 1:
        return [arrays[""]]
    if all(name in arrays for name in names):
        return [arrays[name] for name in names]
    if len(names) == 1:
        key = next((key for key in _INPUT_KEYS if key in arrays), None)
        if key is not None or len(arrays) == 1:
            return [arrays[key] if key is not None else next(iter(arrays.values()))]
    numbered = [f"x{index}" for index in range(len(names))]
    if all(key in arrays for key in numbered):
        return [arrays[key] for key in numbered]
    raise DataError(
        f"{path}: no array for each input: it holds {', '.join(sorted(arrays)) or 'none'}, "
        f"the model's inputs are {', '.join(names)}",
        hint=_HINT,
    )


def _arrays(path: Path) -> dict[str, Array]:
    """The arrays of a file by their keys; that of an .npy file has none. Never unpickles."""
    import numpy as np

    try:
        demand_size(path, MAX_BYTES)
        if zipfile.is_zipfile(path):
            check_zip(path, MAX_BYTES)
            with np.load(path, allow_pickle=False) as archive:
                return {key: archive[key] for key in archive.files}
        return {"": np.load(path, allow_pickle=False)}
    except FileNotFoundError as error:
        raise DataError(f"no file {path}", hint=_HINT) from error
    except UnreadableError as error:
        raise DataError(f"{path}: {error.strerror}", hint=_HINT) from error
    except UNREADABLE as error:
        raise DataError(f"{path}: no arrays of numbers: {error}", hint=_HINT) from error


def in_hardware_order(
    inputs: Sequence[Any], source: str, shapes: Mapping[str, tuple[int, ...]], axes: Mapping[str, tuple[int, ...]]
) -> list[Any]:
    """Arrays (n, …) as the model takes them, in the order of axes in which hardware has them. Nowhere else is data
    transposed. Flat samples (n, values) are those of the model, too.

    Raises DataError where an array is not of the model's own shape.
    """
    import numpy as np

    found = []
    for (name, shape), given in zip(shapes.items(), inputs, strict=True):
        order = axes.get(name, tuple(range(len(shape))))
        if order == tuple(range(len(shape))):
            found.append(given)
            continue
        own = [0] * len(shape)
        for place, axis in enumerate(order):
            own[axis] = shape[place]
        array = np.asarray(given)
        flat = array.ndim == 2 and array.shape[1] == int(np.prod(shape))
        if list(array.shape[1:]) != own and not flat:
            raise DataError(
                f"{source}: the model takes '{name}' as {tuple(own)} a sample, the data is {array.shape}",
                hint="give the data as the model takes it: the hardware's order is hlsflow's to make",
            )
        found.append(array.reshape(-1, *own).transpose(0, *(axis + 1 for axis in order)))
    return found


def given_data(
    inputs: Sequence[Any], truth: Any, source: str, shapes: Mapping[str, tuple[int, ...]], outputs: int | None,
    task: Task,
) -> GivenData:  # fmt: skip
    """Checked data. `outputs` is how many values the model gives, None where only the model itself can say.

    Raises DataError that names what does not fit.
    """
    import numpy as np

    found = []
    for (name, shape), given in zip(shapes.items(), inputs, strict=True):
        array = np.asarray(given)
        if array.dtype.kind not in "fiub":
            raise DataError(f"{source}: the input '{name}' holds {array.dtype}, no numbers", hint=_HINT)
        if array.dtype.kind != "u" or array.max(initial=0) < 1 << 63:
            array = array.astype(np.int64 if array.dtype.kind in "iub" else np.float64)
        if array.ndim == 0 or len(array) == 0 or array[0].size != int(np.prod(shape)):
            raise DataError(
                f"{source}: the input '{name}' takes {shape} values a sample, the data is {array.shape}", hint=_HINT
            )
        if not np.isfinite(array).all():
            raise DataError(f"{source}: the input '{name}' holds NaN or infinite values", hint="leave them out")
        largest = max(float(array.max()), -float(array.min()))
        if largest > _LARGEST or 0 < largest < 1 / _LARGEST:
            raise DataError(
                f"{source}: the input '{name}' has values up to {largest:.3g}, which no fixed-point type is for",
                hint="scale them, in the model, too",
            )
        found.append(array.reshape(len(array), *shape))
    if len({len(array) for array in found}) != 1:
        raise DataError(f"{source}: its inputs have {[len(array) for array in found]} samples", hint="as many of each")
    labels, values = (None, None) if truth is None else _labels(np.asarray(truth), len(found[0]), outputs, task, source)
    return GivenData(source=source, inputs=tuple(found), truth=values, labels=labels)


def _labels(
    truth: Array, count: int, outputs: int | None, task: Task, source: str
) -> tuple[Literal["classes", "targets"], Array]:
    import numpy as np

    if truth.dtype.kind not in "fiub" or truth.ndim == 0 or len(truth) != count:
        raise DataError(f"{source}: {truth.shape} labels of {truth.dtype} for {count} samples", hint="one for each")
    flat = truth.reshape(count, -1).astype(np.float64)
    if not np.isfinite(flat).all():
        raise DataError(f"{source}: labels are NaN or infinite", hint="leave those samples out")
    if task == "classification":
        if flat.shape[1] > 1 and outputs in (None, flat.shape[1]):
            return "classes", flat.argmax(axis=1).astype(np.int64)
        if flat.shape[1] == 1:
            classes = flat[:, 0]
            if (classes % 1).any() or classes.min() < 0 or (outputs is not None and classes.max() >= outputs):
                apart = "" if outputs is None else f", the model tells {outputs} apart"
                raise DataError(
                    f"{source}: classes from {classes.min():g} to {classes.max():g}{apart}",
                    hint="classes are 0, 1, …; for other targets: --task regression",
                )
            return "classes", classes.astype(np.int64)
    if outputs is not None and flat.shape[1] != outputs:
        raise DataError(
            f"{source}: {flat.shape[1]} labels a sample, the model gives {outputs} values", hint="one for each value"
        )
    if task == "binary" and not np.isin(flat, (0, 1)).all():
        raise DataError(f"{source}: labels of a binary model are 0 and 1", hint="or name the task: --task regression")
    return "targets", flat
