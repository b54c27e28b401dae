"""The environment variables and the user's settings that change a result, with the reason of each."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping
from pathlib import Path

# What reads them: a package that is imported -> variable -> why it counts.
_BLAS = {
    "OMP_NUM_THREADS": "a product that threads share is summed in another order: seen with numpy's matrix product, SVD",
    "OPENBLAS_NUM_THREADS": "the same, for OpenBLAS alone",
    "GOTO_NUM_THREADS": "the same, by its old name",
    "MKL_NUM_THREADS": "the same, where numpy was built on MKL",
    "MKL_CBWR": "chooses MKL's order of summing",
    "OPENBLAS_CORETYPE": "chooses the kernels, and so their order of summing",
    "NPY_DISABLE_CPU_FEATURES": "chooses the kernels: seen with exp",
}
_KERAS = {
    "KERAS_BACKEND": "chooses what Keras computes with",
    "TF_USE_LEGACY_KERAS": "chooses which Keras tf.keras is",
    "TF_ENABLE_ONEDNN_OPTS": "oneDNN sums in an order of its own, and by the processor",
    "ONEDNN_MAX_CPU_ISA": "chooses oneDNN's kernels",
    "DNNL_MAX_CPU_ISA": "the same, by its old name",
    "TF_DETERMINISTIC_OPS": "chooses kernels that sum in a fixed order",
    "TF_CUDNN_DETERMINISTIC": "the same, on a GPU",
    "OMP_NUM_THREADS": "a sum that threads share is rounded differently, and Keras hands it on",
    "TF_NUM_INTRAOP_THREADS": "the same, within an operation",
    "TF_NUM_INTEROP_THREADS": "the same, between operations",
    "TF_XLA_FLAGS": "compiles operations into others that round elsewhere",
    "XLA_FLAGS": "the same: fast math, fusion",
    "CUDA_VISIBLE_DEVICES": "chooses the GPU, or the processor",
    "NVIDIA_TF32_OVERRIDE": "chooses how many bits a GPU multiplies",
}
VARIABLES: Mapping[str, Mapping[str, str]] = {
    "numpy": _BLAS,
    "scipy": _BLAS,
    "sklearn": _BLAS,
    "tensorflow": _KERAS,
    "keras": _KERAS,
    "qkeras": _KERAS,
    "HGQ": _KERAS,
    "hgq": _KERAS,
    "tensorflow_model_optimization": _KERAS,
    "hls4ml": {
        "DA_HARD_DC": "bounds the depth of adder trees, where the strategy is distributed arithmetic",
        "HLS4ML_BACKEND_PLUGINS": "modules that may change how a project is written",
    },
}

# What `hlsflow.frontends.keras.runtime` sets where nothing is set: unset and set so are one.
DEFAULTS: Mapping[str, str] = {"TF_ENABLE_ONEDNN_OPTS": "0"}

# The name of Keras' own settings in a key, and what they are where there is no file: Keras writes one with these.
KERAS_SETTINGS = "keras.json"
_KERAS_DEFAULTS = {
    "floatx": "float32", "epsilon": 1e-7, "backend": "tensorflow", "image_data_format": "channels_last"
}  # fmt: skip

# What changes a C++ compiler's output beside its arguments.
COMPILER_VARIABLES: Mapping[str, str] = {
    "CPATH": "folders of headers, before the system's",
    "C_INCLUDE_PATH": "folders of headers",
    "CPLUS_INCLUDE_PATH": "folders of headers: another <cmath>, another ap_fixed.h",
    "LIBRARY_PATH": "folders of libraries to link",
    "COMPILER_PATH": "where the driver finds its compiler, assembler and linker",
    "GCC_EXEC_PREFIX": "the same",
    "CCC_OVERRIDE_OPTIONS": "arguments that clang adds or drops",
    "SDKROOT": "the headers and libraries of macOS",
    "MACOSX_DEPLOYMENT_TARGET": "the libraries of macOS",
}
# What changes a compiled program's run.
PROGRAM_VARIABLES: Mapping[str, str] = {
    "LD_LIBRARY_PATH": "other libraries than those it was linked with",
    "LD_PRELOAD": "functions that take the place of a library's",
    "DYLD_LIBRARY_PATH": "the same on macOS",
    "DYLD_INSERT_LIBRARIES": "the same on macOS",
}


def values_of(names: Collection[str], environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The values of those of some variables that are set, or that are set for the user where they are not."""
    environ = os.environ if environ is None else environ
    said = {name: environ.get(name, DEFAULTS.get(name)) for name in sorted(names)}
    return {name: value for name, value in said.items() if value is not None}


def reaching(imported: Collection[str], environ: Mapping[str, str] | None = None) -> dict[str, object]:
    """The variables and settings that reach a computation which imports these packages."""
    names = {name for package in imported for name in VARIABLES.get(package, ())}
    values: dict[str, object] = dict(values_of(names, environ))
    if "KERAS_BACKEND" in names:
        values[KERAS_SETTINGS] = _keras_settings(os.environ if environ is None else environ)
    return values


def _keras_settings(environ: Mapping[str, str]) -> object:
    """Keras' settings: the width of its numbers, the order of an image's axes."""
    folder = environ.get("KERAS_HOME")
    path = Path(folder) if folder else Path("~/.keras").expanduser()
    try:
        said = json.loads((path / "keras.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return _KERAS_DEFAULTS
    return {**_KERAS_DEFAULTS, **said} if isinstance(said, dict) else _KERAS_DEFAULTS
