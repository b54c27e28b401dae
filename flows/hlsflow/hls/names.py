"""Layer names as C++ has them, and back: a name that is no identifier, or that hls4ml uses itself, has one derived.

hls4ml names variables after layers, and keeps a layer's output among its attributes under the layer's name. A project
whose layers have other names in C++ says so in a file, which its readers use: everything but C++ speaks the user's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from hlsflow.foundation.errors import ToolError
from hlsflow.foundation.strict_read import read_text

NAMES_FILE = "layer_names.json"
_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
# Words of C++ and of the generated code.
_RESERVED = frozenset(
    (
        "input main int float double char bool void auto if else for while do switch case default break continue "
        "return const static struct class new delete this true false namespace template typename using signed "
        "unsigned short long and or not xor nnet hls std"
    ).split()
)
# hls4ml's attributes of a layer.
_ATTRIBUTES = frozenset(
    (
        "name class_name inputs outputs index trace result accum weight bias scale param table slope shift threshold "
        "activation activ_param axis op perm dims algorithm implementation skip quantizer strategy reuse_factor "
        "target_cycles target_shape data_format n_in n_out n_filt n_chan n_partitions use_bias weight_data bias_data "
        "depthwise pointwise zero_bias depth_multiplier count_pad epsilon keepdims trusted value exp_table inv_table "
        "inv_inp inp_norm exp_table_size inv_table_size table_size parallelization_factor conv_implementation"
    ).split()
)
_PREFIXES = ("pad_", "in_", "out_", "filt_", "stride_", "pool_", "clone_", "zp1d_", "zp2d_", "repack_")
# Its own variables: `layer2_out`, `layer2_t`.
_NUMBERED = re.compile(r"layer\d")
# Layers that stand in front of one of ours, named after it by hls4ml or as hls4ml does.
_DERIVED = re.compile(r"(zp[12]d_|clone_|repack_)(.+)")


def is_usable(name: str) -> bool:
    """Whether a layer may have this name in C++."""
    return (
        _IDENTIFIER.fullmatch(name) is not None
        and name not in _RESERVED
        and name not in _ATTRIBUTES
        and not name.startswith(_PREFIXES)
        and _NUMBERED.match(name) is None
    )


def cpp_names(names: Iterable[str]) -> dict[str, str]:
    """The name in C++ of each layer, no two alike: its own where that can be, else one derived from it."""
    asked = list(names)
    found = {name: name for name in asked if is_usable(name)}
    taken = set(found)
    for name in asked:
        if name in found:
            continue
        stem = "user_" + re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")
        derived, number = stem, 1
        while derived in taken:
            number += 1
            derived = f"{stem}_{number}"
        taken.add(derived)
        found[name] = derived
    return {name: found[name] for name in asked}


def names_text(names: Mapping[str, str]) -> str | None:
    """The text of a project's file of names; None where C++ has every layer under its own."""
    derived = {cpp: name for name, cpp in names.items() if cpp != name}
    return json.dumps(derived, indent=1, sort_keys=True) + "\n" if derived else None


def read_names(root: Path) -> dict[str, str]:
    """The user's name of each layer that has another one in the C++ of a project. Raises ToolError."""
    path = root / NAMES_FILE
    if not path.is_file():
        return {}
    try:
        said = json.loads(read_text(path))
        return {str(cpp): str(name) for cpp, name in said.items()}
    except (OSError, ValueError, AttributeError) as error:
        raise ToolError(f"cannot read {path}: {error}", hint="build the model again") from error


def users_name(cpp: str, names: Mapping[str, str]) -> str:
    """The user's name of a layer, or of one that stands in front of it."""
    derived = _DERIVED.fullmatch(cpp)
    if derived is not None and cpp not in names:
        return derived[1] + names.get(derived[2], derived[2])
    return names.get(cpp, cpp)
