"""The jobs of a queue, a file each below `build/queue/`: what to synthesize, and what became of it."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path

from hlsflow.foundation import interrupts
from hlsflow.foundation.errors import HlsflowError, UsageError
from hlsflow.foundation.workspace import storage_errors, write_text
from hlsflow.vendor.command import VendorStage, parse_stages

# What a build does that names no stages.
_STAGES = "csynth"


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

    def at_least(self, other: Needs) -> Needs:
        """The greater of the two, of each."""
        return Needs(
            licences=max(self.licences, other.licences),
            memory_bytes=max(self.memory_bytes, other.memory_bytes),
            cores=max(self.cores, other.cores),
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
        """Adds (name, arguments, needs), or takes a job of that name again that has ended.

        One that waits takes the new stages in besides its own; one that runs is followed by one of all of them, since
        what is through is not repeated. Raises UsageError, before anything is added, where the two differ otherwise.
        """
        with self._one_at_a_time():
            known = {job.name: job for job in self.jobs()}
            last = max((job.number for job in known.values()), default=0)
            added = []
            for name, arguments, needs in jobs:
                before = known.get(name)
                if before is None or before.state in (State.DONE, State.FAILED):
                    last += 1
                    added.append(Job(name=name, number=last, arguments=tuple(arguments), needs=needs))
                    continue
                asked = _merged(before, tuple(arguments))
                if before.state is State.WAITING:
                    added.append(replace(before, arguments=asked, needs=before.needs.at_least(needs)))
                elif asked == before.arguments:
                    added.append(before)
                else:
                    last += 1
                    added.append(Job(name=name, number=last, arguments=asked, needs=before.needs.at_least(needs)))
            for job in added:
                if job != known.get(job.name):
                    self.save(job)
            return added

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        with storage_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = (self.folder / ".adding").open("w")
        with lock:
            with interrupts.at_once():
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def start(self, job: Job) -> Job | None:
        """Marks a job as running, as it now is in its file; None where it waits no longer."""
        with self._one_at_a_time():
            now = _read(self.folder / f"{job.name}.json")
            if now is None or now.state is not State.WAITING:
                return None
            now = replace(now, state=State.RUNNING)
            self.save(now)
            return now

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


def _merged(before: Job, arguments: tuple[str, ...]) -> tuple[str, ...]:
    """The arguments of a job that does what `before` does and what is asked for now."""
    mine, asked = _options(before.arguments), _options(arguments)
    stages = {stage for said in (mine, asked) for stage in parse_stages(said.get("--stages", _STAGES))}
    other = sorted(key for key in {*mine, *asked} - {"--stages"} if mine.get(key) != asked.get(key))
    if other:
        words = ", ".join(f"{key} {mine.get(key, '(none)')}, asked for {asked.get(key, '(none)')}" for key in other)
        raise UsageError(
            f"{before.name} is {before.state} in the queue with other options: {words}",
            hint="wait until it has ended (hlsflow queue --status), or ask with the same options",
        )
    if stages == set(parse_stages(mine.get("--stages", _STAGES))):
        return before.arguments
    mine["--stages"] = ",".join(stage for stage in VendorStage if stage in stages)
    return tuple(word for pair in mine.items() for word in pair)


def _options(arguments: Sequence[str]) -> dict[str, str]:
    return dict(zip(arguments[::2], arguments[1::2], strict=True))


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
