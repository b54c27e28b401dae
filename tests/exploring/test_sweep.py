import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hlsflow.__main__ import main
from hlsflow.exploring import plots, table
from hlsflow.exploring.row import Exactness, Row
from hlsflow.exploring.spec import PlotSpec
from hlsflow.records.record import FigureRecord

ROOT = Path(__file__).resolve().parents[2]
# Methods of sweeps/quick.yaml whose networks have no quantizers.
FLOATING = ("none", "magnitude pruning", "structured pruning", "activation pruning", "low-rank factorization")
BASE = """\
    train:
      dataset: digits
      seed: "${seed}"
      input: {scale_exponent: -8, type: "ufixed<8,0>"}
      architecture: {name: mlp, units: [12, 10]}
      compression:
        quantization:
          kernel: quantized_bits(6,1,alpha=1)
          bias: quantized_bits(6,1,alpha=1)
          activation: quantized_relu(6,3)
      training: {learning_rate: 1e-2, batch_size: 32, epochs: %d, validation_split: 0.2}
"""
SPEC = """\
name: tiny
title: Small networks
samples: 50
points:
  - name: net_${seed}
    for: {seed: [1, 2]}
"""


def row(name, **more):
    return Row(**{"point": name, "title": name, "family": "f", "kind": "train", "parameters": {}, "columns": {}} | more)


def estimate(**more):
    figures = {"lut": 1000, "lut_available": 53200, "latency_max_cycles": 10, "in_domain": True} | more
    return FigureRecord(
        stage="analytic", tool="hlsflow estimate", tool_version="1", part="xc7z020clg400-1", source_file=None, **figures
    )


def exactness(**more):
    return Exactness(
        **{"kind": "exact", "passed": True, "exact": True, "failures": [], "samples": 9, "values": 90,
           "mismatching_values": 0, "max_abs_error": 0.0, "allowed_abs_error": 0.0, "accuracy": 0.9} | more
    )  # fmt: skip


def test_an_estimate_is_marked_outside_its_domain_and_where_it_does_not_fit():
    rows = [row("a", estimate=estimate()), row("b", estimate=estimate(lut=106400, in_domain=False)), row("c")]
    cells = [line.split("|")[-3].strip() for line in table.brief(rows)[2:]]
    text = "\n".join(table.brief(rows))
    assert "| 1,000 |" in text
    assert "| 106,400* (200 %) |" in text
    assert len(cells) == 3
    assert "never a measurement" in " ".join(table.legend(rows)).lower()


def test_exactness_says_what_failed():
    assert table.exactness_text(exactness()) == "0 of 90 differ"
    assert table.exactness_text(exactness(passed=False, mismatching_values=3)) == "FAILED: 3 of 90 differ"
    narrow = exactness(exact=False)
    assert table.exactness_text(narrow) == "0 of 90 differ, not exact for any input"
    bounded = exactness(kind="bounded", exact=False, max_abs_error=0.0123, allowed_abs_error=0.02)
    # Rounded up: what is said to be the most is not below it.
    assert table.exactness_text(bounded) == "off by 0.013 at most, 0.02 allowed"
    for kind in ("exact", "bounded"):
        voted = exactness(kind=kind, passed=False, exact=False, failures=["the witnesses disagree"])
        assert table.exactness_text(voted) == "FAILED: the witnesses disagree"


def test_the_csv_holds_every_figure_with_its_stage_and_tool():
    rows = [row("a", accuracy=0.9, estimate=estimate(ranges={"lut": [900.0, 1200.0]}), facts={"kept": 3}), row("b")]
    first, second = csv.DictReader(table.csv_text(rows).splitlines())
    assert (first["estimate_lut"], first["estimate_lut_low"], first["facts.kept"]) == ("1000", "900.0", "3")
    assert (first["stage"], first["tool"], first["part"]) == ("analytic", "hlsflow estimate 1", "xc7z020clg400-1")
    assert (second["estimate_lut"], second["accuracy"]) == ("", "")


def test_seeds_are_averaged_and_other_parameters_kept_apart():
    rows = [
        row(f"s{seed}{bits}", parameters={"bits": bits, "seed": seed}, accuracy=accuracy)
        for bits, seed, accuracy in ((4, 1, 0.90), (4, 2, 0.92), (8, 1, 0.95))
    ]
    lines = table._over_seeds(rows)
    assert lines[2:] == ["| `f` | bits 4 | 2 | 91.00 ± 1.41 |"]


def test_a_picture_is_drawn_from_parameters_figures_and_facts():
    rows = [row(f"r{q}{x}", parameters={"q": q, "x": x}, accuracy=0.5 + x / 10, facts={"kept": x}) for q in (1, 2)
            for x in (1, 2, 3)]  # fmt: skip
    for y in ("accuracy", "facts.kept"):
        picture = plots.plot(PlotSpec(file="a.png", title="t", x="x", y=y, series="q"), rows)
        assert picture.startswith(b"\x89PNG")
    assert rows[0].value("nothing") is None


def run(tmp_path, *words, spec="tiny.yaml"):
    return main(["sweep", str(tmp_path / spec), "--workspace", str(tmp_path), "--jobs", "2", *words])


@pytest.fixture
def sweep(tmp_path):
    for folder in ("models", "hls_configs"):
        (tmp_path / folder).mkdir()
    (tmp_path / "tiny.yaml").write_text(SPEC + BASE % 1)
    return tmp_path


def test_a_sweep_that_cannot_be_meant_is_refused_before_any_work(sweep, capsys):
    (sweep / "tiny.yaml").write_text(SPEC + BASE.replace("seed: ", "sed: ") % 1)
    assert run(sweep) == 3
    assert "did you mean 'seed'?" in capsys.readouterr().err
    assert not (sweep / "build").exists()


def test_an_unknown_sweep_and_an_unknown_point_are_named(sweep, capsys):
    assert run(sweep, spec="tyny.yaml") == 2
    assert run(sweep, "--only", "net_3") == 2
    assert "no point 'net_3'" in capsys.readouterr().err


@pytest.mark.slow
def test_a_sweep_goes_through_and_a_failed_point_does_not_lose_the_others(sweep, capsys):
    shutil.copytree(ROOT / "models" / "float", sweep / "models" / "float")
    # What only the work itself can tell: the teacher knows other classes.
    taught = "      like: net_1\n      compression: {distillation: {teacher: float, temperature: 2, alpha: 0.5}}\n"
    (sweep / "tiny.yaml").write_text(f"{SPEC}{BASE % 1}  - name: taught\n    train:\n{taught}")
    assert run(sweep) == 1
    out = json.loads((sweep / "reports" / "sweeps" / "tiny" / "table.json").read_text())
    rows = {item["point"]: item for item in out["rows"]}
    assert set(rows) == {"net_1", "net_2", "taught"}
    for name in ("net_1", "net_2"):
        assert rows[name]["error"] is None
        assert rows[name]["exactness"]["mismatching_values"] == 0
        assert rows[name]["exactness"]["samples"] == 50
        assert rows[name]["estimate"]["stage"] == "analytic"
        assert rows[name]["weights_file_bytes"] == (
            sweep / "build/sweeps/tiny/models" / name / "weights.npz"
        ).stat().st_size  # fmt: skip
    assert rows["net_1"]["accuracy"] != rows["net_2"]["accuracy"]
    assert "its teacher float was trained on mnist, not on digits" in rows["taught"]["error"]
    report = (sweep / "reports" / "sweeps" / "tiny" / "table.md").read_text()
    assert "0 of 500 differ" in report
    # Nothing is done twice.
    before = {path: path.stat().st_mtime_ns for path in (sweep / "build/sweeps/tiny/models").rglob("*.*")}
    assert run(sweep, "--jobs", "1") == 1
    assert before == {path: path.stat().st_mtime_ns for path in (sweep / "build/sweeps/tiny/models").rglob("*.*")}
    assert "nothing changed" in (sweep / "build/sweeps/tiny/logs/net_1.log").read_text()


@pytest.mark.slow
def test_a_little_of_every_method_reaches_the_same_report(tmp_path):
    for folder in ("models", "hls_configs"):
        (tmp_path / folder).mkdir()
    assert main(["sweep", str(ROOT / "sweeps/quick.yaml"), "--workspace", str(tmp_path)]) == 0
    rows = json.loads((tmp_path / "reports/sweeps/quick/table.json").read_text())["rows"]
    assert len(rows) == 14
    methods = {row["columns"]["method"] for row in rows}
    assert len(methods) == 12
    for row in rows:
        assert row["error"] is None
        assert row["accuracy"] > 0.5
        assert row["weights_file_bytes"] > 0
        if row["kind"] == "tflite":
            assert row["estimate"] is None
            continue
        assert row["exactness"]["passed"]
        assert row["exactness"]["kind"] == ("bounded" if row["columns"]["method"] in FLOATING else "exact")
        if row["exactness"]["kind"] == "exact":
            assert row["exactness"]["mismatching_values"] == 0
        estimate = row["estimate"]
        assert estimate["part"] == "xc7z020clg400-1"
        assert all(estimate[name] is not None for name in ("lut", "dsp", "bram_18k", "latency_max_cycles"))


def started(sweep, **environ):
    command = [sys.executable, str(ROOT / "flows/sweep.py"), str(sweep / "tiny.yaml"), "--workspace", str(sweep)]
    command += ["--jobs", "2"]
    environ = os.environ | environ
    return subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def workers_of(process):
    """The processes that carry points, by their parent."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
            words = (folder / "cmdline").read_text()
        except OSError:
            continue
        if parent == process.pid and "spawn_main" in words:
            found.append(int(folder.name))
    return found


def wait_for(condition, process):
    while not condition():
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.1)


@pytest.mark.slow
def test_a_killed_worker_fails_its_point_alone(sweep):
    (sweep / "tiny.yaml").write_text(SPEC + BASE % 3)
    process = started(sweep)
    logs = sweep / "build/sweeps/tiny/logs"
    wait_for(lambda: len(list(logs.glob("*.log"))) == 2, process)
    os.kill(workers_of(process)[0], signal.SIGKILL)
    _, said = process.communicate()
    assert process.returncode == 1, said
    assert "killed by SIGKILL" in said
    rows = json.loads((sweep / "reports/sweeps/tiny/table.json").read_text())["rows"]
    assert [row["error"] is None for row in rows].count(True) == 1
    # The next run does what is missing.
    assert run(sweep, "--jobs", "1") == 0


@pytest.mark.slow
def test_ctrl_c_ends_every_process_and_the_next_run_goes_on(sweep):
    (sweep / "tiny.yaml").write_text(SPEC + BASE % 200)
    process = started(sweep)
    checkpoints = sweep / "build/sweeps/tiny/build"
    wait_for(lambda: any(checkpoints.glob("*/checkpoint.npz")), process)
    workers = workers_of(process)
    assert workers
    process.send_signal(signal.SIGINT)
    _, said = process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in said
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)
    assert any(checkpoints.glob("*/checkpoint.npz"))
    assert not list(sweep.rglob("*.partial"))


# A stand-in for a compiler, which says its version and hangs when it compiles.
HANGING_COMPILER = """\
#!/bin/sh
case "$1" in -dumpmachine | --version) echo stand-in; exit ;; esac
sleep 300 &
echo $! >> {pids}
wait
"""


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_what_the_workers_run(sweep, number, code):
    (sweep / "tiny.yaml").write_text(SPEC.replace("[1, 2]", "[1]") + BASE % 1)
    pids, compiler = sweep / "pids", sweep / "stand-in-compiler"
    compiler.write_text(HANGING_COMPILER.format(pids=pids))
    compiler.chmod(0o755)
    process = started(sweep, CXX=str(compiler))
    wait_for(lambda: pids.exists() and pids.read_text().endswith("\n"), process)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == code, said
    assert "Traceback" not in said
    for pid in pids.read_text().split():
        assert not Path(f"/proc/{pid}").exists() or "(sleep) Z" in Path(f"/proc/{pid}/stat").read_text()
