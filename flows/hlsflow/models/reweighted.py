"""An added model with other weights: in its own folder, or as a model of its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from hlsflow.foundation.array_file import pack_arrays
from hlsflow.frontends.keras.files.found import ARCHITECTURE_FILE, WEIGHTS_FILE
from hlsflow.models.adding import write_folder
from hlsflow.models.card import CARD_FILE, SAMPLES_FILE, Card, OriginCard, card_text, load_card

if TYPE_CHECKING:
    import numpy as np

    from hlsflow.models.added import AddedModel


def put_weights(folder: Path, weights: Mapping[str, np.ndarray], said: str) -> bool:
    """Other weights of the same names and shapes, float32; a note of the card says which. Whether they are others.

    Raises ConfigError or StorageError; then the folder is as it was.
    """
    content = pack_arrays(dict(weights))
    if (folder / WEIGHTS_FILE).read_bytes() == content:
        return False
    card = load_card(folder)
    files = {
        path.name: path.read_bytes() for path in (folder / ARCHITECTURE_FILE, folder / SAMPLES_FILE) if path.is_file()
    }
    made = card.model_copy(update={"notes": (*card.notes, said)})
    write_folder(folder, {**files, WEIGHTS_FILE: content, CARD_FILE: card_text(made).encode()})
    return True


def reweighted(source: AddedModel, folder: Path, weights: Mapping[str, np.ndarray], how: str, title: str) -> Card:
    """Writes a model with the architecture, the inputs and the samples of another one. `how` it came from it is said.

    Raises StorageError; then there is no such folder.
    """
    card = source.card.model_copy(
        update={
            "name": folder.name,
            "title": title,
            "origin": OriginCard(file=source.name, sha256=None, format=how),
            "notes": (*source.card.notes, f"made out of '{source.name}', which was {source.card.origin.file}"),
        }
    )
    kept = (source.folder / name for name in (ARCHITECTURE_FILE, SAMPLES_FILE))
    files = {path.name: path.read_bytes() for path in kept if path.is_file()}
    write_folder(folder, {**files, WEIGHTS_FILE: pack_arrays(dict(weights)), CARD_FILE: card_text(card).encode()})
    return card
