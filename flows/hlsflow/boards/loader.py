"""openFPGALoader: a bitstream sent to a board."""

from __future__ import annotations

import re
from pathlib import Path

from hlsflow.boards.image import BoardImage
from hlsflow.foundation.errors import ToolError
from hlsflow.opentools.tools import OpenTool
from hlsflow.processes.process import ask, run

FLASH_TIMEOUT_S = 600
_LIST_TIMEOUT_S = 20


def flash(image: BoardImage, folder: Path, tool: OpenTool, *, permanent: bool) -> Path:
    """Sends the bitstream in a folder to the board; gives back the log.

    `permanent`: into the flash, from which the board starts; else into the device, until its power is off. Raises
    ToolError where there is no bitstream, the tool does not know the board, or it fails.
    """
    if image.bitstream is None:
        raise ToolError(f"there is no bitstream for {image.board}: {image.no_bitstream}")
    bitstream = folder / image.bitstream
    if not bitstream.is_file():
        raise ToolError(f"{bitstream}: no such file", hint="build the model again")
    loader = image.wiring.loader
    listed = ask((*tool.command, "--list-boards"), timeout_s=_LIST_TIMEOUT_S)
    if listed is not None and not re.search(rf"^{re.escape(loader)}\s", listed.output, re.MULTILINE):
        raise ToolError(
            f"openFPGALoader {tool.version} does not know the board '{loader}'",
            hint="a newer one does, from your system's packages or built from its sources; the bitstream is "
            f"{bitstream}",
        )
    log = folder / "openFPGALoader.log"
    run(
        (*tool.command, "--board", loader, *(["--write-flash"] if permanent else []), str(bitstream.resolve())),
        log=log,
        timeout_s=FLASH_TIMEOUT_S,
        what="openFPGALoader",
    )
    return log
