"""E06: imports and externs."""

from __future__ import annotations

from irc.diagnostics.codes.page import Page

PAGES = (
    Page(
        "E0601",
        "a module is not found",
        """
        `import "file.irc" as m` looks beside the importing file and in the folders given with
        -I; `import nn` looks into the standard library. An import never leaves these folders.
        """,
    ),
    Page(
        "E0602",
        "files import each other",
        """
        An import needs the imported file to be complete. Put what both need into a third one.
        """,
    ),
    Page(
        "E0603",
        "an import leads out of its folder",
        """
        A file imports files beside or below itself, by a relative path, so that a program from
        elsewhere reads nothing else of this machine.
        """,
    ),
    Page(
        "E0604",
        "a name cannot be imported",
        """
        The imported module has no item of that name, or its file name is no name for a module:
        then `as` gives one.
        """,
    ),
    Page(
        "E0605",
        "an extern names a function and its library",
        """
        The text after `=` is the name of a C function, `from`, and the file name of a shared
        library. It is no path: the library is looked for beside the program and in the folders
        that the system knows, so that a program cannot choose a file of this machine.
        """,
        'extern def fast_erf(x: f64) -> f64 = "erf from /lib/libm.so.6"',
        'extern def fast_erf(x: f64) -> f64 = "erf from libm.so.6"',
    ),
    Page(
        "E0606",
        "an extern has types of C",
        """
        Every parameter of an extern has a type with a known rank and a dtype that C has, which
        f16 and bf16 are not; the sizes of its results stand in its parameters.
        """,
        'extern def f(x: f64[n]) -> f64[m] = "f from libfoo.so"',
        'extern def f(x: f64[n]) -> f64[n] = "f from libfoo.so"',
    ),
    Page(
        "E0607",
        "`@vjp` names a derivative",
        """
        The function that `@vjp` names takes the arguments of the extern, then the gradients of
        its results; between them the results, if it has parameters for them. It gives a gradient
        for each argument that is a float.
        """,
        """
        def g(dy) = 2 * dy
        @vjp(g)
        extern def twice(x: f64) -> f64 = "twice from libfoo.so"
        export def f(x: f64) -> f64 = twice(x)
        """,
        """
        def g(x, dy) = 2 * dy
        @vjp(g)
        extern def twice(x: f64) -> f64 = "twice from libfoo.so"
        export def f(x: f64) -> f64 = twice(x)
        """,
    ),
)
