"""A build's record as text: the summary in the terminal, `report.md`, and the table of types."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from hlsflow.foundation.log import paint
from hlsflow.records.boards import BOARD_COLUMNS, BOARD_NOTE, BOARD_TITLE, board_rows
from hlsflow.records.evidence import contradiction
from hlsflow.records.record import AgreementRecord, BuildRecord, TableRecord, two_designs
from hlsflow.records.verdict import at_most, place

if TYPE_CHECKING:
    from hlsflow.network.layer_types import LayerTypes

FIGURE_COLUMNS = (
    "stage", "tool", "part", "LUT", "FF", "DSP", "BRAM (18 Kb)", "URAM", "latency (cycles)", "interval (cycles)",
    "clock (ns)", "from",
)  # fmt: skip
NOT_MEASURED = "Not measured: no estimate and no synthesis was run on this project."


def percent_of(share: float | None) -> str:
    """A share in per cent, or that it was not measured."""
    return "not measured" if share is None else f"{100 * share:.2f} %"


def _kilobytes(count: int) -> str:
    return f"{count / 1024:,.1f} KiB"


def exactness(record: BuildRecord) -> str:
    """One sentence: exact on how much, equal on how much, or how far off. Only `BuildRecord.exact` is called exact."""
    gate, total = record.gate, sum(item.values for item in record.agreement)
    samples = f"{record.samples.count:,} samples"
    if gate.kind == "bounded":
        verdict = "within its bound" if gate.max_abs_error <= gate.allowed_abs_error else "outside its bound"
        return (
            f"{verdict}: off by {at_most(gate.max_abs_error)} from {record.framework} at most, "
            f"{gate.allowed_abs_error:g} allowed ({samples})"
        )
    worst = max(record.agreement, key=lambda item: item.mismatching_values)
    if worst.mismatching_values:
        return (
            f"{worst.mismatching_values:,} of {worst.values:,} integers of '{worst.output}' differ, by up to "
            f"{worst.max_error_lsb:g} LSB of {worst.type} ({at_most(gate.max_abs_error)})"
        )
    framework = record.framework + ("" if record.keras_float == "float32" else f" in {record.keras_float}")
    equal = f"0 of {total:,} output integers differ from {framework} ({samples})"
    narrow = [item for item in record.agreement if not item.holds_derived]
    if narrow:
        first = narrow[0]
        own = "no type that is known" if first.derived_type is None else first.derived_type
        return f"equal on these samples: {equal}; not called exact, since {first.type} of '{first.output}' is not {own}"
    if not record.passed:
        return equal
    return f"exact: {equal}"


def summary(record: BuildRecord, path: Path, project: Path, stream: TextIO) -> str:
    """The end of a build, for a person."""
    head = paint(f"{record.name}: {record.title}", "bold", stream)
    return "\n".join([head, *(f"  {label:<12} {text}" for label, text in summary_rows(record, path, project, stream))])


def summary_rows(record: BuildRecord, path: Path, project: Path, stream: TextIO) -> list[tuple[str, str]]:
    """What a build ends with: labels and texts, the label empty where a text goes on. `path` is the record's file."""
    passed = paint("PASS", "green", stream) if record.passed else paint("FAIL", "red", stream)
    size = record.size
    rows = [
        ("gate", f"{passed}  {exactness(record)}"),
        *(("", f"FAILED for: {failure}") for failure in record.gate.failures),
        ("samples", f"{record.samples.count:,} of {record.samples.dataset}: {record.samples.source}"),
        _right(record),
    ]
    if record.samples.substitute and record.trained is not None:
        rows.append(
            (
                "",
                f"on {record.trained.dataset}, quoted from {record.trained.source}: "
                f"{percent_of(record.trained.test_accuracy)}",
            )
        )
    if record.softmax is not None:
        rows.append(("softmax", _softmax(record)))
    rows += [(item.function, _table_text(item, record)) for item in record.tables]
    parameters = f"{size.parameters:,} parameters, {percent_of(size.sparsity)} zeros"
    target = record.configuration
    return [
        *rows,
        ("emulator", _emulator(record)),
        ("size", f"{parameters}, {_kilobytes(size.weight_bits // 8)} of weights in hardware"),
        ("target", f"{target.backend}, {target.part}, {target.clock_period_ns:g} ns, {target.io_type}"),
        ("synthesis", "; ".join(f"{stage}: {state}" for stage, state in record.stages.items()) or "not measured"),
        ("HLS project", _shown(project)),
        ("report", _shown(path.parent / "report.md")),
    ]


def _right(record: BuildRecord) -> tuple[str, str]:
    """How right the outputs are, and by which measure."""
    if record.errors_keras is not None and record.errors_csim is not None:
        keras, csim = record.errors_keras, record.errors_csim
        return (
            "error",
            f"mean |output - target|: {record.framework} {keras.mean_abs:g}, C simulation {csim.mean_abs:g}; "
            f"root mean square: {keras.root_mean_square:g}, {csim.root_mean_square:g}",
        )
    if record.accuracy_keras is None:
        return "accuracy", "not known: these samples have no labels"
    own, hardware = percent_of(record.accuracy_keras), percent_of(record.accuracy_csim)
    return "accuracy", f"{record.framework} {own}, C simulation {hardware}"


def _in_float(record: BuildRecord) -> str:
    if record.keras_float == "float32":
        return ""
    return " in float64, since float32 would round the sums of this network"


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _shown(path: Path) -> str:
    """A path from where the user stands, if that is shorter."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _softmax(record: BuildRecord) -> str:
    softmax = record.softmax
    assert softmax is not None
    if softmax.max_abs_error is None or softmax.table_error is None:
        same = percent_of(softmax.argmax_agreement)
        return f"{softmax.implementation}: same class as {record.framework} in {same}"
    bound = "no bound is known" if softmax.bound is None else f"at most {at_most(softmax.bound, 3)} for any input"
    own = ""
    if record.gate.kind == "bounded":
        # Keras' softmax is of other logits: the tables are held to that of the hardware's own.
        own = f", off by {at_most(softmax.table_error, 3)} from that of the hardware's own logits"
    return (
        f"a table: off by {at_most(softmax.max_abs_error, 3)} from {record.framework} at most{own} ({bound}), same "
        f"class as {record.framework} in {percent_of(softmax.argmax_agreement)}"
    )


def _table_text(item: TableRecord, record: BuildRecord) -> str:
    own = ""
    if record.gate.kind == "bounded":
        own = f", off by {at_most(item.table_error, 3)} from that of the hardware's own values"
    return (
        f"a table of {item.entries:,} entries: off by {at_most(item.max_abs_error, 3)} from {record.framework} at "
        f"most{own} (at most {at_most(item.bound, 3)} for any input)"
    )


def _emulator(record: BuildRecord) -> str:
    emulator = record.emulator
    if emulator is None:
        return "does not cover this network"
    if emulator.mismatching_values:
        text = f"{emulator.mismatching_values:,} of {emulator.values:,} values differ from C simulation"
        first = emulator.first_difference
        return text if first is None else f"{text}; first {place(first, 'emulator', 'C simulation')}"
    return f"equal to C simulation on all {emulator.values:,} values"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(header) + " |", "|" + "|".join(" --- " for _ in header) + "|"]
    # A bar in a cell, of a title or a path that somebody chose, would begin another one.
    lines += ["| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _verdict(record: BuildRecord) -> str:
    if not record.gate.passed:
        return "FAILED"
    refuted = contradiction(record)
    return "passed" if refuted is None else f"passed, but CONTRADICTED: {refuted}"


def _agreement_row(item: AgreementRecord) -> list[str]:
    return [
        f"`{item.output}`",
        f"`{item.type}`",
        f"{item.samples:,}",
        f"{item.mismatching_samples:,}",
        f"{item.mismatching_values:,} of {item.values:,}",
        f"{item.max_error_lsb:g}",
        percent_of(item.argmax_agreement),
    ]


def markdown(record: BuildRecord) -> str:
    """`report.md`: what was built, exactness, accuracies, sizes, effective types, versions, digest of the inputs."""
    configuration, size = record.configuration, record.size
    parts = [
        f"# {record.name}: {record.title}",
        f"**Gate: {_verdict(record)}.** {_sentence(exactness(record))}",
        *([] if record.gate.passed else ["\n".join(f"- {failure}" for failure in record.gate.failures)]),
        f"Target: {configuration.backend}, part {configuration.part}, clock {configuration.clock_period_ns:g} ns "
        f"(uncertainty {configuration.clock_uncertainty_percent:g} %), {configuration.io_type}.",
        "## Exactness",
        f"C simulation (stage `csim`) against {record.framework}{_in_float(record)}, in LSBs of each output's type, on "
        f"{record.samples.count:,} samples of {record.samples.dataset}: {record.samples.source} "
        f"(SHA-256 `{record.samples.sha256[:16]}…`).",
        _table(
            [
                "output",
                "type",
                "samples",
                "differing samples",
                "differing values",
                "largest error (LSB)",
                "same class",
            ],
            [_agreement_row(item) for item in record.agreement],
        ),
    ]
    for item in record.agreement:
        if item.first_difference is not None:
            parts.append(f"First layer that differs: {place(item.first_difference, record.framework, 'hardware')}.")
    if record.softmax is not None:
        parts.append(f"Softmax: {_softmax(record)}.")
    parts += [f"The {item.function} '{item.output}': {_table_text(item, record)}." for item in record.tables]
    parts.append(f"Second witness, the integer emulator: {_emulator(record)}.")
    parts += ["## Accuracy", _table(["on", "of", "accuracy", "source"], _accuracy_rows(record))]
    parts += [
        "## Size",
        _table(
            ["parameters", "zeros", "weights in hardware", "weights.npz"],
            [
                [
                    f"{size.parameters:,}",
                    f"{size.zeros:,} ({percent_of(size.sparsity)})",
                    f"{size.weight_bits:,} bits ({_kilobytes(size.weight_bits // 8)})",
                    _kilobytes(size.weights_file_bytes),
                ]
            ],
        ),
        "## Resources and latency",
        _figures(record),
        "## Layers",
        _table(
            ["layer", "operation", "output", "types", "zeros", "strategy", "reuse factor"],
            [
                [
                    f"`{layer.name}`",
                    layer.operation,
                    "x".join(map(str, layer.shape)),
                    "<br>".join(
                        f"{role} `{type_}` ({layer.sources.get(role, '-')})" for role, type_ in layer.types.items()
                    ),
                    f"{layer.zeros:,} of {layer.parameters:,}" if layer.parameters else "-",
                    layer.strategy or "-",
                    str(layer.reuse_factor) if layer.reuse_factor is not None else "-",
                ]
                for layer in record.layers
            ],
        ),
        "What was proved:",
        "\n".join(f"- `{layer.name}`: {layer.proof}" for layer in record.layers),
    ]
    if record.warnings:
        parts += ["## Warnings", "\n".join(f"- {warning}" for warning in record.warnings)]
    parts += [
        "## Provenance",
        _table(["tool", "version"], [[tool, version] for tool, version in sorted(record.versions.items())]),
        *([] if record.design is None else [f"Design (sources, types, weights): `{record.design}`."]),
        f"Digest of all inputs: `{record.digest}`. {_made_again(record)}",
    ]
    return "\n\n".join(parts) + "\n"


def _made_again(record: BuildRecord) -> str:
    """The command that makes this very build."""
    command, request = f"python flows/build.py --model {record.model}", record.request
    if not record.variant:
        return f"Made again by `{command}`."
    if request is None:
        # Of an hlsflow that did not note it.
        return f"Made again by `{command}` with the options that its variant `{record.variant}` is named after."
    text = f"Made again by `{command} {request.options}`."
    return text if request.configured_by is None else f"{text} Its configuration is from: {request.configured_by}."


def _figures(record: BuildRecord) -> str:
    rows = figure_rows(record)
    if not rows:
        return NOT_MEASURED
    rows = [[*cells, f"`{source}`" if source != "-" else source] for *cells, source in rows]
    both = two_designs(figure for figure in record.figures if figure.module is None)
    return _table(FIGURE_COLUMNS, rows) + ("" if both is None else f"\n\nThese are {both}.") + _on_board(record)


def _on_board(record: BuildRecord) -> str:
    rows = board_rows(record)
    return f"\n\n{BOARD_TITLE}:\n\n{_table(BOARD_COLUMNS, rows)}\n\n{BOARD_NOTE}" if rows else ""


def figure_rows(record: BuildRecord) -> list[list[str]]:
    """The figures of the whole design, a row a stage and tool; stages are never mixed in one row."""
    return [
        [
            figure.stage,
            " ".join(filter(None, [figure.tool, figure.tool_version])),
            figure.part or "-",
            *(
                _count(getattr(figure, name), figure.ranges.get(name))
                for name in ("lut", "ff", "dsp", "bram_18k", "uram")
            ),
            _count(figure.latency_max_cycles, figure.ranges.get("latency_max_cycles")),
            _count(figure.interval_max_cycles, figure.ranges.get("interval_max_cycles")),
            "-" if figure.clock_achieved_ns is None else f"{figure.clock_achieved_ns:g}",
            figure.source_file or "-",
        ]
        for figure in record.figures
        if figure.module is None
    ]


def _count(value: int | None, error_bar: Sequence[float] | None) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if error_bar is None else f"{value:,} ({error_bar[0]:,.0f} to {error_bar[1]:,.0f})"


def _accuracy_rows(record: BuildRecord) -> list[list[str]]:
    samples = f"{record.samples.count:,} samples of {record.samples.dataset}"
    if record.errors_keras is not None and record.errors_csim is not None:
        return [
            [samples, side, f"mean error {found.mean_abs:g}, root mean square {found.root_mean_square:g}", "this build"]
            for side, found in ((record.framework, record.errors_keras), ("C simulation", record.errors_csim))
        ]
    rows = [
        [samples, record.framework, percent_of(record.accuracy_keras), "this build"],
        [samples, "C simulation", percent_of(record.accuracy_csim), "this build"],
    ]
    if record.trained is not None:
        rows.append(
            [
                f"the test set of {record.trained.dataset}",
                "Keras",
                percent_of(record.trained.test_accuracy),
                f"quoted from `{record.trained.source}`",
            ]
        )
    return rows


def types_table(layers: Sequence[LayerTypes]) -> str:
    """The effective types of every layer and where each came from, for the terminal."""
    rows = [("layer", "role", "type", "from")]
    for layer in layers:
        for index, (role, type_) in enumerate(layer.types.items()):
            rows.append((layer.node.name if index == 0 else "", role, str(type_), layer.sources.get(role, "-")))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
