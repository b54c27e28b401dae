"""The source that runs where a module runs: the closure of its imports within this package, and its data files.

It is read from the text of the modules, none of which is imported, and by expressions, not by Python's own parser,
which takes half a second for this package: too long for a build that has nothing to do. A test holds both against each
other for every module. Where they could differ this one finds more: an import that stands in a docstring counts.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

PACKAGE = "hlsflow"
ROOT = Path(__file__).resolve().parents[1]

# What only type checkers read; `else` below it counts.
_TYPE_CHECKING = re.compile(
    r"^([ \t]*)if[ \t]+(?:typing\.)?TYPE_CHECKING[ \t]*:[^\n]*\n(?:(?:\1[ \t]+[^\n]*|[ \t]*)\n)*", re.MULTILINE
)
_STATEMENT = re.compile(
    r"(?:^|[;:])[ \t]*(?:"
    r"from[ \t]+(?P<base>\.*[\w.]*)[ \t]+import[ \t]*(?P<names>\((?:[^)#]|#[^\n]*)*\)|(?:\\\n|[^\n#;\\])+)"
    r"|import[ \t]+(?P<modules>(?:\\\n|[^\n#;\\])+))",
    re.MULTILINE,
)
# "hlsflow.x.y", named whole; "hlsflow.x." and f"hlsflow.x.{…}" stand for whatever is below.
_NAMED = re.compile(rf"""["']({PACKAGE}(?:\.\w+)*)(?:(\.)[\w.]*)?(?=["'{{])""")
_NAMED_FILE = re.compile(r"""["']([\w/]+\.py)["']""")
_COMMENT = re.compile(r"#[^\n]*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Imports:
    """What a module's text imports: statements as absolute names, and what it names in strings.

    `from a import b` gives `a` and `a.b`, of which one may be no module. `below` are packages of which any module may
    be meant, `files` Python files beside the module that are run as programs.
    """

    modules: frozenset[str]
    named: frozenset[str]
    below: frozenset[str]
    files: frozenset[str]


def imports_of(text: str, package: str = PACKAGE) -> Imports:
    """The imports of a module's text at any depth, but for those under TYPE_CHECKING. `package` is that it is in."""
    code = _TYPE_CHECKING.sub("", text)
    modules: set[str] = set()
    for statement in _STATEMENT.finditer(code):
        if statement["modules"] is not None:
            modules.update(_names(statement["modules"]))
            continue
        base = _absolute(statement["base"], package)
        modules.add(base)
        modules.update(f"{base}.{name}" for name in _names(statement["names"]) if name != "*")
    named = list(_NAMED.finditer(code))
    return Imports(
        modules=frozenset(modules),
        named=frozenset(found[1] for found in named if not found[2]),
        below=frozenset(found[1] for found in named if found[2]),
        files=frozenset(_NAMED_FILE.findall(code)),
    )


def _names(text: str) -> Iterator[str]:
    """`a`, `b.c` of `a as x, b.c`, with or without parentheses."""
    for part in _COMMENT.sub("", text).strip().strip("()").replace("\\\n", " ").split(","):
        words = part.split()
        if words and re.fullmatch(r"[\w.]+|\*", words[0]):
            yield words[0]


def _absolute(base: str, package: str) -> str:
    name = base.lstrip(".")
    dots = len(base) - len(name)
    if not dots:
        return name
    parents = package.split(".")
    return ".".join([*parents[: len(parents) - dots + 1], *([name] if name else [])])


@dataclass(frozen=True, kw_only=True, slots=True)
class Closure:
    """Files below the package, by their path in it, with their digests; and the other packages that they import."""

    modules: frozenset[str]
    files: Mapping[str, str]
    others: frozenset[str]

    @property
    def digest(self) -> str:
        """The digest of every file."""
        lines = "".join(f"{name} {sha256}\n" for name, sha256 in sorted(self.files.items()))
        return hashlib.sha256(lines.encode()).hexdigest()


class Sources:
    """The package's files as they are when first read: what a running process has imported does not change either."""

    def __init__(self, root: Path = ROOT) -> None:
        self.root = root
        self._closures: dict[tuple[frozenset[str], ...], Closure] = {}
        self._imports: dict[str, Imports] = {}
        self._digests: dict[Path, str] = {}

    @cached_property
    def paths(self) -> Mapping[str, Path]:
        """Every module's file, by the module's name."""
        found = {}
        for path in sorted(self.root.rglob("*.py")):
            parts = path.relative_to(self.root).with_suffix("").parts
            found[".".join([PACKAGE, *(parts[:-1] if parts[-1] == "__init__" else parts)])] = path
        return found

    @cached_property
    def data(self) -> Mapping[str, list[Path]]:
        """The other files of every package, by the package's name: those below it, but not below a package in it."""
        found: dict[str, list[Path]] = {}
        for path in sorted(self.root.rglob("*")):
            if path.suffix in (".py", ".pyc") or path.name.startswith(".") or not path.is_file():
                continue
            folder = path.parent
            while folder != self.root and not (folder / "__init__.py").is_file():
                folder = folder.parent
            found.setdefault(".".join([PACKAGE, *folder.relative_to(self.root).parts]), []).append(path)
        return found

    def imports(self, module: str) -> Imports:
        """What a module imports."""
        if module not in self._imports:
            self._imports[module] = imports_of(self.paths[module].read_text(encoding="utf-8"), self.package(module))
        return self._imports[module]

    def package(self, module: str) -> str:
        """The package that a module is in; of a package, itself."""
        return module if self.paths[module].name == "__init__.py" else module.rpartition(".")[0]

    def closure(self, *roots: str, alone: Collection[str] = (), ends: Collection[str] = ()) -> Closure:
        """All that runs where `roots` run.

        `alone` are modules of which the text counts too, and not what they import: those that hand the roots what they
        work on. `ends` are modules where the walk ends, however it comes there: their text counts and not what they
        import, as of a registry of which one entry was chosen. Raises KeyError for a module that there is not.
        """
        key = frozenset(roots), frozenset(alone), frozenset(ends)
        if key not in self._closures:
            self._closures[key] = self._closure(*key)
        return self._closures[key]

    def _closure(self, roots: frozenset[str], alone: frozenset[str], ends: frozenset[str]) -> Closure:
        reached: set[str] = set()
        others: set[str] = set()
        waiting = sorted(roots)
        while waiting:
            module = waiting.pop()
            if module in reached:
                continue
            reached.add(module)
            if module in ends:
                continue
            imports = self.imports(module)
            waiting += self._found(imports.modules)
            waiting += self._found(imports.named)
            waiting += [name for name in self.paths if any(name.startswith(f"{package}.") for package in imports.below)]
            waiting += self._programs(module, imports.files)
            # A package's own module runs before those in it.
            if "." in module:
                waiting.append(module.rpartition(".")[0])
            others.update(name.partition(".")[0] for name in imports.modules)
        files = {self.paths[module] for module in reached | alone | ends}
        for package in {self.package(module) for module in reached}:
            files.update(self.data.get(package, ()))
        return Closure(
            modules=frozenset(reached | alone | ends),
            files={str(path.relative_to(self.root)): self._digest(path) for path in files},
            others=frozenset(others - {PACKAGE, "", *sys.stdlib_module_names}),
        )

    def _found(self, names: Collection[str]) -> list[str]:
        """The modules among names; of `package.module.attribute` the module."""
        found = []
        for name in names:
            while name.startswith(f"{PACKAGE}.") and name not in self.paths:
                name = name.rpartition(".")[0]
            if name in self.paths:
                found.append(name)
        return found

    def _programs(self, module: str, files: Collection[str]) -> list[str]:
        package = self.package(module)
        names = (f"{package}.{file.removesuffix('.py').replace('/', '.')}" for file in files)
        return [name for name in names if name in self.paths]

    def _digest(self, path: Path) -> str:
        if path not in self._digests:
            self._digests[path] = hashlib.sha256(path.read_bytes()).hexdigest()
        return self._digests[path]


@cache
def sources() -> Sources:
    """The sources of the package that runs."""
    return Sources()
