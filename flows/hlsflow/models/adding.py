"""Adding somebody's model to a workspace: its file read, its inputs' types found, its data put beside it."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hlsflow.datasets.frames import Task
from hlsflow.foundation.array_file import pack_arrays
from hlsflow.foundation.errors import ConfigError, UsageError
from hlsflow.foundation.workspace import Workspace, storage_errors, write_bytes
from hlsflow.frontends.contract import Found
from hlsflow.frontends.registry import FRONT_ENDS, front_end_of
from hlsflow.models.card import (
    CARD_FILE,
    SAMPLES_FILE,
    Card,
    OriginCard,
    SamplesCard,
    card_text,
    load_card,
)
from hlsflow.models.given_data import GivenData, given_data, in_hardware_order, read_data
from hlsflow.models.given_frames import on_grid
from hlsflow.models.input_types import asked_types, input_cards
from hlsflow.models.recipe import MODEL_NAME, RECIPE_FILE
from hlsflow.network.fixed_point import parse_type

TASKS = ("classification", "binary", "regression")
_OURS = {CARD_FILE, SAMPLES_FILE, *(name for item in FRONT_ENDS.values() for name in item.files)}
MODEL_SUFFIXES = (".h5", ".hdf5", ".keras", ".json", ".onnx")


@dataclass(frozen=True, kw_only=True, slots=True)
class Wishes:
    """What was said of a model beside its file; None: it is derived. `force` replaces another model of that name."""

    name: str | None = None
    task: Task | None = None
    input_type: str | None = None
    force: bool = False

    @property
    def none(self) -> bool:
        return self == Wishes()


@dataclass(frozen=True, kw_only=True, slots=True)
class Added:
    """The model's card; `is_new` is False where just this was there already. `changed`: in the place of another
    network, or of other input types."""

    card: Card
    is_new: bool
    changed: bool


def is_model_file(text: str) -> bool:
    """Whether what somebody named as a model is a file, and no name."""
    path = Path(text).expanduser()
    return path.suffix.lower() in MODEL_SUFFIXES or (os.sep in text and path.exists())


def derived_name(file: str) -> str:
    """A model's name from its file's: letters, digits and _, beginning with a letter."""
    name = re.sub(r"[^A-Za-z0-9]+", "_", Path(file).stem).strip("_")
    name = name if re.match(r"[A-Za-z]", name) else f"model_{name}".rstrip("_")
    return name[:64]


def add_file(
    workspace: Workspace, path: Path, wishes: Wishes, *, weights: Path | None = None, data: Path | None = None,
    labels: Path | None = None,
) -> Added:  # fmt: skip
    """Adds the model of a file, with the data of files. Raises what is wrong with them; then nothing has changed."""
    if labels is not None and data is None:
        raise UsageError("--labels without --data: labels of which samples?", hint="name the samples: --data X.npy")
    front_end = front_end_of(path)
    found = front_end.read(path, weights)
    given = None
    if data is not None:
        given = read_data(data, labels, found.input_shapes)
    return add_found(workspace, found, wishes, given, beside=path.resolve().parent, front_end=front_end.name)


def add_found(
    workspace: Workspace, found: Found, wishes: Wishes, given: tuple[list[Any], Any, str] | None = None, *,
    beside: Path | None = None, front_end: str = "keras",
) -> Added:  # fmt: skip
    """Adds a model that was read, from a file in the folder `beside`, if any. `given` are its input arrays, labels or
    None, and what they are called."""
    origin = OriginCard(
        file=found.origin.file,
        sha256=found.origin.sha256,
        format=found.origin.format,
        folder=None if beside is None else hashlib.sha256(str(beside).encode(errors="surrogateescape")).hexdigest(),
    )
    name = _name(workspace, origin, wishes)
    folder = workspace.models / name
    before = _card_of(folder, wishes.force)
    network = found.files
    asked = given is not None or wishes.task is not None or wishes.input_type is not None
    of_it = before is not None and before.front_end == front_end
    if before is not None and of_it and not asked and _is_whole(folder, before, found, network):
        return Added(card=before, is_new=False, changed=False)
    task = wishes.task or (before.task if before is not None else found.task)
    checked = _checked(found, given, task)
    samples, kept = _data_files(checked, found, wishes, before, folder)
    arrays = {} if checked is None else dict(zip(found.input_shapes, checked.inputs, strict=True))
    names = tuple(found.input_shapes)
    inputs = input_cards(names, found.own_types, asked_types(wishes.input_type, names), arrays)
    if before is not None and wishes.input_type is None and checked is None:
        known = {item.name: item for item in before.inputs}
        inputs = tuple(known.get(item.name, item) for item in inputs)
    card = Card(
        name=name,
        title=before.title if before is not None else _title(found, name),
        front_end=front_end,
        origin=origin,
        task=task,
        inputs=inputs,
        samples=samples if checked is None else _samples_card(checked, card_types(inputs)),
        notes=found.notes,
    )
    files: dict[str, bytes] = {
        CARD_FILE: card_text(card).encode(),
        **network,
        **kept,
    }
    other = {name for name, content in files.items() if not _holds(folder / name, content)}
    if other:
        write_folder(folder, files)
    changed = before is not None and (before.inputs != card.inputs or other & set(network))
    return Added(card=card, is_new=bool(other), changed=bool(changed))


def _is_whole(folder: Path, before: Card, found: Found, network: Mapping[str, bytes]) -> bool:
    """Whether just this network is there already, with its samples if it has some."""
    samples = before.samples is None or (folder / SAMPLES_FILE).is_file()
    held = all(_holds(folder / name, content) for name, content in network.items())
    return samples and held and before.origin.sha256 == found.origin.sha256 is not None


def _holds(path: Path, content: bytes) -> bool:
    return path.is_file() and path.read_bytes() == content


def card_types(inputs: tuple[Any, ...]) -> dict[str, Any]:
    """The type of each input of a card."""
    return {item.name: parse_type(item.type) for item in inputs}


def _is_of(card: Card, origin: OriginCard) -> bool:
    """Whether a model was added from a file: the same bytes, or what lay in its place before."""
    known = card.origin
    if known.file != origin.file:
        return False
    moved = None not in (known.folder, origin.folder) and known.folder != origin.folder
    return not moved or known.sha256 == origin.sha256


def _name(workspace: Workspace, origin: OriginCard, wishes: Wishes) -> str:
    if wishes.name is not None:
        if not re.fullmatch(MODEL_NAME[1:-1], wishes.name) or len(wishes.name) > 64:
            raise UsageError(
                f"--name {wishes.name}: a name has letters, digits and _, and begins with a letter",
                hint=f"--name {derived_name(wishes.name)}",
            )
        folder = workspace.models / wishes.name
        if (folder / RECIPE_FILE).is_file():
            raise UsageError(f"the model '{wishes.name}' was trained from a recipe", hint="choose another --name")
        if _is_somebody_s(folder):
            raise UsageError(f"{folder} is there, and no model that was added", hint="choose another --name")
        other = _card_of(folder, wishes.force)
        if other is not None and not _is_of(other, origin) and not wishes.force:
            same = " of another folder" if other.origin.file == origin.file else ""
            raise UsageError(
                f"the model '{wishes.name}' was added from {other.origin.file}{same}",
                hint="--force replaces it, or choose another --name",
            )
        return wishes.name
    stem = derived_name(origin.file)
    name, number = stem, 1
    while (workspace.models / name).exists():
        folder = workspace.models / name
        card = _card_of(folder, wishes.force)
        damaged = card is None and wishes.force and (folder / CARD_FILE).is_file()
        if damaged or (card is not None and _is_of(card, origin)):
            break
        number += 1
        name = f"{stem[:60]}_{number}"
    return name


def _card_of(folder: Path, force: bool) -> Card | None:
    """The card of a model that was added, None where there is none, or where a damaged one is to be replaced."""
    if not (folder / CARD_FILE).is_file():
        return None
    try:
        return load_card(folder)
    except ConfigError as error:
        if force:
            return None
        hint = "; ".join((*([error.hint] if error.hint else []), "or replace the model: --force"))
        raise ConfigError(error.message, hint=hint) from error


def _is_somebody_s(folder: Path) -> bool:
    """Whether there is something that `hlsflow add` did not put there: a file, or a folder with other files alone."""
    if not folder.is_dir():
        return folder.exists() or folder.is_symlink()
    names = {path.name for path in folder.iterdir()}
    return bool(names) and not names & _OURS


def _title(found: Found, name: str) -> str:
    said = found.name
    return (f"{found.origin.file} ({said})" if said not in ("model", name, found.origin.file) else found.origin.file)[
        :120
    ]


def _checked(found: Found, given: tuple[list[Any], Any, str] | None, task: Task) -> GivenData | None:
    if given is None:
        return None
    inputs, truth, source = given
    inputs = in_hardware_order(inputs, source, found.input_shapes, found.input_axes)
    return given_data(inputs, truth, source, found.input_shapes, found.output_values, task)


def _data_files(
    checked: GivenData | None, found: Found, wishes: Wishes, before: Card | None, folder: Path
) -> tuple[SamplesCard | None, Mapping[str, bytes]]:
    """The samples to write; those of before where none are given and they still fit."""
    if checked is not None:
        arrays = {f"x{index}": _compact(array) for index, array in enumerate(checked.inputs)}
        if checked.truth is not None:
            arrays["y"] = checked.truth
        return None, {SAMPLES_FILE: pack_arrays(arrays, compresslevel=1)}
    if before is None or before.samples is None or not (folder / SAMPLES_FILE).is_file():
        return None, {}
    return before.samples, {SAMPLES_FILE: (folder / SAMPLES_FILE).read_bytes()}


def _compact(array: Any) -> Any:
    """Whole numbers in as few bytes as hold them; real ones as they are."""
    import numpy as np

    if array.dtype.kind != "i":
        return array
    low, high = int(array.min()), int(array.max())
    return array.astype(np.result_type(np.min_scalar_type(low), np.min_scalar_type(high)))


def _samples_card(data: GivenData, types: Mapping[str, Any]) -> SamplesCard:
    import numpy as np

    error = max(
        float(np.abs(on_grid(array, type_) - array).max())
        for array, type_ in zip(data.inputs, types.values(), strict=True)
    )
    return SamplesCard(
        source=data.source, sha256=data.digest(), count=data.count, labels=data.labels, rounding_error=error
    )


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Writes a model's folder whole, in the place of what was there; files that are none of ours stay."""
    folder = folder.resolve()
    with storage_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".partial", dir=folder.parent))
    try:
        for name, content in files.items():
            write_bytes(partial / name, content)
        with storage_errors(folder):
            partial.chmod(0o755)
            _exchange(partial, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _exchange(partial: Path, folder: Path) -> None:
    old = partial.with_suffix(".old")
    try:
        if folder.exists():
            folder.rename(old)
        partial.rename(folder)
    except BaseException:
        if old.exists() and not folder.exists():
            old.rename(folder)
        raise
    if old.exists():
        for path in old.iterdir():
            if path.name not in _OURS:
                path.rename(folder / path.name)
        shutil.rmtree(old)
