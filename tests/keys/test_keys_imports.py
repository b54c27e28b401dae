"""The closure of a step's imports is what Python's own parser finds, and follows each form of an import."""

from __future__ import annotations

import ast
import shutil
import sys

import pytest

from hlsflow.building.tools import registry
from hlsflow.compression.methods import METHODS
from hlsflow.keys.distributions import COMPUTING, IDLE
from hlsflow.keys.imports import ROOT, Imports, Sources, imports_of

SOURCES = Sources()
STEPS = ("network", "reference", "hls", "compile", "csim")


class Parsed(ast.NodeVisitor):
    """What Python's parser finds of a module's imports and of what it names in strings."""

    def __init__(self, package: str) -> None:
        self.package = package.split(".")
        self.modules: set[str] = set()
        self.named: set[str] = set()
        self.below: set[str] = set()

    def visit_If(self, node):
        if ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            for child in node.orelse:
                self.visit(child)
        else:
            self.generic_visit(node)

    def visit_Import(self, node):
        self.modules.update(alias.name for alias in node.names)

    def visit_ImportFrom(self, node):
        parents = self.package[: len(self.package) - node.level + 1] if node.level else []
        base = ".".join([*parents, *([node.module] if node.module else [])])
        self.modules.add(base)
        self.modules.update(f"{base}.{alias.name}" for alias in node.names if alias.name != "*")

    def visit_Constant(self, node):
        if isinstance(node.value, str) and node.value in SOURCES.paths:
            self.named.add(node.value)

    def visit_JoinedStr(self, node):
        first = node.values[0] if node.values else None
        if isinstance(first, ast.Constant) and str(first.value).startswith("hlsflow.") and len(node.values) > 1:
            self.below.add(first.value.rpartition(".")[0])
        self.generic_visit(node)


@pytest.mark.parametrize("module", sorted(SOURCES.paths))
def test_the_scanner_finds_what_the_parser_finds(module):
    text = SOURCES.paths[module].read_text()
    parsed = Parsed(SOURCES.package(module))
    parsed.visit(ast.parse(text))
    found = imports_of(text, SOURCES.package(module))
    # The scanner may find more (words in a docstring), of this package and of others that are real.
    assert parsed.modules <= found.modules
    assert {name for name in found.modules - parsed.modules if name in SOURCES.paths} == set()
    assert parsed.named <= found.named
    assert parsed.below <= found.below


@pytest.mark.parametrize(
    ("text", "modules"),
    [
        ("import hlsflow.a", {"hlsflow.a"}),
        ("import hlsflow.a as b, os", {"hlsflow.a", "os"}),
        ("from hlsflow.a import b", {"hlsflow.a", "hlsflow.a.b"}),
        ("from hlsflow.a import b as c, d  # why", {"hlsflow.a", "hlsflow.a.b", "hlsflow.a.d"}),
        ("from hlsflow.a import (\n    b,  # (why)\n    c,\n)\n", {"hlsflow.a", "hlsflow.a.b", "hlsflow.a.c"}),
        ("from hlsflow.a import b, \\\n    c\n", {"hlsflow.a", "hlsflow.a.b", "hlsflow.a.c"}),
        ("from hlsflow.a import *", {"hlsflow.a"}),
        ("from . import a", {"hlsflow.x", "hlsflow.x.a"}),
        ("from .a import b", {"hlsflow.x.a", "hlsflow.x.a.b"}),
        ("from ..a import b", {"hlsflow.a", "hlsflow.a.b"}),
        ("def f():\n    if x:\n        from hlsflow.a import b\n", {"hlsflow.a", "hlsflow.a.b"}),
        ("try: import hlsflow.a\nexcept ImportError: pass\n", {"hlsflow.a"}),
        ("x = 1; import hlsflow.a; import hlsflow.b\n", {"hlsflow.a", "hlsflow.b"}),
        ("if TYPE_CHECKING:\n    from hlsflow.a import (\n        b,\n    )\n\n    import c\nimport d\n", {"d"}),
        ("if typing.TYPE_CHECKING:\n    import a\nelse:\n    import b\n", {"b"}),
        ("class A:\n    if TYPE_CHECKING:\n        import a\n    import b\n", {"b"}),
        ("if not TYPE_CHECKING:\n    import a\n", {"a"}),
    ],
)
def test_every_form_of_an_import_is_found(text, modules):
    assert imports_of(text, "hlsflow.x").modules == modules


def test_modules_named_in_strings_are_found():
    text = """
        A = {"a": "hlsflow.a.b", 'c': 'hlsflow.c'}
        importlib.import_module(f"hlsflow.d.{name}")
        importlib.import_module("hlsflow.e." + name)
        COMMAND = [sys.executable, str(Path(__file__).parents[1] / "script.py")]
        HINT = "hlsflow build --model hlsflow.f"
    """
    assert imports_of(text) == Imports(
        modules=frozenset(),
        named=frozenset({"hlsflow.a.b", "hlsflow.c"}),
        below=frozenset({"hlsflow.d", "hlsflow.e"}),
        files=frozenset({"script.py"}),
    )


def test_what_imports_by_name_names_what_it_imports():
    """A module that imports what a variable names has the names in its own text, or the closure would end there.

    It should end at the package itself: its functions for notebooks are run by people, and by no step.
    """
    for module, path in SOURCES.paths.items():
        if "import_module(" in path.read_text() and not module.startswith("hlsflow.keys") and module != "hlsflow":
            found = SOURCES.imports(module)
            assert found.named & set(SOURCES.paths) or found.below, module


@pytest.mark.parametrize(
    ("root", "reached"),
    [
        # What the hand-kept lists had forgotten.
        *(
            (f"hlsflow.building.steps.{step}", name)
            for step in STEPS
            for name in ("hlsflow.foundation.workspace", f"hlsflow.building.steps.{step}", "hlsflow.building.steps")
        ),
        ("hlsflow.building.steps.network", "hlsflow.building.session"),
        ("hlsflow.building.steps.network", "hlsflow.foundation.strict_yaml"),
        ("hlsflow.building.steps.reference", "hlsflow.building.session"),
        ("hlsflow.building.steps.reference", "hlsflow.frontends.keras.runtime"),
        ("hlsflow.building.steps.reference", "hlsflow.datasets.dataset"),
        ("hlsflow.building.steps.hls", "hlsflow.hls.config"),
        ("hlsflow.building.steps.hls", "hlsflow.hls.lint"),
        ("hlsflow.building.steps.compile", "hlsflow.processes.process"),
        ("hlsflow.building.steps.csim", "hlsflow.processes.process"),
        ("hlsflow.building.steps.csim", "hlsflow.datasets.digits_as_mnist"),
        *(
            ("hlsflow.building.tools.vendor", f"hlsflow.{name}")
            for name in (
                "building.stages", "hls.project", "vendor.diagnosis", "vendor.diagnosis_rules",
                "vendor.toolchain", "vendor.run",
            )
        ),
        *(
            ("hlsflow.building.tools.open", f"hlsflow.{name}")
            for name in (
                "building.stages", "hls.project", "network.fixed_point", "hls.window",
                "opentools.tools", "processes.limited", "opentools.pyosys_script",
            )
        ),
        # Run as a program of its own.
        ("hlsflow.opentools.tools", "hlsflow.opentools.pyosys_script"),
        ("hlsflow.exploring.point_steps.compress", "hlsflow.training.training"),
        ("hlsflow.exploring.point_steps.compress", "hlsflow.models.zoo"),
        ("hlsflow.exploring.point_steps.config", "hlsflow.building.configure"),
        ("hlsflow.exploring.point_steps.tflite", "hlsflow.compression.tflite_measure"),
    ],
)  # fmt: skip
def test_what_was_forgotten_counts(root, reached):
    assert reached in SOURCES.closure(root).modules


@pytest.mark.parametrize(
    ("root", "file"),
    [
        ("hlsflow.building.tools.open", "rtl/verilog/mac_array.v"),
        ("hlsflow.building.tools.open", "rtl/templates/harness.cpp"),
        ("hlsflow.building.tools.vendor", "vendor/data/failures.toml"),
        ("hlsflow.building.tools.estimate", "estimation/data/model.json"),
        ("hlsflow.building.tools.estimate", "devices/data/devices.csv"),
    ],
)
def test_data_files_beside_what_runs_count(root, file):
    assert file in SOURCES.closure(root).files


def test_what_does_not_run_in_a_step_does_not_count():
    network = SOURCES.closure("hlsflow.building.steps.network").modules
    assert not {
        name
        for name in network
        if name.split(".")[1:2]
        and name.split(".")[1] in ("estimation", "rtl", "opentools", "vendor", "reports", "exploring")
    }
    assert "hlsflow.hls.csim" not in network
    record = SOURCES.closure("hlsflow.building.pipeline", ends=(registry.__name__,)).modules
    assert registry.__name__ in record and "hlsflow.building.tools.open" not in record
    assert "hlsflow.building.tools.open" in SOURCES.closure("hlsflow.building.pipeline").modules


def test_of_a_registry_only_the_chosen_one_counts():
    """A point of a sweep took hours: another method's code does not make it anew."""
    closure = SOURCES.closure(
        "hlsflow.exploring.point_steps.compress", METHODS["low_rank"].module, ends=("hlsflow.compression.methods",)
    ).modules  # fmt: skip
    assert METHODS["low_rank"].module in closure and METHODS["activation_pruning"].module not in closure


def test_every_other_package_is_known_to_compute_or_not():
    """A new dependency is told to the keys: else its version would be in none."""
    everything = SOURCES.closure(*SOURCES.paths).others
    assert everything - set(COMPUTING) - IDLE == set()
    assert not everything & set(sys.stdlib_module_names)


@pytest.fixture
def copied(tmp_path):
    """A copy of the package to change."""
    root = tmp_path / "hlsflow"
    shutil.copytree(ROOT, root, ignore=shutil.ignore_patterns("__pycache__"))

    def change(module: str, old: str, new: str) -> None:
        path = root / module
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    return root, change


def digests(root) -> dict[str, str]:
    return {step: Sources(root).closure(f"hlsflow.building.steps.{step}").digest for step in STEPS}


def test_a_copy_is_the_same(copied):
    assert digests(copied[0]) == digests(ROOT)


@pytest.mark.parametrize(
    ("module", "old", "new", "steps"),
    [
        ("frontends/witness.py", "return ", "return 0 or ", {"reference", "hls", "csim"}),
        ("building/session.py", "return self._live", "return self.live_of()", {"network", "reference"}),
        ("hls/csim.py", "-O1", "-O2", {"compile", "csim"}),
        ("hls/convert.py", "TraceOutput", "Trace", {"hls"}),
        ("network/fixed_point.py", "def ", "def  ", set(STEPS)),
        ("foundation/errors.py", "class ", "class  ", set(STEPS)),
        ("foundation/__init__.py", "", "X = 1\n", set(STEPS)),
        ("reports/run_table.py", "def ", "def  ", set()),
        ("devices/data/devices.csv", "xc7z020", "xc7z021", set()),
    ],
)
def test_a_line_of_code_changes_the_steps_that_it_runs_in(copied, module, old, new, steps):
    root, change = copied
    change(module, old, new)
    after = digests(root)
    assert {step for step, before in digests(ROOT).items() if before != after[step]} == steps


@pytest.mark.parametrize(
    "line",
    [
        "from hlsflow.reports.vivado import power\n",
        "def f():\n    import hlsflow.reports.vivado.power\n",
        'NAMES = {"power": "hlsflow.reports.vivado.power"}\n',
    ],
)
def test_an_import_that_is_added_brings_its_module(copied, line):
    root, change = copied
    change("hls/project.py", "from __future__ import annotations\n", f"from __future__ import annotations\n{line}")
    before = Sources(root).closure("hlsflow.building.steps.compile")
    assert "hlsflow.reports.vivado.power" in before.modules
    change("reports/vivado/power.py", "def ", "def  ")
    assert Sources(root).closure("hlsflow.building.steps.compile").digest != before.digest
