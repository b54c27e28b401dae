"""Fills the blocks of README.md and docs/*.md between `<!-- output:NAME -->` marks with what code or a command says.

    uv run python docs/generator [--check] [NAME ...]

Without names every block is filled. Those of `reference` and `tables` follow from the code and the shipped records, and
tests hold them to it; those of `measured` run commands: they need MNIST (HLSFLOW_DATA) and, for what tells seconds, a
machine that does nothing else meanwhile. --check fills the first kind alone and fails where a file would change.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "flows"), str(Path(__file__).parent)]

import measured  # noqa: E402
import reference  # noqa: E402
import tables  # noqa: E402

Block = Callable[[], str]
# What follows from the files of the checkout alone.
STATIC: dict[str, Block] = {**reference.BLOCKS, **tables.BLOCKS}
BLOCKS: dict[str, Block] = {**STATIC, **measured.BLOCKS}
_MARK = re.compile(r"<!-- output:([\w-]+) -->\n(.*?)<!-- /output:\1 -->", re.DOTALL)


def pages() -> list[Path]:
    """The files that may have blocks."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def filled(text: str, outputs: dict[str, str]) -> str:
    """A page with the blocks of `outputs` filled in."""

    def block(match: re.Match[str]) -> str:
        name = match[1]
        return f"<!-- output:{name} -->\n{outputs.get(name, match[2].rstrip())}\n<!-- /output:{name} -->"

    return _MARK.sub(block, text)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a page is out of date")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"blocks (default: all): {', '.join(BLOCKS)}")
    args = parser.parse_args()
    texts = {page: page.read_text() for page in pages()}
    placed = {match[1] for text in texts.values() for match in _MARK.finditer(text)}
    for name in {*args.names} | placed:
        if name not in BLOCKS or name not in placed:
            parser.error(f"no block '{name}'" if name not in BLOCKS else f"no page has a block '{name}'")
    names = args.names or sorted(placed & set(STATIC if args.check else BLOCKS))
    outputs = {name: BLOCKS[name]() for name in names}
    stale = [page for page, text in texts.items() if filled(text, outputs) != text]
    for page in stale:
        print(f"{page.relative_to(ROOT)}: {'out of date' if args.check else 'filled anew'}")
        if not args.check:
            page.write_text(filled(texts[page], outputs))
    schemas = reference.schema_files()
    other = [path for path, text in schemas.items() if not path.is_file() or path.read_text() != text]
    for path in other:
        print(f"{path.relative_to(ROOT)}: {'out of date' if args.check else 'written anew'}")
        if not args.check:
            path.parent.mkdir(exist_ok=True)
            path.write_text(schemas[path])
    return 1 if args.check and (stale or other) else 0


if __name__ == "__main__":
    sys.exit(main())
