"""Random models: each equals Keras to the bit, or is refused with its layer. `pytest --fuzz N` for many more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fuzzing import OUTCOME
from networks import random_inputs
from random_models import checking
from random_models.checking import FAULT, Outcome, Refused, converted, differing, outcome
from random_models.drawing import drawn
from random_models.recipe import LayerWords, Recipe, model_of
from random_models.shrinking import shrunk

from hlsflow.emulation.emulator import make_emulator
from hlsflow.hls.csim import simulate
from hlsflow.hls.project import read_project


@pytest.fixture(scope="module", autouse=True)
def tensorflow():
    from hlsflow.frontends.keras.runtime import prepare_tensorflow

    prepare_tensorflow()


def fault_text(recipe: Recipe, found: Outcome, folder) -> str:
    """What a person needs to see it and to see it again, with the smallest part that does the same."""

    def fails(smaller: Recipe) -> bool:
        tried = outcome(smaller, folder / f"{len(list(folder.iterdir()))}")
        return (tried.kind, tried.why) == (found.kind, found.why)

    smallest = shrunk(recipe, fails)
    again = f"again: uv run pytest -n 0 --fuzz 1 --fuzz-seed {recipe.seed} tests/building/test_fuzz.py"
    return f"{found}\n{found.detail}\n{recipe}\n  {again}\nthe same happens to:\n{smallest}"


def test_a_random_model_equals_keras_or_is_refused(fuzz_seed, tmp_path, record_property):
    recipe = drawn(fuzz_seed)
    found = outcome(recipe, tmp_path / "hls")
    record_property(OUTCOME, str(found))
    assert found.kind != FAULT, fault_text(recipe, found, tmp_path)


def simulated(shared_run, seed: int):
    """The project of a random model beside its inputs, made once in a run; none of one that is refused."""

    def make(folder):
        recipe = drawn(seed)
        try:
            made = converted(recipe, model_of(recipe), folder / "hls")
        except Refused:
            return
        np.savez(folder / "inputs.npz", *random_inputs(made.network, checking.SAMPLES))

    folder = shared_run.once(f"fuzz/{seed}", make)
    return [read_project(folder / "hls")] if (folder / "inputs.npz").exists() else []


@pytest.mark.slow
def test_the_c_simulation_of_a_random_model_equals_the_emulator(
    simulated_seed, request, shared_run, programs, tmp_path, record_property
):
    compiled = programs.of(request.node, lambda case: simulated(shared_run, case["simulated_seed"]))
    for project in simulated(shared_run, simulated_seed):
        with np.load(project.root.parent / "inputs.npz") as kept:
            inputs = [kept[name] for name in kept.files]
        found = simulate(compiled[project.root], project, inputs, folder=tmp_path, workers=1)
        expected = make_emulator(project).run(inputs)
        assert set(found) == set(expected)
        for name, values in found.items():
            again = f"again: uv run pytest -n 0 --fuzz 1 --fuzz-seed {simulated_seed} tests/building/test_fuzz.py"
            assert np.array_equal(values, expected[name]), f"{name} differs\n{drawn(simulated_seed)}\n  {again}"
        record_property(OUTCOME, "the C simulation equals the emulator")


def small_recipe(*, kernel: str = "quantized_bits(6,1,alpha=1)", activation: str = "quantized_relu(4,2)") -> Recipe:
    """dense - relu - dense, and a pooling that nothing but the second output reads."""
    settings = {"kernel_quantizer": kernel, "bias_quantizer": "quantized_bits(4,1,alpha=1)"}
    layers = (
        LayerWords(name="d1", class_name="QDense", settings={"units": 4, **settings}, reads=("x",)),
        LayerWords(name="r", class_name="QActivation", settings={"activation": activation}, reads=("d1",)),
        LayerWords(name="d2", class_name="QDense", settings={"units": 3, **settings}, reads=("r",)),
        LayerWords(name="other", class_name="ReLU", settings={}, reads=("d1",)),
    )
    config = {"backend": "Vivado", "io_type": "io_stream", "layers": {}}
    return Recipe(seed=1, inputs={"x": ("fixed<8,3>", (5,))}, layers=layers, outputs=("d2", "other"), config=config)


def test_a_model_whose_weights_are_others_is_not_called_equal(tmp_path):
    """The comparison sees a single weight that is off by a step of its quantizer."""
    recipe = small_recipe()
    made = converted(recipe, model_of(recipe), tmp_path / "hls")
    assert differing(made) == []
    layer = made.model.get_layer("d2")
    kernel, bias = layer.get_weights()
    kernel[0, 0] += 2.0**-4 if kernel[0, 0] < 0 else -(2.0**-4)
    layer.set_weights([kernel, bias])
    (wrong,) = differing(made)
    assert wrong.startswith("d2 differs in")


def test_what_is_drawn_is_the_same_each_time_and_prints_as_text():
    recipe = drawn(12)
    assert recipe == drawn(12)
    assert str(recipe).startswith("seed 12\n  x0 = ")
    assert all(str(layer) in str(recipe) for layer in recipe.layers)


def test_a_recipe_that_fails_is_shown_by_its_smallest_part():
    def fails(recipe: Recipe) -> bool:
        return any(layer.class_name == "QActivation" for layer in recipe.layers)

    smallest = shrunk(small_recipe(), fails)
    assert [layer.name for layer in smallest.layers] == ["r"]
    assert smallest.layers[0].reads == ("x",)
    assert smallest.config == {"backend": "Vitis", "io_type": "io_parallel", "layers": {}}


def test_a_fault_is_told_with_its_recipe_and_how_to_see_it_again(tmp_path, monkeypatch):
    real = checking.differing
    monkeypatch.setattr(checking, "differing", lambda made: [*real(made), "d2 differs"])
    recipe = replace(small_recipe(), seed=77)
    found = outcome(recipe, tmp_path / "hls")
    assert (found.kind, found.why) == (FAULT, "not Keras")
    said = fault_text(recipe, found, tmp_path)
    assert "--fuzz 1 --fuzz-seed 77" in said
    assert str(recipe) in said
    _, _, smallest = said.partition("the same happens to:\n")
    assert smallest.count("QDense(") + smallest.count("ReLU(") == 1


def test_a_refusal_is_counted_by_its_reason_alone(tmp_path):
    found = outcome(small_recipe(activation="quantized_bits(30,3,alpha=1)"), tmp_path / "hls")
    assert found.kind == checking.REFUSED
    assert "holds, which is a matter of the plain ReLU alone" in found.why
    assert "30" not in found.why
