"""Runs a Yosys script with the Python package `pyosys`: `python pyosys_script.py script.ys`."""

from __future__ import annotations

import sys
from pathlib import Path


def main(script: str) -> int:
    """Runs the commands of a script, one a line. A command that fails ends the process with Yosys' own exit code."""
    from pyosys import libyosys

    design = libyosys.Design()
    for line in Path(script).read_text().splitlines():
        command = line.split("#", 1)[0].strip()
        if command:
            print(f"\n-- {command}", flush=True)
            libyosys.run_pass(command, design)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[-1]))
