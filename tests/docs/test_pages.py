"""The documentation is true: generated blocks are those of the code, links lead somewhere, commands exist."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from hlsflow.__main__ import COMMANDS, make_parser
from hlsflow.cli.schema import FILES, model_of
from hlsflow.foundation.schema import json_schema, keys
from hlsflow.network.fixed_point import FixedType, Overflow, Rounding
from hlsflow.reports.figures import Stage

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
COMMAND = re.compile(
    r"(?:\S+=\S+ )*(?:uv run (?:--\S+ (?:[a-z]+\d? )?)*)?(?:python )?(?:hlsflow|flows/(\w+)\.py)(?: (.*))?$"
)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="argparse words its help otherwise")
def test_generated_blocks_are_what_the_code_says():
    command = [sys.executable, str(ROOT / "docs" / "generator"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}\nuv run python docs/generator NAME fills a block"


def test_a_block_that_is_out_of_date_is_found(tmp_path):
    (tmp_path / "docs").mkdir()
    for page in PAGES:
        (tmp_path / page.relative_to(ROOT)).write_text(page.read_text().replace("| `csim` |", "| `chance` |"))
    script = """
import pathlib, runpy, sys
generator, page = sys.argv[1:]
sys.path.insert(0, generator)
made = runpy.run_path(f"{generator}/__main__.py")
text = pathlib.Path(page).read_text()
sys.exit(made["filled"](text, {"stages": made["STATIC"]["stages"]()}) != text)
"""
    for root, stale in ((ROOT, 0), (tmp_path, 1)):
        command = [sys.executable, "-c", script, str(ROOT / "docs" / "generator"), str(root / "docs" / "reports.md")]
        assert subprocess.run(command).returncode == stale


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for link in LINK.findall(page.read_text()):
        if link.startswith(("http://", "https://")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / unquote(path)) if path else page
        assert target.exists(), f"{page.name}: {link}"
        assert not anchor or anchor in anchors(target), f"{page.name}: {link}: no such heading"


def test_every_page_is_reached_from_the_readme():
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or not page.is_file():
            continue
        reached.add(page)
        if page.suffix == ".md" and (page.parent == ROOT / "docs" or page.parent == ROOT):
            links = (link.partition("#")[0] for link in LINK.findall(page.read_text()))
            waiting += [(page.parent / link).resolve() for link in links if link and "://" not in link]
    assert set(PAGES) <= reached


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 120


def commands(page: Path) -> list[list[str]]:
    """The words of every `hlsflow ...` and `flows/*.py ...` that a page tells its reader to type."""
    text = re.sub(r"<!-- output:.*?<!-- /output:[\w-]+ -->", "", page.read_text(), flags=re.DOTALL)
    fenced = re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    said = [line.partition("#")[0] for part in fenced for line in part.splitlines()]
    said += re.findall(r"`([^`\n]+)`", text)
    found = []
    for line in said:
        match = COMMAND.match(line.strip())
        if match and (match[1] or match[2]):
            found.append([*([match[1]] if match[1] else []), *(match[2] or "").split()])
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_options_exist(page):
    """Words in capitals are for the reader to fill in; every command and every option is one that there is."""
    for words in commands(page):
        name, options = words[0], [word.partition("=")[0].strip("…") for word in words[1:] if word.startswith("--")]
        if name == "COMMAND" or name.startswith("--"):
            continue
        assert name in COMMANDS, f"{page.name}: hlsflow {' '.join(words)}"
        parsers = [make_parser(name)]
        known = set()
        while parsers:
            for action in parsers.pop()._actions:
                known.update(action.option_strings)
                if isinstance(action.choices, dict):
                    parsers += [action.choices[word] for word in words if word in action.choices]
        assert set(options) <= known | {""}, f"{page.name}: hlsflow {' '.join(words)}"


def test_commands_are_found_in_the_pages():
    assert ["build", "--model", "qap8"] in commands(ROOT / "README.md")
    assert sum(len(commands(page)) for page in PAGES) > 30


SHIPPED = [(kind, path) for kind, files in FILES.items() for path in sorted(ROOT.glob(files))]


@pytest.mark.parametrize("kind", FILES)
def test_every_key_says_what_it_means(kind):
    assert [key.path for key in keys(json_schema(model_of(kind), kind)) if not key.meaning] == []


@pytest.mark.parametrize(("kind", "path"), SHIPPED, ids=lambda item: item if isinstance(item, str) else item.stem)
def test_shipped_files_keep_to_their_schema(kind, path):
    schema = json.loads((ROOT / "docs" / "schema" / f"{kind}.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    content = yaml.safe_load(path.read_text().replace("3e-3", "3.0e-3").replace("1e-3", "1.0e-3"))
    jsonschema.Draft202012Validator(schema).validate(content)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"bakend": "Vitis"}, "bakend"),
        ({"backend": "Quartus"}, "Quartus"),
        ({"layers": {"fc1": {"precision": {"acum": "fixed<8,4>"}}}}, "acum"),
        ({"layers": {"fc1": {"precision": {"accum": "fixed<8>"}}}}, "fixed<8>"),
        ({"layers": {"fc1": {"reuse_factor": 0}}}, "0"),
        ({"gate": {"kind": "perfect"}}, "perfect"),
    ],
)
def test_the_schema_refuses_what_lint_refuses(change, said):
    schema = json_schema(model_of("configuration"), "configuration")
    with pytest.raises(jsonschema.ValidationError, match=re.escape(said)):
        jsonschema.validate({"backend": "Vitis", **change}, schema)


@given(
    st.builds(
        FixedType,
        width=st.integers(1, 64),
        integer=st.integers(-32, 64),
        signed=st.booleans(),
        rounding=st.sampled_from(list(Rounding)),
        overflow=st.sampled_from(list(Overflow)),
    )
)
def test_the_schema_takes_every_type(precision):
    schema = json_schema(model_of("configuration"), "configuration")
    jsonschema.validate({"layers": {"fc1": {"precision": {"weight": str(precision)}}}}, schema)


def test_every_stage_is_explained():
    glossary = (ROOT / "docs" / "glossary.md").read_text()
    assert [stage for stage in Stage if f"`{stage}`" not in glossary] == []
