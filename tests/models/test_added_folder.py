"""The folder of a model that was added, when it is there already, was touched, or is somebody else's."""

from __future__ import annotations

import numpy as np
import pytest
from model_files import dense, entrance, files_of, functional, weights_of, write_h5, write_other_weights

from hlsflow.foundation.errors import ConfigError, DataError, ModelError, UsageError
from hlsflow.models import adding
from hlsflow.models.adding import Wishes, add_file
from hlsflow.models.model import open_model

X = np.arange(20.0).reshape(5, 4)


@pytest.mark.parametrize("part", ["architecture.json", "weights.npz", "samples.npz"])
@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(b"odd")])
def test_the_same_file_again_makes_a_damaged_folder_whole(workspace, file, tmp_path, part, damage):
    np.save(tmp_path / "x.npy", X)
    add_file(workspace, file, Wishes(), data=tmp_path / "x.npy")
    before = files_of(workspace.models)
    damage(workspace.models / "net" / part)
    data = tmp_path / "x.npy" if part == "samples.npz" else None
    assert add_file(workspace, file, Wishes(), data=data).is_new
    assert files_of(workspace.models) == before
    assert not add_file(workspace, file, Wishes()).is_new


def test_samples_that_are_gone_are_no_longer_promised(workspace, file, tmp_path):
    np.save(tmp_path / "x.npy", X)
    add_file(workspace, file, Wishes(), data=tmp_path / "x.npy")
    (workspace.models / "net" / "samples.npz").unlink()
    assert add_file(workspace, file, Wishes()).card.samples is None


def test_an_edited_card_stays_as_it_is_written(workspace, file):
    add_file(workspace, file, Wishes())
    path = workspace.models / "net" / "model.yaml"
    path.write_text(path.read_text().replace("title: ", "# my own words\ntitle: a better title, once ", 1))
    text = path.read_text()
    assert not add_file(workspace, file, Wishes()).is_new and path.read_text() == text
    card = add_file(workspace, write_other_weights(file), Wishes()).card
    assert card.title.startswith("a better title"), "a person's title outlives the network"


@pytest.mark.parametrize("name", [None, "net"])
def test_a_damaged_card_is_replaced_by_force_alone(workspace, file, name):
    add_file(workspace, file, Wishes())
    path = workspace.models / "net" / "model.yaml"
    before = path.read_bytes()
    path.write_text("name: [")
    with pytest.raises(ConfigError, match=r"(?s)model.yaml.*or replace the model: --force"):
        add_file(workspace, file, Wishes(name=name))
    assert add_file(workspace, file, Wishes(name=name, force=True)).card.name == "net"
    assert path.read_bytes() == before


@pytest.mark.parametrize("force", [False, True])
def test_a_folder_of_somebody_s_is_not_replaced(workspace, file, force):
    (workspace.models / "net").mkdir()
    (workspace.models / "net" / "thesis.tex").write_text("years of work")
    (workspace.models / "plain").write_text("a file")
    for name in ("net", "plain"):
        with pytest.raises(UsageError, match=f"models/{name} is there, and no model that was added"):
            add_file(workspace, file, Wishes(name=name, force=force))
    assert add_file(workspace, file, Wishes(force=force)).card.name == "net_2"
    assert (workspace.models / "net" / "thesis.tex").read_text() == "years of work"


def test_files_of_one_s_own_stay_beside_a_changed_model(workspace, file):
    add_file(workspace, file, Wishes())
    (workspace.models / "net" / "notes").mkdir()
    (workspace.models / "net" / "notes" / "a.md").write_text("mine")
    assert add_file(workspace, write_other_weights(file), Wishes()).changed
    assert sorted(files_of(workspace.models)) == [
        "net/architecture.json", "net/model.yaml", "net/notes/a.md", "net/weights.npz",
    ]  # fmt: skip


def test_a_folder_that_is_a_link_stays_one(workspace, file, tmp_path):
    add_file(workspace, file, Wishes())
    (tmp_path / "elsewhere").mkdir()
    (workspace.models / "net").rename(tmp_path / "elsewhere" / "net")
    (workspace.models / "net").symlink_to(tmp_path / "elsewhere" / "net")
    assert add_file(workspace, write_other_weights(file), Wishes()).changed
    assert (workspace.models / "net").is_symlink()
    assert [path.name for path in (tmp_path / "elsewhere").iterdir()] == ["net"]


@pytest.mark.parametrize("call", [0, 1])
def test_an_interrupt_between_two_renames_leaves_what_was_there(workspace, file, monkeypatch, call):
    add_file(workspace, file, Wishes())
    before, calls, rename = files_of(workspace.models), [], adding.Path.rename

    def interrupted(path, target):
        calls.append(path)
        if len(calls) == call + 1:
            raise KeyboardInterrupt
        return rename(path, target)

    monkeypatch.setattr(adding.Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        add_file(workspace, write_other_weights(file), Wishes())
    assert files_of(workspace.models) == before and [path.name for path in workspace.models.iterdir()] == ["net"]


def test_what_a_killed_run_left_is_no_model(workspace, file):
    add_file(workspace, file, Wishes())
    (workspace.models / "net").rename(workspace.models / ".net.abc.partial")
    assert workspace.model_names() == []


# --- what a build reads ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(b"PK\x03\x04")])
def test_weights_that_are_damaged_are_added_again_and_not_trained(workspace, file, damage):
    add_file(workspace, file, Wishes())
    damage(workspace.models / "net" / "weights.npz")
    with pytest.raises(ModelError, match=r"add the model again: hlsflow add FILE --name net --force") as caught:
        open_model(workspace.models / "net").live()
    assert "train" not in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(path.read_bytes()[:100]),
        lambda path: np.savez(path, x0=X + 1),
        lambda path: np.savez(path, x0=X[:, :3]),
        lambda path: np.savez(path, x0=X, y=np.zeros(5)),
        lambda path: np.savez(path, other=X),
    ],
    ids=["missing", "cut off", "other values", "another shape", "labels", "another name"],
)
def test_samples_that_are_not_those_that_were_added_are_said(workspace, file, tmp_path, change):
    np.save(tmp_path / "x.npy", X)
    add_file(workspace, file, Wishes(), data=tmp_path / "x.npy")
    samples = open_model(workspace.models / "net").samples(None, None, tmp_path)
    assert np.array_equal(samples.load().inputs[0], X)
    change(workspace.models / "net" / "samples.npz")
    with pytest.raises(DataError, match=r"samples.npz: .*\n  restore the file, or add the model again, with --data"):
        samples.load()


@pytest.mark.parametrize("text", ["fixed<25,6>", "ufixed<64,0>", "fixed<16,900>", "fixed<16,-900>"])
def test_an_input_has_a_type_that_a_float_holds(workspace, file, text):
    with pytest.raises(UsageError, match=r"--input-type .*(float32, which holds 24 bits|scale the input)"):
        add_file(workspace, file, Wishes(input_type=text))
    add_file(workspace, file, Wishes())
    path = workspace.models / "net" / "model.yaml"
    path.write_text(path.read_text().replace("fixed<16,6>", text))
    with pytest.raises(ConfigError, match=r"(?s)model.yaml.*inputs.0.type"):
        open_model(workspace.models / "net")


@pytest.mark.parametrize("text", ["fixed<1,1>", "ufixed<1,1>", "fixed<2,2>", "ufixed<24,-3>", "fixed<24,30>"])
def test_generated_frames_are_values_of_any_type(workspace, file, tmp_path, text):
    add_file(workspace, file, Wishes(input_type=text))
    model = open_model(workspace.models / "net")
    (type_,) = model.input_types.values()
    (frames,) = model.samples(None, None, tmp_path).load().inputs
    whole = np.ldexp(frames, type_.fraction)
    assert np.array_equal(whole, np.rint(whole)) and np.array_equal(frames, frames.astype(np.float32))
    assert (whole.min(), whole.max()) == (type_.min_int, type_.max_int)


def test_fewer_frames_of_very_large_inputs_are_generated(workspace, tmp_path):
    model = functional(entrance("x", (1 << 19, 1)), dense("d", "x"))
    add_file(workspace, write_h5(tmp_path / "big.h5", model, weights_of("d", n_in=1)), Wishes())
    model = open_model(workspace.models / "big")
    assert model.samples(None, None, tmp_path).count == 8
    assert model.samples(None, 300, tmp_path).count == 300, "as many as somebody asks for"
