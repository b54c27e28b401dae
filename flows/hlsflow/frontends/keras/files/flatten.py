"""One flat network of a serialized model: models within it opened, wrappers taken off, a layer for each use.

Every layer that is not read is found, and all of them are said at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any

from hlsflow.foundation.errors import ModelError, UnsupportedError
from hlsflow.foundation.strict_read import brief
from hlsflow.frontends.keras.files.architecture import MOST_VALUES, Architecture, Layer
from hlsflow.frontends.keras.files.classes import (
    MODELS,
    PRUNING,
    REASONS,
    TRAINING_ONLY,
    foreign,
    is_operation,
    library_of,
    refusal_of,
    variables_of,
)
from hlsflow.frontends.keras.files.serialized import (
    call_of_node,
    first_calls,
    first_layer,
    input_shape,
    keras_name,
    name_of,
    place_of,
    place_within,
    ports_of,
    shown,
    written_by_keras_3,
)
from hlsflow.frontends.keras.files.settings import NotRead, Settings, settings_of
from hlsflow.frontends.keras.files.stores import MAX_BYTES, Place, Store

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array

_MOST_NESTED = 8
# A shared model within a shared model, called a hundred times each, is a small file and a network without end.
_MOST_LAYERS = 5000
_AGAIN = "save the model again with Keras"


def flattened(
    said: Mapping[str, Any], store: Store, source: str, *, own: bool = False
) -> tuple[Architecture, dict[str, Array], list[str]]:  # fmt: skip
    """(architecture, weights under `<layer>/<variable>`, what was left out or changed) of a serialized model.

    `own`: the Keras that wrote it will be the one that computes it.

    Raises ModelError where the description is damaged, UnsupportedError naming all layers that are not read.
    """
    work = _Flattening(store=store, source=source, own=own)
    try:
        work.keras_3 = written_by_keras_3(said)
        outputs = work.model(said, None, ())
    except RecursionError as error:
        raise ModelError(f"{source}: its architecture is nested without end", hint=_AGAIN) from error
    except (KeyError, TypeError, IndexError, AttributeError, ValueError, OverflowError) as error:
        raise ModelError(
            f"{source}: its architecture is damaged: {type(error).__name__}: {error}", hint=_AGAIN
        ) from error
    if not work.inputs or not outputs:
        raise ModelError(f"{source}: its architecture has no {'outputs' if work.inputs else 'inputs'}", hint=_AGAIN)
    if work.refusals:
        lines = [f"layer '{name}': {reason}; instead: {way_out}" for name, reason, way_out in work.refusals]
        raise UnsupportedError("\n  ".join([f"{source}: not all of it is read:", *lines]))
    config = said.get("config")
    name = config.get("name") if isinstance(config, Mapping) else None
    architecture = Architecture(
        name=shown(name or "model"), layers=tuple(work.layers), inputs=tuple(work.inputs), outputs=tuple(outputs)
    )
    return architecture, work.weights, work.said()


@dataclass(kw_only=True, slots=True)
class _Flattening:
    store: Store
    source: str
    own: bool
    keras_3: bool = False
    layers: list[Layer] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)
    weights: dict[str, Array] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    refusals: list[tuple[str, str, str]] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)
    weight_bytes: int = 0

    def said(self) -> list[str]:
        if not self.dropped:
            return self.notes
        names = ", ".join(f"'{shown(name)}'" for name in self.dropped[:6])
        more = f" and {len(self.dropped) - 6} more" if len(self.dropped) > 6 else ""
        return [*self.notes, f"left out, since training alone knows them: {names}{more}"]

    def refuse(self, name: str, reason: str, way_out: str) -> None:
        said = (shown(name), shown(reason, 240), way_out)
        if said not in self.refusals:
            self.refusals.append(said)

    def model(self, said: Mapping[str, Any], given: Sequence[str] | None, around: tuple[Place, ...]) -> list[str]:
        """Adds a model's layers, called with the flat layers `given` (None: the outermost); its flat outputs."""
        if len(around) > _MOST_NESTED:
            raise ModelError(f"{self.source}: models within models without end", hint=_AGAIN)
        class_name = str(said["class_name"]).rpartition(">")[2]
        if class_name not in MODELS or foreign(said) is not None:
            raise UnsupportedError(
                f"{self.source}: a model of class '{said['class_name']}': what it computes is code, and code of a "
                "file is never run",
                hint="build it from the functional API of Keras, or as a Sequential, and save that",
            )
        config = said["config"]
        if class_name == "Sequential":
            return self._sequential(config if isinstance(config, Mapping) else {"layers": config}, given, around)
        return self._functional(config, given, around)

    def _sequential(
        self, config: Mapping[str, Any], given: Sequence[str] | None, around: tuple[Place, ...]
    ) -> list[str]:
        count: Counter[str] = Counter()
        flow = list(given) if given is not None else []
        items = config["layers"]
        if not items:
            raise ModelError(f"{self.source}: a model without layers", hint=_AGAIN)
        if given is None and items[0]["class_name"] != "InputLayer":
            first = first_layer(items[0])
            shape = first.get("batch_input_shape") or first.get("batch_shape") or config.get("build_input_shape")
            if shape is None:
                raise ModelError(
                    f"{self.source}: no layer says the shape of the input", hint="build the model before it is saved"
                )
            flow = [self.input(f"{first.get('name', 'model')}_input", shape)]
        for item in items:
            place = place_of(item, count, around)
            if item["class_name"] == "InputLayer":
                if given is None:
                    flow = [self.input(place.name, input_shape(item["config"]))]
                continue
            flow = self.call(item, flow, {}, place)
        return flow

    def _functional(
        self, config: Mapping[str, Any], given: Sequence[str] | None, around: tuple[Place, ...]
    ) -> list[str]:
        count: Counter[str] = Counter()
        places = {name_of(item): place_of(item, count, around) for item in config["layers"]}
        firsts = first_calls(config)
        tensors: dict[tuple[str, int], list[str]] = {}
        ports = [str(port[0]) for port in ports_of(config["input_layers"])]
        for index, name in enumerate(ports):
            if given is not None:
                tensors[name, 0] = [given[index]]
        waiting = [
            (item, number, node)
            for item in config["layers"]
            if (name_of(item), 0) not in tensors
            for number, node in enumerate(item.get("inbound_nodes") or [None], _first(item, firsts))
        ]
        while waiting:
            later = []
            for item, number, node in waiting:
                name = name_of(item)
                if item["class_name"] == "InputLayer":
                    tensors[name, 0] = [self.input(name, input_shape(item["config"]))]
                    continue
                sources, more = call_of_node(node)
                if any((source, call) not in tensors for source, call, _ in sources):
                    later.append((item, number, node))
                    continue
                flow = [self._output(tensors[source, call], which) for source, call, which in sources]
                tensors[name, number] = self.call(item, flow, more, places[name])
            if len(later) == len(waiting):
                raise ModelError(
                    f"{self.source}: layer '{name_of(later[0][0])}' has inputs that no layer gives", hint=_AGAIN
                )
            waiting = later
        outputs = [
            self._output(tensors[str(name), int(call)], int(which))
            for name, call, which in ports_of(config["output_layers"])
        ]
        if given is None:
            self.inputs = [tensors[name, 0][0] for name in ports]
        return outputs

    def _output(self, outputs: Sequence[str], which: int) -> str:
        """One of a layer's outputs; of a layer that is not read nobody knows how many it has."""
        return outputs[0] if self.refusals and outputs else outputs[which]

    def input(self, name: str, shape: Sequence[Any]) -> str:
        flat = self._free(name)
        sizes = [None if size is None else _size(size, name) for size in shape[1:]]
        if prod(size or 1 for size in sizes) > MOST_VALUES:
            raise ModelError(f"{self.source}: the input '{flat}' has more than {MOST_VALUES:,} values", hint=_AGAIN)
        config = {"shape": sizes}
        self.layers.append(Layer(name=flat, class_name="InputLayer", library="keras", config=config, inputs=()))
        self.inputs.append(flat)
        return flat

    def call(self, item: Mapping[str, Any], flow: list[str], more: Mapping[str, Any], place: Place) -> list[str]:
        """Adds one use of a serialized layer, and gives the flat layers that hold its outputs."""
        class_name = str(item["class_name"]).rpartition(">")[2]
        owner = foreign(item)
        if is_operation(item):
            self.refuse(place.name, *refusal_of(class_name if class_name == "SlicingOpLambda" else "TFOpLambda"))
            return flow[:1] or self.inputs[:1]
        for key, value in more.items():
            if value is None or (key == "training" and value is False):
                continue
            self.refuse(place.name, f"it is called with {key}=…, which is not read", f"call it without {key}")
        if owner is not None and class_name not in MODELS:
            self._refuse_foreign(place.name, class_name, owner)
            return flow[:1]
        if class_name in MODELS:
            return self.model(item, flow, (*place.around, place))
        if class_name in TRAINING_ONLY:
            self.dropped.append(place.name)
            return flow[:1]
        if class_name == PRUNING:
            inner = item["config"]["layer"]
            return self._added(inner, flow, place_within(place, inner), pruned=True)
        return self._added(item, flow, place, pruned=False)

    def _added(self, item: Mapping[str, Any], flow: list[str], place: Place, *, pruned: bool) -> list[str]:
        class_name = str(item["class_name"]).rpartition(">")[2]
        name = place.inner or place.name
        if class_name in TRAINING_ONLY:
            self.dropped.append(name)
            return flow[:1]
        owner = foreign(item)
        if owner is not None:
            self._refuse_foreign(name, class_name, owner)
            return flow[:1]
        if library_of(class_name) is None:
            self.refuse(name, *refusal_of(class_name))
            return flow[:1]
        try:
            settings = settings_of(item["config"], class_name, keras_3=self.keras_3, own=self.own)
        except NotRead as problem:
            self.refuse(name, str(problem), problem.way_out)
            return flow[:1]
        repeated = keras_name(name) in self.taken
        flat = self._free(name)
        if repeated:
            self.notes.append(f"'{flat}' is a copy of '{shown(name)}', or another layer of that name in a model within")
        elif flat != name:
            self.notes.append(f"'{flat}' is the layer that the file calls '{shown(name)}'")
        self._note_dtype(flat, settings)
        wanted = variables_of(class_name, item["config"])
        arrays = self.store.of(place, wanted, ("mask",) if pruned else ())
        if pruned:
            self._pruned(flat, arrays)
        for variable in wanted:
            self.weights[f"{flat}/{variable}"] = self._float32(arrays[variable], flat, variable)
        return [self._placed(flat, class_name, settings.config, flow)]

    def _refuse_foreign(self, name: str, class_name: str, owner: str) -> None:
        known = class_name if class_name in REASONS or not owner.lower().startswith("hgq") else "HDense"
        self.refuse(name, f"its class '{class_name}' is of {owner}", refusal_of(known)[1])

    def _placed(self, flat: str, class_name: str, config: dict[str, Any], flow: list[str]) -> str:
        """A layer, and behind it one of its own where a layer stands as its activation."""
        said = config.get("activation")
        stands = said if isinstance(said, Mapping) and said.get("layer") else None
        if stands is None:
            self._append(flat, class_name, config, flow)
            return flat
        if class_name == "Activation":
            self._append(flat, stands["class_name"], stands["config"], flow)
            return flat
        self._append(flat, class_name, {**config, "activation": "linear"}, flow)
        behind = self._free(f"{flat}_{stands['class_name'].lower()}")
        self._append(behind, stands["class_name"], stands["config"], [flat])
        return behind

    def _append(self, flat: str, class_name: str, config: Mapping[str, Any], flow: Sequence[str]) -> None:
        library = library_of(class_name)
        assert library is not None
        self.layers.append(Layer(name=flat, class_name=class_name, library=library, config=config, inputs=tuple(flow)))

    def _note_dtype(self, flat: str, settings: Settings) -> None:
        if settings.dtype not in (None, "float32"):
            self.notes.append(
                f"'{flat}' was computed in {shown(settings.dtype)}; here its float32 weights are the model"
            )

    def _pruned(self, flat: str, arrays: Mapping[str, Array]) -> None:
        """That a mask's zeros are zeros: Keras computes with the weights as they are, so those that are none stay."""
        import numpy as np

        mask = arrays.get("mask")
        if mask is None:
            return
        name, kernel = next(
            ((key, array) for key, array in arrays.items() if key != "mask" and array.shape == mask.shape), ("", None)
        )
        if kernel is None:
            return
        zeros = float(np.mean(kernel == 0))
        left = int(np.count_nonzero((mask == 0) & (kernel != 0)))
        said = f"the pruning wrapper of '{flat}' was taken off: {zeros:.1%} of its {name} are zeros"
        self.notes.append(
            f"{said}; {left:,} weights outside of its mask are not zero, and Keras computes with them" if left else said
        )

    def _float32(self, array: Array, flat: str, variable: str) -> Array:
        import numpy as np

        self.weight_bytes += array.nbytes
        if self.weight_bytes > MAX_BYTES:
            raise ModelError(
                f"{self.source}: more than {MAX_BYTES >> 20:,} MiB of weights up to layer '{flat}': no FPGA holds them",
                hint="take a smaller model",
            )
        with np.errstate(over="ignore"):
            # What is too large for float32 is infinite there, and refused.
            found = np.ascontiguousarray(array, dtype=np.float32)
        if not np.isfinite(found).all():
            raise ModelError(
                f"{self.source}: layer '{flat}': {variable} holds values that are NaN or infinite",
                hint="train it again",
            )
        return found

    def _free(self, name: str) -> str:
        """A name that no other layer has and that Keras 2 takes: its own, else with a number."""
        if len(self.taken) >= _MOST_LAYERS:
            raise ModelError(f"{self.source}: more than {_MOST_LAYERS:,} layers, copies for each call among them")
        stem = keras_name(name)
        flat, number = stem, 1
        while flat in self.taken:
            number += 1
            flat = f"{stem}_{number}"
        self.taken.add(flat)
        return flat


def _first(item: Mapping[str, Any], firsts: Mapping[str, int]) -> int:
    nested = str(item["class_name"]).rpartition(">")[2] in MODELS
    return firsts.get(name_of(item), 0) if nested else 0


def _size(said: Any, name: str) -> int:
    if not isinstance(said, int) or isinstance(said, bool) or said < 1:
        raise ValueError(f"the input '{shown(name)}' has an axis of {brief(said)}")
    return said
