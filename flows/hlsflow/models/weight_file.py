"""A model's weights as one binary file for other programs, `.npz` or `.safetensors`: arrays and JSON, no code.

Arrays lie under `<layer>/<variable>`, such as `fc1/kernel`: float32 as they are (float16 where that holds every one of
them), or, on request, the integers that a quantized layer computes with. Those have companions `fc1/kernel_scale`
(float32) and `fc1/kernel_zero_point`, of shape () or (channels,): value = scale * (integer - zero_point), exactly.
Metadata name the model, the digest of its recipe (or of the architecture that somebody added) and each array's type:
the member `metadata.json` of an .npz, the entry `hlsflow` of a safetensors header
(https://huggingface.co/docs/safetensors).
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

import numpy as np
from pydantic import ValidationError, model_validator

from hlsflow.foundation.array_file import pack_arrays, read_arrays
from hlsflow.foundation.errors import ModelError
from hlsflow.frontends.keras.files.found import WEIGHTS_FILE
from hlsflow.models.integers import INTEGERS, SCALE, ZERO_POINT, as_integers
from hlsflow.models.owner import Owner, owner_of
from hlsflow.models.recipe import Part, Recipe, load_recipe

METADATA_MEMBER, METADATA_ENTRY = "metadata.json", "hlsflow"


class Metadata(Part):
    """What the arrays belong to. `types` gives each array's quantizer in QKeras notation, or its floating type.

    `arrays_sha256` is that of `digest`, since a safetensors file has no checksum of its own.
    """

    version: Literal[1] = 1
    model: str
    recipe_sha256: str | None = None
    architecture_sha256: str | None = None
    arrays_sha256: str
    types: dict[str, str]

    @model_validator(mode="after")
    def _of_one(self) -> Self:
        if (self.recipe_sha256 is None) == (self.architecture_sha256 is None):
            raise ValueError("of a recipe, or of an architecture")
        return self


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class WeightFile:
    """The arrays of a file as they are stored, companions included; `metadata` is None in a file of another program."""

    arrays: Mapping[str, np.ndarray]
    metadata: Metadata | None


def export_weights(model_dir: Path, *, integers: bool = False) -> WeightFile:
    """The weights of a model folder, with `integers` those of quantized layers in the smallest integer type.

    Integers load TensorFlow, since the layer's own quantizer makes them. Raises ModelError, also where a model without
    quantizers is asked for integers.
    """
    owner = owner_of(model_dir)
    arrays: dict[str, np.ndarray] = {}
    types: dict[str, str] = {}
    if not integers:
        arrays = read_arrays(model_dir / WEIGHTS_FILE, owner.again)
        if all(np.array_equal(array.astype(np.float16).astype(np.float32), array) for array in arrays.values()):
            arrays = {key: array.astype(np.float16) for key, array in arrays.items()}
        types = {key: array.dtype.name for key, array in arrays.items()}
    else:
        for key, (values, step, text) in _on_grids(model_dir, owner).items():
            types[key] = text
            arrays |= {key: values} if step is None else as_integers(key, values, step)
    metadata = Metadata(model=owner.name, **owner.said, arrays_sha256=digest(arrays), types=types)
    return WeightFile(arrays=arrays, metadata=metadata)


def _on_grids(model_dir: Path, owner: Owner) -> dict[str, tuple[np.ndarray, float | None, str]]:
    """Each array with its step and its quantizer in QKeras notation; float32 as it is, without a step, where a layer
    of an added model has no quantizer for it. Raises ModelError where there is none at all."""
    missing = ModelError(f"{owner.name} has no quantizers: its weights are no integers", hint="leave out --integers")
    if owner.kind == "architecture":
        found = _grids_of_layers(model_dir, read_arrays(model_dir / WEIGHTS_FILE, owner.again))
        if all(step is None for _, step, _ in found.values()):
            raise missing
        return found
    quantization = load_recipe(model_dir).compression.quantization
    if quantization is None:
        raise missing
    found = {}
    for key, values in _quantized_weights(model_dir).items():
        quantizer = quantization.of(*key.split("/", 1))
        found[key] = values, quantizer.step, str(quantizer)
    return found


def _grids_of_layers(
    model_dir: Path, arrays: Mapping[str, np.ndarray]
) -> dict[str, tuple[np.ndarray, float | None, str]]:
    """As `_on_grids`, of an added model: its layers say which quantizers they have."""
    from hlsflow.frontends.keras.constants import quantized_variables
    from hlsflow.models.model import keras_of, open_model

    model = keras_of(open_model(model_dir), "weights export")
    on_grid = {
        f"{layer.name}/{variable}": (values.astype(np.float32), type_.lsb, text)
        for layer in model.layers
        for variable, (values, type_, text) in quantized_variables(layer).items()
    }
    return {key: on_grid.get(key, (array, None, array.dtype.name)) for key, array in arrays.items()}


def digest(arrays: Mapping[str, np.ndarray]) -> str:
    """The SHA-256 of arrays with their names, types and shapes, in the order of their names."""
    found = hashlib.sha256()
    for key in sorted(arrays):
        array = arrays[key]
        found.update(f"{key} {array.dtype.name} {array.shape}\n".encode())
        found.update(array.tobytes())
    return found.hexdigest()


def _quantized_weights(model_dir: Path) -> dict[str, np.ndarray]:
    """The values, float32 under `<layer>/<variable>`, that the layers of a quantized model compute with."""
    from hlsflow.frontends.keras.runtime import prepare_tensorflow
    from hlsflow.frontends.keras.sparsity import quantized_weights
    from hlsflow.models.weights import load_trained

    prepare_tensorflow()
    _, model = load_trained(model_dir)
    found = {}
    for layer in model.layers:
        if layer.weights:
            values = quantized_weights(layer)
            assert values is not None, "a recipe with quantizers has one for each layer"
            found |= {f"{layer.name}/{role}": array for role, array in zip(("kernel", "bias"), values, strict=False)}
    return found


def to_bytes(file: WeightFile, format_: str) -> bytes:
    """The file's content; equal arrays and metadata give equal bytes."""
    text = None
    if file.metadata is not None:
        text = json.dumps(file.metadata.model_dump(mode="json", exclude_none=True))
    if format_ == "safetensors":
        from safetensors.numpy import save

        arrays = {key: np.array(array, order="C") for key, array in file.arrays.items()}
        return save(arrays, metadata=None if text is None else {METADATA_ENTRY: text})
    content = io.BytesIO(pack_arrays(dict(file.arrays)))
    if text is not None:
        with zipfile.ZipFile(content, "a") as archive:
            info = zipfile.ZipInfo(METADATA_MEMBER, date_time=(1980, 1, 1, 0, 0, 0))
            info.external_attr = 0o644 << 16
            archive.writestr(info, text)
    return content.getvalue()


def read_weight_file(path: Path) -> WeightFile:
    """A file of either format, recognised by its content. Raises ModelError where it is missing or corrupt."""
    if not path.is_file():
        raise ModelError(f"no file {path}", hint="hlsflow weights export NAME FILE writes one")
    with path.open("rb") as stream:
        start = stream.read(9)
    if start[:2] == b"PK":
        arrays, text = _read_npz(path)
    elif start[8:] == b"{":
        arrays, text = _read_safetensors(path)
    else:
        raise ModelError(
            f"{path} is neither an .npz archive nor a safetensors file",
            hint="hlsflow weights export NAME FILE writes either",
        )
    if text is None:
        return WeightFile(arrays=arrays, metadata=None)
    try:
        metadata = Metadata.model_validate_json(text)
    except (ValidationError, UnicodeDecodeError) as error:
        raise _corrupt(path, "its metadata are not hlsflow's") from error
    if digest(arrays) != metadata.arrays_sha256:
        raise _corrupt(path, "its arrays are not those that were written")
    return WeightFile(arrays=arrays, metadata=metadata)


def _corrupt(path: Path, reason: object) -> ModelError:
    return ModelError(f"cannot read the weights {path}: {reason}", hint="export them again: hlsflow weights export")


def _read_npz(path: Path) -> tuple[dict[str, np.ndarray], str | bytes | None]:
    try:
        arrays = read_arrays(path)
    except ModelError as error:
        raise ModelError(error.message, hint="export them again: hlsflow weights export") from error
    text = arrays.pop(METADATA_MEMBER, None)
    for name, member in arrays.items():
        if not isinstance(member, np.ndarray):
            raise _corrupt(path, f"{name} in it is no array")
    return arrays, text


def _read_safetensors(path: Path) -> tuple[dict[str, np.ndarray], str | None]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            metadata = (file.metadata() or {}).get(METADATA_ENTRY)
        for key, array in arrays.items():
            # TensorFlow, where it is loaded, teaches numpy bfloat16 and the like.
            if array.dtype.kind not in "fiu":
                raise TypeError(f"{key} is {array.dtype}, a type that numpy has not by itself")
        return arrays, metadata
    except (SafetensorError, OSError, ValueError, TypeError, AttributeError, KeyError, OverflowError) as error:
        # TypeError, AttributeError: types that numpy has not, such as bfloat16.
        raise _corrupt(path, error) from error


def order_of(recipe: Recipe) -> list[str]:
    """The names of a recipe's weights."""
    return [f"{layer}/{role}" for layer in recipe.architecture.weight_names() for role in ("kernel", "bias")]


def real_values(file: WeightFile, path: Path, order: Iterable[str]) -> dict[str, np.ndarray]:
    """The float32 weights under `<layer>/<variable>` in an order of names, integers turned into their values.

    Names and shapes are not checked here, `assign_weights` does that. Raises ModelError for integers without a fitting
    scale and zero-point, and for types that are neither integers nor float16 or float32.
    """
    values: dict[str, np.ndarray] = {}
    used: set[str] = set()
    for key, array in file.arrays.items():
        if key.endswith((SCALE, ZERO_POINT)):
            continue
        where = f"{path}: layer '{key.partition('/')[0]}': {key.partition('/')[2]}"
        if array.dtype not in (*INTEGERS, np.float16, np.float32):
            raise ModelError(f"{where} is {array.dtype}, expected float32, float16, int8, int16 or int32")
        if array.dtype in INTEGERS:
            companions = [key + end for end in (SCALE, ZERO_POINT)]
            scale, zero = (file.arrays.get(name) for name in companions)
            for name, of in zip(companions, (scale, zero), strict=True):
                if of is None:
                    raise ModelError(f"{where} is of integers, and {name} is missing")
                if of.shape not in ((), array.shape[-1:]):
                    raise ModelError(f"{path}: {name} has shape {of.shape}, expected () or {array.shape[-1:]}")
            if scale.dtype != np.float32 or zero.dtype not in INTEGERS:
                raise ModelError(f"{where}: its scale is {scale.dtype} and its zero-point {zero.dtype}, "
                                 "expected float32 and an integer type")  # fmt: skip
            # Exact: an integer times a power of two. Another program's scale is rounded once, to float32.
            array = (scale.astype(np.float64) * (array.astype(np.int64) - zero.astype(np.int64))).astype(np.float32)
            used.update(companions)
        values[key] = array.astype(np.float32)
    for key in file.arrays:
        if key.endswith((SCALE, ZERO_POINT)) and key not in used:
            raise ModelError(f"{path}: {key} belongs to no array of integers")
    known = {key: values[key] for key in order if key in values}
    return known | {key: array for key, array in values.items() if key not in known}


def check_owner(metadata: Metadata | None, path: Path, owner: Owner) -> None:
    """Raises ModelError unless the file says that it is of this very network, or says nothing at all."""
    if metadata is None:
        return
    kind = "recipe" if metadata.recipe_sha256 is not None else "architecture"
    sha256 = metadata.recipe_sha256 or metadata.architecture_sha256 or ""
    if (kind, sha256) != (owner.kind, owner.sha256):
        raise ModelError(
            f"{path} holds weights of '{metadata.model}' by {kind} {sha256[:12]}, not of {owner.name} as its "
            f"{owner.kind} is ({owner.sha256[:12]})",
            hint="import them into the model they are of, or take them wherever names and shapes fit with --force",
        )
