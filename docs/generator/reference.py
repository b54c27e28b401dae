"""Blocks that follow from the code: commands, keys of YAML files, the Python API, exit codes, stages, diagnoses."""

from __future__ import annotations

import contextlib
import inspect
import io
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def overview() -> str:
    """What `hlsflow --help` says, without the exit codes."""
    return f"```\n{_help([])}\n```"


def commands() -> str:
    """The options of each command, as its --help has them."""
    from hlsflow.__main__ import COMMANDS

    parts = []
    for name, summary in COMMANDS.items():
        parts.append(f"### {name}\n\n{summary[0].upper()}{summary[1:]}.\n\n```\n{_help([name])}\n```")
        for action in _actions(name):
            parts.append(f"```\n{_help([name, action])}\n```")
    return "\n\n".join(parts)


def _actions(name: str) -> tuple[str, ...]:
    """The words that a command takes as commands of its own."""
    from hlsflow.__main__ import make_parser

    commands = next(action for action in make_parser(name)._actions if action.dest == "command")
    inner = [action for action in commands.choices[name]._actions if action.dest == "action" and action.choices]
    return tuple(inner[0].choices) if inner else ()


def _help(words: list[str]) -> str:
    from hlsflow.__main__ import make_parser

    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "110"
    try:
        with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.suppress(SystemExit):
            make_parser(words[0] if words else None).parse_args([*words, "--help"])
    finally:
        os.environ.pop("COLUMNS") if before is None else os.environ.update(COLUMNS=before)
    return re.sub(r"\n\nexit codes:.*", "", said.getvalue().rstrip(), flags=re.DOTALL)


def exit_codes() -> str:
    """A row for each class of error."""
    from hlsflow.foundation import errors

    found = {cls.exit_code: cls for _, cls in inspect.getmembers(errors, inspect.isclass) if _is_error(cls)}
    rows = ["| code | when | raised in Python |", "| --- | --- | --- |", "| 0 | done | |"]
    rows += [f"| {code} | {_sentence(cls)} | `{cls.__name__}` |" for code, cls in sorted(found.items())]
    return "\n".join([*rows, "| 130, 143, 129 | Ctrl-C, SIGTERM, terminal closed | `KeyboardInterrupt` |"])


def _is_error(cls: type) -> bool:
    from hlsflow.foundation.errors import HlsflowError

    return issubclass(cls, HlsflowError) and cls is not HlsflowError and cls.exit_code != 1


def _sentence(item: object) -> str:
    text = inspect.getdoc(item) or ""
    return text.partition("\n\n")[0].replace("\n", " ").rstrip(".")


def yaml_keys() -> str:
    """The keys of every kind of YAML file."""
    from hlsflow.cli.schema import FILES, model_of
    from hlsflow.foundation.schema import json_schema, keys

    parts = []
    for kind, files in FILES.items():
        rows = [f"## `{files}`", "", _sentence(model_of(kind)) + ".", ""]
        rows += ["| key | value | default | meaning |", "| --- | --- | --- | --- |"]
        for key in keys(json_schema(model_of(kind), kind)):
            cells = (f"`{key.path}`", key.values, key.default, key.meaning)
            rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        parts.append("\n".join(rows))
    return "\n\n".join(parts)


def schema_files() -> dict[Path, str]:
    """The JSON Schema of every kind of YAML file, by where it lies."""
    from hlsflow.cli.schema import FILES, model_of
    from hlsflow.foundation.schema import json_schema

    return {
        ROOT / "docs" / "schema" / f"{kind}.json": json.dumps(
            json_schema(model_of(kind), f"hlsflow {kind}"), indent=1, ensure_ascii=False
        )
        + "\n"
        for kind in FILES
    }


def python_api() -> str:
    """The functions of `hlsflow`, with their signatures and docstrings, and what their results have."""
    import hlsflow
    from hlsflow.api import views

    parts = []
    for name in ("build", *sorted(set(hlsflow.__all__) - {"build"})):
        function = getattr(hlsflow, name)
        parts.append(
            f"### hlsflow.{name}\n\n```python\n{_signature(name, function)}\n```\n\n{inspect.getdoc(function)}"
        )
    rows = ["### Results", "", "| value | what | attributes |", "| --- | --- | --- |"]
    for name, cls in inspect.getmembers(views, inspect.isclass):
        if cls.__module__ == views.__name__:
            rows.append(f"| `{name}` | {_sentence(cls)} | {', '.join(_attributes(cls))} |")
    return "\n\n".join([*parts, "\n".join(rows)])


def _signature(name: str, function: object) -> str:
    signature = inspect.signature(function)  # type: ignore[arg-type]
    lines = [f"    {parameter}," for parameter in _parameters(signature)]
    return "\n".join([f"hlsflow.{name}(", *lines, f") -> {signature.return_annotation}"])


def _parameters(signature: inspect.Signature) -> Iterator[str]:
    starred = False
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and not starred:
            starred = True
            yield "*"
        stars = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
        default = "" if parameter.default is parameter.empty else f" = {parameter.default!r}"
        yield f"{stars}{parameter.name}: {parameter.annotation}{default}"


def _attributes(cls: type) -> list[str]:
    fields = list(getattr(cls, "__dataclass_fields__", ()))
    shown = [key for key, value in vars(cls).items() if isinstance(value, property) and not key.startswith("_")]
    return [f"`{name}`" for name in (*fields, *shown)]


# What a figure of each stage is, and who gives it.
STAGES = {
    "analytic": "an estimate from types, weights and structure, with an interval and a domain; never a measurement",
    "csim": "C simulation: outputs, and so accuracies; no cost",
    "csynth": "C synthesis: the HLS tool's own estimate of area and clock, and its schedule's latency and interval",
    "logic-synthesis": "Vivado's netlist before placement",
    "open-synthesis": "Yosys' netlist of our own RTL",
    "open-route": "nextpnr's routed design of our own RTL: area, clock and bitstream",
    "board-route": "the same for a whole board design, serial line included, on the board's own pins and clock",
    "placed": "Vivado's placed design",
    "post-route": "Vivado's routed design: area and the clock that it meets",
    "cosim": "the RTL of C synthesis simulated: measured latency and interval",
    "rtl-sim": "our own RTL simulated by Verilator on the samples: measured latency and interval, outputs compared",
    "board-sim": "the whole board design simulated: outputs compared, rates by cycles of its clock",
    "board": "hardware: outputs compared, rates measured",
}


def stages() -> str:
    """A row for each stage that a figure may be of, in the order of how far the design had come."""
    from hlsflow.reports.figures import Stage

    rows = [f"| `{stage}` | {STAGES[stage]} |" for stage in Stage]
    return "\n".join(["| stage | what its figures are |", "| --- | --- |", *rows])


def diagnoses() -> str:
    """A section for each failure of AMD's tools that is known by its line in a log."""
    from hlsflow.vendor.diagnosis_rules import RULES

    rows = ["| code | what it is | what to do |", "| --- | --- | --- |"]
    for rule in RULES:
        cells = (
            f"`{rule.code}`",
            _without_groups(rule.cause, rule.pattern),
            _without_groups(rule.action, rule.pattern),
        )
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows)


def _without_groups(text: str, pattern: re.Pattern[str]) -> str:
    """`the array {array} ...` without a log at hand: a group by its name, else the word that stands for it."""

    def word(match: re.Match[str]) -> str:
        last = match[1].split("|")[-1]
        return f"*{last.rstrip('0123456789')}*" if last in pattern.groupindex else last

    return re.sub(r"\{([^{}]+)\}", word, text)


BLOCKS = {
    "help": overview, "commands": commands, "exit-codes": exit_codes, "yaml": yaml_keys, "python": python_api,
    "diagnoses": diagnoses, "stages": stages,
}  # fmt: skip
