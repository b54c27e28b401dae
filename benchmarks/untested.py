"""The modules that no test imports by name: what only a test of something else reaches.

    uv run python benchmarks/untested.py

A test that starts a command runs the modules behind it, but does not attack them; such modules are listed here too.
"""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "flows" / "hlsflow"


def imported(text: str) -> set[str]:
    """Every name that a file's imports may bring: modules, and what is imported from packages."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def untested() -> list[tuple[str, int]]:
    """(module, lines) of what no test imports; packages' empty files left out."""
    names = set().union(*(imported(path.read_text()) for path in (ROOT / "tests").rglob("*.py")))
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        module = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        lines = len(path.read_text().splitlines())
        if path.name != "__init__.py" and lines and module not in names:
            found.append((module, lines))
    return found


if __name__ == "__main__":
    listed = untested()
    total = sum(1 for path in PACKAGE.rglob("*.py") if path.name != "__init__.py")
    for module, lines in listed:
        print(f"{lines:4d}  {module}")
    print(f"{len(listed)} of {total} modules are imported by no test")
