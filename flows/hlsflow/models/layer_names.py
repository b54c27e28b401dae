"""The zoo's names of hidden layers and of the activations behind them."""

from __future__ import annotations

from hlsflow.models.recipe import Recipe


def hidden_layers(recipe: Recipe) -> tuple[str, ...]:
    """The layers with neurons (or filters) and an activation behind: conv1, …, fc1, …; the logits have none."""
    convolutions = (f"conv{index}" for index in range(1, len(recipe.architecture.convolutions) + 1))
    return (*convolutions, *recipe.architecture.dense_names()[:-1])


def activation_behind(layer: str) -> str:
    """The name of the activation layer behind a hidden layer: `relu1` behind fc1, `conv1_relu` behind conv1."""
    return f"relu{layer.removeprefix('fc')}" if layer.startswith("fc") else f"{layer}_relu"
