"""digits6 on an iCEBreaker, from the model to the bitstream, and on the simulated board: what the record says of it."""

from __future__ import annotations

import io
import json
import re
import shutil

import numpy as np
import pytest
from tool_fixtures import needs_pyserial

from hlsflow.__main__ import main
from hlsflow.api.views import OnBoardView
from hlsflow.boards.simulator import Faults, simulated_board
from hlsflow.building.on_board import run_board, simulate_board
from hlsflow.building.pipeline import build
from hlsflow.building.plan import BuildRequest
from hlsflow.foundation.errors import MismatchError, ReportError, ToolError, UsageError
from hlsflow.foundation.log import Log
from hlsflow.foundation.workspace import Workspace
from hlsflow.records.record import read_record

REQUEST = BuildRequest(model="digits6")
ON_BOARD = BuildRequest(model="digits6", synth="open", synth_options={"device": "icebreaker"})

pytestmark = [pytest.mark.slow, needs_pyserial, pytest.mark.usefixtures("route_to_icebreaker")]


def quiet() -> Log:
    return Log(stream=io.StringIO())


@pytest.fixture(scope="module")
def shared(digits6_build, tmp_path_factory):
    """A workspace in which digits6 was built for the board and simulated there; for tests that only read it."""
    root = tmp_path_factory.mktemp("board") / "workspace"
    shutil.copytree(digits6_build / "workspace", root)
    workspace = Workspace(root=root)
    build(workspace, ON_BOARD, quiet())
    return workspace, simulate_board(workspace, REQUEST, quiet())


@pytest.fixture
def own(shared, tmp_path):
    """A copy of it."""
    shutil.copytree(shared[0].root, tmp_path / "workspace")
    return Workspace(root=tmp_path / "workspace")


def record_of(workspace: Workspace):
    return read_record(workspace.reports / "digits6" / "build.json")


def test_the_bitstream_and_the_simulated_board_are_in_the_record(shared):
    workspace, found = shared
    record = record_of(workspace)
    whole = {figure.stage: figure for figure in record.figures if figure.module is None}
    # Nothing here is hardware.
    assert set(whole) == {"analytic", "rtl-sim", "open-synthesis", "board-route", "board-sim"}
    route = whole["board-route"]
    bitstream = workspace.build / "digits6" / "open" / "board" / found.image.bitstream
    assert route.bitstream_bytes == bitstream.stat().st_size > 100_000
    assert route.clock_achieved_ns < route.clock_target_ns == pytest.approx(1e3 / 12, abs=0.001)
    assert (route.lut_available, route.dsp, route.architecture) == (5_280, 8, "folded")
    simulated = whole["board-sim"]
    assert (simulated.tool, simulated.samples, simulated.part) == ("Verilator", 359, "ICE40UP5K-SG48")
    assert simulated.frames_per_s > 100 and simulated.round_trip_ms > 0.5
    assert "no board: the board's Verilog, simulated with its serial line" in simulated.notes
    assert record.stages["board"].startswith("Verilator ") and record.passed
    assert found.recorded and found.vectors.outputs.shape == (359, 10)
    np.testing.assert_array_equal(found.checked.outputs, found.vectors.outputs)
    report = (workspace.reports / "digits6" / "report.md").read_text()
    assert re.search(r"\| board-route \| nextpnr .*\| 12\.0 \| \d\d\.\d \| 104,090 \| - \| - \| - \|", report)
    assert re.search(r"\| board-sim \| Verilator .*\| 12\.0 \| - \| - \| 359 \| 1,\d\d\d \| 1\.\d\d \|", report)
    said = repr(OnBoardView(result=found))
    assert said.startswith("Verilator ") and "0 of 3,590 integers differ" in said and "no board: the board's" in said
    # What is recorded stays with the next build, and in the comparison.
    assert build(workspace, ON_BOARD, quiet()).unchanged


def test_a_bad_line_changes_no_integer_and_no_record(own):
    before = (own.reports / "digits6" / "build.json").read_bytes()
    found = simulate_board(own, REQUEST, quiet(), faults=Faults(flips=300, drops=1000, reset_bytes=4000))
    assert found.traced.flipped > 50 and found.traced.dropped > 10 and found.traced.resets > 5
    assert found.checked.exchange.resent > 50 and not found.recorded
    np.testing.assert_array_equal(found.checked.outputs, found.vectors.outputs)
    assert (own.reports / "digits6" / "build.json").read_bytes() == before


def simulator_of(workspace: Workspace):
    folder = workspace.build / "digits6"
    return folder / "open-cache" / "board-simulator" / "obj" / "harness", folder / "open" / "board" / "rtl"


def test_a_simulated_board_at_a_port_is_recorded_as_what_it_is(own, shared):
    program, rtl = simulator_of(own)
    with simulated_board(program, rtl, shared[1].image.wiring) as board:
        found = run_board(own, REQUEST, quiet(), port=board.port)
    assert (found.figure.stage, found.figure.tool, found.figure.frames_per_s) == ("board-sim", "Verilator", None)
    assert found.recorded
    assert {figure.stage for figure in record_of(own).figures} >= {"board-sim"}
    assert not any(figure.stage == "board" for figure in record_of(own).figures)


def test_a_pseudo_terminal_that_says_it_is_hardware_is_refused(own, shared, monkeypatch):
    """Verilog that was changed to say so: it is believed nothing, for no board is at such a port."""
    from dataclasses import replace

    from hlsflow.boards import check

    honest = check.identify
    monkeypatch.setattr(check, "identify", lambda line: replace(honest(line), simulated=False))
    before = (own.reports / "digits6" / "build.json").read_bytes()
    program, rtl = simulator_of(own)
    with (
        simulated_board(program, rtl, shared[1].image.wiring) as board,
        pytest.raises(ToolError, match="is a pseudo-terminal, and what answers there calls itself hardware"),
    ):
        run_board(own, REQUEST, quiet(), port=board.port)
    assert (own.reports / "digits6" / "build.json").read_bytes() == before


def test_what_hardware_gives_is_recorded_beside_the_simulation(own, shared, monkeypatch):
    """A simulated board stands in for hardware: its identity and its port are believed to be a board's, here alone."""
    from dataclasses import replace

    from hlsflow.boards import check
    from hlsflow.building import on_board

    honest = check.identify
    monkeypatch.setattr(check, "identify", lambda line: replace(honest(line), simulated=False))
    monkeypatch.setattr(on_board, "_is_terminal", lambda port: False)
    program, rtl = simulator_of(own)
    with simulated_board(program, rtl, shared[1].image.wiring) as board:
        found = run_board(own, REQUEST, quiet(), port=board.port)
    figure = found.figure
    assert (figure.stage, figure.tool, figure.part) == ("board", "icebreaker", "ICE40UP5K-SG48")
    assert figure.frames_per_s == pytest.approx(found.checked.frames_per_s, abs=0.06)
    assert figure.round_trip_ms > 0 and not any("no board" in note for note in figure.notes)
    record = record_of(own)
    assert [item.stage for item in record.figures if item.module is None][-2:] == ["board-sim", "board"]
    assert "Verilator" in record.stages["board"] or "icebreaker" in record.stages["board"]


def test_a_wrong_weight_on_the_board_is_found_and_not_recorded(own):
    """The simulated board has another weight than the record's design: integers differ, and the gate closes."""
    rtl = own.build / "digits6" / "open" / "board" / "rtl"
    path = rtl / "layer_logits_biases.mem"
    rows = path.read_text().split()
    path.write_text("\n".join([f"{int(rows[0], 16) ^ 0x40:0{len(rows[0])}x}", *rows[1:]]) + "\n")
    before = (own.reports / "digits6" / "build.json").read_bytes()
    with pytest.raises(MismatchError, match=r"icebreaker differs in [\d,]+ of 3,590 integers of 'logits'; first"):
        simulate_board(own, REQUEST, quiet())
    assert (own.reports / "digits6" / "build.json").read_bytes() == before


def test_frames_of_ones_own(own, tmp_path, capsys):
    frames = np.random.default_rng(3).integers(0, 256, (40, 8, 8)) / 256
    np.save(tmp_path / "frames.npy", frames)
    words = ["board", "simulate", "digits6", "--workspace", str(own.root), "--data", str(tmp_path / "frames.npy")]
    assert main([*words, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["frames"], said["integers"], said["differing_integers"], said["recorded"]) == (40, 400, 0, False)
    for wrong, message in (
        (frames[:, :7], r"shape \(40, 7, 8\), a frame has 64 values"),
        (frames + 2, "values outside of ufixed<8,0>"),
        (frames / 3, "no array of frames: values are not multiples"),
    ):
        np.save(tmp_path / "frames.npy", wrong)
        with pytest.raises(UsageError, match=message):
            simulate_board(own, REQUEST, quiet(), data=tmp_path / "frames.npy")


def test_what_cannot_be_done_is_said(own, capsys):
    root = ["--workspace", str(own.root)]
    assert main(["board", "run", "digits6", "--port", "/dev/none", *root]) == 2
    assert "--port /dev/none: cannot be opened" in capsys.readouterr().err
    assert main(["board", "simulate", "digits6", "--flips", "-1", *root]) == 2
    assert main(["board", "simulate", "qap8", *root]) == 9
    assert "no design for a board\n  make one: hlsflow build --model NAME --synth open" in capsys.readouterr().err
    # The configuration was changed since.
    path = own.hls_configs / "digits6.yaml"
    path.write_text(path.read_text().replace("clock_period_ns: 10", "clock_period_ns: 8"))
    with pytest.raises(ReportError, match="the design for icebreaker is of another model or configuration\n  build it"):
        simulate_board(own, REQUEST, quiet())
