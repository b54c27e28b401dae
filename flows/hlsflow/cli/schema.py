"""`hlsflow schema`: what may stand in a YAML file of a workspace, as JSON Schema for editors."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import BaseModel

# The kinds of file, and where they lie in a workspace.
FILES = {
    "configuration": "hls_configs/*.yaml",
    "recipe": "models/*/recipe.yaml",
    "card": "models/*/model.yaml",
    "sweep": "sweeps/*.yaml",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    said = ", ".join(f"{kind} ({files})" for kind, files in FILES.items())
    parser.add_argument("kind", metavar="KIND", choices=list(FILES), help=said)


def run(args: argparse.Namespace) -> int:
    import json

    from hlsflow.foundation.schema import json_schema

    print(json.dumps(json_schema(model_of(args.kind), f"hlsflow {args.kind}"), indent=1, ensure_ascii=False))
    return 0


def model_of(kind: str) -> type[BaseModel]:
    """The type that validates a kind of file."""
    from hlsflow.exploring.spec import SweepSpec
    from hlsflow.hls.config import HlsConfig
    from hlsflow.models.card import Card
    from hlsflow.models.recipe import Recipe

    return {"configuration": HlsConfig, "recipe": Recipe, "card": Card, "sweep": SweepSpec}[kind]
