import gzip
import http.server
import io
import os
import pickle
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from tool_fixtures import dataset_folder

from hlsflow.datasets import dataset as datasets
from hlsflow.datasets import files as dataset_files
from hlsflow.datasets.dataset import MissingDataError, dataset_digest, find_dataset_file, load_dataset
from hlsflow.datasets.digits_as_mnist import digits_as_mnist
from hlsflow.foundation.errors import DataError, UsageError

FLOWS = Path(__file__).resolve().parents[2] / "flows"


def tiny(shape=(28, 28), seed=0) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(seed)
    return {
        "x_train": generator.integers(0, 256, (20, *shape), dtype=np.uint8),
        "y_train": np.arange(20, dtype=np.uint8) % 10,
        "x_test": generator.integers(0, 256, (10, *shape), dtype=np.uint8),
        "y_test": np.arange(10, dtype=np.uint8),
    }


def save(path: Path, **changes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = {**tiny(), **changes}
    np.savez(path, **{key: array for key, array in arrays.items() if array is not None})
    return path


@pytest.fixture(autouse=True)
def empty_home(tmp_path, monkeypatch):
    """No dataset anywhere, and no network: each test puts what it needs."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("HLSFLOW_DATA", raising=False)
    for name in datasets.LOCAL_FILES:
        monkeypatch.setitem(dataset_files.URLS, name, f"http://127.0.0.1:9/{name}.npz")
    for variable in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    return home


def test_digits_are_scikit_learns():
    from sklearn.datasets import load_digits

    digits, theirs = load_dataset("digits"), load_digits()
    ours = np.concatenate([digits.x_train, digits.x_test]) / 15
    labelled = sorted((*row.ravel(), y) for row, y in zip(ours, [*digits.y_train, *digits.y_test], strict=True))
    assert labelled == sorted((*row.ravel(), y) for row, y in zip(theirs.images, theirs.target, strict=True))


def test_digits_are_split_evenly_in_each_class():
    digits = load_dataset("digits")
    train, test = np.bincount(digits.y_train), np.bincount(digits.y_test)
    np.testing.assert_allclose(test / (train + test), 0.2, atol=0.005)
    assert (digits.x_train.dtype, digits.y_train.dtype, digits.x_train.shape[1:]) == (np.uint8, np.int64, (8, 8))


def test_two_loads_are_equal():
    first, second = load_dataset("digits"), load_dataset("digits")
    for field in ("x_train", "y_train", "x_test", "y_test"):
        np.testing.assert_array_equal(getattr(first, field), getattr(second, field))


def test_a_local_file_is_read_and_digested_as_it_is(tmp_path):
    path = save(tmp_path / "data" / "mnist.npz")
    dataset = load_dataset("mnist", tmp_path / "data")
    np.testing.assert_array_equal(dataset.x_test, tiny()["x_test"])
    np.testing.assert_array_equal(dataset.y_test, np.arange(10))
    assert dataset.y_test.dtype == np.int64
    assert dataset.sha256 == subprocess.check_output(["sha256sum", path], text=True).split()[0]
    assert (dataset.sha256, dataset.source) == dataset_digest("mnist", tmp_path / "data")
    assert dataset.source == "mnist.npz from a local folder"


def test_the_folder_named_comes_before_the_environment_and_the_cache(tmp_path, monkeypatch, empty_home):
    cached = save(empty_home / ".keras" / "datasets" / "mnist.npz")
    assert find_dataset_file("mnist") == cached
    assert dataset_digest("mnist")[1] == "mnist from the Keras cache"
    from_environment = save(tmp_path / "environment" / "mnist.npz")
    monkeypatch.setenv("HLSFLOW_DATA", str(tmp_path / "environment"))
    assert find_dataset_file("mnist") == from_environment
    named = save(tmp_path / "named" / "mnist.npz")
    assert find_dataset_file("mnist", tmp_path / "named") == named


def test_the_digest_follows_the_file(tmp_path):
    path = save(tmp_path / "mnist.npz")
    before = dataset_digest("mnist", tmp_path)
    save(path, **tiny(seed=1))
    assert dataset_digest("mnist", tmp_path) != before


def test_the_small_cifar_says_that_it_is_small_and_lossy(tmp_path):
    arrays = tiny((32, 32, 3))
    save(tmp_path / "cifar10_small.npz", **{**arrays, "y_train": arrays["y_train"].reshape(-1, 1)})
    dataset = load_dataset("cifar10", tmp_path)
    assert dataset.y_train.shape == (20,)
    assert dataset.source == (
        "cifar10_small.npz, a small lossy set (10,000/2,000 decoded JPEGs): not for a published accuracy"
    )
    save(tmp_path / "cifar10.npz", **arrays)
    assert load_dataset("cifar10", tmp_path).source == "cifar10.npz from a local folder"


def test_fashion_mnist_is_read_from_the_keras_cache(empty_home):
    folder = empty_home / ".keras" / "datasets" / "fashion-mnist"
    folder.mkdir(parents=True)
    arrays = tiny()
    for name, key in zip(dataset_files._FASHION_FILES, ("x_train", "y_train", "x_test", "y_test"), strict=True):
        array = arrays[key]
        header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes()
        (folder / name).write_bytes(gzip.compress(header + array.tobytes()))
    dataset = load_dataset("fashion_mnist")
    np.testing.assert_array_equal(dataset.x_train, arrays["x_train"])
    np.testing.assert_array_equal(dataset.y_test, arrays["y_test"])


def write_cifar_batches(folder: Path, images: np.ndarray, classes: list) -> None:
    folder.mkdir(parents=True)
    rows = images.transpose(0, 3, 1, 2).reshape(len(images), -1)
    for name in (*dataset_files._CIFAR_TRAIN, "test_batch"):
        (folder / name).write_bytes(pickle.dumps({b"data": rows, b"labels": classes}, protocol=2))


def test_cifar_is_read_from_the_keras_cache(empty_home):
    images = tiny((32, 32, 3))["x_test"]
    write_cifar_batches(empty_home / ".keras" / "datasets" / "cifar-10-batches-py", images, list(range(10)))
    dataset = load_dataset("cifar10")
    np.testing.assert_array_equal(dataset.x_test, images)
    assert dataset.x_train.shape == (50, 32, 32, 3)


class Bomb:
    def __reduce__(self):
        return os.mkdir, ("exploded",)


def test_a_cifar_batch_cannot_run_code(empty_home, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = empty_home / ".keras" / "datasets" / "cifar-10-batches-py"
    write_cifar_batches(folder, tiny((32, 32, 3))["x_test"], [Bomb()])
    with pytest.raises(DataError) as caught:
        load_dataset("cifar10")
    assert caught.value.message == f"cannot read {folder}: it asks for posix.mkdir, which image data does not need"
    assert not (tmp_path / "exploded").exists()


def test_a_pickled_array_is_refused(tmp_path):
    path = save(tmp_path / "mnist.npz", y_test=np.array([Bomb()] * 10, dtype=object))
    with pytest.raises(DataError) as caught:
        load_dataset("mnist", tmp_path)
    assert caught.value.message == f"cannot read {path}: Object arrays cannot be loaded when allow_pickle=False"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (
            {"x_train": np.zeros((20, 28, 27), np.uint8)},
            "x_train is uint8 of shape (20, 28, 27), expected uint8 of shape (n, 28, 28)",
        ),
        (
            {"x_test": np.zeros((10, 28, 28))},
            "x_test is float64 of shape (10, 28, 28), expected uint8 of shape (n, 28, 28)",
        ),
        (
            {"x_test": np.zeros((0, 28, 28), np.uint8)},
            "x_test is uint8 of shape (0, 28, 28), expected uint8 of shape (n, 28, 28)",
        ),
        ({"y_test": np.zeros(9, np.uint8)}, "y_test is uint8 of shape (9,), expected 10 integer classes"),
        ({"y_train": np.zeros(20)}, "y_train is float64 of shape (20,), expected 20 integer classes"),
        ({"y_train": np.full(20, 10)}, "y_train has classes 10 to 10, expected 0 to 9"),
    ],
)
def test_a_misshapen_file_is_named(tmp_path, changes, problem):
    path = save(tmp_path / "mnist.npz", **changes)
    with pytest.raises(DataError) as caught:
        load_dataset("mnist", tmp_path)
    assert str(caught.value) == f"{path}: {problem}\n  supply the file in the layout that keras.datasets.mnist gives"


def test_a_missing_array_is_named(tmp_path):
    path = save(tmp_path / "mnist.npz", y_test=None)
    with pytest.raises(DataError) as caught:
        load_dataset("mnist", tmp_path)
    assert caught.value.message.startswith(f"cannot read {path}: it has no y_test")


@pytest.mark.parametrize("keep", [0, 100, 0.5, 0.999])
def test_a_file_that_is_cut_off_is_named(tmp_path, keep):
    path = save(tmp_path / "mnist.npz")
    content = path.read_bytes()
    path.write_bytes(content[: keep if keep >= 1 else int(keep * len(content))])
    with pytest.raises(DataError) as caught:
        load_dataset("mnist", tmp_path)
    assert str(caught.value) == (
        f"cannot read {path}: it is no .npz archive, or it is cut off\n"
        "  delete the file and supply it again, or name another with --data-dir"
    )


def test_an_altered_file_is_refused(tmp_path):
    path = save(tmp_path / "mnist.npz")
    content = bytearray(path.read_bytes())
    content[5000] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        load_dataset("mnist", tmp_path)
    assert caught.value.message == f"cannot read {path}: Bad CRC-32 for file 'x_train.npy'"


def test_a_missing_dataset_lists_the_places_tried(tmp_path, empty_home):
    with pytest.raises(MissingDataError) as caught:
        load_dataset("mnist", tmp_path)
    assert str(caught.value) == (
        "dataset 'mnist' was not found; looked in\n"
        f"    {tmp_path}/mnist.npz\n"
        f"    {empty_home}/.keras/datasets/mnist.npz\n"
        "    http://127.0.0.1:9/mnist.npz: Connection refused\n"
        "  put mnist.npz (arrays x_train, y_train, x_test, y_test) into a folder and name that folder with --data-dir "
        "or HLSFLOW_DATA"
    )
    assert dataset_digest("mnist", tmp_path) is None
    with pytest.raises(MissingDataError, match=r"mnist\.npz: download not allowed"):
        load_dataset("mnist", tmp_path, download=False)


def test_mistakes_in_names(tmp_path):
    with pytest.raises(UsageError) as caught:
        load_dataset("minst")
    assert str(caught.value) == "no dataset 'minst'\n  did you mean 'mnist'?"
    with pytest.raises(DataError) as caught:
        find_dataset_file("mnist", tmp_path / "absent")
    assert caught.value.message == f"{tmp_path}/absent is no folder"


@pytest.fixture
def server(monkeypatch):
    """A web server that stands in for Keras': `server.content` is what it sends, `server.pause_s` how slowly."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            for start in range(0, len(self.server.content), 4096):
                time.sleep(self.server.pause_s)
                try:
                    self.wfile.write(self.server.content[start : start + 4096])
                except OSError:
                    return

        def log_message(self, *args):
            pass

    stand_in = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    stand_in.content, stand_in.pause_s = b"", 0.0
    threading.Thread(target=stand_in.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    monkeypatch.setitem(dataset_files.URLS, "mnist", f"http://127.0.0.1:{stand_in.server_port}/mnist.npz")
    yield stand_in
    stand_in.shutdown()
    stand_in.server_close()


def packed_mnist() -> bytes:
    content = io.BytesIO()
    np.savez(content, **tiny())
    return content.getvalue()


def test_a_download_goes_into_the_keras_cache(server, monkeypatch, empty_home):
    import hashlib

    server.content = packed_mnist()
    monkeypatch.setitem(dataset_files._SHA256, "mnist", hashlib.sha256(server.content).hexdigest())
    assert load_dataset("mnist").source == "mnist from the Keras cache"
    assert (empty_home / ".keras" / "datasets" / "mnist.npz").read_bytes() == server.content


def test_a_download_with_other_content_is_not_kept(server, empty_home):
    server.content = packed_mnist()
    with pytest.raises(MissingDataError, match=r"SHA-256 is [0-9a-f]{12}…, Keras expects 731c5ac60275…"):
        load_dataset("mnist")
    assert list((empty_home / ".keras" / "datasets").iterdir()) == []


@pytest.mark.parametrize(
    ("pause_s", "reason"), [(0.2, "not complete after 0 s"), (60.0, "timed out")], ids=["slow", "silent"]
)
def test_a_slow_download_is_given_up(server, monkeypatch, empty_home, pause_s, reason):
    server.content, server.pause_s = packed_mnist(), pause_s
    monkeypatch.setattr(dataset_files, "CONNECT_TIMEOUT_S", 0.5)
    monkeypatch.setattr(dataset_files, "DOWNLOAD_TIMEOUT_S", 0.3)
    started = time.monotonic()
    with pytest.raises(MissingDataError, match=reason):
        load_dataset("mnist")
    # It would pause for a minute.
    assert time.monotonic() - started < 30
    assert list((empty_home / ".keras" / "datasets").iterdir()) == []


def test_a_name_lookup_that_hangs_is_given_up(monkeypatch):
    monkeypatch.setattr(dataset_files, "CONNECT_TIMEOUT_S", 0.2)

    def hang(*args, **kwargs):
        time.sleep(60)
        raise OSError("never in time")

    monkeypatch.setattr(dataset_files.socket, "create_connection", hang)
    started = time.monotonic()
    with pytest.raises(MissingDataError, match="no answer in 0 s"):
        load_dataset("mnist")
    assert time.monotonic() - started < 30


def test_loading_imports_neither_tensorflow_nor_scikit_learn():
    program = (
        "import sys, hlsflow.datasets.dataset as d; d.load_dataset('digits'); d.dataset_digest('digits'); "
        "print(sorted({'tensorflow', 'keras', 'sklearn', 'scipy'} & set(sys.modules)))"
    )
    environment = {**os.environ, "PYTHONPATH": str(FLOWS)}
    assert subprocess.check_output([sys.executable, "-c", program], text=True, env=environment).strip() == "[]"


def test_redrawn_digits_stand_in_mnists_frame():
    pixels, classes = digits_as_mnist()
    assert (pixels.shape, pixels.dtype, classes.shape, classes.dtype) == ((1797, 28, 28), np.uint8, (1797,), np.int64)
    for image in pixels[::50]:
        rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
        # 20 pixels, which cover a part of a 21st where the box does not begin on a pixel's edge.
        assert max(np.ptp(rows), np.ptp(columns)) + 1 in (20, 21)
        weights = image / image.sum()
        centre = (weights.sum(axis=1) @ np.arange(28) + 0.5, weights.sum(axis=0) @ np.arange(28) + 0.5)
        np.testing.assert_allclose(centre, 14, atol=0.3)


def test_redrawn_digits_have_mnists_ink(mnist_dir):
    pixels, _ = digits_as_mnist()
    mnist = load_dataset("mnist", mnist_dir).x_test
    assert pixels.mean() == pytest.approx(mnist.mean(), rel=0.15)
    assert (pixels > 128).mean() == pytest.approx((mnist > 128).mean(), rel=0.15)


@pytest.mark.parametrize(
    ("name", "train", "test"),
    [("mnist", [5, 0, 4, 1, 9], [7, 2, 1, 0, 4]), ("fashion_mnist", [9, 0, 0, 3, 0], [9, 2, 1, 1, 6])],
)
def test_the_real_files_are_in_the_original_order(name, train, test):
    dataset = load_dataset(name, dataset_folder(name))
    assert (dataset.y_train[:5].tolist(), dataset.y_test[:5].tolist()) == (train, test)
    assert (dataset.x_train.shape, dataset.x_test.shape) == ((60000, 28, 28), (10000, 28, 28))
