"""The outputs of the RTL, as co-simulation wrote them, against C simulation and Keras: integers against integers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hlsflow.foundation.errors import MismatchError, ReportError
from hlsflow.foundation.strict_read import read_bytes

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, kw_only=True, slots=True)
class Expected:
    """What one output port should give for the samples of the test bench.

    `csim` (n, size) int64 in multiples of 2^-fraction; `keras` (n, size) float64, None where Keras has no such output.
    """

    port: str
    fraction: int
    csim: np.ndarray
    keras: np.ndarray | None


def read_outputs(path: Path, ports: tuple[Expected, ...]) -> dict[str, np.ndarray]:
    """The integers of every port, (n, size) int64. The file has a line a sample and port, in the order of the ports.

    Raises ReportError where it is cut off or holds anything but multiples of the type's LSB.
    """
    import numpy as np

    try:
        lines = read_bytes(path).decode("utf-8", errors="replace").splitlines()
    except OSError as error:
        raise ReportError(f"{path}: not read: {error.strerror}") from error
    lines = [line for line in lines if line.strip()]
    samples = len(ports[0].csim)
    if len(lines) != samples * len(ports):
        raise ReportError(f"{path}: {len(lines)} lines, but {samples * len(ports)} are due: cut off, or of another run")
    found = {}
    for number, port in enumerate(ports):
        try:
            values = np.array([[float(word) for word in line.split()] for line in lines[number :: len(ports)]])
        except ValueError as error:
            raise ReportError(f"{path}: not a table of numbers: {error}") from error
        if values.shape != port.csim.shape:
            raise ReportError(f"{path}: {port.port} has {values.shape}, but {port.csim.shape} values are due: cut off?")
        scaled = values * 2.0**port.fraction
        whole = np.rint(scaled)
        if not np.array_equal(whole, scaled):
            raise ReportError(f"{path}: {port.port} holds values between the steps of its type, 2^-{port.fraction}")
        found[port.port] = whole.astype(np.int64)
    return found


def compare(path: Path, ports: tuple[Expected, ...]) -> str:
    """A sentence that says that the RTL's outputs are those of C simulation, and how they are to Keras'.

    Raises MismatchError naming the first difference, ReportError where the file is damaged.
    """
    import numpy as np

    rtl = read_outputs(path, ports)
    words = []
    for port in ports:
        wrong = np.argwhere(rtl[port.port] != port.csim)
        if len(wrong):
            sample, position = (int(index) for index in wrong[0])
            raise MismatchError(
                f"cosim: the RTL differs from C simulation in {len(wrong):,} of {port.csim.size:,} values of "
                f"'{port.port}', first in sample {sample}, value {position}: RTL {rtl[port.port][sample, position]}, "
                f"C simulation {port.csim[sample, position]} (in steps of 2^-{port.fraction})",
                hint=f"the RTL's outputs: {path}",
            )
        words.append(f"{port.csim.size:,} integers of {port.port} equal to C simulation{_against_keras(port)}")
    return f"{len(ports[0].csim)} samples through the RTL: " + "; ".join(words)


def _against_keras(port: Expected) -> str:
    import numpy as np

    if port.keras is None:
        return ""
    scaled = port.keras * 2.0**port.fraction
    if np.array_equal(scaled, port.csim):
        return " and to Keras"
    # A softmax of tables is close to Keras' and not equal; the gate has compared the exact values before it.
    off = float(np.max(np.abs(scaled - port.csim)))
    same = int(np.sum(port.keras.argmax(axis=1) == port.csim.argmax(axis=1)))
    return f", within {off:.2f} steps of Keras, same class in {same} of {len(port.csim)}"
