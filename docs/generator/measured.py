"""Blocks of what commands print on this machine."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def said(*words: str, cwd: Path = ROOT) -> str:
    """What a command prints, both streams in order."""
    print("+", " ".join(words), flush=True)
    done = subprocess.run(words, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True)
    return done.stdout.rstrip()


def block(text: str) -> str:
    return f"```\n{text}\n```"


def build_said() -> str:
    """The main job in a fresh workspace."""
    with tempfile.TemporaryDirectory(prefix="hlsflow-") as name:
        fresh = Path(name)
        for folder in ("models", "hls_configs"):
            shutil.copytree(ROOT / folder, fresh / folder)
        return block(said(sys.executable, str(ROOT / "flows" / "build.py"), "--model", "qap8", cwd=fresh))


def own_said() -> str:
    own = said(sys.executable, "benchmarks/own_model.py")
    return block(re.sub(r"/\S*/hlsflow-\w+/", "", own.partition("from the file to the report")[0]).rstrip())


def speed_said() -> str:
    parts = ["`uv run python benchmarks/main_job.py`, the main job beside plain hls4ml calls:"]
    parts += [block(said(sys.executable, "benchmarks/main_job.py")), "`uv run python benchmarks/emulator.py`:"]
    return "\n\n".join([*parts, block(said(sys.executable, "benchmarks/emulator.py"))])


# What precision.md changes in the configuration of digits6: the file's word, and what stands for what.
NARROWED = "accum: fixed<17,4>   # interval"
EXACT = "  # The build fails unless every output integer equals Keras'.\n  kind: exact"
VARIANTS = {
    "narrow": {NARROWED: "accum: fixed<12,4>"},
    "bounded": {NARROWED: "accum: fixed<15,4>", EXACT: "  kind: bounded\n  max_abs_error: 0.5"},
}


def narrowing_said() -> str:
    """An accumulator narrowed by hand, what lint and the gate say of it, and the same with a bound that it keeps."""
    hlsflow = [sys.executable, "-m", "hlsflow"]
    with tempfile.TemporaryDirectory(prefix="hlsflow-") as name:
        fresh = Path(name)
        said(*hlsflow, "init", ".", cwd=fresh)
        usual = (fresh / "hls_configs" / "digits6.yaml").read_text()
        for word, changes in VARIANTS.items():
            text = usual
            for before, after in changes.items():
                if text.count(before) != 1:
                    raise SystemExit(f"hls_configs/digits6.yaml holds {text.count(before)} times: {before}")
                text = text.replace(before, after)
            (fresh / "hls_configs" / f"digits6.{word}.yaml").write_text(text)
        build = ("build", "--model", "digits6")
        parts = [
            "**1. What is proved.** The build of the derived configuration is what the others are held against:",
            _shown(hlsflow, build, fresh),
            "**2. One type narrower**, in a file beside it: `hls_configs/digits6.narrow.yaml` says "
            "`accum: fixed<12,4>` for `fc1`, five bits less than the proof asks for. The warning comes before the "
            "work, and the gate names what it did:",
            _shown(hlsflow, (*build, "--config", "digits6.narrow.yaml"), fresh, fails=True),
            "**3. A bound in the place of exactness.** `hls_configs/digits6.bounded.yaml` takes two bits away, and "
            "says which error its owner accepts: `gate: {kind: bounded, max_abs_error: 0.5}`. What that buys is shown "
            "against the model's own build:",
            _shown(hlsflow, (*build, "--config", "digits6.bounded.yaml"), fresh),
        ]
    return "\n\n".join(parts)


def _shown(hlsflow: list[str], words: tuple[str, ...], cwd: Path, *, fails: bool = False) -> str:
    """A command and what it prints, as a terminal has it."""
    print("+", *words, flush=True)
    done = subprocess.run([*hlsflow, *words], cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if (done.returncode != 0) != fails:
        raise SystemExit(f"hlsflow {' '.join(words)}: exit code {done.returncode}\n{done.stdout}")
    return block(f"$ hlsflow {' '.join(words)}\n{done.stdout.rstrip()}")


BLOCKS = {"own": own_said, "build": build_said, "speed": speed_said, "narrowing": narrowing_said}
