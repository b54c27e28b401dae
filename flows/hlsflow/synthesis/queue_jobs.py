"""The jobs of a queue, a file each below `build/queue/`: what to synthesize, and what became of it."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path

from hlsflow.errors import HlsflowError
from hlsflow.workspace import storage_errors, write_text


class State(StrEnum):
    """What became of a job. `running` in a file whose runner is gone means that it was interrupted."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Needs:
    """Tokens that a job takes while it runs: licences, bytes of memory, cores."""

    licences: int = 1
    memory_bytes: int = 0
    cores: int = 1

    def plus(self, other: Needs) -> Needs:
        return Needs(
            licences=self.licences + other.licences,
            memory_bytes=self.memory_bytes + other.memory_bytes,
            cores=self.cores + other.cores,
        )

    def fits(self, limits: Needs) -> bool:
        """Whether this is within the limits."""
        return (
            self.licences <= limits.licences and self.memory_bytes <= limits.memory_bytes and self.cores <= limits.cores
        )


NOTHING = Needs(licences=0, memory_bytes=0, cores=0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """One build with its synthesis: the words after `hlsflow build`, what it takes, and how it went."""

    name: str
    number: int
    arguments: tuple[str, ...]
    needs: Needs
    state: State = State.WAITING
    message: str = ""


class Queue:
    """The folder of a queue. Every change of a job is a whole file; a torn or foreign one is left out."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def log(self, job: Job) -> Path:
        """Where the output of a job goes."""
        return self.folder / f"{job.name}.log"

    def lease(self, job: Job) -> Path:
        return self.folder / f"{job.name}.running"

    def jobs(self) -> list[Job]:
        """All jobs, in the order in which they were added."""
        found = [job for path in self.folder.glob("*.json") if (job := _read(path)) is not None]
        return sorted(found, key=lambda job: (job.number, job.name))

    def add(self, jobs: Sequence[tuple[str, Sequence[str], Needs]]) -> list[Job]:
        """Adds (name, arguments, needs), or takes a job of that name again that has ended."""
        known = {job.name: job for job in self.jobs()}
        last = max((job.number for job in known.values()), default=0)
        added = []
        for name, arguments, needs in jobs:
            before = known.get(name)
            if before is not None and before.state is State.RUNNING and before.arguments == tuple(arguments):
                added.append(before)
                continue
            last += 1
            job = Job(name=name, number=last, arguments=tuple(arguments), needs=needs)
            self.save(job)
            added.append(job)
        return added

    def save(self, job: Job) -> None:
        """Writes a job as it now is."""
        write_text(self.folder / f"{job.name}.json", json.dumps(asdict(job), indent=1, sort_keys=True) + "\n")

    def ended(self, job: Job, state: State, message: str) -> Job:
        """Writes what became of a job, unless it was added anew meanwhile."""
        now = _read(self.folder / f"{job.name}.json")
        done = replace(job, state=state, message=message)
        if now is None or now.number == job.number:
            self.save(done)
        return done

    @contextmanager
    def runner(self) -> Iterator[bool]:
        """Whether this process may run the jobs: one runner at a time, and a dead one holds nothing."""
        with storage_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = (self.folder / ".lock").open("w")
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                yield False
                return
            yield True


def _read(path: Path) -> Job | None:
    try:
        said = json.loads(path.read_text())
        return Job(
            name=str(said["name"]), number=int(said["number"]), arguments=tuple(map(str, said["arguments"])),
            needs=Needs(**_integers(said["needs"])), state=State(said["state"]), message=str(said["message"]),
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, HlsflowError):
        return None


def _integers(values: Mapping[str, object]) -> dict[str, int]:
    return {str(key): int(value) for key, value in values.items()}  # type: ignore[call-overload]
