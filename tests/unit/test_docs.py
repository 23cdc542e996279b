"""The generated reference is what the definitions say."""

from __future__ import annotations

import importlib.util
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def docs() -> ModuleType:
    loader = SourceFileLoader("docs_tool", str(ROOT / "tools" / "docs"))
    spec = importlib.util.spec_from_loader("docs_tool", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def test_no_page_is_stale(docs: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert docs.main(["--check"]) == 0, capsys.readouterr().out


def test_a_stale_page_is_noticed(
    docs: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docs, "FOLDER", tmp_path)
    assert docs.main(["--check"]) == 1 and not list(tmp_path.iterdir())
    assert docs.main([]) == 0 and docs.main(["--check"]) == 0
    page = tmp_path / "ops.md"
    page.write_text(page.read_text() + "\nchanged by hand\n")
    assert docs.main(["--check"]) == 1


def test_everything_defined_is_documented(docs: ModuleType) -> None:
    from irc.diagnostics.codes import PAGES
    from irc.dialects import nd
    from irc.frontend.analysis.builtins import BUILTINS
    from irc.pipeline import PASSES

    pages = docs.pages()
    assert all(f"nd.{name}`" in pages["ops.md"] for name in nd.ELEMENTWISE)
    assert all(op.name in pages["ops.md"] for op in nd.ND.operations)
    assert all(entry.signature in pages["functions.md"] for entry in BUILTINS.values())
    assert all(f"\n## {name}\n" in pages["passes.md"] for name in PASSES)
    assert all(f"\n## {code}\n" in pages["errors.md"] for code in PAGES)
