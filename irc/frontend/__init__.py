"""
Text to `nd`.

    syntax.py     text -> tree.Module; lexer.py, parser.py, actions.py, mistakes.py behind it
    tree.py       the syntax tree; walk.py goes through it
    format.py     the tree back to canonical text
    analysis/     names, types, sizes; the tree to `nd`
    grammar.lark  the grammar; build_grammar.py makes the parse tables from it
"""

from __future__ import annotations
