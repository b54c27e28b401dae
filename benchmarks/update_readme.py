"""Fills the blocks of README.md between `<!-- output:NAME -->` marks with what the commands print, on this machine.

    uv run python benchmarks/update_readme.py

Runs the main job in a fresh workspace, `--help`, the benchmarks, and reads the shipped records. Needs MNIST
(HLSFLOW_DATA) and a machine that does nothing else meanwhile.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "flows"))


def said(*words: str, cwd: Path = ROOT) -> str:
    """What a command prints, both streams in order."""
    print("+", " ".join(words), flush=True)
    done = subprocess.run(words, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True)
    return done.stdout.rstrip()


def block(text: str) -> str:
    return f"```\n{text}\n```"


def models_table() -> str:
    """A row for each shipped build record."""
    from hlsflow.record import read_record

    rows = ["| model | what | test accuracy | sparsity | outputs against Keras |", "| --- | --- | --- | --- | --- |"]
    for path in sorted((ROOT / "reports").glob("*/build.json")):
        record = read_record(path)
        worst = max(record.agreement, key=lambda item: item.mismatching_values)
        if record.gate.kind == "exact":
            exact = f"{worst.mismatching_values} of {worst.values:,} differ"
        else:
            off, allowed = record.gate.max_abs_error, record.gate.allowed_abs_error
            exact = f"no exact form; off by {off:.4f} at most, {allowed:g} allowed"
        accuracy = f"{100 * record.trained.test_accuracy:.2f} % ({record.trained.dataset})" if record.trained else "-"
        rows.append(f"| `{record.name}` | {record.title} | {accuracy} | {100 * record.size.sparsity:.1f} % | {exact} |")
    return "\n".join(rows) + "\n\nFrom `reports/*/build.json`, each written by `python flows/build.py --model NAME`."


def main() -> int:
    python = sys.executable
    with tempfile.TemporaryDirectory(prefix="hlsflow-") as name:
        fresh = Path(name)
        for folder in ("models", "hls_configs"):
            shutil.copytree(ROOT / folder, fresh / folder)
        first = said(python, str(ROOT / "flows" / "build.py"), "--model", "qap8", cwd=fresh)
    outputs = {
        "build": block(first),
        "help": block(re.sub(r"\n\nexit codes:.*", "", said(python, "-m", "hlsflow", "--help"), flags=re.DOTALL)),
        "models": models_table(),
        "speed": "\n\n".join(
            [
                "`uv run python benchmarks/main_job.py`, the main job beside plain hls4ml calls:",
                block(said(python, "benchmarks/main_job.py")),
                "`uv run python benchmarks/emulator.py`:",
                block(said(python, "benchmarks/emulator.py")),
            ]
        ),
    }
    path = ROOT / "README.md"
    text = path.read_text()
    for name, output in outputs.items():
        pattern = re.compile(rf"(<!-- output:{name} -->\n).*?(<!-- /output:{name} -->)", re.DOTALL)
        text, found = pattern.subn(lambda match, output=output: match.group(1) + output + "\n" + match.group(2), text)
        assert found == 1, name
    path.write_text(text)
    print(json.dumps(sorted(outputs)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
