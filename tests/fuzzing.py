"""`pytest --fuzz N`: so many random models; without it a few. What came of them is counted in the last lines."""

from __future__ import annotations

from collections import Counter

FEW = 24
# Of so many models one is compiled.
EACH = 8
OUTCOME = "fuzz outcome"


def pytest_addoption(parser):
    parser.addoption(
        "--fuzz", type=int, metavar="N", help="compare N random models with Keras, and nothing beside them"
    )
    parser.addoption(
        "--fuzz-seed", type=int, default=0, metavar="S", help="of the first of them (default: %(default)s)"
    )


def pytest_generate_tests(metafunc):
    first, count = metafunc.config.getoption("fuzz_seed"), metafunc.config.getoption("fuzz")
    if "fuzz_seed" in metafunc.fixturenames:
        metafunc.parametrize("fuzz_seed", range(first, first + (FEW if count is None else count)))
    elif "simulated_seed" in metafunc.fixturenames:
        metafunc.parametrize("simulated_seed", range(first, first + (FEW if count is None else count), EACH))


def pytest_collection_modifyitems(config, items):
    if config.getoption("fuzz") is not None:
        kept = [item for item in items if {"fuzz_seed", "simulated_seed"} & set(getattr(item, "fixturenames", ()))]
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = kept


def pytest_terminal_summary(terminalreporter, config):
    if config.getoption("fuzz") is None:
        return
    found: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            found.update(value for name, value in getattr(report, "user_properties", ()) if name == OUTCOME
                         and report.when == "call")  # fmt: skip
    terminalreporter.section("random models")
    for said, count in found.most_common():
        terminalreporter.write_line(f"{count:6}  {said}")
