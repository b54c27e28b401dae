"""Opening a model file: what it is, its configuration as JSON, and where its weights are."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import lzma
import os
import struct
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from hlsflow.foundation.errors import ModelError, ToolError
from hlsflow.foundation.strict_read import UnreadableError, check_zip, read_bytes
from hlsflow.foundation.workspace import PACKAGE, write_bytes
from hlsflow.frontends.contract import Origin
from hlsflow.frontends.keras.files.flatten import flattened
from hlsflow.frontends.keras.files.found import FoundModel
from hlsflow.frontends.keras.files.serialized import shown, written_by_keras_3
from hlsflow.frontends.keras.files.stores import NamedStore, NumberedStore, Store, arrays_of, child, texts
from hlsflow.processes.process import run

Generation = Literal[2, 3]
MAX_FILE_BYTES = 1 << 30
# A whole gigabyte is read in two seconds.
_WALK_S = 30.0
_HDF5 = b"\x89HDF\r\n\x1a\n"
_BOM = b"\xef\xbb\xbf"
_LFS = b"version https://git-lfs"
_AGAIN = "save the whole model again: model.save('model.h5')"


def read_model_file(path: Path, weights: Path | None = None, *, own: bool = False) -> FoundModel:
    """The model of a file: a whole one in HDF5 or in an archive of Keras, or a JSON architecture with `weights`.

    What is in a file decides what it is, not its name; nothing in it is run. `weights` is for an architecture alone;
    without it `<name>_weights.h5` or `<name>.weights.h5` beside it is taken. `own`: the Keras that wrote it will be the
    one that computes it. Raises ModelError where the file is
    damaged or holds no whole model, UnsupportedError naming every layer that is not read, with what to do.
    """
    data = _bytes(path)
    digest = hashlib.sha256(data)
    if _is_json(data):
        said = _json(data, path)
        file = weights or _weights_beside(path)
        content = _bytes(file)
        digest.update(content)
        with _hdf5(content, file) as opened:
            version = _version(said.get("keras_version", opened.attrs.get("keras_version")))
            store: Store = _store_of_weights(opened, file)
            kind = f"Keras {version} architecture (JSON) and {file.name}"
            return _found(said, store, path, digest.hexdigest(), kind, own)
    if weights is not None:
        raise ModelError(f"{path}: it is no JSON architecture, so it takes no weights", hint="leave out --weights")
    if data.startswith(_HDF5):
        with _hdf5(data, path) as opened:
            return _of_hdf5(opened, path, digest.hexdigest(), own)
    if data.startswith(_LFS):
        raise ModelError(f"{path}: a pointer of Git LFS, not the file itself", hint="fetch it: git lfs pull")
    if zipfile.is_zipfile(io.BytesIO(data)):
        return _of_archive(data, path, digest.hexdigest(), own)
    raise ModelError(
        f"{path}: it is neither HDF5, nor an archive of Keras, nor a JSON architecture"
        + (": it is cut off, or empty" if len(data) < 64 else ""),
        hint=_AGAIN,
    )


def written_by(path: Path) -> Generation | None:
    """The Keras that wrote a model's file, by its content; None where it is no file of Keras, or nobody can say.

    Nothing is read of it but its description.
    """
    try:
        return 3 if written_by_keras_3(_description(_bytes(path), path)) else 2
    except (ModelError, RecursionError):
        return None


def _description(data: bytes, path: Path) -> dict[str, Any]:
    if _is_json(data):
        return _json(data, path)
    if data.startswith(_HDF5):
        with _hdf5(data, path) as opened:
            return _description_in_hdf5(opened, path)
    if zipfile.is_zipfile(io.BytesIO(data)):
        return _members(data, path)[0]
    raise ModelError(f"{path}: no file of Keras", hint=_AGAIN)


def _is_json(data: bytes) -> bool:
    return data[:64].removeprefix(_BOM).lstrip()[:1] in (b"{", b"[", b'"')


def _bytes(path: Path) -> bytes:
    try:
        return read_bytes(path, MAX_FILE_BYTES)
    except FileNotFoundError as error:
        raise ModelError(f"no file {path}", hint="name a model file: .h5, .keras or .json") from error
    except UnreadableError as error:
        hint = "a SavedModel folder is not read: model.save('model.h5')" if path.is_dir() else "name a model file"
        raise ModelError(f"{path}: {error.strerror}", hint=hint) from error
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror or error}", hint="name a file that can be read") from error


def _weights_beside(path: Path) -> Path:
    for name in (f"{path.stem}_weights.h5", f"{path.stem}.weights.h5", f"{path.stem}.h5"):
        if (path.parent / name).is_file():
            return path.parent / name
    raise ModelError(
        f"{path}: an architecture without weights, and no {path.stem}_weights.h5 beside it",
        hint="name its weights: --weights FILE",
    )


def _json(data: bytes, path: Path) -> dict[str, Any]:
    try:
        said = json.loads(data)
        # Some save `json.dumps(model.to_json())`: a text in a text.
        said = json.loads(said) if isinstance(said, str) else said
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path}: it is no whole JSON: {error}", hint=_AGAIN) from error
    if not isinstance(said, dict) or "class_name" not in said:
        raise ModelError(f"{path}: a JSON file, and no architecture of Keras", hint=_AGAIN)
    return said


@contextlib.contextmanager
def _hdf5(data: bytes, path: Path) -> Iterator[Any]:
    import h5py

    _check_walk(data, path)
    try:
        file = h5py.File(io.BytesIO(data), "r")
    except (OSError, ValueError, RuntimeError) as error:
        raise ModelError(f"{path}: a damaged HDF5 file: {error}", hint=_AGAIN) from error
    with file:
        try:
            yield file
        except (OSError, KeyError, RuntimeError, ValueError, TypeError) as error:
            raise ModelError(f"{path}: a damaged HDF5 file: {error}", hint=_AGAIN) from error


# The SHA-256 of what a process came to the end of: a file is asked what it is before it is read.
_WALKED: set[bytes] = set()


def _check_walk(data: bytes, path: Path) -> None:
    """Raises ModelError where a process of its own cannot come to the end of an HDF5 file."""
    digest = hashlib.sha256(data).digest()
    if digest in _WALKED:
        return
    with tempfile.TemporaryDirectory(prefix="hlsflow-") as folder:
        copy = Path(folder) / "model.h5"
        write_bytes(copy, data)
        # -P: Python would import from the current folder first, which is where a stranger's files are unpacked.
        words = (sys.executable, "-P", "-m", "hlsflow.frontends.keras.files.hdf5_walk", copy)
        environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
        try:
            run(words, log=Path(folder) / "log", env=environment, timeout_s=_WALK_S, what="reading HDF5")
        except ToolError as error:
            said = error.message.removeprefix("reading HDF5: ")
            raise ModelError(f"{path}: a damaged HDF5 file: reading it to its end: {said}", hint=_AGAIN) from error
    _WALKED.add(digest)


def _version(said: Any) -> str:
    if not isinstance(said, str | bytes) or not said:
        return "of an unknown version"
    text = said.decode(errors="replace") if isinstance(said, bytes) else said
    return "".join(letter for letter in text if letter.isprintable())[:40]


def _description_in_hdf5(file: Any, path: Path) -> dict[str, Any]:
    config = file.attrs.get("model_config")
    if config is None:
        if texts(file.attrs, "layer_names") is not None or "layers" in file or "_layer_checkpoint_dependencies" in file:
            raise ModelError(
                f"{path}: weights alone, no architecture",
                hint=f"{_AGAIN}, or name the JSON architecture and --weights {path.name}",
            )
        raise ModelError(f"{path}: an HDF5 file, and no model of Keras", hint=_AGAIN)
    said = _json(config if isinstance(config, bytes) else str(config).encode(errors="surrogateescape"), path)
    said.setdefault("keras_version", _version(file.attrs.get("keras_version")))
    return said


def _of_hdf5(file: Any, path: Path, digest: str, own: bool) -> FoundModel:
    said = _description_in_hdf5(file, path)
    group = child(file, "model_weights", str(path))
    if group is None:
        raise ModelError(f"{path}: an architecture, and no weights", hint=_AGAIN)
    version = _version(file.attrs.get("keras_version"))
    return _found(said, NamedStore(source=str(path), group=group), path, digest, f"Keras {version} model (HDF5)", own)


def _store_of_weights(file: Any, path: Path) -> Store:
    if "model_weights" in file:
        return NamedStore(source=str(path), group=file["model_weights"])
    if texts(file.attrs, "layer_names") is not None:
        return NamedStore(source=str(path), group=file)
    return NumberedStore(source=str(path), arrays=arrays_of(file, str(path)))


def _members(data: bytes, path: Path) -> tuple[dict[str, Any], bytes]:
    """(the description with its version, the weights' file) of an archive of Keras' own format."""
    try:
        check_zip(path)
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = {name: archive.read(name) for name in archive.namelist() if name in _PARTS}
    except _UNPACKING as error:
        raise ModelError(f"{path}: a damaged archive: {error}", hint=_AGAIN) from error
    for name in _PARTS:
        if name not in parts and name != "metadata.json":
            raise ModelError(f"{path}: an archive without {name}, and no model of Keras", hint=_AGAIN)
    said = _json(parts["config.json"], path)
    metadata: Mapping[str, Any] = {}
    with contextlib.suppress(ValueError):
        read = json.loads(parts.get("metadata.json", b"{}"))
        metadata = read if isinstance(read, dict) else {}
    said["keras_version"] = _version(metadata.get("keras_version"))
    return said, parts["model.weights.h5"]


def file_bytes(path: Path) -> bytes:
    """What a file holds. Raises ModelError where it cannot be read, or is larger than any model here."""
    return _bytes(path)


@contextlib.contextmanager
def opened_archive(data: bytes, path: Path) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """(the description with its version, datasets by their paths) of an archive of Keras' own format, for whoever
    reads other layers of it. Raises ModelError."""
    said, weights = _members(data, path)
    with _hdf5(weights, path) as opened:
        yield said, arrays_of(opened, str(path))


def _of_archive(data: bytes, path: Path, digest: str, own: bool) -> FoundModel:
    said, weights = _members(data, path)
    version = said["keras_version"]
    with _hdf5(weights, path) as opened:
        store = NumberedStore(source=str(path), arrays=arrays_of(opened, str(path)))
        return _found(said, store, path, digest, f"Keras {version} model (.keras)", own)


# What zipfile and what unpacks for it raise; RuntimeError: an unknown method, or a password.
_UNPACKING = (
    OSError, ValueError, RuntimeError, EOFError, KeyError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error,
)  # fmt: skip
_PARTS = ("config.json", "metadata.json", "model.weights.h5")


def _found(said: Mapping[str, Any], store: Store, path: Path, digest: str, kind: str, own: bool) -> FoundModel:
    architecture, weights, notes = flattened(said, store, str(path), own=own)
    return FoundModel(
        architecture=architecture,
        weights=weights,
        notes=tuple(notes),
        keras_3=written_by_keras_3(said),
        origin=Origin(file=shown(path.name), sha256=digest, format=kind),
    )
