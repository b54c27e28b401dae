"""The files that datasets come in: Keras' cache and its download, read without Keras and without running pickles."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import pickle
import shutil
import socket
import tarfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from hlsflow.foundation import interrupts
from hlsflow.foundation.workspace import storage_errors, whole_file

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array

# Giving up on a network that does not answer; on one that answers, the whole download.
CONNECT_TIMEOUT_S = 5.0
DOWNLOAD_TIMEOUT_S = 300.0

UNREADABLE = (
    OSError,
    ValueError,
    EOFError,
    KeyError,
    TypeError,
    AttributeError,
    MemoryError,
    zipfile.BadZipFile,
    zlib.error,
    tarfile.TarError,
    pickle.UnpicklingError,
)

_TF_KERAS = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
_FASHION_FILES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)
# What tf.keras.datasets downloads; the digests are Keras' own (it has none for Fashion-MNIST).
URLS = {
    "mnist": f"{_TF_KERAS}mnist.npz",
    "fashion_mnist": f"{_TF_KERAS}{_FASHION_FILES[0]}",
    "cifar10": "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
}
_SHA256 = {
    "mnist": "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
    "cifar10": "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
}
_CIFAR_TRAIN = tuple(f"data_batch_{index}" for index in range(1, 6))


class DownloadError(Exception):
    """A download that failed, with the reason. `load_dataset` turns it into its own error."""


def keras_cache_path(name: str) -> Path:
    """Where Keras caches a dataset: MNIST's file, or the folder of the others' files."""
    folder = Path.home() / ".keras" / "datasets"
    return folder / {"mnist": "mnist.npz", "fashion_mnist": "fashion-mnist", "cifar10": "cifar-10-batches-py"}[name]


def read_npz(path: Path) -> dict[str, Array]:
    """The four arrays of an .npz as they are stored. Raises one of UNREADABLE; pickled arrays are refused."""
    if not zipfile.is_zipfile(path):
        raise ValueError("it is no .npz archive, or it is cut off")
    with np.load(path, allow_pickle=False) as archive:
        return {key: archive[key] for key in ("x_train", "y_train", "x_test", "y_test")}


def read_idx_folder(folder: Path) -> dict[str, Array]:
    """Fashion-MNIST from the four IDX files that Keras caches. Raises one of UNREADABLE."""
    x_train, y_train, x_test, y_test = (_read_idx(folder / file) for file in _FASHION_FILES)
    return {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}


def _read_idx(path: Path) -> Array:
    """An IDX file of unsigned bytes: 00 00 08, the number of axes, each length as a big-endian int32, then the data."""
    content = gzip.decompress(path.read_bytes())
    if content[:3] != b"\0\0\x08" or len(content) < 4 + 4 * content[3]:
        raise ValueError(f"{path.name} is no IDX file of bytes")
    axes = content[3]
    shape = tuple(int(length) for length in np.frombuffer(content, ">i4", axes, 4))
    return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape)


def read_cifar_folder(folder: Path) -> dict[str, Array]:
    """CIFAR-10 from the Python batches that Keras caches: x uint8 (n, 32, 32, 3). Raises one of UNREADABLE."""
    train = [_read_cifar_batch(folder / name) for name in _CIFAR_TRAIN]
    x_test, y_test = _read_cifar_batch(folder / "test_batch")
    return {
        "x_train": np.concatenate([x for x, _ in train]),
        "y_train": np.concatenate([y for _, y in train]),
        "x_test": x_test,
        "y_test": y_test,
    }


class _ArrayUnpickler(pickle.Unpickler):
    """Reads pickled numpy arrays in dicts and lists; any other class or function, which could run code, is refused."""

    _ALLOWED = frozenset(
        {
            ("numpy.core.multiarray", "_reconstruct"),
            ("numpy", "ndarray"),
            ("numpy", "dtype"),
            ("_codecs", "encode"),
        }
    )

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self._ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which image data does not need")
        return super().find_class(module, name)


def _read_cifar_batch(path: Path) -> tuple[Array, Array]:
    with path.open("rb") as stream:
        batch = _ArrayUnpickler(stream, encoding="bytes").load()
    # Each row holds the red, the green and the blue plane.
    images = batch[b"data"].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return images, np.array(batch[b"labels"], np.int64)


def download(name: str) -> Path:
    """Downloads a dataset into the Keras cache, where Keras finds it too, and gives its path there.

    Raises DownloadError after at most CONNECT_TIMEOUT_S without an answer, DOWNLOAD_TIMEOUT_S in all, or where the
    content is not what Keras expects. Nothing half-written stays. Raises StorageError.
    """
    _check_reachable(urllib.parse.urlsplit(URLS[name]))
    deadline = time.monotonic() + DOWNLOAD_TIMEOUT_S
    target = keras_cache_path(name)
    if name == "mnist":
        _fetch(URLS[name], target, _SHA256[name], deadline)
    elif name == "fashion_mnist":
        # The folder must not exist with some of its files only.
        for file in _FASHION_FILES:
            _fetch(_TF_KERAS + file, target.with_name("fashion-mnist.partial") / file, None, deadline)
        target.with_name("fashion-mnist.partial").replace(target)
    else:
        archive = target.with_name("cifar-10-batches-py.tar.gz")
        _fetch(URLS[name], archive, _SHA256[name], deadline)
        unpacked = target.with_name("cifar10.partial")
        with storage_errors(target), tarfile.open(archive) as tar:
            tar.extractall(unpacked, filter="data")
            (unpacked / target.name).replace(target)
        shutil.rmtree(unpacked, ignore_errors=True)
    return target


def _check_reachable(url: urllib.parse.SplitResult) -> None:
    """Raises DownloadError unless the server accepts a connection in time.

    In a thread that is left behind, because a name lookup knows no time-out and can hang for minutes.
    """
    if urllib.request.getproxies().get(url.scheme):
        # A proxy resolves the name; the request's own time-out has to do.
        return
    outcome: list[str] = []

    def connect() -> None:
        try:
            with socket.create_connection((url.hostname, url.port or 443), timeout=CONNECT_TIMEOUT_S):
                outcome.append("")
        except OSError as error:
            outcome.append(error.strerror or str(error))

    thread = threading.Thread(target=connect, daemon=True)
    thread.start()
    with interrupts.at_once():
        thread.join(CONNECT_TIMEOUT_S)
    if outcome != [""]:
        raise DownloadError(outcome[0] if outcome else f"no answer in {CONNECT_TIMEOUT_S:.0f} s")


def _fetch(url: str, target: Path, sha256: str | None, deadline: float) -> None:
    """Downloads one file whole or not at all."""
    with contextlib.ExitStack() as stack:
        try:
            with interrupts.at_once():
                response = stack.enter_context(urllib.request.urlopen(url, timeout=CONNECT_TIMEOUT_S))
        except (OSError, ValueError) as error:
            raise DownloadError(_reason(error)) from error
        with whole_file(target) as partial, partial.open("wb") as output:
            digest = _copy(response, output, deadline)
            if sha256 is not None and digest != sha256:
                raise DownloadError(f"the content's SHA-256 is {digest[:12]}…, Keras expects {sha256[:12]}…")


def _copy(response: Any, output: BinaryIO, deadline: float) -> str:
    """Copies a response and gives its SHA-256."""
    digest = hashlib.sha256()
    while True:
        try:
            interrupts.check()
            chunk = response.read1(1 << 16)
        except OSError as error:
            raise DownloadError(_reason(error)) from error
        if not chunk:
            return digest.hexdigest()
        if time.monotonic() > deadline:
            raise DownloadError(f"not complete after {DOWNLOAD_TIMEOUT_S:.0f} s")
        digest.update(chunk)
        output.write(chunk)


def _reason(error: Exception) -> str:
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    return str(getattr(reason, "strerror", None) or reason)
