"""Which tests a run has, and its last lines: what was left out or skipped, how many, and the command that has it.

`pytest` is what a newcomer waits for; `--all` adds the tests marked slow; `--faults` runs the injected faults alone.
What is asked for by its name (`FILE::TEST`) or by a marker (`-m`) is not left out for being slow.
"""

from __future__ import annotations

from collections import Counter

import pytest

# Kills, hangs and deadlines: they need a machine to themselves, and so a run of their own.
FAULT_TESTS = ("test_faults.py", "test_queue.py", "test_interrupt_faults.py")
SLOW, FAULTS = "slow tests (compile C++, simulate RTL or train)", "fault tests (kills, hangs and deadlines)"
COMMANDS = {SLOW: "uv run --extra open pytest --all", FAULTS: "uv run pytest --faults --timeout 180"}


def pytest_addoption(parser):
    parser.addoption("--all", action="store_true", dest="every", help="run the tests marked slow, too")
    parser.addoption("--faults", action="store_true", help="run the fault injection tests, and nothing beside them")


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config):
    if config.getoption("faults"):
        config.option.numprocesses = 0


def pytest_configure(config):
    config.left_out = Counter()


def pytest_collection_modifyitems(config, items):
    faults = config.getoption("faults")
    asked = config.getoption("every") or config.getoption("fuzz", None) is not None
    slow = asked or config.getoption("markexpr") or any("::" in word for word in config.args)
    kept, left_out = [], []
    for item in items:
        if (item.path.name in FAULT_TESTS) != faults:
            left_out.append((item, None if faults else FAULTS))
        elif not (faults or slow) and item.get_closest_marker("slow"):
            left_out.append((item, SLOW))
        else:
            kept.append(item)
    config.left_out.update(why for _, why in left_out if why is not None)
    config.hook.pytest_deselected(items=[item for item, _ in left_out])
    items[:] = kept


def pytest_sessionfinish(session):
    # Under xdist the workers know it, and each of them the same.
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left_out"] = dict(session.config.left_out)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node, error):
    node.config.left_out = Counter(getattr(node, "workeroutput", {}).get("left_out", {}))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter, config):
    result = yield
    lines = [("left out", count, what, COMMANDS[what]) for what, count in sorted(config.left_out.items())]
    skipped = terminalreporter.stats.get("skipped", ())
    reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in skipped)
    for reason, count in sorted(reasons.items()):
        what, _, remedy = reason.partition(" | ")
        lines.append(("skipped", count, what, remedy))
    if lines:
        terminalreporter.section("not run here")
    for word, count, what, remedy in lines:
        terminalreporter.write_line(f"{word:<9}{count:5,}  {what}{f':  {remedy}' if remedy else ''}")
    return result
