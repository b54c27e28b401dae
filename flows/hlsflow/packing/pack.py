"""One archive with HLS projects that a machine with nothing but AMD's tools synthesizes: sources, run.sh, manifest."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
)

from hlsflow.building.plan import BuildRequest, Plan
from hlsflow.building.tools.bench import bench_of
from hlsflow.foundation.archive import Entry, write_archive
from hlsflow.foundation.errors import ReportError, ToolError, UsageError
from hlsflow.foundation.safe_names import safe_name, safe_path
from hlsflow.foundation.steps import digest
from hlsflow.foundation.strict_read import UnreadableError, brief, printable, read_bytes
from hlsflow.hls.design_files import design_files
from hlsflow.hls.project import read_project
from hlsflow.models.recipe import MODEL_NAME
from hlsflow.vendor.command import VendorStage
from hlsflow.vendor.project import INPUTS_FILE, PREDICTIONS_FILE, lines_of
from hlsflow.vendor.toolchain import USUAL_ROOTS

SCHEMA = 2
MANIFEST = "manifest.json"
_MAX_MANIFEST_BYTES = 64 << 20
_README = """\
HLS projects of hlsflow, to be synthesized on a machine with AMD's tools; nothing else is needed there.

    tar xzf {archive}
    cd {folder}
    sh run.sh                       all models, stages: {stages}
    sh run.sh --stages csynth,cosim,vsynth,export --jobs 2 {first}
    sh run.sh --tools               says which tools would be taken: those of one release, the newest that is complete

Then take results.tar.gz (or the folder) back to where the models are:

    hlsflow import results.tar.gz

Run it again after an interruption: stages that are through are not repeated.

What is checked when the results come back: run.sh writes the SHA-256 of every report and log of a stage into
models/NAME/runs/STAGE.sums, with the digest of the design, and import compares them, the sources and the samples with
what was packed. That finds files that were changed, mixed up or cut off on the way, and results of another design
(each top function carries its design's digest). It is a checksum: nobody signed it, and whoever wants to can write
other reports with other sums. So imported figures are noted as "imported: checksums agree; not signed".
"""

# What a build can be told to change for a pack; see `hlsflow pack --help`.
_Change = Literal["backend", "io_type", "part", "clock_period_ns"]
_Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


def _named(what: str, check: Callable[[str, str], object]) -> AfterValidator:
    """Refuses a text that is no plain name or path, by a ReportError that says which."""

    def checked(text: str) -> str:
        check(text, f"{MANIFEST}: {what}")
        return text

    return AfterValidator(checked)


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class PackedModel(_Value):
    """One model: how it was built, the digest of what the tools see, and of the samples of its test bench.

    It comes back from another machine, and parts of it become parts of paths: every text has a pattern of its own.
    """

    name: Annotated[str, _named("name", safe_name)]
    model: str = Field(pattern=MODEL_NAME, max_length=64)
    changes: dict[_Change, str | int | float]
    # Of hls_configs/, where it is not the model's own.
    config: Annotated[str, _named("config", safe_name)] | None = None
    samples: int | None = Field(ge=1, le=1 << 31)
    cosim_samples: int = Field(ge=1, le=1 << 31)
    tool: Literal["vitis", "vivado"]
    top: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}$")
    part: str = Field(pattern=r"^[A-Za-z0-9-]{1,64}$")
    clock_period_ns: float
    design: _Sha256
    bench: _Sha256
    files: dict[Annotated[str, _named("files", safe_path)], _Sha256]

    @model_serializer(mode="wrap")
    def _as_before(self, serialized: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without what the manifest of a model's own build does not have, so that an earlier hlsflow reads it."""
        said = serialized(self)
        return said if said["config"] is not None else {key: said[key] for key in said if key != "config"}


class Manifest(_Value):
    """What an archive holds; `digest` is that of all the rest."""

    schema_version: int
    stages: list[Literal["csynth", "cosim", "vsynth", "export"]]
    models: list[PackedModel]
    digest: str

    @classmethod
    def of(cls, stages: Sequence[str], models: Sequence[PackedModel]) -> Manifest:
        """The manifest of models, with its digest."""
        said = {"stages": list(stages), "models": [model.model_dump(mode="json") for model in models]}
        # What a stage may be called is checked as the value is made.
        return cls(
            schema_version=SCHEMA,
            stages=list(stages),  # type: ignore[arg-type]
            models=list(models),
            digest=digest(said),
        )


def read_manifest(path: Path) -> Manifest:
    """The manifest in a file. Raises ReportError where it is absent, damaged or of another version of hlsflow."""
    try:
        manifest = Manifest.model_validate_json(read_bytes(path, _MAX_MANIFEST_BYTES))
    except UnreadableError as error:
        raise ReportError(f"{path}: not read: {error.strerror}") from error
    except OSError as error:
        raise ReportError(f"{path.parent}: no {MANIFEST}: it is no result of 'hlsflow pack'") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(str(part) if isinstance(part, int) else brief(part).strip("'") for part in first["loc"])
        raise ReportError(
            f"{path}: damaged, or of another version of hlsflow: {where or 'JSON'}: {printable(first['msg'])[:200]}, "
            f"not {brief(first['input'])}"
        ) from error
    names = [model.name for model in manifest.models]
    if len(set(names)) != len(names):
        raise ReportError(f"{path}: names one model twice")
    if manifest.schema_version != SCHEMA or manifest.digest != Manifest.of(manifest.stages, manifest.models).digest:
        raise ReportError(f"{path}: it was changed after it was written, or is of another version of hlsflow")
    return manifest


def pack(
    archive: Path, builds: Sequence[tuple[Plan, Path, BuildRequest]], stages: Sequence[VendorStage], samples: int
) -> Manifest:
    """Writes the archive of built models: (plan, HLS project, what was asked for) each.

    `samples` go through each test bench. Raises ToolError where a project is not whole, StorageError where the archive
    cannot be written.
    """
    root = archive.name.removesuffix(".tar.gz").removesuffix(".tgz")
    entries: list[Entry] = []
    models = []
    for plan, hls, request in builds:
        model, files = _model(plan, hls, request, samples)
        models.append(model)
        entries += files
    manifest = Manifest.of([str(stage) for stage in stages], models)
    script = run_script(stages)
    readme = _README.format(archive=archive.name, folder=root, stages=", ".join(stages), first=models[0].name)
    entries += [
        Entry(name="run.sh", content=script.encode(), executable=True),
        Entry(name=MANIFEST, content=(manifest.model_dump_json(indent=1) + "\n").encode()),
        Entry(name="README.txt", content=readme.encode()),
    ]
    sums = "".join(
        f"{hashlib.sha256(_bytes(entry)).hexdigest()}  {entry.name}\n"
        for entry in sorted(entries, key=lambda entry: entry.name)
    )
    entries.append(Entry(name="SHA256SUMS", content=sums.encode()))
    write_archive(
        archive,
        [Entry(name=f"{root}/{entry.name}", content=entry.content, executable=entry.executable) for entry in entries],
    )
    return manifest


def run_script(stages: Sequence[VendorStage]) -> str:
    """The text of `run.sh`, which does these stages where nothing else is said, and searches where we search."""
    roots = ":".join(USUAL_ROOTS).replace("~", "${HOME:-/}")
    text = (Path(__file__).parent / "data" / "run.sh").read_text()
    return (
        text.replace("@STAGES@", ",".join(stages))
        .replace(":-@ROOTS@}", f":-{roots}}}")
        .replace("@ROOTS@", ", ".join(USUAL_ROOTS))
    )


def _bytes(entry: Entry) -> bytes:
    return entry.content if isinstance(entry.content, bytes) else entry.content.read_bytes()


def _model(plan: Plan, hls: Path, request: BuildRequest, samples: int) -> tuple[PackedModel, list[Entry]]:
    config = None if plan.request is None else plan.request.config
    model = plan.model.name
    if config is not None and Path(config).name != config:
        raise UsageError(
            f"{plan.name}: its configuration {config} is not in hls_configs/, where its results look for it",
            hint=f"copy it there as {model}.NAME.yaml: hlsflow pack {model} --config {model}.NAME.yaml",
        )
    project = read_project(hls)
    bench, _ = bench_of(plan, project, samples)
    files = dict(design_files(hls))
    if not files:
        raise ToolError(f"{hls}: no HLS project", hint="build the model again")
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    inputs = bench.text.encode()
    # Which changes and tools there may be is checked as the value is made.
    packed = PackedModel(
        name=plan.name, model=model, changes=dict(request.changes),  # type: ignore[arg-type]
        config=config, samples=request.samples,
        cosim_samples=samples,
        tool=plan.config.backend.lower(),  # type: ignore[arg-type]
        top=project.top, part=plan.config.part,
        clock_period_ns=plan.config.clock_period_ns, design=digest(hashes), bench=hashlib.sha256(inputs).hexdigest(),
        files=hashes,
    )  # fmt: skip
    home = f"models/{plan.name}"
    target = f"tool={packed.tool}\ntop={packed.top}\npart={packed.part}\ndesign={packed.design}\n"
    entries = [
        Entry(name=f"{home}/target", content=target.encode()),
        Entry(name=f"{home}/project/{INPUTS_FILE}", content=inputs),
        Entry(name=f"{home}/project/{PREDICTIONS_FILE}", content=lines_of(bench.expected).encode()),
        *(Entry(name=f"{home}/project/{name}", content=content) for name, content in files.items()),
    ]
    return packed, entries
