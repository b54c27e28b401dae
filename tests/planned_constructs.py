"""Constructs as they are planned and as hls4ml made projects of them, for tests that hold both together."""

from __future__ import annotations

import pickle
import re
from functools import partial
from pathlib import Path
from typing import NamedTuple

from constructs import CONSTRUCTS, EXACT, INPUT_TYPE, Construct, randomized

from hlsflow.hls.config import HlsConfig
from hlsflow.network.graph import Network
from hlsflow.network.layer_types import LayerTypes

EXACT_CONSTRUCTS = [item for item in CONSTRUCTS if item.expected == EXACT]


class Planned(NamedTuple):
    """A network, its types and configuration, and the folder of the project made of them."""

    network: Network
    layers: list[LayerTypes]
    config: HlsConfig
    root: Path


def planned(shared_run, construct: Construct) -> list[Planned]:
    """A construct in io_parallel, and in io_stream where it streams; converted once in a run."""
    slug = re.sub(r"[^A-Za-z0-9.]+", "_", construct.name)
    folder = shared_run.once(f"planned/{EXACT_CONSTRUCTS.index(construct)}-{slug}", partial(_make, construct))
    return [
        Planned(*pickle.loads((root / "planned").read_bytes()), root / "hls") for root in sorted(folder.glob("io_*"))
    ]


def _make(construct: Construct, folder: Path) -> None:
    from hlsflow.frontends.keras.network import network_of
    from hlsflow.frontends.keras.runtime import prepare_tensorflow
    from hlsflow.hls.convert import convert
    from hlsflow.network.fixed_point import parse_type
    from hlsflow.network.ranges import resolve

    prepare_tensorflow()
    network = network_of(randomized(construct.build()), parse_type(INPUT_TYPE))
    for io_type in ("io_parallel", "io_stream"):
        if io_type == "io_stream" and construct.streams is not True:
            continue
        layers, config = resolve(network, {}, io_type), HlsConfig(io_type=io_type)
        (folder / io_type).mkdir()
        convert(network, layers, config, folder / io_type / "hls")
        (folder / io_type / "planned").write_bytes(pickle.dumps((network, layers, config)))
