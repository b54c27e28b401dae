"""What a run of the suite leaves out is said in its last lines, with the command that runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

FILES = {
    "test_some.py": """
import pytest
from tool_fixtures import needed
def test_quick(): pass
@pytest.mark.slow
def test_slow(): pass
@pytest.mark.parametrize("which", [1, 2])
def test_bare(which): needed(None, "Sundial", "apt-get install sundial")
""",
    "test_faults.py": "def test_kill(): pass\ndef test_hang(): pass\n",
    "conftest.py": 'pytest_plugins = ["selection"]',
    "pytest.ini": "[pytest]\nmarkers = slow",
}
SLOW = "left out     1  slow tests (compile C++, simulate RTL or train):  uv run --extra open pytest --all"
FAULTS = "left out     2  fault tests (kills, hangs and deadlines):  uv run pytest --faults --timeout 180"
SKIPPED = "skipped      2  need Sundial:  apt-get install sundial"


def last_lines(folder: Path, *words: str) -> list[str]:
    """The lines behind the heading, and the counts."""
    for name, text in FILES.items():
        (folder / name).write_text(text)
    command = [sys.executable, "-m", "pytest", "-q", *words]
    path = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[1] / "flows")])
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    found = [number for number, line in enumerate(lines) if " not run here " in line]
    return lines[found[0] + 1 if found else -1 :]


@pytest.mark.parametrize(
    ("words", "said", "counts"),
    [
        ([], [FAULTS, SLOW, SKIPPED], "1 passed, 2 skipped, 3 deselected"),
        # xdist waits ten seconds for workers that are slow to leave.
        pytest.param(["-n", "2"], [FAULTS, SLOW, SKIPPED], "1 passed, 2 skipped", marks=pytest.mark.slow),
        (["--all"], [FAULTS, SKIPPED], "2 passed, 2 skipped, 2 deselected"),
        (["-m", "slow"], [FAULTS], "1 passed, 5 deselected"),
        (["test_some.py::test_slow"], [], "1 passed"),
        (["--faults", "-n", "2"], [], "2 passed, 4 deselected"),
    ],
)
def test_the_last_lines(tmp_path, words, said, counts):
    *lines, last = last_lines(tmp_path, *words)
    assert lines == said
    assert last.startswith(counts + " in")
