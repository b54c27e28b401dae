"""The installed packages that compute a result, told apart by what is installed, not by their version alone.

A package from git, or one that somebody patched, has the version of the release. Of every package the digest of its
RECORD counts, which names each file with its hash. Those in Python that write or interpret a network are read whole,
for they are what is patched in place, and so is what is not where its RECORD is (an editable install, a folder on
PYTHONPATH). A library's compiled code changed in place is not noticed.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import platform
import re
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.machinery import PathFinder
from pathlib import Path

# TensorFlow itself, by each name that it has been published under.
TENSORFLOW = frozenset(
    f"{name}{suffix}"
    for name in ("tensorflow", "tf-nightly", "intel-tensorflow")
    for suffix in ("", "-cpu", "-gpu", "-intel", "-macos", "-rocm", "-cpu-aws", "-aarch64")
)

# What a module imports -> the distributions that then compute, as patterns of their names: TensorFlow has a dozen.
_TENSORFLOW = (r"(.+-)?tensorflow(-.+)?", r"tf-nightly(-.+)?", "tf-keras", "keras", "h5py", "ml-dtypes", "numpy")
_TFMOT = ("tensorflow-model-optimization", *_TENSORFLOW)
COMPUTING: Mapping[str, tuple[str, ...]] = {
    "numpy": ("numpy",),
    "scipy": ("scipy", "numpy"),
    "sklearn": ("scikit-learn", "scipy", "numpy"),
    "h5py": ("h5py",),
    "safetensors": ("safetensors",),
    "keras": _TENSORFLOW,
    "tensorflow": _TENSORFLOW,
    "tensorflow_model_optimization": _TFMOT,
    "qkeras": ("qkeras", *_TFMOT),
    # Two packages, the second of which is `hgq2` by its distribution.
    "HGQ": ("hgq", *_TENSORFLOW),
    "hgq": ("hgq2", "quantizers", *_TENSORFLOW),
    "hls4ml": ("hls4ml", "numpy"),
    "da4ml": ("da4ml", "numba", "llvmlite", "numpy"),
    "pyosys": ("pyosys",),
    "onnx": ("onnx", "protobuf", "numpy"),
    "onnxruntime": ("onnxruntime", "numpy"),
    "qonnx": ("qonnx", "onnx", "onnxruntime", "numpy"),
}

# What is imported as well and computes nothing: it checks, shows, or (`google.protobuf`) is counted with what uses it.
# What was read of a file is in the key by value.
IDLE = frozenset({"defusedxml", "google", "matplotlib", "pydantic", "pydantic_core", "rich", "serial", "yaml"})

# Read whole, by their names as imported.
_WHOLE = ("HGQ", "da4ml", "hgq", "hls4ml", "keras", "qkeras", "qonnx", "tensorflow_model_optimization")
# A file that is larger counts by size and time: libraries of a hundred megabytes.
_LARGE_BYTES = 4 << 20
_INFO = re.compile(r"(.+?)-([^-]+?)(?:-py[\d.]+)?\.(?:dist|egg)-info")


@dataclass(frozen=True, kw_only=True, slots=True)
class Distribution:
    """An installed distribution, as the folder says that pip leaves beside it."""

    name: str
    version: str
    info: Path


class Installed:
    """The distributions on a path as they are when first asked: what a process has imported does not change either."""

    def __init__(self, path: Sequence[str] | None = None) -> None:
        self._path = path
        self._states: dict[str, str] = {}

    @cached_property
    def distributions(self) -> Mapping[str, Distribution]:
        """Every distribution by its normalized name; the first on the path counts, as it does for imports."""
        found: dict[str, Distribution] = {}
        for folder in map(Path, sys.path if self._path is None else self._path):
            if not folder.is_dir():
                continue
            for info in sorted(folder.iterdir()):
                match = _INFO.fullmatch(info.name)
                if match:
                    name = re.sub(r"[-_.]+", "-", match[1]).lower()
                    found.setdefault(name, Distribution(name=name, version=match[2], info=info))
        return found

    def computing(self, imported: Iterable[str], also: Collection[str] = ()) -> dict[str, str]:
        """`version digest` of every distribution that computes where `imported` are imported.

        `also` are names of further distributions, such as those of programs.
        """
        imported = set(imported) & set(COMPUTING)
        patterns = {pattern for name in imported for pattern in COMPUTING[name]} | set(also)
        wanted = re.compile("|".join(f"(?:{pattern})" for pattern in sorted(patterns)))
        found = {name: self._state(name) for name in self.distributions if patterns and wanted.fullmatch(name)}
        for module in imported:
            if not any(name in self.distributions for name in _names(module)):
                # A checkout on PYTHONPATH, or nothing, which will be said when it is imported.
                folder = self._folder(module)
                found[f"{module} (not installed)"] = "" if folder is None else _contents(folder)
        return dict(sorted(found.items()))

    def _state(self, name: str) -> str:
        if name not in self._states:
            distribution = self.distributions[name]
            self._states[name] = f"{distribution.version} {self._digest(distribution)}"
        return self._states[name]

    def _digest(self, distribution: Distribution) -> str:
        record = distribution.info / "RECORD"
        said = _recorded(record) if record.is_file() else ""
        module = _module(distribution.name)
        folder = self._folder(module)
        if folder is None or (said and module not in _WHOLE and folder.parent == distribution.info.parent):
            return said
        return hashlib.sha256(f"{said} {_contents(folder)}".encode()).hexdigest()

    def _folder(self, module: str) -> Path | None:
        """The folder of a package in Python, found as an import finds it, without importing it."""
        # Not what is loaded by now: that of TensorFlow, once it runs, does not say where it is.
        spec = PathFinder.find_spec(module, self._path)
        if spec is None and self._path is None:
            # An editable install may have a finder of its own.
            with contextlib.suppress(ImportError, ValueError):
                spec = importlib.util.find_spec(module)
        # A mere folder of that name on the path has no file of its own.
        places = list(spec.submodule_search_locations or ()) if spec is not None and spec.origin is not None else []
        return Path(places[0]) if places else None


def _recorded(record: Path) -> str:
    """The digest of what a RECORD says of a distribution's own files.

    Without the installer's notes and the scripts, whose first line is the environment's path: a moved environment is
    the same.
    """
    text = record.read_bytes()
    return hashlib.sha256(re.sub(rb"(?m)^(?:\.\.|[^/\n]+\.dist-info)/.*\n|^.*\.pyc,.*\n", b"", text)).hexdigest()


def _contents(folder: Path) -> str:
    """The digest of all files below a folder."""
    found = hashlib.sha256()
    for place, folders, files in os.walk(folder):
        folders.sort()
        for file in sorted(files):
            if file.endswith(".pyc"):
                continue
            path = os.path.join(place, file)
            found.update(f"\n{path[len(str(folder)) :]} ".encode())
            said = os.stat(path)
            if said.st_size > _LARGE_BYTES:
                found.update(f"{said.st_size} {said.st_mtime_ns}".encode())
            else:
                with open(path, "rb") as stream:
                    found.update(stream.read())
    return found.hexdigest()


def _names(module: str) -> Collection[str]:
    """The names of the distributions that a module may come from."""
    known = {"tensorflow": TENSORFLOW, "sklearn": ("scikit-learn",), "HGQ": ("hgq",), "hgq": ("hgq2",)}
    return known.get(module, (module.replace("_", "-"),))


def _module(distribution: str) -> str:
    """The module that a distribution brings."""
    known = next((module for module in COMPUTING if distribution in _names(module)), None)
    return known or distribution.replace("-", "_")


@cache
def installed() -> Installed:
    """The packages of the running Python."""
    return Installed()


def interpreter() -> str:
    """The Python that runs, and for which processor."""
    return f"{platform.python_implementation()} {platform.python_version()} {platform.system()} {platform.machine()}"
