"""The C simulations of many small projects as one program, which compiles in a third of the time.

Nearly all of a small simulation's compilation is `ap_fixed`'s templates, the same ones in every project. The program
is each project's own C++, not changed: every project's `<top>.cpp` is included in a namespace of its own, with its own
`defines.h`, `parameters.h`, weights and generated code (their guards are undefined in between), followed by the loop
that `driver_source` writes for it. hls4ml's headers are what they share: each set of bytes of `nnet_utils` (there is
one for each backend) is included once, in a namespace that its projects are nested in, and `ap_types` once for all.
(Headers for depthwise convolutions over one axis and over two leave each other out, and have a namespace each.)
Which project a process runs is the name that the program is called by: a link for each.
"""

from __future__ import annotations

import hashlib
import re
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest
from shared_run import SharedRun

from hlsflow.foundation.errors import HlsflowError
from hlsflow.hls.csim import ARGUMENTS, MAIN, SYSTEM_HEADERS, TRACE, Compiler, simulation_source
from hlsflow.hls.project import HlsProject
from hlsflow.processes.process import run

FLAGS = ("-std=c++14", "-O0", "-w", "-pthread", "-fno-exceptions")
# The code that hls4ml generates for a project; all other headers of nnet_utils are the same in every project.
GENERATED = "nnet_code_gen.h"
# What hls4ml's headers include of the system, and of ap_types below other names: never inside of a namespace.
_OUTSIDE = """\
#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <fstream>
#include <iostream>
#include <limits>
#include <math.h>
#include <queue>
#include <sstream>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <tuple>
#include "ap_fixed.h"
#include "ap_int.h"
#include "ap_shift_reg.h"
#include "hls_math.h"
#include "hls_stream.h"
#include "utils/x_hls_utils.h"
"""


def compile_together(
    projects: Sequence[HlsProject], folder: Path, compiler: Compiler, *, timeout_s: float = 900
) -> Mapping[Path, Path]:
    """One program of all projects' simulations: the link to call it by, for each project's root.

    Raises ToolError with the compiler's last lines, whose paths say which project they are about.
    """
    source = folder / "csim.cpp"
    source.write_text(source_of_many(projects))
    program = folder / "csim"
    run(
        [compiler.path, *FLAGS, f"-I{projects[0].root / 'firmware' / 'ap_types'}", source, "-o", program],
        log=folder / "compile.log",
        timeout_s=timeout_s,
        what=f"compiling the C simulations of {len(projects)} projects",
    )
    return {project.root: _link(folder, index) for index, project in enumerate(projects)}


def links(projects: Sequence[HlsProject], folder: Path) -> Mapping[Path, Path]:
    """What `compile_together` gave back for the same projects."""
    return {project.root: folder / str(index) for index, project in enumerate(projects)}


def _link(folder: Path, index: int) -> Path:
    link = folder / str(index)
    link.symlink_to("csim")
    return link


def source_of_many(projects: Sequence[HlsProject]) -> str:
    """The program's text."""
    assert len({_digest(project.root / "firmware" / "ap_types") for project in projects}) == 1
    alike: dict[tuple[str, bool], list[int]] = {}
    for index, project in enumerate(projects):
        firmware = project.root / "firmware"
        # hls4ml's headers for depthwise convolutions over one axis and over two leave each other out.
        along_one = any(name.startswith("nnet_sepconv1d") for file in _own_files(firmware) for name in _included(file))
        alike.setdefault((_digest(firmware / "nnet_utils"), along_one), []).append(index)
    parts = [_OUTSIDE, SYSTEM_HEADERS, ARGUMENTS]
    for number, indices in enumerate(alike.values()):
        parts.append(_headers(number, [projects[index].root / "firmware" for index in indices]))
        parts += [_of_one(number, index, projects[index]) for index in indices]
    choices = "".join(
        f'    if (!std::strcmp(name, "{index}")) return headers_{number}::project_{index}::simulate(unused);\n'
        for number, indices in enumerate(alike.values())
        for index in indices
    )
    parts.append(
        "static void *simulate(void *unused) {\n"
        "    const char *slash = std::strrchr(arguments[0], '/');\n"
        "    const char *name = slash ? slash + 1 : arguments[0];\n"
        f"{choices}"
        "    fail(name);\n"
        "    return NULL;\n"
        "}\n\n"
    )
    return "".join([*parts, MAIN])


def _headers(number: int, firmwares: Sequence[Path]) -> str:
    """hls4ml's headers that these projects include, once."""
    shared = firmwares[0] / "nnet_utils"
    wanted = {name for firmware in firmwares for file in _own_files(firmware) for name in _included(file)}
    wanted.discard(GENERATED)
    lines = [_undefine(sorted(path for path in shared.glob("*.h") if path.name != GENERATED))]
    lines.append(f"namespace headers_{number} {{\n")
    lines += [f'#include "{shared / name}"\n' for name in sorted(wanted) if (shared / name).is_file()]
    return "".join([*lines, TRACE, "}\n\n"])


def _of_one(number: int, index: int, project: HlsProject) -> str:
    firmware = project.root / "firmware"
    return (
        f"{_undefine(_own_files(firmware))}"
        f"namespace headers_{number} {{ namespace project_{index} {{\n"
        # The project's generated code is in a `nnet` too, and hides the shared one.
        f"namespace nnet {{ using namespace headers_{number}::nnet; }}\n"
        f'#include "{firmware / project.top}.cpp"\n'
        f"{simulation_source(project)}}} }}\n\n"
    )


def _own_files(firmware: Path) -> list[Path]:
    """The headers that are a project's own."""
    return sorted([*firmware.glob("*.h"), *(firmware / "weights").glob("*.h"), firmware / "nnet_utils" / GENERATED])


def _included(header: Path) -> list[str]:
    """The names, without folders, of what a header includes in quotes."""
    return [Path(name).name for name in re.findall(r'^\s*#include "([^"]+)"', header.read_text(), re.MULTILINE)]


def _undefine(headers: Iterable[Path]) -> str:
    guards = [re.search(r"^#ifndef (\w+)\s+#define \1\b", header.read_text(), re.MULTILINE) for header in headers]
    return "".join(f"#undef {guard[1]}\n" for guard in guards if guard is not None)


def _digest(folder: Path) -> str:
    found = hashlib.blake2b()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != GENERATED:
            found.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()


@dataclass(frozen=True, kw_only=True, slots=True)
class Programs:
    """Compiles, at the first need of one, the simulations of all selected cases of a parametrised test."""

    shared: SharedRun
    compiler: Compiler
    # More are faster a project, and take more memory at once: 100 projects take 1.3 GB.
    projects_at_once: int = 100

    def of(
        self, item: pytest.Function, projects_of: Callable[[Mapping[str, object]], Sequence[HlsProject]], each: int = 1
    ) -> Mapping[Path, Path]:
        """The program of each project of a case, by the project's root.

        `projects_of` makes the projects of a case of the same test from its parameters, each time the same ones at the
        same place of the shared run; `each` is how many at most. Raises ToolError where this case's do not compile.
        """
        alike = [
            other
            for other in item.session.items
            if (other.path, getattr(other, "originalname", None)) == (item.path, item.originalname)
        ]
        place = next(index for index, other in enumerate(alike) if other.nodeid == item.nodeid)
        parts = -(-len(alike) * each // self.projects_at_once)
        edges = [len(alike) * number // parts for number in range(parts + 1)]
        names = [f"csim-{item.path.stem}-{item.originalname}/{number}" for number in range(parts)]
        makers = {
            name: partial(self._make, projects_of, alike[first:last])
            for name, (first, last) in zip(names, pairwise(edges), strict=True)
        }
        mine = next(name for name, last in zip(names, edges[1:], strict=True) if place < last)
        # Where another process is at it, one of the others is made meanwhile.
        if not self.shared.attempt(mine, makers[mine]):
            for name in names:
                if not self.shared.is_made(name) and self.shared.attempt(name, makers[name]):
                    break
        folder = self.shared.once(mine, makers[mine])
        projects = projects_of(item.callspec.params)
        roots = dict(line.split("\t") for line in (folder / "programs.txt").read_text().splitlines())
        if all(str(project.root) in roots for project in projects):
            return {project.root: Path(roots[str(project.root)]) for project in projects}
        # One of the others, or this one, does not compile: alone, each case says so itself.
        alone = self.shared.once(f"{mine}-alone/{place}", lambda made: compile_together(projects, made, self.compiler))
        return links(projects, alone)

    def _make(self, projects_of, items: Sequence[pytest.Function], folder: Path) -> None:
        projects: list[HlsProject] = []
        for item in items:
            try:
                projects += projects_of(item.callspec.params)
            except Exception as error:  # raised again, and not caught, in that case's own test
                warnings.warn(f"{item.nodeid}: {error}", stacklevel=1)
        programs: Mapping[Path, Path] = {}
        try:
            programs = compile_together(projects, folder, self.compiler) if projects else {}
        except HlsflowError as error:
            warnings.warn(f"each case is compiled alone, since they do not compile together: {error}", stacklevel=1)
        (folder / "programs.txt").write_text("".join(f"{root}\t{program}\n" for root, program in programs.items()))
