"""Archives of somebody who means harm: refused with one line, little memory, and nothing left outside."""

from __future__ import annotations

import gzip
import io
import os
import resource
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from hlsflow.foundation.archive import unpack
from hlsflow.foundation.errors import ReportError
from hlsflow.foundation.safe_names import below, safe_name, safe_path, safe_version

ROOT = Path(__file__).resolve().parents[2]


def write(path, *members, **options) -> Path:
    """A tar.gz of (TarInfo, content)."""
    with tarfile.open(path, "w:gz", **options) as archive:
        for member, content in members:
            if member.isfile():
                member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, **more) -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    found.type = kind
    for key, value in more.items():
        setattr(found, key, value)
    return found


def unpacked_alone(path, folder, memory_mib) -> subprocess.CompletedProcess:
    """`unpack` in a process that may have so much address space."""
    code = (
        "import sys; from pathlib import Path; from hlsflow.foundation.archive import unpack; "
        "unpack(Path(sys.argv[1]), Path(sys.argv[2]))"
    )

    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (memory_mib << 20, memory_mib << 20))

    return subprocess.run(
        [sys.executable, "-c", code, str(path), str(folder)], preexec_fn=limit, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "flows")}, timeout=60,
    )  # fmt: skip


def header(size: int, kind: bytes, name: str = "x") -> bytes:
    return member(name, kind, size=size).tobuf(tarfile.USTAR_FORMAT)


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_header_of_hundreds_of_megabytes_takes_no_memory(kind, tmp_path):
    """Packed it is less than 1 MiB; tarfile reads a header whole."""
    size = 600 << 20
    path = tmp_path / "pax.tar.gz"
    with gzip.open(path, "wb", compresslevel=6) as file:
        file.write(header(size, kind))
        file.write(f"{size} comment=".encode())
        block = b"a" * (1 << 20)
        for _ in range(600):
            file.write(block)
    assert path.stat().st_size < 3 << 20
    done = unpacked_alone(path, tmp_path / "out", memory_mib=300)
    assert "ReportError" in done.stderr and "a header of 629,145,600 bytes: refused" in done.stderr, done.stderr[-500:]


def test_very_many_headers_are_refused(tmp_path):
    path = tmp_path / "many.tar.gz"
    record = b"1000000 a=" + b"b" * (1_000_000 - 11) + b"\n"
    with gzip.open(path, "wb") as file:
        for number in range(300):
            # global headers are remembered as long as the archive is read
            text = record.replace(b" a=", f" {number:03d}a=".encode())[:1_000_000]
            file.write(header(len(text), tarfile.XGLTYPE) + text + b"\0" * (-len(text) % 512))
            file.write(header(0, tarfile.REGTYPE, f"file{number}"))
    done = unpacked_alone(path, tmp_path / "out", memory_mib=300)
    assert "more bytes between its files" in done.stderr, done.stderr[-500:]


def test_headers_within_headers_are_refused(tmp_path):
    path = tmp_path / "nested.tar.gz"
    text = b"13 comment=a\n"
    with gzip.open(path, "wb") as file:
        file.write((header(len(text), tarfile.XHDTYPE) + text + b"\0" * (512 - len(text))) * 20_000)
    with pytest.raises(ReportError, match=r"headers within headers|more bytes between its files"):
        unpack(path, tmp_path / "out")


def test_folders_count(tmp_path):
    path = write(tmp_path / "f.tar.gz", *((member(f"d{n}", tarfile.DIRTYPE), b"") for n in range(20_000)))
    with pytest.raises(ReportError, match="more than 10 files and folders"):
        unpack(path, tmp_path / "out", max_files=10)
    assert not (tmp_path / "out").exists()


def test_a_file_may_not_grow_to_more_than_it_is(tmp_path):
    """A sparse file says that it is large and holds nothing."""
    sparse = member("sparse", tarfile.GNUTYPE_SPARSE)
    path = tmp_path / "s.tar"
    data = bytearray(sparse.tobuf(tarfile.GNU_FORMAT))
    data[386:398] = b"00000000000\0"
    data[398:410] = b"00000000000\0"
    data[483:495] = b"07777777777\0"
    data[148:156] = b" " * 8
    data[148:156] = f"{sum(data[:512]):06o}\0 ".encode()
    path.write_bytes(bytes(data) + b"\0" * 1024)
    with pytest.raises(ReportError, match=r"is a link or a device"):
        unpack(path, tmp_path / "out")


@pytest.mark.parametrize(
    "name",
    [
        "../a", "/a", "a/../../b", "a\\b", "..", "a/..", "C:\\a", "a\x1b[31m", "a\nb", "a b", "a;b", "$(a)", "`a`",
        "\u202ea", "a" * 300, "/".join("abcdefghij" * 10), "caf\u00e9", "a:b", "a*", "a|b",
    ],
)  # fmt: skip
def test_odd_names_are_refused(name, tmp_path):
    path = write(tmp_path / "n.tar.gz", (member(name), b"x"))
    with pytest.raises(ReportError) as caught:
        unpack(path, tmp_path / "out")
    assert str(caught.value).isprintable() and len(str(caught.value)) < 300 + len(str(path))
    assert [found.name for found in tmp_path.rglob("*")] == ["n.tar.gz"]


@pytest.mark.parametrize(
    "members",
    [
        [(member("a"), b"1"), (member("a"), b"2")],
        [(member("a"), b"1"), (member("a/b"), b"2")],
        [(member("a/b"), b"1"), (member("a"), b"2")],
    ],
)
def test_a_name_that_stands_twice_is_refused(members, tmp_path):
    with pytest.raises(ReportError, match="stands twice"):
        unpack(write(tmp_path / "t.tar.gz", *members), tmp_path / "out")


def test_a_link_does_not_lead_a_later_file_outside(tmp_path):
    path = write(tmp_path / "l.tar.gz", (member("d", tarfile.SYMTYPE, linkname="/tmp"), b""), (member("d/x"), b"x"))
    with pytest.raises(ReportError, match="is a link or a device"):
        unpack(path, tmp_path / "out")


def test_rights_are_not_taken_over(tmp_path):
    unpack(write(tmp_path / "m.tar.gz", (member("a", mode=0o6777), b"x")), tmp_path / "out")
    assert (tmp_path / "out" / "a").stat().st_mode & 0o7111 == 0


def test_plain_archives_are_unpacked(tmp_path):
    names = ["manifest.json", "./models/m/runs/csynth.log", "models/m@x-5.0/.hidden/a_b-c+d=e,f.rpt", "l" * 150 + "/a"]
    data = os.urandom(3 << 20)
    for mode in ("w:gz", "w"):
        path, out = tmp_path / f"{mode[2:]}.tar", tmp_path / f"out{mode[2:]}"
        with tarfile.open(path, mode) as archive:
            archive.addfile(member("folder", tarfile.DIRTYPE))
            for name in names:
                archive.addfile(member(name, size=len(data)), io.BytesIO(data))
        unpack(path, out)
        for name in names:
            assert (out / name).read_bytes() == data, name


def test_an_archive_that_is_a_pipe_or_a_device_is_refused(tmp_path):
    from hlsflow.foundation.errors import UsageError

    os.mkfifo(tmp_path / "p.tar.gz")
    for path in (tmp_path / "p.tar.gz", Path("/dev/zero")):
        with pytest.raises(UsageError, match="no such archive"):
            unpack(path, tmp_path / "out")


@pytest.mark.parametrize("text", ["qap8", "qap8@Vitis-5.0", "a" * 128, "digits6@pynq-z2", "_x", "2024.1"])
def test_plain_names(text):
    assert safe_name(text, "name") == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        ".git",
        "a/b",
        "a\\b",
        "/a",
        "-rf",
        "~",
        "a b",
        "a\n",
        "a\0",
        "a" * 129,
        "a..b",
        "x/../../y",
        "\u0661",
    ],
)
def test_names_that_are_refused(text):
    with pytest.raises(ReportError, match=r"^what: .* is no plain name: refused$"):
        safe_name(text, "what")


@pytest.mark.parametrize("text", ["2024.1", "2019.2", "2024.1.1", "2099.1"])
def test_versions(text):
    assert safe_version(text, "what") == text


@pytest.mark.parametrize(
    "text", ["", "x", "2024", "2024.1/..", "x/../../../a", "2024.1 ", "2024.1\n", "1.1", "\u0662024.1"]
)
def test_versions_that_are_refused(text):
    with pytest.raises(ReportError, match="is no version such as"):
        safe_version(text, "what")


def test_a_path_that_leads_outside_by_a_link_is_refused(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "link").symlink_to(tmp_path)
    assert below(tmp_path / "in", "a", "b") == tmp_path / "in" / "a" / "b"
    for parts in (("link",), ("link", "x"), ("..",), ("..", "x"), ("/etc",), (".",), ("a", "..")):
        with pytest.raises(ReportError, match="does not lie below"):
            below(tmp_path / "in", *parts)
    assert safe_path("a/b.c", "what").parts == ("a", "b.c")
