"""Mutation tests of the core: every mutant that cosmic-ray makes of a module must fail one of its nearest quick tests.

    uv run python benchmarks/mutation.py network/fixed_point             all of its mutants
    uv run python benchmarks/mutation.py network/ranges --sample 200     so many of them, by a fixed seed
    uv run python benchmarks/mutation.py network/ranges --again          its survivors alone, after new tests
    uv run python benchmarks/mutation.py --list                             modules and their tests
    uv run python benchmarks/mutation.py --page                             docs/mutation.md from the last results

Results are kept in benchmarks/mutation.json. A survivor that equals the original stands in equivalent_mutants.yaml with
its reason. cosmic-ray's own runner starts Python for every mutant; here a process that has imported what is expensive
(never hlsflow) forks one child a mutant, and the child's import system gives it the mutated text: no file changes, and
a mutant costs what its tests cost. What a test starts as a program of its own runs the original.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import hashlib
import importlib
import json
import os
import random
import re
import resource
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "flows" / "hlsflow"
RESULTS = ROOT / "benchmarks" / "mutation.json"
EQUIVALENT = ROOT / "benchmarks" / "equivalent_mutants.yaml"
PAGE = ROOT / "docs" / "mutation.md"
SEED = 2026
MEMORY_BYTES = 6 << 30
# A mutant that takes so many times as long as the original hangs.
PATIENCE = 5.0

# Of test_proofs those that load no TensorFlow.
PROOFS = tuple(
    f"proofs.py::test_{name}"
    for name in (
        "products_slopes_and_merges_beyond_float32 the_product_of_a_scale_counts_and_not_its_sum_alone "
        "a_fused_batch_normalization_computes_in_other_steps a_quantizer_does_not_make_a_rounded_value_exact_again "
        "a_quantizer_far_outside_of_its_range_misses_by_an_ulp an_input_wider_than_float32_is_not_exact "
        "a_sum_of_a_mean_beyond_float32_is_not_exact the_guard_bits_follow_the_finest_reader_and_its_configured_type "
        "the_finest_reader_is_found_behind_moves_and_maxima a_narrower_accumulator_of_a_mean_takes_the_proof_back "
        "no_value_leaves_its_interval_and_what_is_called_exact_in_float32_is"
    ).split()
)

# pytest's codes: passed, failed, could not be collected (the mutant cannot be imported); 70: the process ended.
_KNOWN_CODES = (0, 1, 2, 70)

# Modules whose tests write projects: hls4ml imports TensorFlow, which computes nothing, so that children can be forked.
WITH_HLS4ML = ("building/witnesses", "building/gate", "hls/effective", "hls/effective_target")

# The nearest quick tests of a module, the most direct first. But for those of WITH_HLS4ML none imports TensorFlow.
TESTS: dict[str, tuple[str, ...]] = {
    "network/fixed_point": ("fixed_point",),
    "network/quantizers": ("quantizers",),
    "network/graph": ("network",),
    "network/intervals": ("intervals", "float_limits"),
    "network/layer_types": ("layer_types", "ranges"),
    "network/ranges": ("range_rules", "ternary_scale", "float_limits", "ranges", *PROOFS),
    "emulation/emulator": ("emulator_values",),
    "emulation/step": ("emulator_step", "emulator_values", "emulator_products", "emulator_moves"),
    "emulation/layers": ("emulator_values", "emulator_products", "emulator_moves"),
    "emulation/elementwise": ("emulator_values",),
    "emulation/products": ("emulator_products",),
    "emulation/moves": ("emulator_moves",),
    "emulation/pooling": ("emulator_moves",),
    "hls/call_readers": ("integer_network", "emulator_values", "emulator_products", "emulator_moves"),
    "hls/window": ("emulator_moves", "emulator_products"),
    "building/agreement": ("agreement_counts", "agreement"),
    "records/verdict": ("verdict_edges", "verdict"),
    "building/witnesses": ("gate",),
    "building/gate": ("gate",),
    "hls/effective": ("effective", "effective_streams"),
    "hls/effective_target": ("effective", "effective_streams"),
    # Those that copy no package and start no process.
    "building/plan": tuple(
        f"plan.py::test_{name}"
        for name in (
            "one_weight_changes_all a_sample_changes_what_is_computed_of_samples "
            "how_many_samples_changes_what_is_computed_of_samples which_classes_changes_all_that_knows_the_recipe "
            "a_type_changes_the_project_and_a_gate_the_record_alone a_moved_workspace_changes_only_what_holds_its_path "
            "a_variant_is_named_by_its_configuration_and_what_the_command_line_changes "
            "the_compiler_changes_what_it_made an_environment_variable_changes_what_it_reaches "
            "another_keras_of_the_same_version_changes_all the_training_record_and_the_title_change_the_record"
        ).split()
    ),
    "records/evidence": ("evidence",),
    "network/softmax_bound": (
        "softmax_bound",
        "emulator_softmax.py::test_where_no_bound_is_derived_there_is_none_with_the_reason",
        "emulator_softmax.py::test_the_bound_of_many_classes_is_no_negative_number",
        "emulator_softmax.py::test_the_bound_grows_with_what_is_cut_off",
    ),
    "keys/imports": ("keys_imports",),
    "keys/distributions": ("keys_distributions",),
    "keys/environment": ("keys_environment",),
    "keys/compiler": ("keys_environment",),
    "foundation/steps": ("steps",),
    "network/float32": ("float32", "float_limits", *PROOFS),
    "network/pooling_rules": ("pooling_rules", "float_limits", *PROOFS),
    "vendor/result": ("vendor_result",),
    "frontends/keras/layers": ("frontend_layers",),
    # Icarus' tests, which take a second where Verilator's take twenty.
    "rtl/requantize": (
        "rtl_requantize.py::test_every_mode_equals_its_definition",
        "rtl_requantize.py::test_casts_follow_each_other_with_the_bounds_of_the_one_before",
        "rtl_requantize.py::test_no_cast_passes_the_value_on",
        "rtl_requantize.py::test_a_module_says_what_it_does",
        "rtl_requantize.py::test_a_type_that_holds_every_value_costs_no_logic",
        "rtl_requantize.py::test_no_wire_is_wider_than_its_values",
        "rtl_requantize.py::test_only_the_end_that_can_be_left_is_compared",
        "rtl_requantize.py::test_the_ports_are_as_wide_as_their_types",
        "rtl_requantize.py::test_signed_bits",
        "rtl_requantize.py::test_half_to_even_reads_as_its_definition",
    ),
    "estimation/arithmetic": ("estimate_arithmetic",),
    "reports/merge": ("merge_reports",),
    "comparison/comparability": ("comparability", "clock_tolerance", "comparison"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Mutant:
    """One change: cosmic-ray's operator and which of its places, with the place's line."""

    operator: str
    occurrence: int
    line: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What became of a mutant (`killed`, `timeout` or `survived`), the changed lines, and the test that failed."""

    mutant: Mutant
    verdict: str
    before: str
    after: str
    by: str


def mutants_of(source: str) -> list[Mutant]:
    """Every mutant of a module's text, but for those that cannot matter.

    Left out: annotations (never evaluated), arguments of decorators (`frozen=True`), `if TYPE_CHECKING`, `strict=True`,
    the stars of signatures, and the replacement of whole variables, which cosmic-ray needs names for.
    """
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.plugins import get_operator, operator_names

    ignored, signatures = _ignored(source), _signatures(source)
    nodes = list(ast_nodes(get_ast(source)))
    found = []
    for name in operator_names():
        if name.endswith(("VariableReplacer", "VariableInserter")):
            continue
        operator, count = get_operator(name)(), 0
        for node in nodes:
            for start, _ in operator.mutation_positions(node):
                spans = ignored + (signatures if "BinaryOperator" in name else [])
                if name.endswith("RemoveDecorator") or not any(low <= start < high for low, high in spans):
                    found.append(Mutant(operator=name, occurrence=count, line=start[0]))
                count += 1
    return found


# From a line and column to another, exclusive.
Span = tuple[tuple[int, int], tuple[int, int]]


def _signatures(source: str) -> list[Span]:
    functions = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef))
    return [((node.lineno, node.col_offset), (node.body[0].lineno, 0)) for node in functions]


def _ignored(source: str) -> list[Span]:
    spans: list[Span] = []

    def add(node: ast.expr) -> None:
        spans.append(((node.lineno, node.col_offset), (node.end_lineno or 0, node.end_col_offset or 0)))

    for node in ast.walk(ast.parse(source)):
        for annotation in (getattr(node, "annotation", None), getattr(node, "returns", None)):
            if annotation is not None:
                add(annotation)
        for decorator in getattr(node, "decorator_list", ()):
            add(decorator)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            spans.append(((node.lineno, node.col_offset), (node.test.lineno, node.test.end_col_offset or 0)))
        if isinstance(node, ast.keyword) and node.arg == "strict":
            add(node.value)
    return spans


def mutated(source: str, mutant: Mutant) -> str | None:
    """The mutated text, or None where it is no Python or means the same to the compiler."""
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    try:
        text = mutate_code(source, get_operator(mutant.operator)(), mutant.occurrence)
        same = text is None or ast.dump(ast.parse(text)) == ast.dump(ast.parse(source))
    except (SyntaxError, AttributeError):
        # cosmic-ray knows no dotted name of an exception.
        return None
    return None if same else text


class _Finder:
    """Gives one module another text."""

    def __init__(self, name: str, path: Path, source: str) -> None:
        self.name, self.path, self.source = name, path, source

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name != self.name:
            return None
        source = self.source

        class Loader(SourceFileLoader):
            def get_code(self, fullname: str) -> Any:
                return compile(source, self.path, "exec")

        return spec_from_file_location(name, self.path, loader=Loader(name, str(self.path)))


class _Watch:
    """A plug-in of pytest: the tests that killed most come first, and the first to fail is remembered."""

    def __init__(self, kills: Mapping[str, int]) -> None:
        self.kills, self.failed = kills, ""

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        items.sort(key=lambda item: -self.kills.get(item.nodeid, 0))

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed and not self.failed:
            self.failed = report.nodeid


def _child(finder: _Finder | None, tests: list[str], kills: Mapping[str, int], report: Path) -> None:
    """Runs the tests in this (forked) process and ends it; the verdict is written to `report`."""
    os.setsid()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    with report.with_suffix(".out").open("w") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    if finder is not None:
        sys.meta_path.insert(0, finder)
    import pytest

    watch = _Watch(kills)
    arguments = ["-x", "-q", "-m", "not slow", "-o", "addopts=", "-p", "no:cacheprovider", "--tb=line", *tests]
    code = int(pytest.main(arguments, plugins=[watch]))
    loaded = [
        name for name, module in sys.modules.items() if "site-packages" in (getattr(module, "__file__", "") or "")
    ]
    report.write_text(json.dumps({"code": code, "by": watch.failed, "loaded": loaded}))
    os._exit(0)


def run_tests(
    finder: _Finder | None, tests: list[str], kills: Mapping[str, int], timeout_s: float
) -> dict[str, Any] | None:
    """The child's report, or None where it hung."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            try:
                _child(finder, tests, kills, report)
            finally:
                os._exit(70)
        deadline = time.monotonic() + timeout_s
        while os.waitpid(child, os.WNOHANG) == (0, 0):
            if time.monotonic() > deadline:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child, signal.SIGKILL)
                os.waitpid(child, 0)
                return None
            time.sleep(0.005)
        if not report.is_file():
            # Ended without a word: out of memory, or a crash in native code.
            return {"code": 70, "by": "the process ended", "loaded": []}
        return json.loads(report.read_text()) | {"output": report.with_suffix(".out").read_text()}


def _prepare(loaded: list[str]) -> None:
    """Imports what the tests import from other packages, so that children have it already."""
    import hypothesis

    for name in loaded:
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    hypothesis.settings.register_profile(
        "mutation", derandomize=True, database=None, deadline=None, print_blob=False,
        phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
        suppress_health_check=list(hypothesis.HealthCheck),
    )  # fmt: skip
    hypothesis.settings.load_profile("mutation")
    # What is imported here no child imports again, mutated or not.
    assert not any(name.startswith("hlsflow") for name in sys.modules)


def _changed_lines(source: str, text: str) -> tuple[str, str]:
    before, after = source.splitlines(), text.splitlines()
    first = next(i for i, (a, b) in enumerate(zip([*before, ""], [*after, ""], strict=False)) if a != b)
    tail = 0
    while tail < min(len(before), len(after)) - first and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    return tuple(  # type: ignore[return-value]
        " ".join(" ".join(lines[first : len(lines) - tail]).split()) for lines in (before, after)
    )


def outcomes(module: str, chosen: list[Mutant], tests: list[str]) -> Iterator[Outcome]:
    """What became of each mutant. Raises SystemExit where the tests fail without any mutant."""
    path = PACKAGE / f"{module}.py"
    source, name = path.read_text(), f"hlsflow.{module.replace('/', '.')}"
    first = run_tests(None, tests, {}, 600)
    if first is None or first["code"]:
        raise SystemExit(f"{module}: its tests fail without a mutant: {first and first.get('output', '')[-2000:]}")
    if module not in WITH_HLS4ML and any(name.startswith("tensorflow.") for name in first["loaded"]):
        raise SystemExit(f"{module}: its tests import TensorFlow")
    _prepare(first["loaded"])
    started = time.monotonic()
    run_tests(None, tests, {}, 600)
    timeout_s = 10 + PATIENCE * (time.monotonic() - started)
    kills: Counter[str] = Counter()
    for mutant in chosen:
        text = mutated(source, mutant)
        if text is None:
            continue
        found = run_tests(_Finder(name, path, text), tests, kills, timeout_s)
        if found is not None and found["code"] not in _KNOWN_CODES:
            raise SystemExit(f"{module}: the tests could not be run: {found.get('output', '')[-500:]}")
        verdict = "timeout" if found is None else "killed" if found["code"] else "survived"
        by = (found or {}).get("by", "")
        kills[by] += 1
        before, after = _changed_lines(source, text)
        yield Outcome(mutant=mutant, verdict=verdict, before=before, after=after, by=by)


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """Why mutants of a module are the original: those whose `before -> after` the pattern finds."""

    module: str
    pattern: re.Pattern[str]
    reason: str


def explained() -> list[Explanation]:
    """What stands in equivalent_mutants.yaml. `any` is every module's."""
    import yaml

    listed = yaml.safe_load(EQUIVALENT.read_text()) if EQUIVALENT.is_file() else {}
    return [
        Explanation(module=module, pattern=re.compile(pattern), reason=" ".join(group["reason"].split()))
        for module, groups in (listed or {}).items()
        for group in groups
        for pattern in group["mutants"]
    ]


def reason_of(explanations: list[Explanation], module: str, before: str, after: str) -> str | None:
    text = f"{before} -> {after}"
    return next((e.reason for e in explanations if e.module in (module, "any") and e.pattern.search(text)), None)


def _test_path(name: str) -> str:
    """The path of a test file, `ranges`, or of one test in it, `plan.py::test_x`, whichever room it is in."""
    file, found, test = name.partition(".py::")
    path = next((ROOT / "tests").rglob(f"test_{file}.py"))
    return f"{path}::{test}" if found else str(path)


def mutate(module: str, sample: int | None, *, only: str = "", again: bool = False) -> None:
    """Runs a module's mutants, prints the survivors and keeps the result.

    `only` are lines (`40-60`); `again` takes the survivors of the last run alone, which new tests may kill.
    """
    results = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    source = (PACKAGE / f"{module}.py").read_text()
    tests = [_test_path(name) for name in TESTS[module]]
    every = mutants_of(source)
    chosen = list(every)
    random.Random(SEED).shuffle(chosen)
    chosen = chosen[:sample] if sample is not None else chosen
    digest = hashlib.sha256(source.encode()).hexdigest()
    if again:
        if results.get(module, {}).get("source") != digest:
            raise SystemExit(f"{module} has changed since its last run: run it anew, without --again")
        left = {(item["operator"], item["occurrence"]) for item in results[module]["survivors"]}
        chosen = [mutant for mutant in every if (mutant.operator, mutant.occurrence) in left]
    if only:
        low, _, high = only.partition("-")
        chosen = [mutant for mutant in chosen if int(low) <= mutant.line <= int(high or low)]
    reasons, started = explained(), time.monotonic()
    counted: Counter[str] = Counter()
    survivors = []
    for outcome in outcomes(module, chosen, tests):
        known = reason_of(reasons, module, outcome.before, outcome.after)
        counted["equivalent" if outcome.verdict == "survived" and known else outcome.verdict] += 1
        if outcome.verdict == "survived":
            survivors.append(
                {
                    "operator": outcome.mutant.operator,
                    "occurrence": outcome.mutant.occurrence,
                    "before": outcome.before,
                    "after": outcome.after,
                }
            )
            if known is None:
                print(f"{module}.py:{outcome.mutant.line}: {outcome.before}\n  -> {outcome.after}", flush=True)
    tried = sum(counted.values())
    print(
        f"{module}: {dict(counted)} of {tried} tried, {len(every)} in all, {time.monotonic() - started:.0f} s",
        flush=True,
    )
    if only:
        return
    results = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    if again:
        tried = results[module]["tried"]
    results[module] = {
        "tests": list(dict.fromkeys(f"test_{name.split('.')[0]}" for name in TESTS[module])),
        "source": digest,
        "mutants": len(every),
        "tried": tried,
        "killed": tried - len(survivors),
        "survivors": survivors,
    }
    RESULTS.write_text(json.dumps(dict(sorted(results.items())), indent=1, ensure_ascii=False) + "\n")


def page() -> str:
    """docs/mutation.md."""
    results, explanations = json.loads(RESULTS.read_text()), explained()
    reasons = {
        (module, item["before"], item["after"]): reason_of(explanations, module, item["before"], item["after"])
        for module, found in results.items()
        for item in found["survivors"]
    }
    lines = [
        "# Mutation tests", "",
        "Made by `python benchmarks/mutation.py --page` from the last run of `python benchmarks/mutation.py MODULE` of",
        f"each module (cosmic-ray's operators; a sample is drawn with seed {SEED}). A mutant is one changed operator,",
        "number, condition or decorator; it is killed where one of the module's quick tests fails. Annotations,",
        "arguments of decorators and `strict=True` are not mutated.", "",
        "| module | tests | mutants | tried | killed | equivalent | open |", "|---|---|--:|--:|--:|--:|--:|",
    ]  # fmt: skip
    for module, found in results.items():
        known = [item for item in found["survivors"] if reasons[module, item["before"], item["after"]]]
        now = hashlib.sha256((PACKAGE / f"{module}.py").read_bytes()).hexdigest()
        changed = "" if found.get("source") == now else " (changed since)"
        lines.append(
            f"| `{module}`{changed} | {', '.join(f'`{name}`' for name in found['tests'])} | {found['mutants']} | "
            f"{found['tried']} | {found['killed']} | {len(known)} | {len(found['survivors']) - len(known)} |"
        )
    lines += ["", "## Mutants that survive", "", "With the reason why no test can tell them from the original."]
    for module, found in results.items():
        if found["survivors"]:
            lines += ["", f"### `{module}`", ""]
        groups: dict[str, list[str]] = {}
        for item in found["survivors"]:
            reason = (
                reasons[module, item["before"], item["after"]]
                or "**open**: no test fails, and nobody has shown that it is equivalent."
            )
            groups.setdefault(reason, []).append(f"  - `{item['before']}` as `{item['after']}`")
        for reason, items in groups.items():
            lines += [f"- {reason}", *sorted(items)]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="below flows/hlsflow, without .py")
    parser.add_argument("--sample", type=int, help="so many mutants at most, drawn with a fixed seed")
    parser.add_argument("--lines", default="", help="mutants of these lines alone (e.g. 40-60); keeps no result")
    parser.add_argument("--again", action="store_true", help="the survivors of the last run alone, after new tests")
    parser.add_argument("--list", action="store_true", help="the modules and their tests")
    parser.add_argument("--page", action="store_true", help="write docs/mutation.md from the results")
    options = parser.parse_args()
    unknown = [module for module in options.modules if module not in TESTS]
    if unknown:
        parser.error(f"no tests are named for {', '.join(unknown)}; known: {', '.join(TESTS)}")
    # One thread in numpy: children are forked, and the machine is shared.
    os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")
    os.chdir(ROOT)
    sys.path[:0] = [str(ROOT / "flows"), str(ROOT / "tests")]
    if options.list:
        for module, tests in TESTS.items():
            print(f"{module}: {', '.join(tests)}")
    for module in options.modules:
        mutate(module, options.sample, only=options.lines, again=options.again)
    if options.page:
        PAGE.write_text(page())


if __name__ == "__main__":
    main()
