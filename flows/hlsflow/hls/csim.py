"""C simulation: the project's own C++ compiled with `ap_fixed`, run in processes of its own, outputs as integers.

The program can die (a large array on the stack, an assertion of hls4ml's) and must not take Python with it. It is
one translation unit at -O1: as fast in simulation as -O3 and three times sooner compiled.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from hlsflow.foundation.errors import ToolError
from hlsflow.foundation.workspace import storage_errors
from hlsflow.hls.project import HlsProject
from hlsflow.network.fixed_point import FixedType, to_integers
from hlsflow.network.intervals import EXACT_BITS
from hlsflow.processes.process import ask, run

if TYPE_CHECKING:
    from hlsflow.foundation.arrays import Array

FLAGS = ("-std=c++14", "-O1", "-w", "-pthread", "-fno-gnu-unique")
# Address space set aside for the stack; only what is used of it is ever backed by memory.
STACK_BYTES = 1 << 30

# The program of a project is these five, in this order: `driver_source`.
_INCLUDE = """\
// Written by hlsflow: runs the project's top function over a file of inputs. Values pass as doubles, which hold every
// type of up to 53 bits exactly.
#include "{top}.cpp"

"""
SYSTEM_HEADERS = """\
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <pthread.h>
#include <string>
#include <vector>

"""
# What hls4ml's `save_layer_output` writes to: defined where its headers are.
TRACE = """\
namespace nnet {
bool trace_enabled = true;
std::map<std::string, void *> *trace_outputs = NULL;
size_t trace_type_size = sizeof(double);
} // namespace nnet

"""
ARGUMENTS = """\
static int n_arguments;
static char **arguments;

static void fail(const char *what) {
    std::fprintf(stderr, "csim: %s: ", what);
    std::perror("");
    std::exit(3);
}

"""
_SIMULATE = """\
static void *simulate(void *) {{
    // program INPUTS OUTPUTS FIRST COUNT [LAYER…]: the outputs of the top function, then the named layers' outputs.
    FILE *inputs = std::fopen(arguments[1], "rb");
    FILE *outputs = std::fopen(arguments[2], "wb");
    if (!inputs) fail(arguments[1]);
    if (!outputs) fail(arguments[2]);
    const long first = std::atol(arguments[3]);
    const long count = std::atol(arguments[4]);

    std::map<std::string, void *> traces;
    std::map<std::string, size_t> trace_sizes;
{allocate}
    nnet::trace_outputs = &traces;

    std::vector<double> in({in_size});
    std::vector<double> out({out_size});
    if (std::fseek(inputs, first * (long)(in.size() * sizeof(double)), SEEK_SET)) fail(arguments[1]);
    for (long sample = 0; sample < count; sample++) {{
        if (std::fread(in.data(), sizeof(double), in.size(), inputs) != in.size()) fail(arguments[1]);
{call}
        if (std::fwrite(out.data(), sizeof(double), out.size(), outputs) != out.size()) fail(arguments[2]);
        for (int i = 5; i < n_arguments; i++) {{
            if (!traces.count(arguments[i])) {{
                std::fprintf(stderr, "csim: no layer %s\\n", arguments[i]);
                std::exit(3);
            }}
            const size_t size = trace_sizes[arguments[i]];
            if (std::fwrite(traces[arguments[i]], sizeof(double), size, outputs) != size) fail(arguments[2]);
        }}
    }}
    if (std::fclose(outputs)) fail(arguments[2]);
    return NULL;
}}

"""
MAIN = """\
int main(int argc, char **argv) {
    if (argc < 5) {
        std::fprintf(stderr, "usage: csim INPUTS OUTPUTS FIRST COUNT [LAYER...]\\n");
        return 2;
    }
    n_arguments = argc;
    arguments = argv;
    // hls4ml keeps whole layers on the stack: eight megabytes are soon full.
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    if (pthread_attr_setstacksize(&attributes, STACK_BYTESul)) fail("stack");
    if (pthread_create(&thread, &attributes, simulate, NULL)) fail("thread");
    pthread_join(thread, NULL);
    return 0;
}
""".replace("STACK_BYTES", str(STACK_BYTES))


class _Stopped(Exception):
    """This worker was stopped because another one failed, or by Ctrl-C."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Compiler:
    """A C++ compiler that was found."""

    path: str
    version: str


def find_compiler() -> Compiler:
    """The C++ compiler: $CXX, else g++ or clang++. Raises ToolError saying how to install one."""
    named = os.environ.get("CXX")
    for name in [named] if named else ["g++", "clang++"]:
        path = shutil.which(name)
        if path is None:
            continue
        said = ask([path, "--version"], timeout_s=20)
        if said is None or said.returncode != 0:
            continue
        return Compiler(path=path, version=said.output.splitlines()[0].strip() if said.output else name)
    wanted = f"'{named}' (from CXX)" if named else "g++ or clang++"
    raise ToolError(
        f"no C++ compiler: {wanted} was not found, and the C simulation needs one",
        hint="Debian, Ubuntu: apt-get install g++   Fedora: dnf install gcc-c++   macOS: xcode-select --install",
    )


def driver_source(project: HlsProject) -> str:
    """The program's text: `main` and a loop over samples around the top function."""
    include = _INCLUDE.format(top=project.top)
    return include + SYSTEM_HEADERS + TRACE + ARGUMENTS + simulation_source(project) + MAIN


def simulation_source(project: HlsProject) -> str:
    """The loop over samples around the top function, as the function `simulate`."""
    lines = []
    offset = 0
    arguments = []
    for port in project.inputs:
        variable = f"{port.name}_ap"
        if project.io_stream:
            lines.append(f'hls::stream<{port.type_name}> {variable}("{port.name}");')
        else:
            lines.append(f"static {port.type_name} {variable}[{port.size}];")
        lines.append(f"nnet::convert_data<double, {port.type_name}, {port.size}>(in.data() + {offset}, {variable});")
        offset += port.size
        arguments.append(variable)
    after = []
    out_offset = 0
    for port in project.outputs:
        variable = f"{port.name}_ap"
        if project.io_stream:
            lines.append(f'hls::stream<{port.type_name}> {variable}("{port.name}");')
        else:
            lines.append(f"static {port.type_name} {variable}[{port.size}];")
        after.append(
            f"nnet::convert_data<{port.type_name}, double, {port.size}>({variable}, out.data() + {out_offset});"
        )
        out_offset += port.size
        arguments.append(variable)
    lines.append(f"{project.top}({', '.join(arguments)});")
    allocate = "\n".join(
        f'    traces["{name}"] = std::calloc({size}, sizeof(double)); trace_sizes["{name}"] = {size};'
        for name, size in ((project.in_cpp(layer), size) for layer, size in project.traced.items())
    )
    return _SIMULATE.format(
        allocate=allocate,
        in_size=offset,
        out_size=out_offset,
        call="\n".join(f"        {line}" for line in [*lines, *after]),
    )


def compile_csim(
    project: HlsProject, folder: Path, compiler: Compiler, *, flags: Sequence[str] = FLAGS, timeout_s: float = 900
) -> Path:
    """Compiles the simulation of a project into `folder` and gives back the program.

    Raises ToolError with the compiler's last lines and the path of its whole output.
    """
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        source = folder / "csim.cpp"
        source.write_text(driver_source(project))
    firmware = project.root / "firmware"
    program = folder / "csim"
    partial = folder / "csim.partial"
    run(
        [compiler.path, *flags, f"-I{firmware}", f"-I{firmware}/ap_types", source, "-o", partial],
        log=folder / "compile.log",
        timeout_s=timeout_s,
        what="compiling the C simulation",
    )
    with storage_errors(program):
        os.replace(partial, program)
    return program


def simulate(
    program: Path,
    project: HlsProject,
    inputs: Sequence[Array],
    *,
    layers: Mapping[str, FixedType] | None = None,
    folder: Path,
    workers: int | None = None,
    timeout_s: float = 3600,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Array]:
    """Outputs of the C simulation as int64 multiples of their type's LSB, by port and by traced layer.

    `inputs` holds one float64 array (samples, …) of real values for each input port, on the grid of its type.
    `layers` names the layers to trace, with the type of their outputs.
    Raises ToolError where a process crashes, hangs or is killed, StorageError where the disk is full.
    """
    import numpy as np

    layers = layers or {}
    samples = len(inputs[0])
    _check_inputs(project, inputs)
    outputs = {port.name: (port.size, project.type_of(port.type_name)) for port in project.outputs}
    outputs.update({name: (project.traced[name], type_) for name, type_ in layers.items()})
    for name, (_, type_) in outputs.items():
        if type_.width > EXACT_BITS:
            raise ToolError(f"csim: output '{name}' has {type_.width} bits; up to {EXACT_BITS} can be compared exactly")
    row = sum(size for size, _ in outputs.values())
    slices = _slices(samples, workers or os.cpu_count() or 1)
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        input_file = folder / "inputs.bin"
        flat = [np.ascontiguousarray(array.reshape(samples, -1), dtype=np.float64) for array in inputs]
        # Not tofile: on a full disk its error does not say so.
        input_file.write_bytes((flat[0] if len(flat) == 1 else np.concatenate(flat, axis=1)).data)
    parts = [folder / f"outputs.{index}.bin" for index in range(len(slices))]

    stop = threading.Event()

    def poll(index: int) -> None:
        if stop.is_set():
            raise _Stopped
        if index == 0 and progress is not None:
            done = sum(part.stat().st_size for part in parts if part.exists())
            progress(min(samples, done // (row * 8)), samples)

    def one(index: int) -> None:
        first, count = slices[index]
        run(
            [program, input_file, parts[index], str(first), str(count), *map(project.in_cpp, layers)],
            cwd=project.root / "firmware",
            log=folder / f"csim.{index}.log",
            timeout_s=timeout_s,
            what="C simulation",
            on_poll=lambda: poll(index),
        )

        complaint = next((line for line in _log_lines(folder, index) if "ERROR" in line), None)
        if complaint is not None:
            # hls4ml prints that a weight file is short or missing values, and goes on.
            raise ToolError(f"C simulation: {complaint.strip()}", hint=f"log: {folder / f'csim.{index}.log'}")

    try:
        _run_all(one, len(slices), stop)
        with storage_errors(folder):
            values = np.concatenate([np.fromfile(part, dtype=np.float64) for part in parts])
    finally:
        for path in (input_file, *parts):
            path.unlink(missing_ok=True)
    if values.size != samples * row:
        raise ToolError(f"csim wrote {values.size} values where {samples * row} were due", hint=f"logs: {folder}")
    values = values.reshape(samples, row)
    found: dict[str, Array] = {}
    column = 0
    for name, (size, type_) in outputs.items():
        found[name] = to_integers(values[:, column : column + size], type_.fraction)
        column += size
    return found


def _log_lines(folder: Path, index: int) -> list[str]:
    return (folder / f"csim.{index}.log").read_text(errors="replace").splitlines()


def _check_inputs(project: HlsProject, inputs: Sequence[Array]) -> None:
    for port, array in zip(project.inputs, inputs, strict=True):
        type_ = project.type_of(port.type_name)
        if array[0].size != port.size:
            raise ToolError(f"input '{port.name}' takes {port.size} values a sample, not {array[0].size}")
        try:
            whole = to_integers(array, type_.fraction)
        except ValueError as error:
            raise ToolError(f"input '{port.name}' is not exact in its type {type_}: {error}") from error
        if whole.min() < type_.min_int or whole.max() > type_.max_int:
            raise ToolError(f"input '{port.name}' leaves the range of its type {type_}: it would wrap around")


def _slices(samples: int, workers: int) -> list[tuple[int, int]]:
    """(first, count) of each worker's samples."""
    workers = max(1, min(workers, samples))
    edges = [samples * index // workers for index in range(workers + 1)]
    return [(first, last - first) for first, last in pairwise(edges)]


def _run_all(one: Callable[[int], None], count: int, stop: threading.Event) -> None:
    """Runs `one(0)`, …, `one(count - 1)` at once. The first failure, or Ctrl-C, ends the others' processes too."""
    with ThreadPoolExecutor(count) as pool:
        futures = [pool.submit(one, index) for index in range(count)]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
        finally:
            stop.set()
        failures = [error for future in futures if (error := future.exception()) is not None]
    for error in failures:
        # One that was stopped because another failed says nothing of its own.
        if not isinstance(error, _Stopped):
            raise error
