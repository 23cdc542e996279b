"""
The stage explorer: one HTML file with the source on the left and a stage on the right.

Pointing at a line lights up the lines that it became, or came from, at every stage. The file
needs nothing from the network.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

LOCATION = re.compile(r'\s*loc\((?:"([^"]*)":(\d+):\d+|[^()]*(?:\([^()]*\))?[^()]*)\)')
LINE = re.compile(r'#line (\d+) "([^"]*)"')

STYLE = """
body{margin:0;font:13px/1.45 monospace;display:grid;grid-template-columns:2fr 3fr;height:100vh}
section{overflow:auto;padding:8px}
#right{border-left:1px solid #bbb}
pre{margin:0}
pre span{display:block;white-space:pre;min-height:1.45em}
pre span:hover,.lit{background:#ffec99}
nav button{font:inherit;border:1px solid #bbb;background:#f4f4f4;padding:2px 10px;cursor:pointer}
nav button.on{background:#d0ebff}
.number{color:#888;user-select:none;display:inline-block;width:3.5em}
.stage{display:none}
.stage.on{display:block}
"""

SCRIPT = """
const spans=[...document.querySelectorAll('pre span[data-line]')];
document.body.addEventListener('mouseover',e=>{
  const at=e.target.closest('span[data-line]');
  const lines=new Set(at?at.dataset.line.split(' '):[]);
  let first=true;
  for(const s of spans){
    const lit=s.dataset.line.split(' ').some(x=>lines.has(x));
    s.classList.toggle('lit',lit);
    if(lit&&first&&at.closest('#left')&&s.closest('.stage.on')){
      s.scrollIntoView({block:'nearest'});first=false}
  }
});
const tabs=[...document.querySelectorAll('nav button')];
for(const tab of tabs)tab.onclick=()=>{
  for(const t of tabs)t.classList.toggle('on',t===tab);
  for(const s of document.querySelectorAll('.stage'))
    s.classList.toggle('on',s.id===tab.dataset.stage);
};
if(tabs.length)tabs[0].click();
"""


@dataclass(frozen=True)
class Row:
    """A line of a stage, and the line of the source that it came from; 0 when unknown."""

    text: str
    line: int = 0


def ir_rows(text: str, file: str) -> list[Row]:
    """IR that was printed with locations; they are taken out of the text."""
    rows = []
    for line in text.splitlines():
        places = [int(m[2]) for m in LOCATION.finditer(line) if m[1] == file]
        rows.append(Row(LOCATION.sub("", line), places[-1] if places else 0))
    return rows


def c_rows(text: str, file: str) -> list[Row]:
    """C text with `#line` directives, which are left out."""
    rows, at = [], 0
    for line in text.splitlines():
        if match := LINE.match(line):
            at = int(match[1]) if match[2] == file else 0
            continue
        if not line.startswith((" ", "\t")):
            at = 0  # a new function
        rows.append(Row(line, at))
    return rows


def page(title: str, source: str, stages: Iterable[tuple[str, Sequence[Row]]]) -> str:
    """The whole file. Equal input gives equal text."""
    left = [Row(text, number) for number, text in enumerate(source.splitlines(), 1)]
    tabs, bodies = [], []
    for name, rows in stages:
        safe = html.escape(name, quote=True)
        tabs.append(f'<button data-stage="stage-{safe}">{safe}</button>')
        bodies.append(f'<div class="stage" id="stage-{safe}"><pre>{_rows(rows)}</pre></div>')
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f"<title>{html.escape(title)}</title>\n<style>{STYLE}</style></head><body>\n"
        f'<section id="left"><pre>{_rows(left)}</pre></section>\n'
        f'<section id="right"><nav>{"".join(tabs)}</nav>\n{"".join(bodies)}</section>\n'
        f"<script>{SCRIPT}</script>\n</body></html>\n"
    )


def _rows(rows: Sequence[Row]) -> str:
    return "".join(
        f'<span{_mark(row)}><i class="number">{number}</i>{html.escape(row.text)}</span>'
        for number, row in enumerate(rows, 1)
    )


def _mark(row: Row) -> str:
    return f' data-line="{row.line}"' if row.line else ""
