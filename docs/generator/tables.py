"""Blocks that are read off the shipped records: what each model and each method came to."""

from __future__ import annotations

import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def models_table() -> str:
    """A row for each shipped build record."""
    from hlsflow.records.record import read_record
    from hlsflow.records.report import exactness
    from hlsflow.records.verdict import at_most

    rows = ["| model | what | test accuracy | sparsity | outputs against Keras |", "| --- | --- | --- | --- | --- |"]
    for path in sorted((ROOT / "reports").glob("*/build.json")):
        record = read_record(path)
        total = sum(item.values for item in record.agreement)
        if record.exact:
            exact = f"0 of {total:,} differ"
        elif record.gate.kind == "bounded":
            off, allowed = at_most(record.gate.max_abs_error, 2), record.gate.allowed_abs_error
            exact = f"no exact form; off by {off} at most, {allowed:g} allowed"
        else:
            exact = exactness(record)
        accuracy = f"{100 * record.trained.test_accuracy:.2f} % ({record.trained.dataset})" if record.trained else "-"
        rows.append(f"| `{record.name}` | {record.title} | {accuracy} | {100 * record.size.sparsity:.1f} % | {exact} |")
    return "\n".join(rows) + "\n\nFrom `reports/*/build.json`, each written by `python flows/build.py --model NAME`."


# The points of the sweeps that README shows: sweep, family of points, parameters that choose among them.
REFERENCE_POINTS = (
    ("qat_qap_bits", "mlp_float", {}),
    ("qat_qap_bits", "qat8", {}),
    ("qat_qap_bits", "qap${bits}_${sparsity}", {"bits": 8, "sparsity": 0.5}),
    ("qat_qap_bits", "qap4_0p5_seed${seed}", {}),
    ("qat_qap_bits", "ternary", {}),
    (
        "post_training_quantization",
        "int8_${per}_activations${activation_bits}",
        {"per": "tensor", "activation_bits": 8},
    ),
    ("distillation", "student_taught_seed${seed}", {}),
    ("cnn", "cnn_float", {}),
    ("cnn", "cnn_qap8_${sparsity}", {"sparsity": 0.5}),
    ("cnn", "cnn_qap4_${sparsity}", {"sparsity": 0.5}),
    ("structured_pruning", "wide", {}),
    ("structured_pruning", "wide_structured_tuned_${ratio}", {"ratio": 0.8}),
)


def methods_table() -> str:
    """A few rows of the sweeps' tables; points that differ in their seed alone become mean and standard deviation."""
    from statistics import mean, stdev

    from hlsflow.exploring.row import Row
    from hlsflow.exploring.table import exactness_text

    lines = ["| what | sweep | test accuracy | outputs against Keras | LUT, est. |", "| --- | --- | --- | --- | --- |"]
    for sweep, family, chosen in REFERENCE_POINTS:
        content = json.loads((ROOT / "reports" / "sweeps" / sweep / "table.json").read_text())
        rows = [Row.model_validate(row) for row in content["rows"] if row["family"] == family]
        rows = [row for row in rows if all(row.parameters.get(key) == value for key, value in chosen.items())]
        accuracies = [100 * row.accuracy for row in rows]
        spread = f" ± {stdev(accuracies):.2f} (seeds {len(rows)})" if len(rows) > 1 else ""
        title = rows[0].title.split(", seed")[0]
        lut = f"{rows[0].value('lut'):,}" + ("" if rows[0].estimate.in_domain else "*")
        exact = exactness_text(rows[0].exactness)
        lines.append(f"| {title} | `{sweep}` | {mean(accuracies):.2f} %{spread} | {exact} | {lut} |")
    return (
        "\n".join(lines) + "\n\nFrom `reports/sweeps/*/table.json`; est. and `*` as explained in `reports/methods.md`."
    )


BLOCKS = {"models": models_table, "methods": methods_table}
