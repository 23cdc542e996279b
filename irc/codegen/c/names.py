"""Which C name each part of a module has. Codegen asks here; so nothing has two spellings."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from irc.abi import INIT_FUNCTION, FunctionSpec, ModuleSpec
from irc.codegen.c.identifiers import LIBRARY, MACROS, Scope, identifier


def kernel_name(function: str) -> str:
    """The static C function with the body of `function`."""
    return "k_" + (INIT_FUNCTION if function == INIT_FUNCTION else identifier(function))


@dataclass(frozen=True)
class ModuleNames:
    """
    The names of one module.

    prefix      of every public symbol, and the type of the context: `logreg`
    functions   function -> public C function, for exports
    fields      state -> member of the context that points to it
    accessors   state -> public function that returns it, hidden states excluded
    consts      const -> enumerator or macro
    """

    prefix: str
    functions: dict[str, str]
    fields: dict[str, str]
    accessors: dict[str, str]
    consts: dict[str, str]

    @property
    def macro(self) -> str:
        return self.prefix.upper()


# What every header declares beside the program's own names.
_OWN = ("new", "free", "error", "seed", "save", "load")


@lru_cache(maxsize=64)
def _names(
    prefix: str,
    exports: tuple[str, ...],
    visible: tuple[str, ...],
    hidden: tuple[str, ...],
    consts: tuple[str, ...],
) -> ModuleNames:
    public = Scope(f"{prefix}_{name}" for name in _OWN)
    macros = Scope({f"{prefix.upper()}_ABI", f"{prefix.upper()}_H", *MACROS})
    members = Scope({"head"})
    return ModuleNames(
        prefix=prefix,
        functions={f: public.fresh(f"{prefix}_{_tail(f)}") for f in exports},
        accessors={s: public.fresh(f"{prefix}_{_tail(s)}") for s in visible},
        fields={s: members.fresh(_member(s)) for s in (*visible, *hidden)},
        consts={c: macros.take(f"{prefix.upper()}_{_tail(c)}") for c in consts},
    )


def module_names(spec: ModuleSpec) -> ModuleNames:
    """The names of `spec`'s module; equal specs give equal names."""
    prefix = identifier(spec.name.replace(".", "_").replace("-", "_"))
    return _names(
        f"{prefix}_" if prefix in LIBRARY else prefix,
        tuple(f.name for f in spec.functions if f.kind == "export"),
        tuple(s.name for s in spec.states if not s.hidden),
        tuple(s.name for s in spec.states if s.hidden),
        tuple(spec.consts),
    )


def state_field(spec: ModuleSpec, state: str) -> str:
    """The member of the context that points to `state`: `ctx->W`."""
    return module_names(spec).fields[state]


@dataclass(frozen=True)
class Arguments:
    """C names of what one function takes and gives. No two are equal."""

    sizes: tuple[str, ...]
    params: tuple[str, ...]
    results: tuple[str, ...]
    context: str
    scope: Scope  # for further locals


def argument_names(function: FunctionSpec) -> Arguments:
    """Sizes and parameters keep their names first; the context is `m` where that is free."""
    scope = Scope()
    sizes = tuple(map(scope.fresh, function.sizes))
    params = tuple(scope.fresh(p.name) for p in function.params)
    single = len(function.results) == 1
    results = tuple(
        scope.fresh(r.name or ("result" if single else f"result{i}"))
        for i, r in enumerate(function.results)
    )
    return Arguments(sizes, params, results, scope.fresh("m"), scope)


def _tail(name: str) -> str:
    """A name as the end of a longer identifier, where keywords are harmless."""
    plain = name.replace(".", "_")
    return plain if plain.isascii() else identifier(plain)


def _member(state: str) -> str:
    return state.replace(".", "_").strip("_") or state
