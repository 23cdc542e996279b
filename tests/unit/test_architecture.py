"""
Imports point one way, and nothing of the machine it was written on is in the source.

The table is the architecture: a new package gets a row, a new arrow gets a reason.
"""

from __future__ import annotations

import ast
import functools
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "irc"

# Plain data about programs and machines. No IR, nothing to install.
FACTS = {
    "errors",
    "diagnostics",
    "dtypes",
    "sizes",
    "target",
    "abi",
    "options",
    "seal",
    "files",
    "release",
}

# layer -> layers it may import, besides itself. The longest name that fits a module is its layer.
LAYERS: dict[str, set[str]] = {
    "errors": {"diagnostics"},
    "diagnostics": set(),
    "diagnostics.codes": {"diagnostics", "errors"},
    "dtypes": {"errors"},
    "sizes": {"errors"},
    "seal": set(),
    "target": FACTS,
    "abi": FACTS,
    "options": FACTS,
    "release": set(),
    "files": {"diagnostics", "errors"},
    "dialects": FACTS,
    "frontend": FACTS | {"dialects"},
    "passes": FACTS | {"dialects"},
    # Names one file for the runtime, which compiles its loader with it and must not see IR.
    "codegen.c.toolchain": FACTS,
    "codegen": FACTS | {"dialects", "codegen.c.toolchain"},
    "cache": FACTS,
    "runtime": FACTS | {"cache", "codegen.c.toolchain"},
    # Every level runs: below nd by way of C.
    "execution": FACTS | {"dialects", "passes", "codegen", "codegen.c.toolchain", "runtime"},
    "pipeline": FACTS | {"dialects", "passes"},
    "driver": FACTS
    | {"dialects", "frontend", "passes", "codegen", "codegen.c.toolchain", "cache", "pipeline"}
    | {"execution", "runtime"},
    "cli": FACTS
    | {"dialects", "frontend", "passes", "codegen", "cache", "runtime"}
    | {"codegen.c.toolchain", "execution", "pipeline", "driver", "diagnostics.codes"},
    "universe": {"dialects", "passes", "pipeline"},
    "__main__": {"cli", "release"},
    # `import irc` itself; all of it lazily.
    "": {"errors", "diagnostics", "driver", "release", "runtime"},
}

# The dialects of the last stage are upstream's and rt; nd is gone by then.
FORBIDDEN = {("codegen", "dialects.nd")}

# installed package -> the layers that may import it
THIRD_PARTY = {
    "lark": {"frontend"},
    "click": {"cli"},
    "xdsl": {"dialects", "frontend", "passes", "codegen", "execution", "pipeline", "driver", "cli"}
    | {"universe"},
    "numpy": {"dtypes", "runtime", "dialects", "passes", "execution", "cli", "frontend"},
}


def modules() -> dict[str, Path]:
    """Dotted name below irc ("" is the package itself) -> file."""
    names = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return names


def layer_of(module: str) -> str | None:
    """The longest row of the table that is the module or a package around it."""
    parts = module.split(".") if module else []
    for length in range(len(parts), 0, -1):
        if (name := ".".join(parts[:length])) in LAYERS:
            return name
    return None if module else ""


@functools.cache
def imports(path: Path, typing: bool = True) -> tuple[tuple[int, str], ...]:
    """
    Line and absolute dotted name of everything a file imports, lazily or not.

    typing   also under `if TYPE_CHECKING`
    """
    package = ["irc", *path.relative_to(PACKAGE).parent.parts]
    found: list[tuple[int, str]] = []
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if not typing:
        tree.body = [node for node in tree.body if not is_for_type_checkers(node)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            found += [(node.lineno, f"{stem}.{alias.name}") for alias in node.names]
    return tuple(found)


def is_for_type_checkers(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def arrows() -> Iterator[tuple[str, str, str]]:
    """(place, importing module, imported module or name in one, below irc)"""
    for module, path in modules().items():
        for line, name in imports(path):
            package, _, target = name.partition(".")
            if package == "irc":
                yield f"{path.relative_to(ROOT)}:{line}", module, target


def test_every_module_has_a_layer() -> None:
    homeless = [name for name in modules() if layer_of(name) is None]
    assert not homeless, "give these a row in LAYERS"


@pytest.mark.parametrize("init", sorted(PACKAGE.rglob("__init__.py")), ids=lambda p: p.parent.name)
def test_a_package_says_what_is_in_it(init: Path) -> None:
    """Its docstring is the map for a newcomer: each file and folder, at least by name."""
    package = init.parent
    text = ast.get_docstring(ast.parse(init.read_text())) or ""
    parts = [path.name for path in package.glob("*.py") if path != init]
    parts += [f"{path.parent.name}/" for path in package.glob("*/__init__.py")]
    if len(parts) > 1:
        assert not [name for name in parts if name not in text]


def test_imports_point_one_way() -> None:
    wrong = []
    for place, module, target in arrows():
        source, sink = layer_of(module), layer_of(target) or ""  # "": `from irc import load`
        if source is not None and source != sink and sink not in LAYERS[source]:
            wrong.append(f"{place}: {source or 'irc'} imports {target or 'irc itself'}")
    assert not wrong, "\n".join(wrong)


def test_a_wrong_arrow_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "irc" / "runtime").mkdir(parents=True)
    source = "def f():\n    from ..dialects.nd import ops\n    import irc.abi\n"
    (tmp_path / "irc" / "runtime" / "call.py").write_text(source)
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    monkeypatch.setitem(globals(), "PACKAGE", tmp_path / "irc")
    with pytest.raises(AssertionError, match=r"call.py:2: runtime imports dialects.nd.ops\n"):
        test_imports_point_one_way()


@pytest.mark.parametrize(("source", "sink"), sorted(FORBIDDEN))
def test_forbidden_arrow(source: str, sink: str) -> None:
    wrong = [
        place
        for place, module, target in arrows()
        if layer_of(module) == source and (target == sink or target.startswith(f"{sink}."))
    ]
    assert not wrong, f"{source} must not import {sink}: {wrong}"


@pytest.mark.parametrize("package", sorted(THIRD_PARTY))
def test_third_party_packages_stay_in_their_layers(package: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line}"
        for module, path in modules().items()
        for line, name in imports(path)
        if name.split(".")[0] == package and layer_of(module) not in THIRD_PARTY[package]
    ]
    assert not wrong, f"{package} is imported in {wrong}"


def test_the_table_has_no_cycle() -> None:
    """Otherwise it would not say which way is down."""
    left = {name: set(below) - {name} for name, below in LAYERS.items()}
    for name in FACTS:
        left[name] -= FACTS  # facts may lean on each other
    while ready := [name for name, below in left.items() if not below & left.keys()]:
        for name in ready:
            del left[name]
    assert not left


def test_files_do_not_import_each_other_in_a_circle() -> None:
    """
    Imports for type checkers aside. An expression of the language contains expressions, so the
    files of the analysis, a function for each kind, call each other.
    """
    files = modules()
    left: dict[str, set[str]] = {}
    for module, path in files.items():
        found = set()
        for _, name in imports(path, typing=False):
            package, _, target = name.partition(".")
            while target and target not in files:
                target = target.rpartition(".")[0]
            if package == "irc" and target and target != module:
                found.add(target)
        if not module.startswith("frontend.analysis"):
            left[module] = {f for f in found if not f.startswith("frontend.analysis")}
    while ready := [name for name, below in left.items() if not below & left.keys()]:
        for name in ready:
            del left[name]
    assert not left, {name: sorted(below & left.keys()) for name, below in left.items()}


# ---- what a process has loaded


def loaded(statement: str) -> set[str]:
    """The top-level packages in a fresh process after this statement."""
    script = f"import json, sys; {statement}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return {name.split(".")[0] for name in json.loads(done.stdout)}


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import irc", {"xdsl", "lark", "click", "numpy"}),
        ("import irc; irc.load", {"xdsl", "lark", "click"}),
        ("import irc.abi, irc.cache", {"xdsl", "lark", "click"}),
        ("import irc.diagnostics", {"xdsl", "lark", "click", "numpy"}),
    ],
)
def test_cheap_imports_stay_cheap(statement: str, absent: set[str]) -> None:
    assert not loaded(statement) & absent


# ---- nothing of one machine


def tracked_files() -> list[Path]:
    done = subprocess.run(
        ["git", "ls-files", "-z", "--cached"], cwd=ROOT, capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip("not a git checkout")
    return [path for name in done.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def test_no_file_names_a_home_or_this_checkout() -> None:
    """Absolute paths only: `docs/root/` and `~/` are fine."""
    folders = ["/home", "/root", "/Users", str(ROOT)]
    if ROOT.parent not in (Path("/"), Path(tempfile.gettempdir())):
        folders.append(str(ROOT.parent))
    private = re.compile(rf"(?<![\w.~-])({'|'.join(map(re.escape, folders))})/\w")
    wrong = []
    for path in tracked_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if private.search(line):
                wrong.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}")
    assert not wrong, "\n".join(wrong)
