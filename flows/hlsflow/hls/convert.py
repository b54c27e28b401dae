"""Network + types + configuration -> a Vitis- or Vivado-ready HLS project, written by hls4ml."""

from __future__ import annotations

import contextlib
import copy
import io
import warnings
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from hlsflow.foundation.errors import ToolError
from hlsflow.foundation.workspace import storage_errors, write_text
from hlsflow.hls.config import HlsConfig
from hlsflow.hls.element_casts import teach_hls4ml
from hlsflow.hls.names import NAMES_FILE, cpp_names, names_text
from hlsflow.network.graph import MULTIPLIES, OPERATIONS, Network, Op
from hlsflow.network.identity import design_identity, project_name
from hlsflow.network.layer_types import LayerTypes
from hlsflow.network.ranges import softmax_table_sizes
from hlsflow.network.streams import padded_apart, padding_name, repacked

# Keys of hls4ml's layer configuration that are types of their own, not entries under `Precision`.
_TABLE_TYPES = ("exp_table", "inv_table", "inv_inp", "inp_norm", "table")


def layer_configuration(layer: LayerTypes, config: HlsConfig) -> dict[str, Any]:
    """hls4ml's configuration of one layer: every type explicit, so that nothing is inferred."""
    node = layer.node
    precision = {role: str(type_) for role, type_ in layer.types.items() if role not in _TABLE_TYPES}
    # A layer without biases still has a bias array of zeros in C++; so has a scale.
    if node.op in MULTIPLIES and "bias" not in precision:
        precision["bias"] = "ufixed<1,1>"
    said: dict[str, Any] = {"Precision": precision, "Trace": True}
    if node.op in MULTIPLIES:
        said["Strategy"] = config.strategy_of(node.name).capitalize()
        said["ReuseFactor"] = config.reuse_factor_of(node.name)
    if node.op is Op.SOFTMAX:
        own = config.layer(node.name)
        said.update({f"{role}_t": str(layer.types[role]) for role in _TABLE_TYPES if role in layer.types})
        said["implementation"] = own.implementation or "stable"
        said["exp_table_size"], said["inv_table_size"] = softmax_table_sizes(layer)
        if own.skip:
            said["skip"] = True
    if node.op is Op.TABLE:
        said["table_t"] = str(layer.types["table"])
        said["table_size"] = layer.node.attributes["table_size"]
    return said


def identity_of(network: Network, layers: Sequence[LayerTypes], config: HlsConfig) -> str:
    """The digest of the design (64 hexadecimal digits) that a network, its types and a configuration make."""
    return design_identity(network, layers, _settings(layers, config))


def hls4ml_config(
    network: Network, layers: Sequence[LayerTypes], config: HlsConfig, output_dir: Path
) -> dict[str, Any]:
    """The whole configuration as hls4ml takes it; its keys are hls4ml's own."""
    settings = _settings(layers, config)
    name = project_name(design_identity(network, layers, settings))
    done = {layer.node.name: layer for layer in layers}
    named = cpp_names(done)
    said = settings["HLSConfig"]["LayerName"]
    settings["HLSConfig"]["LayerName"] = said = {named[layer]: value for layer, value in said.items()}
    for layer in layers:
        if config.io_type == "io_stream" and layer.node.name in padded_apart(network):
            moved = {"Precision": {"result": str(done[layer.node.inputs[0]].result.grid)}}
            said[padding_name(named[layer.node.name])] = moved
    return {**settings, "OutputDir": str(output_dir), "ProjectName": name}


def _settings(layers: Sequence[LayerTypes], config: HlsConfig) -> dict[str, Any]:
    """What hls4ml is told of the design: all but where to write it, and under which name."""
    return {
        "Backend": config.backend,
        "Part": config.part,
        "ClockPeriod": config.clock_period_ns,
        "ClockUncertainty": f"{config.clock_uncertainty_percent:g}%",
        "IOType": config.io_type,
        # hls4ml stamps a project at random; ours is told apart by its digest.
        "Stamp": "hlsflow",
        "TraceOutput": True,
        "HLSConfig": {
            "Model": {
                "Precision": {"default": "fixed<16,6>"},
                "ReuseFactor": config.reuse_factor,
                "Strategy": config.strategy.capitalize(),
            },
            "LayerName": {layer.node.name: layer_configuration(layer, config) for layer in layers},
        },
        "WriterConfig": {
            "Namespace": None,
            # With 84,000 weights in headers g++ runs for ten minutes.
            "WriteWeightsTxt": True,
            "WriteTar": False,
            "TBOutputStream": "both",
            "WriteEmulationConstants": False,
        },
    }


def layer_list(
    layers: Sequence[LayerTypes], repacked: Collection[str] = (), padded_apart: Collection[str] = ()
) -> list[dict[str, Any]]:
    """The layers as hls4ml's converter gives them, with the constants on the grids of their types.

    Of a stream `repacked` names the reshapes that hls4ml must not leave out, and `padded_apart` the convolutions
    whose padding it would put in a wrong place.
    """
    from hls4ml.model.types import FixedPrecisionType

    found = []
    named = cpp_names(layer.node.name for layer in layers)
    for layer in layers:
        node = layer.node
        # hls4ml rewrites what it is given (the inputs, where it clones a stream).
        entry = copy.deepcopy(dict(node.entry))
        entry["name"] = named[node.name]
        if "inputs" in entry:
            entry["inputs"] = [named.get(name, name) for name in entry["inputs"]]
        if node.name in repacked:
            entry["class_name"] = "Repack"
        values = {role: integers * layer.types[role].lsb for role, integers in layer.arrays.items()}
        for role, key in OPERATIONS[node.op].data_keys.items():
            entry[key] = values.get(role)
        if node.op is Op.ACTIVATION and "param" in values:
            entry["activ_param"] = float(values["param"][0])
        if entry["class_name"] == "HardActivation":
            # QKeras' hard functions have slope and shift 1/2, exact in these types.
            entry["slope_prec"] = FixedPrecisionType(width=2, integer=0, signed=False)
            entry["shift_prec"] = FixedPrecisionType(width=2, integer=0, signed=False)
        if node.name in padded_apart:
            found.append(_padding(entry))
        found.append(entry)
    return found


def _layer_list(network: Network, layers: Sequence[LayerTypes], config: HlsConfig) -> list[dict[str, Any]]:
    if config.io_type != "io_stream":
        return layer_list(layers)
    return layer_list(layers, repacked(network), padded_apart(network))


def _padding(entry: dict[str, Any]) -> dict[str, Any]:
    """A layer that pads for a convolution, whose entry then pads no more and reads it."""
    pads = {key: entry[key] for key in ("pad_left", "pad_right")}
    width = entry["in_width"] + sum(pads.values())
    made = {
        "name": padding_name(entry["name"]),
        "class_name": "ZeroPadding1D",
        "inputs": entry["inputs"],
        "data_format": "channels_last",
        **pads,
        "in_width": entry["in_width"],
        "out_width": width,
        "n_chan": entry["n_chan"],
    }
    entry.update(pad_left=0, pad_right=0, in_width=width, inputs=[made["name"]])
    return made


def convert(
    network: Network, layers: Sequence[LayerTypes], config: HlsConfig, folder: Path, final: Path | None = None
) -> str:
    """Writes the project into an empty folder and gives back what hls4ml printed.

    `final` is where the folder will be moved to, for the path that hls4ml notes in its configuration.
    Raises ToolError where hls4ml fails, StorageError where the folder cannot be written.
    """
    from hlsflow.frontends.keras.runtime import prepare_environment

    # hls4ml imports Keras, and with it TensorFlow, as it writes.
    prepare_environment()
    from hls4ml.model.graph import ModelGraph

    teach_hls4ml()
    said = io.StringIO()
    named = cpp_names(layer.node.name for layer in layers)
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with contextlib.redirect_stdout(said), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            graph = ModelGraph.from_layer_list(
                hls4ml_config(network, layers, config, folder),
                _layer_list(network, layers, config),
                [named[name] for name in network.inputs],
                [named[name] for name in network.outputs],
            )
            graph.write()
        except OSError:
            with storage_errors(folder):
                raise
        except Exception as error:  # hls4ml raises bare Exception, ValueError, KeyError, AssertionError, …
            raise ToolError(
                f"hls4ml cannot convert this network: {type(error).__name__}: {error}",
                hint="this is no fault of yours; please report it with the configuration and this message",
            ) from error
    if final is not None:
        noted = folder / "hls4ml_config.yml"
        with storage_errors(noted):
            noted.write_text(noted.read_text().replace(str(folder), str(final)))
    names = names_text(named)
    if names is not None:
        write_text(folder / NAMES_FILE, names)
    said.writelines(f"warning: {warning.message}\n" for warning in caught)
    return said.getvalue()
