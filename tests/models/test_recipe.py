from pathlib import Path

import pytest
import yaml

from hlsflow.foundation.errors import ConfigError
from hlsflow.frontends.keras.quantizer_texts import Quantizer, parse_quantizer
from hlsflow.models.recipe import Recipe, load_recipe

MODELS = Path(__file__).resolve().parents[2] / "models"
SHIPPED = sorted(path.parent.name for path in MODELS.glob("*/recipe.yaml"))

QAP = """\
name: qap
title: A test
dataset: mnist
seed: 1
input: {scale_exponent: -8, type: "ufixed<8,0>"}
architecture: {name: mlp, units: [100, 50, 10], dropout: 0.1, kernel_initializer: lecun_uniform}
compression:
  quantization:
    kernel: quantized_bits(8,4,alpha=1)
    bias: quantized_bits(8,4,alpha=1)
    activation: quantized_relu(8,4)
    layers:
      fc2: {kernel: "quantized_bits(6,0,alpha=1)", activation: "quantized_relu(6,2)"}
  pruning: {final_sparsity: 0.3}
training: {learning_rate: 1e-3, batch_size: 64, epochs: 16, validation_split: 0.2}
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "qap" / "recipe.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def test_a_recipe_is_read_from_its_folder_or_its_file(tmp_path):
    path = write(tmp_path, QAP)
    recipe = load_recipe(path)
    assert recipe == load_recipe(path.parent) == load_recipe(str(path))
    assert recipe.architecture.units == (100, 50, 10)
    assert recipe.architecture.dense_names() == ("fc1", "fc2", "logits")
    assert recipe.training.learning_rate == 0.001


def test_a_layer_keeps_what_it_does_not_override(tmp_path):
    quantization = load_recipe(write(tmp_path, QAP)).compression.quantization
    assert str(quantization.of("fc1", "kernel")) == "quantized_bits(8,4,alpha=1)"
    assert str(quantization.of("fc2", "kernel")) == "quantized_bits(6,0,alpha=1)"
    assert str(quantization.of("fc2", "bias")) == "quantized_bits(8,4,alpha=1)"
    assert str(quantization.of("fc2", "activation")) == "quantized_relu(6,2)"


def test_a_recipe_round_trips_through_its_type(tmp_path):
    recipe = load_recipe(write(tmp_path, QAP))
    assert Recipe.model_validate_json(recipe.model_dump_json()) == recipe


def test_the_digest_follows_what_decides_the_weights_alone(tmp_path):
    before = load_recipe(write(tmp_path, QAP)).sha256()
    same = QAP.replace("A test", "Another title").replace("(8,4,alpha=1)", "(8, 4, alpha=1)") + "# a comment\n"
    assert load_recipe(write(tmp_path, same)).sha256() == before
    assert load_recipe(write(tmp_path, QAP.replace("seed: 1", "seed: 2"))).sha256() != before
    assert load_recipe(write(tmp_path, QAP.replace("relu(6,2)", "relu(6,3)"))).sha256() != before


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("seed: 1", "sead: 1", "seed: missing\n{path}: sead: unknown key; did you mean 'seed'?"),
        ("seed: 1", "seed: -1", "seed: input should be greater than or equal to 0, not -1"),
        ("seed: 1", "seed: '1'", "seed: input should be a valid integer, not '1'"),
        ("dataset: mnist", "dataset: minst",
         "dataset: input should be 'mnist', 'fashion_mnist', 'cifar10' or 'digits', not 'minst'"),
        ("name: mlp", "name: mlpp", "architecture.name: input should be 'mlp' or 'cnn', not 'mlpp'"),
        ("name: mlp", "name: cnn", "architecture: convolutions: a cnn has at least one, an mlp none"),
        ("name: mlp", "name: mlp, convolutions: [{filters: 4, kernel: 3}]",
         "architecture: convolutions: a cnn has at least one, an mlp none"),
        ("name: mlp, units", "name: cnn, convolutions: [{filters: 4, kernal: 3}], units",
         "architecture.convolutions.0.kernel: missing\n"
         "{path}: architecture.convolutions.0.kernal: unknown key; did you mean 'kernel'?"),
        ("units: [100, 50, 10]", "units: [100, 50, 10], ranks: {fc3: 4}",
         "architecture: ranks.fc3: no such layer; did you mean 'fc2'?"),
        ("units: [100, 50, 10]", "units: [100, fifty, 10]",
         "architecture.units.1: input should be a valid integer, not 'fifty'"),
        ("units: [100, 50, 10]", "units: [100, 0, 10]",
         "architecture.units.1: input should be greater than or equal to 1, not 0"),
        ("units: [100, 50, 10]", "units: [100, 50]",
         "architecture.units: the last layer gives one logit for each of the 10 classes of mnist, not 50"),
        ("dropout: 0.1", "dropout: 1.0", "architecture.dropout: input should be less than 1, not 1.0"),
        ("dropout: 0.1", "droput: 0.1", "architecture.droput: unknown key; did you mean 'dropout'?"),
        ("ufixed<8,0>", "fixed<8,0>",
         "input.type: string should match pattern '^ufixed<\\d{{1,2}},-?\\d{{1,2}}>$', not 'fixed<8,0>'"),
        ("ufixed<8,0>", "ufixed<7,0>",
         "input: ufixed<7,0> cannot hold every pixel * 2**-8; the smallest type that can is ufixed<8,0>"),
        ("ufixed<8,0>", "ufixed<8,-1>",
         "input: ufixed<8,-1> cannot hold every pixel * 2**-8; the smallest type that can is ufixed<8,0>"),
        ("activation: quantized_relu(8,4)", "activation: quantized_rely(8,4)",
         "compression.quantization.activation: unknown quantizer 'quantized_rely'; did you mean 'quantized_relu'?"),
        ("bias: quantized_bits(8,4,alpha=1)", "bias: quantized_bits(8,4)",
         "compression.quantization.bias: 'quantized_bits(8,4)': write alpha=1; without it QKeras may scale by a factor "
         "that the fixed-point type cannot hold"),
        ("      fc2:", "      fc9:",
         "compression.quantization.layers.fc9: no such layer; did you mean 'fc2'?"),
        ("fc2: {kernel:", "fc2: {kernal:",
         "compression.quantization.layers.fc2.kernal: unknown key; did you mean 'kernel'?"),
        ("      fc2:", "      logits:",
         "compression.quantization.layers.logits.activation: there is no activation behind this layer"),
        ("final_sparsity: 0.3", "final_sparsity: 0.3, initial_sparsity: 0.5",
         "compression.pruning: final_sparsity must be at least initial_sparsity"),
        ("final_sparsity: 0.3", "final_sparsity: 0.3, end_epoch: 17",
         "compression.pruning.end_epoch: later than the last epoch of training.epochs"),
        ("kernel: quantized_bits(8,4,alpha=1)", "kernel: quantized_relu(8,4)",
         "compression.quantization.kernel: 'quantized_relu(8,4)' has no negative values, a kernel needs some: e.g. "
         "quantized_bits(8,0,alpha=1)"),
        ("activation: quantized_relu(8,4)", "activation: ternary(alpha=0.5)",
         "compression.quantization.activation: 'ternary(alpha=0.5)': write alpha=1; hls4ml ignores the scale of an "
         "activation"),
        ("kernel: quantized_bits(8,4,alpha=1)", "kernel: binary(alpha=1)",
         "compression.pruning: the binary kernel of fc1 has no zero; ternary(alpha=1) has one, or leave pruning out"),
        ("seed: 1", "seed: 1\nclasses: [6, 9]",
         "architecture.units: the last layer gives one logit for each of the 2 classes of mnist, not 10"),
        ("seed: 1", "seed: 1\nclasses: [6, 6]", "classes: [6, 6] names one twice"),
        ("training: {", "trained: {",
         "trained: unknown key; did you mean 'training'?"),
        ("final_sparsity: 0.3", "final_sparsity: 30",
         "compression.pruning.final_sparsity: input should be less than 1, not 30"),
        ("1e-3", ".nan", "training.learning_rate: input should be a valid number, not '.nan'"),
        ("1e-3", "1e999", "line 15: '1e999' is not a finite number\n"
         "  training: {{learning_rate: 1e999, batch_size: 64, epochs: 16, validation_split: 0.2}}\n"
         "                            ^"),
        ("epochs: 16", "epochs: 16.5", "training.epochs: input should be a valid integer, not 16.5"),
        ("name: qap", "name: other", "name: 'other' is not its folder's name 'qap'"),
        ("name: qap", "name: 8bit", "name: string should match pattern '^[A-Za-z][A-Za-z0-9_]*$', not '8bit'"),
    ],
)  # fmt: skip
def test_a_mistake_is_named(tmp_path, old, new, message):
    assert old in QAP
    path = write(tmp_path, QAP.replace(old, new, 1))
    with pytest.raises(ConfigError) as caught:
        load_recipe(path)
    # A rule over several keys has no key path of its own from pydantic, so its text begins with one.
    assert str(caught.value) == f"{path}: {message.format(path=path)}"


def test_a_missing_recipe_is_named(tmp_path):
    with pytest.raises(ConfigError) as caught:
        load_recipe(tmp_path)
    assert str(caught.value) == f"cannot read {tmp_path}/recipe.yaml: No such file or directory"


@pytest.mark.parametrize(
    ("text", "quantizer"),
    [
        ("quantized_bits(8,4,alpha=1)", Quantizer(name="quantized_bits", bits=8, integer=4)),
        (" quantized_bits( 6, 0, alpha = 1 ) ", Quantizer(name="quantized_bits", bits=6, integer=0)),
        ("quantized_bits(8,-2,symmetric=True,alpha=1)",
         Quantizer(name="quantized_bits", bits=8, integer=-2, symmetric=True)),
        ("quantized_relu(6,2)", Quantizer(name="quantized_relu", bits=6, integer=2)),
    ],
)  # fmt: skip
def test_quantizers_are_read(text, quantizer):
    assert parse_quantizer(text) == quantizer
    assert parse_quantizer(str(quantizer)) == quantizer


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("relu", "'relu' is not a quantizer such as 'quantized_bits(8,4,alpha=1)' or 'quantized_relu(8,4)'"),
        ("quantized_bits(8,4,alpha=1", "'quantized_bits(8,4,alpha=1' is not a quantizer such as "
         "'quantized_bits(8,4,alpha=1)' or 'quantized_relu(8,4)'"),
        ("__import__('os')", "unknown quantizer '__import__'; known: binary, quantized_bits, quantized_relu, "
         "ternary"),
        ("quantized_bits(8)", "'quantized_bits(8)': give exactly two numbers, bits and integer bits"),
        ("quantized_bits(8,4,0,alpha=1)", "'quantized_bits(8,4,0,alpha=1)': give exactly two numbers, bits and "
         "integer bits"),
        ("quantized_bits(8,four,alpha=1)", "'quantized_bits(8,four,alpha=1)': cannot read the argument 'four'"),
        ("quantized_bits(8,8,alpha=1)", "'quantized_bits(8,8,alpha=1)': integer bits must be -8 to 7"),
        ("quantized_relu(1,0)", "'quantized_relu(1,0)': bits must be 2 to 32"),
        ("quantized_relu(8,4,negative_slope=1)",
         "'quantized_relu(8,4,negative_slope=1)': unknown argument 'negative_slope'; none is known"),
        ("quantized_bits(8,4,alpa=1)", "'quantized_bits(8,4,alpa=1)': unknown argument 'alpa'; did you mean 'alpha'?"),
        ("quantized_bits(8,4,alpha=2)", "'quantized_bits(8,4,alpha=2)': write alpha=1; without it QKeras may scale by "
         "a factor that the fixed-point type cannot hold"),
        ("quantized_bits(8,4,alpha=1,alpha=1)", "'quantized_bits(8,4,alpha=1,alpha=1)': 'alpha' stands twice"),
        ("quantized_bits(8,4,True)", "'quantized_bits(8,4,True)': give 'True' by its name"),
    ],
)  # fmt: skip
def test_other_texts_are_refused(text, message):
    with pytest.raises(ValueError) as caught:
        parse_quantizer(text)
    assert str(caught.value) == message


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_recipes_are_valid_and_read_the_same_in_plain_yaml(name):
    recipe = load_recipe(MODELS / name)
    plain = yaml.safe_load((MODELS / name / "recipe.yaml").read_text())
    assert recipe.training.epochs == plain["training"]["epochs"]
    assert recipe.name == name


def test_the_courses_models_are_the_courses():
    linear, relu = "quantized_bits(8,4,alpha=1)", "quantized_relu(8,4)"
    expected = {
        "float": (None, None, None),
        "pruned": (None, None, 0.3),
        "qat8": (linear, relu, None),
        "qap8": (linear, relu, 0.3),
        "qat8_linear": (linear, linear, None),
        "qap8_linear": (linear, linear, 0.3),
    }
    for name, (kernel, activation, sparsity) in expected.items():
        recipe = load_recipe(MODELS / name)
        quantization, pruning = recipe.compression.quantization, recipe.compression.pruning
        assert (quantization and quantization.kernel, quantization and quantization.bias) == (kernel, kernel)
        assert (quantization and quantization.activation) == activation
        assert (pruning and pruning.final_sparsity) == sparsity
        assert (recipe.dataset, recipe.architecture.units, recipe.architecture.dropout) == (
            "mnist",
            (100, 50, 20, 10),
            0.1,
        )
        assert recipe.architecture.kernel_initializer == "lecun_uniform"
        training = recipe.training
        assert (training.learning_rate, training.batch_size, training.epochs) == (0.001, 64, 16)
        assert (training.validation_split, training.learning_rate_decay) == (0.2, "constant")
