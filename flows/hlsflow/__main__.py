"""The command line. The only place that catches an error and exits."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from types import ModuleType

from hlsflow import __version__
from hlsflow.foundation import interrupts
from hlsflow.foundation.errors import INTERRUPTED_EXIT_CODE, HlsflowError

# Each command is a module of hlsflow.cli with add_arguments(parser) and run(args) -> exit code. Only the
# one that is asked for is imported, so that --help answers at once.
COMMANDS = {
    "init": "make a workspace, with an example that builds at once",
    "add": "add a model of your own, from a file of Keras, HGQ or ONNX, to the workspace",
    "build": "model -> exact, C-simulated HLS project and its report (the main job)",
    "train": "train a model as its recipe says",
    "compress": "make a smaller model out of a trained one: pruning, low rank, post-training quantization",
    "tflite": "convert a model with TensorFlow Lite and measure it: accuracy, size, CPU latency",
    "weights": "export a model's weights to a file that loads without running code, or import them",
    "config": "write a complete, commented, exact HLS configuration for a model",
    "lint": "check a model's HLS configuration and show every layer's effective types",
    "estimate": "estimate the cost of an hls4ml project without vendor tools, with error bars",
    "fit": "choose reuse factors and strategies that fit a device",
    "boards": "list the known boards: their names, parts, what those hold, and what can synthesize for them",
    "board": "send a built design to its board, run it there, or run it on a simulated board",
    "calibrate": "refit the estimator, to the shipped table or to your own finished syntheses too",
    "parse": "read the reports that Vivado and Vitis wrote",
    "compare": "compare builds and parsed reports in one table",
    "doctor": "show which tools this machine has, and what each missing one would give",
    "pack": "write an archive of HLS projects that a machine with only Vitis or Vivado synthesizes",
    "import": "bring the reports of a packed project back into its record",
    "sweep": "train or derive a grid of models, and carry each to the same hardware report",
    "queue": "synthesize many models, several at once within licences, memory and cores",
    "schema": "print what may stand in a YAML file of a workspace, as JSON Schema for editors",
    "bundle": "write one archive for a bug report: record, configuration, logs, versions",
}

# A command whose name is a word of Python's has a module of another name.
_MODULES = {"import": "import_"}

EXIT_CODES = """\
exit codes:
  0 done   2 usage   3 configuration   4 unsupported construct   5 model or weights   6 dataset
  7 external tool   8 outputs differ (the gate)   9 unreadable report   10 storage   130 interrupted (143: SIGTERM)
"""


def make_parser(command: str | None) -> argparse.ArgumentParser:
    """The parser with the arguments of `command` alone filled in."""
    parser = argparse.ArgumentParser(
        prog="hlsflow",
        description="From a compressed Keras model to a verified FPGA design and a report a person can decide by.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"hlsflow {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, summary in COMMANDS.items():
        subparser = subparsers.add_parser(
            name,
            help=summary,
            description=summary,
            epilog=EXIT_CODES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if name == command:
            _module(name).add_arguments(subparser)
    return parser


def _module(command: str) -> ModuleType:
    return importlib.import_module(f"hlsflow.cli.{_MODULES.get(command, command)}")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and gives its exit code. No traceback reaches a user for what a user did."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        with interrupts.watched():
            return _run(words)
    except KeyboardInterrupt as stop:
        print(interrupts.KEPT, file=sys.stderr)
        return stop.exit_code if isinstance(stop, interrupts.Interrupted) else INTERRUPTED_EXIT_CODE


def _run(words: list[str]) -> int:
    command = next((word for word in words if not word.startswith("-")), None)
    try:
        args = make_parser(command).parse_args(words)
        return _module(args.command).run(args)
    except HlsflowError as error:
        # What fails once the end was asked for may well fail for it: a compiler that the same Ctrl-C ended.
        interrupts.check()
        if os.environ.get("HLSFLOW_TRACEBACK"):
            raise
        from hlsflow.foundation.log import paint
        from hlsflow.foundation.strict_read import printable

        # What a stranger's file is quoted with is no command to the terminal.
        print(f"{paint('error:', 'red', sys.stderr)} {printable(str(error))}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        # The reader of our output (head, less) is gone; that is no failure of ours.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception:
        interrupts.check()
        raise


if __name__ == "__main__":
    sys.exit(main())
