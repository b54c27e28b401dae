"""The house: one direction of imports, few modules a room, no prefix that does a folder's work."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "flows" / "hlsflow"
TESTS = Path(__file__).resolve().parent

# From the ground up: a room imports from those before it alone.
ROOMS = (
    "foundation processes keys devices datasets network reports frontends models compression training hls emulation "
    "records estimation rtl opentools boards vendor building packing fitting execution exploring comparison api cli"
).split()
# Rooms that stand beside each other, though one comes first in the list: neither knows of the other.
STRANGERS = {
    "estimation": {"emulation", "rtl", "opentools", "vendor", "reports", "models", "training", "compression"},
    "opentools": {"vendor", "estimation", "reports", "models", "training", "compression", "frontends"},
    "boards": {"vendor", "estimation", "reports", "models", "training", "compression", "frontends", "records"},
    "vendor": set("rtl opentools boards estimation emulation models training compression frontends".split()),
    "hls": {"models", "training", "compression", "datasets", "reports"},
    "emulation": {"models", "training", "compression", "datasets", "reports", "frontends"},
    "rtl": {"models", "training", "compression", "datasets", "reports", "frontends", "records", "estimation"},
    "reports": {"network", "datasets", "keys", "processes"},
    "comparison": {"building", "vendor", "opentools", "hls", "network", "exploring"},
}
MOST_MODULES = 25


def modules() -> dict[str, Path]:
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def imports(module: str, *, named: bool = True) -> set[str]:
    """The modules of this package that one imports anywhere in it, for type checkers too, or names in a string."""
    found = set()
    for node in ast.walk(ast.parse(MODULES[module].read_text())):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{module}: imports are absolute"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif named and isinstance(node, ast.Constant) and isinstance(node.value, str):
            names = [node.value] if node.value.startswith("hlsflow.") else []
        for name in names:
            if name.startswith("hlsflow."):
                inner = name.removeprefix("hlsflow.")
                while inner and inner not in MODULES:
                    inner = inner.rpartition(".")[0]
                found.add(inner)
    return found - {module, ""}


def room(module: str) -> str:
    return module.partition(".")[0]


def test_every_folder_is_a_room():
    assert {room(module) for module in MODULES} - {"", "__main__"} == set(ROOMS)


@pytest.mark.parametrize("name", ROOMS)
def test_imports_point_one_way(name):
    below = set(ROOMS[: ROOMS.index(name) + 1]) - STRANGERS.get(name, set())
    wrong = {
        f"{module} imports {other}"
        for module in MODULES
        if room(module) == name
        for other in imports(module)
        if room(other) not in below
    }
    assert not wrong


def test_within_a_room_no_two_modules_import_each_other():
    """A circle means that two modules are one, or that a third is missing."""
    for module in MODULES:
        seen: set[str] = set()
        waiting = [other for other in imports(module, named=False) if room(other) == room(module)]
        while waiting:
            other = waiting.pop()
            assert other != module, f"{module} reaches itself by imports"
            if other not in seen:
                seen.add(other)
                waiting += [name for name in imports(other, named=False) if room(name) == room(module)]


@pytest.mark.parametrize("root", [PACKAGE, TESTS], ids=["package", "tests"])
def test_no_folder_has_more_modules_than_one_looks_through(root):
    folders = Counter(path.parent for path in root.rglob("*.py") if path.name != "__init__.py")
    assert {str(folder): count for folder, count in folders.items() if count > MOST_MODULES} == {}


def test_no_prefix_does_the_work_of_a_folder():
    """Four modules that begin alike are a folder that is missing."""
    prefixes = Counter(
        (path.parent, path.stem.partition("_")[0]) for path in PACKAGE.rglob("*_*.py") if not path.stem.startswith("_")
    )
    assert {f"{folder.name}/{prefix}_*": count for (folder, prefix), count in prefixes.items() if count > 3} == {}


def test_every_room_says_what_it_is():
    for name in ROOMS:
        first = ast.get_docstring(ast.parse((PACKAGE / name / "__init__.py").read_text()))
        assert first, name


def test_the_tests_stand_in_the_same_rooms():
    # docs/ is no room of the package, and has a generator that is tested like one.
    assert {path.parent.name for path in TESTS.glob("*/test_*.py")} <= {*ROOMS, "docs"}


def test_every_room_stands_in_the_docs():
    text = (TESTS.parent / "docs" / "rooms.md").read_text()
    words = set(text.partition("```\nfoundation")[2].partition("```")[0].split()) | {"foundation"}
    assert set(ROOMS) - words == set()
