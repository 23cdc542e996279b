"""
Files to modules: imports are found, read once, and never leave the folders they may come from.

`import "file.irc"` looks beside the importing file, then in the folders of -I. `import nn` looks
in the standard library (irc/frontend/lib), then in the folders of -I.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from irc.diagnostics import Diagnostic, Label, Span, did_you_mean
from irc.errors import UserError
from irc.files import module_name
from irc.frontend import tree
from irc.frontend.analysis.modules import Imported, ModuleScope, taken, visible
from irc.frontend.analysis.problems import Problem, Problems, problem
from irc.frontend.syntax import normalize, parse, read_source

LIBRARY = Path(__file__).parents[1] / "lib"
LIBRARY_NAME = "<irc>"  # how messages name that folder
MAX_FILES = 1000


@dataclass(frozen=True)
class Folder:
    """A folder for imports: where it is, with links resolved, and how messages name it."""

    path: Path
    shown: str


class Loader:
    """
    Reads the main file and what it imports.

    files   what was imported, in order, without the standard library
    """

    def __init__(self, problems: Problems, import_paths: Sequence[str | os.PathLike[str]]) -> None:
        self.problems = problems
        self.folders = [Folder(Path(p).resolve(), os.fspath(p)) for p in import_paths]
        self.library = Folder(LIBRARY.resolve(), LIBRARY_NAME)
        self.files: list[Path] = []
        self._modules: dict[Path, ModuleScope] = {}
        self._open: list[tuple[Path, str]] = []
        self._prefixes: set[str] = set()

    def load(self, text: str, file: str, defines: Mapping[str, str]) -> ModuleScope:
        """
        The main module. Its imports are looked for beside `file`, unless that is a name such as
        `<stdin>`.

        Raises UserError when a file cannot be read or parsed; mistakes in imports are collected.
        """
        folder = None
        if not file.startswith("<"):
            folder = Folder(Path(file).parent.resolve(), os.path.dirname(file))
            self._open.append((Path(file).resolve(), file))
        node = self._parse(text, file)
        scope = ModuleScope(module_name(file), node, self.problems, defines=defines)
        self._imports(scope, folder, folder)
        return scope

    def _parse(self, text: str, name: str) -> tree.Module:
        self.problems.sources.add(name, normalize(text))
        return parse(text, name)

    def _imports(self, scope: ModuleScope, base: Folder | None, here: Folder | None) -> None:
        """`here` is the folder of the file, inside `base`, which its imports may not leave."""
        for item in scope.tree.items:
            if isinstance(item, tree.Import | tree.FromImport):
                try:
                    self._import(scope, item, base, here)
                except Problem as mistake:
                    self.problems.report(mistake, scope)

    def _import(
        self,
        scope: ModuleScope,
        item: tree.Import | tree.FromImport,
        base: Folder | None,
        here: Folder | None,
    ) -> None:
        path, inside, shown = self._find(item, base, here)
        if isinstance(item, tree.Import):
            alias = item.alias or (item.path[-1] if item.path else None)
            if alias is None:
                stem = module_name(shown)
                alias = tree.Ident(item.span, stem)
            module = self._module(path, inside, shown, item, alias.name, scope)
            self._bind(scope, alias, Imported(module, None, alias.span))
            return
        module = self._module(path, inside, shown, item, module_name(shown), scope)
        for name in item.names:
            if name.name not in module.defined:
                guesses = did_you_mean(name.name, module.defined)
                raise problem(
                    "E0604", f"module `{module.name}` has no `{name.name}`", name.span, "not found",
                    helps=[f"did you mean `{g}`?" for g in guesses],
                )  # fmt: skip
            if not visible(module.defined[name.name]):
                raise problem(
                    "E0604", f"`{name.name}` is private to module `{module.name}`", name.span,
                    "not exported",
                    labels=[Label(module.defined[name.name].name.span, "declared here")],
                    helps=["write `export` before it there"],
                )  # fmt: skip
            self._bind(scope, name, Imported(module, name.name, name.span))

    def _bind(self, scope: ModuleScope, name: tree.Ident, imported: Imported) -> None:
        if name.name in scope.defined:
            raise taken(name.name, name.span, scope.defined[name.name])
        known = scope.imports.get(name.name)
        if known and (known.module, known.name) != (imported.module, imported.name):
            raise problem(
                "E0108", f"`{name.name}` is imported twice", name.span, "choose another name",
                labels=[Label(known.span, "first imported here")],
            )  # fmt: skip
        scope.imports[name.name] = imported

    # -- files

    def _find(
        self, item: tree.Import | tree.FromImport, base: Folder | None, here: Folder | None
    ) -> tuple[Path, Folder, str]:
        """Path of the file, the folder that it may not leave, and its name for messages."""
        if item.file:
            span, wanted = item.file.span, item.file.value
            places = [(base, here)] if base and here else []
        else:
            span = item.path[0].span.to(item.path[-1].span)
            wanted = "/".join(part.name for part in item.path) + ".irc"
            places = [(self.library, self.library)]
        places += [(folder, folder) for folder in self.folders]
        if "\0" in wanted or os.path.isabs(wanted):
            raise problem(
                "E0603", "an import names a file relative to this one", span, "not relative"
            )
        left: Folder | None = None
        for inside, start in places:
            path = (start.path / wanted).resolve()
            if not path.is_relative_to(inside.path):
                left = left or inside
            elif path.is_file():
                shown = os.path.normpath(os.path.join(start.shown, wanted))
                return path, inside, shown
        if left:
            raise problem(
                "E0603", f"`{wanted}` leads out of the folder `{left.shown or '.'}`", span,
                "imports stay inside their folder",
                helps=["name the other folder with `-I DIR`, and import relative to it"],
            )  # fmt: skip
        raise self._not_found(item, wanted, span, places)

    def _not_found(
        self,
        item: tree.Import | tree.FromImport,
        wanted: str,
        span: Span,
        places: Sequence[tuple[Folder, Folder]],
    ) -> Problem:
        stems = sorted(p.stem for p in LIBRARY.glob("*.irc"))
        helps = []
        if item.file is None:
            helps = [f"did you mean `{g}`?" for g in did_you_mean(wanted[:-4], stems)]
            helps = helps or ["the standard library has " + ", ".join(f"`{s}`" for s in stems)]
            helps.append(f'a file is imported by its name: `import "{wanted}" as m`')
        looked = ", ".join(f"`{start.shown or '.'}`" for _, start in places)
        return problem(
            "E0601", f"cannot find `{wanted}`", span, "not found",
            notes=[f"looked in {looked}"] if looked else [], helps=helps,
        )  # fmt: skip

    def _module(
        self,
        path: Path,
        inside: Folder,
        shown: str,
        item: tree.Item,
        alias: str,
        importer: ModuleScope,
    ) -> ModuleScope:
        if path in self._modules:
            return self._modules[path]
        if any(path == p for p, _ in self._open):
            names = [name for _, name in self._open]
            first = next(i for i, (p, _) in enumerate(self._open) if p == path)
            way = " -> ".join([*names[first:], shown])
            raise problem(
                "E0602", "files import each other", item.span, f"{way}",
                helps=["put what both need into a third file"],
            )  # fmt: skip
        if len(self._modules) >= MAX_FILES:
            raise problem("E0119", f"more than {MAX_FILES} imported files", item.span, "one more")
        try:
            text = read_source(path)
        except UserError as error:
            title = error.diagnostics[0].title.replace(os.fspath(path), shown)
            raise Problem(
                Diagnostic("E0104", title, (Label(item.span, "imported here", primary=True),))
            ) from None
        if inside is not self.library:
            self.files.append(path)
        node = self._parse(text, shown)
        scope = ModuleScope(module_name(shown), node, self.problems, self._prefix(importer, alias))
        scope.default_floatx = importer.floatx
        self._open.append((path, shown))
        start = Folder(path.parent, os.path.dirname(shown))
        self._imports(scope, inside, start)
        self._open.pop()
        self._modules[path] = scope
        return scope

    def _prefix(self, importer: ModuleScope, alias: str) -> str:
        """The states of a module are named behind its first importer: `nn.W`."""
        stem = f"{importer.prefix}{alias}"
        prefix, count = f"{stem}.", 2
        while prefix in self._prefixes or prefix[:-1] in importer.defined:
            prefix, count = f"{stem}{count}.", count + 1
        self._prefixes.add(prefix)
        return prefix

    @property
    def modules(self) -> list[ModuleScope]:
        """All imported modules; one that is imported by another stands before it."""
        return list(self._modules.values())
