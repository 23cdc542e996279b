"""
The pages for people: their programs compile, their commands answer so, their links lead on.

    UPDATE_GOLDEN=1 pytest tests/unit/test_pages.py

writes the answers anew, to be read in the diff.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from documents import Page, blocks, commands, matches

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [ROOT / "README.md", *(p for p in ROOT.glob("docs/**/*.md") if p.parent.name != "reference")]
)
RUN = [page for page in PAGES if "```" in page.read_text(encoding="utf-8")]

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
NAMED = re.compile(r"`((?:irc|docs|tests|tools|examples|benchmarks)/[\w./-]*)`")


def shown(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.cc
@pytest.mark.timeout(240)
@pytest.mark.parametrize("page", RUN, ids=shown)
def test_what_a_page_shows_is_what_happens(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Page(page, tmp_path).run()


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_links_lead_somewhere(page: Path) -> None:
    wrong = []
    for link in LINK.findall(re.sub(r"`[^`]*`", "", prose(page))):
        if link.startswith(("http:", "https:")):
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            wrong.append(link)
    assert not wrong


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_files_that_a_page_names_exist(page: Path) -> None:
    wrong = [name for name in NAMED.findall(prose(page)) if not (ROOT / name).exists()]
    assert not wrong


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)


def anchors(page: Path) -> set[str]:
    """As GitHub makes them from headings."""
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in HEADING.findall(prose(page))
    }


def test_the_pages_are_found() -> None:
    names = {page.name for page in PAGES}
    assert {"README.md", "ARCHITECTURE.md", "language.md", "tutorial.md"} <= names


# ---- the runner itself: a page that lies is noticed


def run_page(text: str, folder: Path) -> None:
    page = folder / "page.md"
    page.write_text(text, encoding="utf-8")
    Page(page, folder).run()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("```irc\nexport def f() -> f32 = nothing\n```\n", "no value named `nothing`"),
        ('```irc\ntest "t" { assert 1 + 1 == 3 }\n```\n', "page.md:2: test"),
        ("```irc error\nexport def f() -> f32 = 1\n```\n", "has no mistake"),
        ("```irc error\nlet\n```\n", "no `text` block follows"),
        ("```irc error\nlet\n```\n```text\nfine\n```\n", "page.md:5:\nfine\n--- but now"),
        ("```console\n$ echo one\ntwo\n```\n", "page.md:2: $ echo one\ntwo\n--- but now ---\none"),
        ("```python\n1 / 0\n```\n", "page.md:2: division by zero"),
        ("```pycon\n>>> 1 + 1\n3\n```\n", "Expected:\n    3\nGot:\n    2"),
        ("```python\n", "never closed"),
    ],
)
def test_a_page_that_lies_is_noticed(text: str, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(AssertionError) as caught:
        run_page(text, tmp_path)
    assert complaint in str(caught.value)


def test_a_page_is_written_anew_when_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPDATE_GOLDEN", "1")
    text = "# Page\n```console\n$ echo one; echo two\nthree\n$ echo 12 ms\n... ms\n```\nend\n"
    run_page(text, tmp_path)
    assert (tmp_path / "page.md").read_text() == text.replace("three\n", "one\ntwo\n")


def test_ellipses() -> None:
    assert matches("a ... c\n", "a b c\n")
    assert matches("a\n...\nc\n", "a\nb\nb\nc\n") and matches("a\n...\nc\n", "a\nc\n")
    assert not matches("a ... c\n", "a b\nb c\n") and not matches("a\n", "a\nb\n")


def test_blocks_and_commands() -> None:
    (block,) = blocks("x\n```console a\n$ one \\\n  two\nanswer\n$ three\n```\n")
    assert (block.words, block.line) == (["console", "a"], 3)
    assert list(commands(block.text)) == [("one \\\n  two", "answer\n"), ("three", "")]
