"""The model that weights belong to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hlsflow.foundation.errors import ModelError, UsageError
from hlsflow.foundation.steps import file_digest
from hlsflow.frontends.keras.files.found import ARCHITECTURE_FILE
from hlsflow.frontends.registry import FRONT_ENDS
from hlsflow.models.card import CARD_FILE, again_hint, load_card
from hlsflow.models.recipe import load_recipe


@dataclass(frozen=True, kw_only=True, slots=True)
class Owner:
    """The model that weights belong to, known by the digest of its recipe, or of the architecture that was added."""

    name: str
    kind: Literal["recipe", "architecture"]
    sha256: str
    # How its weights come back where they are lost; None: by training.
    again: str | None

    @property
    def said(self) -> dict[str, str]:
        """Its digest as metadata have it."""
        return {f"{self.kind}_sha256": self.sha256}


def owner_of(model_dir: Path) -> Owner:
    """The model of a folder. Raises ConfigError; UsageError where its weights are in no file that hlsflow writes."""
    if not (model_dir / CARD_FILE).is_file():
        recipe = load_recipe(model_dir)
        return Owner(name=recipe.name, kind="recipe", sha256=recipe.sha256(), again=None)
    card = load_card(model_dir)
    front_end = FRONT_ENDS[card.front_end]
    if ARCHITECTURE_FILE not in front_end.files:
        raise UsageError(
            f"'{card.name}' is a model of {front_end.needs.framework}, whose weights are in its own file",
            hint=f"change them where they are from: {card.origin.file}",
        )
    name, path = card.name, model_dir / ARCHITECTURE_FILE
    again = again_hint(name)
    if not path.is_file():
        raise ModelError(f"no {path}", hint=again)
    return Owner(name=name, kind="architecture", sha256=file_digest(path), again=again)
