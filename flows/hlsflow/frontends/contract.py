"""What every front end is: it reads a model's file without running it, and opens the model in its own framework."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from hlsflow.datasets.frames import Task
from hlsflow.frontends.installed import Needs
from hlsflow.network.fixed_point import FixedType

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array
    from hlsflow.network.graph import Network

Float = Literal["float32", "float64"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """The file that a model is from: its name, the SHA-256 of its bytes (None: none, a live model), its format."""

    file: str
    sha256: str | None
    format: str


class Found(Protocol):
    """What was read of a model's file, as plain values; nothing of it was run."""

    @property
    def name(self) -> str:
        """What the model calls itself."""

    @property
    def origin(self) -> Origin: ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out or changed, a sentence each."""

    @property
    def input_shapes(self) -> Mapping[str, tuple[int, ...]]:
        """The shape of one sample of each input, channels last, in the order in which the model takes them.

        Raises ModelError where an axis has no size.
        """

    @property
    def input_axes(self) -> Mapping[str, tuple[int, ...]]:
        """The model's own axes of one sample of an input, in the order in which `input_shapes` has them; of inputs that
        are left out the two orders are one."""

    @property
    def own_types(self) -> Mapping[str, FixedType]:
        """The types of those inputs that the model quantizes itself before anything else."""

    @property
    def task(self) -> Task:
        """What the model is for, by its last layer."""

    @property
    def output_values(self) -> int | None:
        """How many values of one sample the first output has; None where only the live model can say."""

    @property
    def files(self) -> Mapping[str, bytes]:
        """What a model's folder keeps of it, by file name: all that `FrontEnd.open` needs, and no code."""


class LiveModel(Protocol):
    """A model in the framework that made it: the first witness of the gate."""

    @property
    def framework(self) -> str:
        """What reports call it: `Keras`."""

    def network(self, input_types: Mapping[str, FixedType] | FixedType) -> Network:
        """Its network, with inputs of the given types (one type, or one for each input's name).

        Raises UnsupportedError naming every layer that has no form in hardware, with the reason and a way out.
        """

    def outputs(
        self,
        network: Network,
        inputs: Sequence[Array],
        names: Sequence[str],
        *,
        computed_in: Float = "float32",
        progress: Callable[[int, int], None] | None = None,
    ) -> dict[str, Array]:
        """What the framework itself computes in inference: the outputs, float64 (samples, values), of the named nodes'
        layers, values in the order in which hardware has them (channels last).

        `inputs` holds one array (samples, …) for each input of the network, on the grid of its type. A layer that has a
        table (a softmax, a sigmoid) of its own gives what goes into it under the name of the node before it.
        """


class FrontEnd(Protocol):
    """The way of one framework's models into the flow. A new one has its entry in `frontends.registry`."""

    @property
    def name(self) -> str:
        """As `model.yaml` has it: `keras`."""

    @property
    def needs(self) -> Needs:
        """What opens its models, and how to have it."""

    @property
    def distributions(self) -> tuple[str, ...]:
        """The distributions whose versions a record names beside hls4ml and numpy."""

    @property
    def files(self) -> tuple[str, ...]:
        """The names of the files of `Found.files`."""

    def reads(self, path: Path) -> bool:
        """Whether a file is of this framework, by its content."""

    def read(self, path: Path, weights: Path | None = None) -> Found:
        """What a file holds; `weights` is for formats that keep them in a file of their own.

        Raises ModelError where it is damaged, UnsupportedError naming every layer that is not read, UsageError.
        """

    def input_shapes(self, folder: Path, again: str) -> Mapping[str, tuple[int, ...]]:
        """As `Found.input_shapes`, of a model's folder. Raises ModelError; `again` says how its files come back."""

    def open(self, folder: Path, again: str) -> LiveModel:
        """The model of a folder in its framework. Raises ModelError."""
