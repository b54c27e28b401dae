"""A board's whole design as text: its digest, what it says of itself, its lint, its image on disk."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import pytest
from rtl_networks import network
from tool_fixtures import needs_verilator

from hlsflow.boards.design import IDENTITY_FILE, board_design
from hlsflow.boards.image import MANIFEST, BoardImage, image_of, read_image
from hlsflow.boards.protocol import identity_of
from hlsflow.devices.wiring import wirings
from hlsflow.foundation.errors import ReportError
from hlsflow.rtl.folded import folded_design

NETWORK = folded_design(network((6, 5, 3), (6, 5)), "net")
WIDE = folded_design(network((200, 7, 3), (4, 2), seed=3), "net")


def test_the_digest_is_of_every_file():
    wiring = wirings()["icebreaker"]
    design = board_design(NETWORK, wiring)
    rows = "\n".join([*NETWORK.memories["layer_fc0_weights.mem"].split()[:-1], "0"]) + "\n"
    weights = replace(NETWORK, memories={**NETWORK.memories, "layer_fc0_weights.mem": rows})
    others = [
        board_design(weights, wiring),
        board_design(NETWORK, wirings()["tang-nano-9k"]),
        board_design(WIDE, wiring),
    ]
    digests = {item.identity.digest for item in (design, *others)}
    assert len(digests) == 4
    assert board_design(NETWORK, wiring) == design


def test_the_identity_is_in_a_memory_of_the_design():
    for net, frame, slots in ((NETWORK, 6, 8), (WIDE, 200, 4)):
        design = board_design(net, wirings()["ulx3s-85f"])
        rows = bytes(int(row, 16) for row in design.memories[IDENTITY_FILE].split())
        assert identity_of(rows) == design.identity
        assert (design.identity.frame_bytes, design.identity.slots) == (frame, slots)
        assert not design.identity.simulated


def test_buttons_and_lights_are_active_at_the_level_of_the_board():
    tops = {name: board_design(NETWORK, wirings()[name]).sources["board_top.v"] for name in ("icebreaker", "ulx3s-85f")}
    assert ".button(!reset)" in tops["icebreaker"] and "assign led = !active;" in tops["icebreaker"]
    assert ".button(reset)" in tops["ulx3s-85f"] and "assign led = active;" in tops["ulx3s-85f"]


@pytest.mark.parametrize("name", sorted(wirings()))
def test_the_serial_line_keeps_its_rate(name):
    wiring = wirings()[name]
    # Half a bit in the tenth one is where a line fails; a whole fraction of the clock has no error at all.
    assert wiring.cycles_per_bit * wiring.baud == wiring.clock_hz
    assert wiring.cycles_per_bit >= 8
    assert len({pin.site for pin in wiring.ports().values()}) == 5


@needs_verilator
@pytest.mark.parametrize("net", [NETWORK, WIDE], ids=["narrow", "wide"])
def test_lint_is_clean(tmp_path, net):
    design = board_design(net, wirings()["ulx3s-85f"])
    design.write(tmp_path)
    kinds = ("WIDTH", "DECLFILENAME", "VARHIDDEN", "UNUSED", "PINCONNECTEMPTY")
    done = subprocess.run(
        ["verilator", "--lint-only", "-Wall", *(f"-Wno-{kind}" for kind in kinds), "--top-module", "board_top",
         *sorted(design.sources)],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_the_image_round_trips_and_says_what_is_wrong_with_it(tmp_path):
    design = board_design(NETWORK, wirings()["tang-nano-9k"])
    image = image_of(design, "GW1NR-LV9QN88PC6/I5", "core.fs", None)
    assert image.identity == design.identity
    assert (image.source.port, image.sink.port.type.width) == (NETWORK.source, NETWORK.sink.type.width)
    path = tmp_path / MANIFEST
    path.write_text(image.model_dump_json())
    assert read_image(tmp_path) == image
    with pytest.raises(ReportError, match="no design for a board\n  make one: hlsflow build --model NAME --synth open"):
        read_image(tmp_path / "elsewhere")
    for text, said in (("{", "damaged"), (image.model_dump_json().replace("tang-nano-9k", "tang"), "no board 'tang'")):
        path.write_text(text)
        with pytest.raises(ReportError, match=said):
            read_image(tmp_path)
    assert isinstance(image, BoardImage)
