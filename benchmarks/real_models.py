"""Model files that people published, each built from its file by hlsflow and by plain hls4ml calls, side by side.

    uv run python benchmarks/real_models.py [FOLDER] [--only TEXT] [--write FILE.md] [--results FILE.json]

FOLDER holds model files of Keras (default: HLSFLOW_MODELS). hlsflow's side is `hlsflow build --model FILE` in a fresh
workspace; hls4ml's is what its tutorial does: Keras' loader, strip_pruning, config_from_keras_model with
granularity='name', convert, compile, predict, with the io type that hlsflow chose. Both are held against Keras' outputs
on the same frames, which hlsflow generates over the input's type; an error is the largest of an output, behind its
softmax or sigmoid. A file has 300 seconds on each side. Files that --results has are kept.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "flows"))

MODELS = Path(os.environ.get("HLSFLOW_MODELS") or ROOT.parent / "shared" / "models")
LIMIT = 300
SUFFIXES = (".h5", ".keras", ".json")

PLAIN = """\
import json, os, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
path, frames, io_type, out = sys.argv[1:5]
answer = {"state": "crashes", "said": ""}
try:
    import numpy as np
    from tensorflow import keras
    from qkeras.utils import _add_supported_quantized_objects
    from tensorflow_model_optimization.python.core.sparsity.keras.pruning_wrapper import PruneLowMagnitude
    from tensorflow_model_optimization.sparsity.keras import strip_pruning
    known = {"PruneLowMagnitude": PruneLowMagnitude}
    _add_supported_quantized_objects(known)
    if path.endswith(".json"):
        model = keras.models.model_from_json(open(path).read(), custom_objects=known)
        model.load_weights(path[:-5] + "_weights.h5")
    else:
        model = keras.models.load_model(path, custom_objects=known, compile=False)
    model = strip_pruning(model)
    with np.load(frames) as archive:
        inputs = [np.ascontiguousarray(archive[key], dtype=np.float32) for key in archive.files]
    given = inputs if len(inputs) > 1 else inputs[0]
    expected = model.predict(given, verbose=0)
    import hls4ml
    config = hls4ml.utils.config_from_keras_model(model, granularity="name", backend="Vitis")
    project = hls4ml.converters.convert_from_keras_model(
        model, hls_config=config, backend="Vitis", output_dir=out, io_type=io_type)
    project.compile()
    found = project.predict(given)
    expected, found = (item[0] if isinstance(item, list) else item for item in (expected, found))
    expected, found = (np.asarray(item).reshape(len(inputs[0]), -1) for item in (expected, found))
    error = float(np.abs(found - expected).max())
    answer = {"state": "equal" if error == 0 else "differs", "error": error}
    if found.shape[1] > 1:
        answer["same_class"] = float(np.mean(found.argmax(axis=1) == expected.argmax(axis=1)))
except BaseException as error:
    answer["said"] = f"{type(error).__name__}: {error}".splitlines()[0][:160]
with open("answer.json", "w") as file:
    json.dump(answer, file)
"""


def ours(path: Path, workspace: Path) -> dict[str, Any]:
    """What `hlsflow build --model FILE` comes to, and the name under which it added the model."""
    from hlsflow.records.record import read_record

    command = [sys.executable, "-m", "hlsflow", "build", "--model", str(path), "--workspace", str(workspace), "--json"]
    done, seconds = _timed(command, workspace)
    answer: dict[str, Any] = {"seconds": seconds}
    if done is None:
        return answer | {"state": f"no end in {LIMIT} s"}
    records = list((workspace / "reports").glob("*/build.json"))
    if done.returncode == 0 and records:
        record = read_record(records[0])
        tables = [item for item in (record.softmax, *record.tables) if item is not None]
        errors = [item.max_abs_error for item in tables or record.agreement if item.max_abs_error is not None]
        return answer | {
            "state": "exact" if record.exact else "bounded",
            "error": max(errors),
            "same_class": None if record.softmax is None else record.softmax.argmax_agreement,
            "io_type": record.configuration.io_type,
        }
    first = next((line for line in done.stderr.splitlines() if line.startswith("error: ")), "")
    crashed = "Traceback" in done.stderr or not first
    reason = done.stderr.split("error: ", 1)[-1].strip().splitlines()
    return answer | {
        "state": "crashes" if crashed else "refuses",
        "said": next((line.strip() for line in reason if "layer '" in line), reason[0] if reason else ""),
    }


def plain(path: Path, workspace: Path, io_type: str) -> dict[str, Any]:
    """What hls4ml's own calls come to on the frames of the model that hlsflow added."""
    import numpy as np

    from hlsflow.models.model import open_model

    names = [folder for folder in (workspace / "models").iterdir() if (folder / "model.yaml").is_file()]
    frames = open_model(names[0]).samples(None, None, workspace / "memory").load().inputs if names else ()
    if not names:
        return {"state": "not tried", "seconds": 0.0}
    np.savez(workspace / "frames.npz", **{f"x{index}": array for index, array in enumerate(frames)})
    command = [sys.executable, "-c", PLAIN, str(path), str(workspace / "frames.npz"), io_type, str(workspace / "plain")]
    done, seconds = _timed(command, workspace)
    answer = workspace / "answer.json"
    if done is None or not answer.is_file():
        return {"state": f"no end in {LIMIT} s" if done is None else "crashes", "seconds": seconds}
    return {**json.loads(answer.read_text()), "seconds": seconds}


def _timed(command: list[str], folder: Path) -> tuple[subprocess.CompletedProcess[str] | None, float]:
    """(what it said, seconds); None where it had not ended in time. All that it started is ended with it."""
    started = time.perf_counter()
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "flows"), "PYTHONWARNINGS": "ignore"}
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        out, err = process.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        process.communicate()
        return None, time.perf_counter() - started
    return subprocess.CompletedProcess(command, process.returncode, out, err), time.perf_counter() - started


def _cell(side: dict[str, Any]) -> str:
    text = side["state"]
    if "error" in side:
        text += f", off by {side['error']:.2g}" if side["error"] else ""
        if side.get("same_class") is not None:
            text += f", same class {side['same_class']:.1%}"
    return text + (f": {side['said']}" if side.get("said") else "")


def table(results: dict[str, dict[str, Any]]) -> str:
    """The files as Markdown, and how many came to what."""
    lines = ["| file | hlsflow | s | plain hls4ml | s |", "| --- | --- | --- | --- | --- |"]
    for name, sides in sorted(results.items()):
        mine, theirs = sides["hlsflow"], sides["hls4ml"]
        cells = (name, _cell(mine), f"{mine['seconds']:.0f}", _cell(theirs), f"{theirs['seconds']:.0f}")
        lines.append("| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |")
    counts = []
    for side in ("hlsflow", "hls4ml"):
        found: dict[str, int] = {}
        for sides in results.values():
            found[sides[side]["state"]] = found.get(sides[side]["state"], 0) + 1
        counts.append(f"{side}: " + ", ".join(f"{count} {state}" for state, count in sorted(found.items())))
    return "\n".join([*lines, "", f"{len(results)} files. " + ". ".join(counts) + "."])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "folder", nargs="?", type=Path, default=Path(os.environ.get("HLSFLOW_MODELS", "../shared/models"))
    )
    parser.add_argument("--only", default="", help="files whose path holds this text")
    parser.add_argument("--write", type=Path, help="a Markdown file to write the table to")
    parser.add_argument("--results", type=Path, help="a JSON file that keeps what is done")
    args = parser.parse_args()
    results = json.loads(args.results.read_text()) if args.results and args.results.is_file() else {}
    for path in sorted(args.folder.rglob("*")):
        name = path.relative_to(args.folder).as_posix()
        if path.suffix not in SUFFIXES or path.stem.endswith("_weights") or args.only not in name or name in results:
            continue
        with tempfile.TemporaryDirectory(prefix="hlsflow-") as folder:
            workspace = Path(folder)
            for part in ("models", "hls_configs"):
                (workspace / part).mkdir()
            mine = ours(path, workspace)
            theirs = plain(path, workspace, mine.get("io_type", "io_parallel"))
        results[name] = {"hlsflow": mine, "hls4ml": theirs}
        print(f"{name}\n  hlsflow  {_cell(mine)} ({mine['seconds']:.0f} s)\n  hls4ml   {_cell(theirs)} "
              f"({theirs['seconds']:.0f} s)", flush=True)  # fmt: skip
        if args.results:
            args.results.write_text(json.dumps(results, indent=1))
    text = table(results)
    print(text)
    if args.write:
        command = "`uv run python benchmarks/real_models.py --write docs/real_models.md`"
        args.write.write_text(
            f"# Published model files\n\n{__doc__.split(chr(10) * 2)[2]}\n\nMade by {command}.\n\n{text}\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
