"""Where a file keeps the weights of its layers: by name in HDF5, by number in the archives of Keras' own format."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from hlsflow.foundation.errors import ModelError

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array

# Far more weights than any FPGA holds.
MAX_BYTES = 1 << 30
# Groups that are in several others at once make a small file a tree without end.
MOST_ARRAYS = 20_000
_FIX = "save the model again, or take another copy of the file"


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a layer is in a file: its name, its class with the count of those before it, and the models around it.

    `inner` is the name of the layer within a wrapper, whose place this is.
    """

    name: str
    numbered_class: str
    around: tuple[Place, ...] = ()
    inner: str | None = None


class Store(Protocol):
    """The weights of a file."""

    def of(self, place: Place, names: Sequence[str], more: Sequence[str] = ()) -> dict[str, Array]:
        """The arrays of a layer by the names of its variables, in their order, and those of `more` that are there.

        Raises ModelError where one of `names` is missing.
        """


def read_array(dataset: Any, where: str) -> Array:
    """The values of an HDF5 dataset that lie in the file itself, as numbers. Raises ModelError."""
    import h5py
    import numpy as np

    if not isinstance(dataset, h5py.Dataset):
        raise ModelError(f"{where}: it is no array", hint=_FIX)
    if dataset.is_virtual or dataset.external:
        raise ModelError(f"{where}: its values lie in another file", hint="save the model in one file")
    if dataset.shape is None or dataset.dtype.kind not in "fiu":
        raise ModelError(f"{where}: its values are {dataset.dtype}, no numbers", hint=_FIX)
    if dataset.size * dataset.dtype.itemsize > MAX_BYTES:
        raise ModelError(f"{where}: {dataset.shape} values are more than any model here has", hint=_FIX)
    try:
        return np.asarray(dataset[()])
    except (OSError, ValueError, RuntimeError) as error:
        raise ModelError(f"{where}: its values cannot be read: {error}", hint=_FIX) from error


def child(group: Any, name: str, where: str) -> Any:
    """A member of an HDF5 group, None where there is none.

    Raises ModelError for a link that Keras does not write: it may lead through another file.
    """
    import h5py

    try:
        found = group
        for part in filter(None, name.split("/")):
            if not isinstance(found, h5py.Group):
                return None
            link = found.get(part, getlink=True)
            if link is None:
                return None
            if not isinstance(link, h5py.HardLink):
                to = "file" if isinstance(link, h5py.ExternalLink) else "place"
                raise ModelError(f"{where}: '{name}' links to another {to}", hint="save the model in one file")
            found = found[part]
        return found
    except (KeyError, OSError, RuntimeError, ValueError):
        return None


def texts(attributes: Any, name: str) -> list[str] | None:
    """A list of texts among HDF5 attributes, which Keras splits into `<name>0`, `<name>1`, … where it is long.

    Raises ValueError where it is no list.
    """
    import numpy as np

    if name in attributes:
        parts = [attributes[name]]
    else:
        parts = []
        while f"{name}{len(parts)}" in attributes:
            parts.append(attributes[f"{name}{len(parts)}"])
        if not parts:
            return None
    if not all(isinstance(part, Sequence | np.ndarray) for part in parts):
        raise ValueError(f"its attribute {name} is no list of names")
    return [item.decode() if isinstance(item, bytes) else str(item) for part in parts for item in part]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class NamedStore:
    """The groups of layers that `Model.save` (.h5) and `save_weights` write."""

    source: str
    group: Any

    def of(self, place: Place, names: Sequence[str], more: Sequence[str] = ()) -> dict[str, Array]:
        top = (*place.around, place)[0]
        where = f"{self.source}: layer '{place.name}'"
        group = child(self.group, top.name, where)
        paths = [] if group is None else texts(group.attrs, "weight_names") or []
        found = {name: path for path in paths if (name := self._variable(path, place)) in {*names, *more}}
        if "depthwise_kernel" in names and "depthwise_kernel" not in found:
            # Keras 3 itself, unlike QKeras, calls it as that of other layers.
            found.update(("depthwise_kernel", path) for path in paths if self._variable(path, place) == "kernel")
        for name in names:
            if name not in found:
                raise ModelError(
                    f"{where}: the file holds no '{name}' of it",
                    hint="are the architecture and the weights of the same model? " + _FIX,
                )
        return {
            name: read_array(child(group, found[name], where), f"{where}: {name}")
            for name in (*names, *more)
            if name in found
        }

    def _variable(self, path: str, place: Place) -> str | None:
        """The last word of a path, without TensorFlow's `:0`; None where it is of another layer of a nested model."""
        words = path.split("/")
        if place.around and not {place.name, place.inner} & set(words[:-1]):
            return None
        return words[-1].partition(":")[0]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class NumberedStore:
    """`model.weights.h5` of Keras' archives: `layers/q_dense_1/vars/0`, in the order of the layer's variables."""

    source: str
    arrays: dict[str, Any]

    def of(self, place: Place, names: Sequence[str], more: Sequence[str] = ()) -> dict[str, Array]:
        where = f"{self.source}: layer '{place.name}'"
        numbered = [dataset for folder in self._folders(place) for dataset in self._of_folder(folder)]
        # The counter of steps of a folded batch normalization is among its variables, and no weight.
        numbered = [dataset for dataset in numbered if dataset.shape != () or len(numbered) == len(names)]
        if len(numbered) != len(names):
            raise ModelError(
                f"{where}: the file holds {len(numbered)} arrays of it, expected {len(names)}: {', '.join(names)}",
                hint=_FIX,
            )
        return {name: read_array(dataset, f"{where}: {name}") for name, dataset in zip(names, numbered, strict=True)}

    def _folders(self, place: Place) -> Iterator[str]:
        """The folders of a layer's variables and of those inside of it, as each version of Keras names them."""
        for container in ("layers", "_layer_checkpoint_dependencies"):
            prefix = "".join(f"{container}/{outer.numbered_class}/" for outer in place.around)
            folder = f"{prefix}{container}/{place.numbered_class}" + ("/layer" if place.inner else "")
            for inside in ("", "/cell", "/batchnorm"):
                yield f"{folder}{inside}/vars"

    def _of_folder(self, folder: str) -> list[Any]:
        found: list[Any] = []
        while f"{folder}/{len(found)}" in self.arrays:
            found.append(self.arrays[f"{folder}/{len(found)}"])
        return found


def arrays_of(file: Any, where: str) -> dict[str, Any]:
    """All datasets of an HDF5 file by their paths; Windows' backslashes in names are slashes."""
    import h5py

    found: dict[str, Any] = {}
    seen = 0

    def walk(group: Any, prefix: str, depth: int) -> None:
        if depth > 32:
            raise ModelError(f"{where}: its groups are nested without end", hint=_FIX)
        for name in group:
            item = child(group, name, where)
            path = f"{prefix}{name}".replace("\\", "/")
            nonlocal seen
            seen += 1
            if seen > MOST_ARRAYS:
                raise ModelError(f"{where}: it names more than {MOST_ARRAYS:,} groups and arrays", hint=_FIX)
            if isinstance(item, h5py.Group):
                walk(item, f"{path}/", depth + 1)
            elif item is not None:
                found[path] = item

    walk(file, "", 0)
    return found
