"""
How a diagnostic looks: rustc's layout, in plain ASCII apart from what the program itself
contains. Colour is added only when asked for.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from irc.diagnostics.model import Diagnostic, Label, SourceMap, Span

TAB = "    "
MAX_COLUMNS = 140  # of a source line; a longer one is shown as a window around its labels
LEAD_COLUMNS = 30  # of that window, before the first label
MAX_LINE = 2000  # characters; of a longer line only those around its labels are looked at
MAX_CALLS = 4

Paint = Callable[[str, str], str]  # text, style

STYLES = {
    "error": "1;31",
    "warning": "1;33",
    "note": "1;32",
    "remark": "1;36",
    "help": "1;36",
    "gutter": "1;34",
    "secondary": "1;34",
    "title": "1",
}


def render(diagnostic: Diagnostic, sources: SourceMap, color: bool = False) -> str:
    """The full message: title, place, source lines with labels, notes, helps."""
    paint = _colored if color else _plain
    title = paint(f": {_printable(diagnostic.title)}", "title")
    lines = [paint(_head(diagnostic), diagnostic.severity) + title]

    shown = [x for x in diagnostic.labels if sources.line(x.span.file, x.span.line) is not None]
    width = max((len(str(x.span.line)) for x in shown), default=1)
    margin = " " * width
    bar = paint(f"{margin} |", "gutter")

    here = diagnostic.span
    for file in _files_in_order(diagnostic):
        marked = [x for x in shown if x.span.file == file]
        place = here if here and file == here.file else _first(diagnostic.labels, file)
        arrow = "-->" if here and file == here.file else ":::"
        lines.append(f"{margin}{paint(arrow, 'gutter')} {_printable(str(place))}")
        if marked:
            lines.append(bar)
            lines += _snippet(marked, sources, diagnostic.severity, width, paint)

    footers = [("note", n) for n in _notes(diagnostic)] + [("help", h) for h in diagnostic.helps]
    if footers and shown:
        lines.append(bar)
    for kind, text in footers:
        first, *rest = _printable(text).split("\n")
        start = f"{margin} {paint('=', 'gutter')} {paint(kind, 'title')}: "
        lines.append(start + first)
        lines += [" " * (width + 9) + line for line in rest]
    return "\n".join(line.rstrip() for line in lines)


def render_short(diagnostic: Diagnostic) -> str:
    """`file:line:col: error[E0201]: title`, for terminals of editors."""
    place = f"{diagnostic.span}: " if diagnostic.span else ""
    return _printable(f"{place}{_head(diagnostic)}: {diagnostic.title}")


def to_json(diagnostic: Diagnostic, sources: SourceMap | None = None) -> dict[str, object]:
    """The same data for programs; with `sources` also the rendered text."""
    record: dict[str, object] = {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "title": diagnostic.title,
        "span": _span_json(diagnostic.span),
        "labels": [
            {"span": _span_json(x.span), "text": x.text, "primary": x.primary}
            for x in diagnostic.labels
        ],
        "notes": list(diagnostic.notes),
        "helps": list(diagnostic.helps),
        "calls": [
            {"function": c.function, "span": _span_json(c.span), "arguments": c.arguments}
            for c in diagnostic.call_chain
        ],
    }
    if sources is not None:
        record["rendered"] = render(diagnostic, sources)
    return record


# ---- parts of the message


def _head(diagnostic: Diagnostic) -> str:
    return diagnostic.severity + (f"[{diagnostic.code}]" if diagnostic.code else "")


def _files_in_order(diagnostic: Diagnostic) -> list[str]:
    """The file of the primary label first, the others as they appear."""
    files = [diagnostic.span.file] if diagnostic.span else []
    files += [label.span.file for label in diagnostic.labels]
    return list(dict.fromkeys(files))


def _first(labels: Iterable[Label], file: str) -> Span:
    return min((x.span for x in labels if x.span.file == file), key=lambda s: (s.line, s.col))


def _notes(diagnostic: Diagnostic) -> list[str]:
    calls = [str(call) for call in diagnostic.call_chain]
    if len(calls) > MAX_CALLS:
        hidden = len(calls) - MAX_CALLS + 1
        calls[MAX_CALLS - 2 : -1] = [f"... {hidden} more calls ..."]
    return [*diagnostic.notes, *calls]


def _snippet(
    labels: Sequence[Label], sources: SourceMap, severity: str, width: int, paint: Paint
) -> list[str]:
    """Source lines of one file in ascending order, each followed by its labels."""
    by_line: dict[int, list[Label]] = {}
    for label in labels:
        by_line.setdefault(label.span.line, []).append(label)
    file = labels[0].span.file
    out: list[str] = []
    previous = None
    for number in sorted(by_line):
        if previous is not None and number == previous + 2:
            text, _, _ = _Text.of(sources.line(file, number - 1) or "").window(0, 0)
            out.append(paint(f"{number - 1:>{width}} |", "gutter") + f" {text}")
        elif previous is not None and number > previous + 2:
            out.append(paint("...", "gutter"))
        source = _Text.of(sources.line(file, number) or "", by_line[number])
        marks = [_mark(label, source) for label in by_line[number]]
        first, last = min(m.start for m in marks), max(m.end for m in marks)
        text, shift, columns = source.window(first, last)
        out.append(paint(f"{number:>{width}} |", "gutter") + f" {text}")
        for row in _rows([m.moved(shift, columns) for m in marks], severity):
            out.append(paint(" " * width + " |", "gutter") + " " + _paint_row(row, paint))
        previous = number
    return out


# ---- one source line


@dataclass(frozen=True, slots=True)
class _Mark:
    """A label in display columns of its line, end exclusive."""

    start: int
    end: int
    text: str
    primary: bool

    def moved(self, shift: int, columns: int) -> _Mark:
        """Inside the part of the line that is shown, at least one column wide."""
        start = min(max(self.start + shift, 0), columns)
        end = max(min(self.end + shift, columns), start + 1)
        return _Mark(start, end, self.text, self.primary)


@dataclass(frozen=True, slots=True)
class _Text:
    """
    A line as it is displayed.

    cells     what each terminal column shows; empty behind a letter that takes two
    columns   display column of each character, and the column behind the last one
    skipped   characters before the first cell
    """

    cells: list[str]
    columns: list[int]
    skipped: int

    @staticmethod
    def of(line: str, labels: Sequence[Label] = ()) -> _Text:
        skipped = 0
        if len(line) > MAX_LINE:
            first = min((label.span.col for label in labels), default=1)
            skipped = max(0, first - 1 - MAX_LINE // 2)
            line = line[skipped : skipped + MAX_LINE]
        cells: list[str] = []
        columns: list[int] = []
        for char in line:
            columns.append(len(cells))
            if char == "\t":
                cells += TAB
            elif unicodedata.combining(char) and cells:
                cells[-1] += char
            else:
                cells += [_visible(char), *[""] * (_width(char) - 1)]
        columns.append(len(cells))
        return _Text(cells, columns, skipped)

    def column(self, char: int) -> int:
        """Display column of a character offset; one behind the line is the end of the line."""
        return self.columns[max(0, min(char - self.skipped, len(self.columns) - 1))]

    def window(self, start: int, end: int) -> tuple[str, int, int]:
        """The part to show for labels in [start, end), how far it moved right, its columns."""
        if len(self.cells) <= MAX_COLUMNS:
            return "".join(self.cells), 0, len(self.cells)
        room = MAX_COLUMNS - 6
        begin = 0 if end <= room else max(0, start - LEAD_COLUMNS)
        head = "..." if begin or self.skipped else ""
        tail = "..." if begin + room < len(self.cells) else ""
        shown = "".join(self.cells[begin : begin + room])
        return head + shown + tail, len(head) - begin, len(head) + room


def _mark(label: Label, source: _Text) -> _Mark:
    span = label.span
    start = source.column(max(span.col - 1, 0))
    end = source.columns[-1] if span.end_line > span.line else source.column(span.end_col - 1)
    return _Mark(start, max(end, start + 1), _printable(label.text), label.primary)


_Row = list[tuple[str, str]]  # a character and its style, per column


def _rows(marks: list[_Mark], severity: str) -> list[_Row]:
    """
    The underlines, and the texts: one at the end of the underlines, the others hung below.

        log_softmax(h, axis=2)
        -------------  ^^^^^^ valid axes are 0 and 1
        |
        `h` is f32[n, 10]
    """
    underline: _Row = []
    for mark in sorted(marks, key=lambda m: m.primary):
        style = severity if mark.primary else "secondary"
        _put(underline, mark.start, ("^" if mark.primary else "-") * (mark.end - mark.start), style)
    with_text = [m for m in marks if m.text]
    last = max(with_text, key=lambda m: (m.end, m.start), default=None)
    if last is not None and all(m is last or m.end <= last.start for m in marks):
        style = severity if last.primary else "secondary"
        _put(underline, last.end + 1, last.text, style)
        with_text.remove(last)
    rows = [underline]
    hanging = sorted(with_text, key=lambda m: -m.start)
    for count, mark in enumerate(hanging):
        style = severity if mark.primary else "secondary"
        if count == 0:
            rows.append(_connectors(hanging, severity))
        row = _connectors([m for m in hanging[count + 1 :] if m.start < mark.start], severity)
        _put(row, mark.start, mark.text, style)
        rows.append(row)
    return rows


def _connectors(marks: Sequence[_Mark], severity: str) -> _Row:
    row: _Row = []
    for mark in marks:
        _put(row, mark.start, "|", severity if mark.primary else "secondary")
    return row


def _put(row: _Row, column: int, text: str, style: str) -> None:
    row.extend([(" ", "")] * (column + len(text) - len(row)))
    row[column : column + len(text)] = [(char, style) for char in text]


# ---- characters and colours


def _visible(char: str) -> str:
    """Nothing in a program may move the cursor or turn the writing direction."""
    if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"):
        return "\ufffd"
    return char


def _width(char: str) -> int:
    """Terminal columns: East Asian wide letters take two."""
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1


def _printable(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c == "\n" else TAB if c == "\t" else _visible(c) for c in text)


def _plain(text: str, style: str) -> str:
    return text


def _colored(text: str, style: str) -> str:
    return f"\x1b[{STYLES[style]}m{text}\x1b[0m" if style else text


def _paint_row(row: _Row, paint: Paint) -> str:
    """Neighbours of one style are painted together."""
    parts: list[str] = []
    start = 0
    for i in range(1, len(row) + 1):
        if i == len(row) or row[i][1] != row[start][1]:
            text = "".join(char for char, _ in row[start:i])
            parts.append(paint(text, row[start][1]))
            start = i
    return "".join(parts)


def _span_json(span: Span | None) -> dict[str, object] | None:
    return span._asdict() if span else None
