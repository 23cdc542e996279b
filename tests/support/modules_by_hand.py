"""Small modules written by hand as the compiler would: a description and the kernels' C text."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from irc.abi import (
    INIT_FUNCTION,
    RNG_STATE,
    FactSpec,
    FunctionSpec,
    ModuleSpec,
    ParamSpec,
    ResultSpec,
    StateSpec,
)
from irc.codegen.c.module import ModuleText, module_text
from irc.codegen.c.toolchain import CcOptions, compile_shared
from irc.seal import seal


@dataclass(frozen=True)
class Program:
    """What `module_text` takes."""

    spec: ModuleSpec
    kernels: str
    arenas: dict[str, str] = field(default_factory=dict)

    @property
    def text(self) -> ModuleText:
        return module_text(self.spec, self.kernels, self.arenas)

    def shared_object(self, **options: object) -> bytes:
        """Compiled fast and sealed."""
        how = CcOptions(**{"optimize": 0, **options})  # type: ignore[arg-type]
        return seal(compile_shared(self.text.c, how).data)


def array(name: str, dtype: str, *dims: int | str, **more: object) -> ParamSpec:
    return ParamSpec(name, dtype, dims, **more)  # type: ignore[arg-type]


def result(name: str | None, dtype: str, *dims: int | str) -> ResultSpec:
    return ResultSpec(name, dtype, dims)


# y = x W + b by gradient descent on squares, weights drawn at the start; asks for a workspace,
# draws, prints, asserts and checks an index: one of everything that a door must carry.
FIT_KERNELS = r"""
/* A generator that is enough for a test: splitmix64 of (seed, counter). */
static double uniform_draw(const int64_t *rng, int64_t i)
{
    uint64_t z = (uint64_t)rng[1] * 1000u + (uint64_t)i + 1u;
    z = (uint64_t)rng[0] + 0x9E3779B97F4A7C15u * z;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return (double)((z ^ (z >> 31)) >> 11) / 9007199254740992.0;
}

static int32_t k_irc_init(struct fit *ctx, char *arena)
{
    (void)arena;
    for (int64_t i = 0; i < 3; ++i)
        ctx->W[i] = (float)uniform_draw(ctx->rng, i) - 0.5f;
    *ctx->b = 0.0f;
    *ctx->steps = 0;
    ++ctx->rng[1];
    return IRC_OK;
}

static int32_t k_train(struct fit *ctx, int64_t n, const float *x, const float *y, const float *lr,
                       float *cost, int64_t *step, char *arena)
{
    float *residual = (float *)(void *)arena; /* f32[n] */
    float sum = 0.0f, gW[3] = {0.0f, 0.0f, 0.0f}, gb = 0.0f;
    for (int64_t i = 0; i < n; ++i) {
        residual[i] = ctx->W[0] * x[3 * i] + ctx->W[1] * x[3 * i + 1] + ctx->W[2] * x[3 * i + 2] +
                      *ctx->b - y[i];
        sum += residual[i] * residual[i];
    }
    for (int64_t i = 0; i < n; ++i) {
        for (int64_t k = 0; k < 3; ++k)
            gW[k] += residual[i] * x[3 * i + k];
        gb += residual[i];
    }
    *cost = sum / (float)n;
    if (!(*cost < 1e6f)) {
        irc_text t = irc_message_begin(&ctx->head);
        irc_put(&t, "fit.irc:9:5: assertion failed: cost exploded: ");
        irc_put_f32(&t, *cost, NULL);
        return irc_message_end(&t, IRC_ASSERT);
    }
    for (int64_t k = 0; k < 3; ++k)
        ctx->W[k] -= *lr * gW[k] / (float)n;
    *ctx->b -= *lr * gb / (float)n;
    *step = ++*ctx->steps;
    return IRC_OK;
}

static int32_t k_predict(struct fit *ctx, int64_t n, const float *x, float *out, char *arena)
{
    (void)arena;
    for (int64_t i = 0; i < n; ++i)
        out[i] = ctx->W[0] * x[3 * i] + ctx->W[1] * x[3 * i + 1] + ctx->W[2] * x[3 * i + 2] +
                 *ctx->b;
    return IRC_OK;
}

static int32_t k_draw(struct fit *ctx, double *out, char *arena)
{
    (void)arena;
    *out = uniform_draw(ctx->rng, 0);
    ++ctx->rng[1];
    return IRC_OK;
}

static int32_t k_pick(struct fit *ctx, int64_t n, const double *x, const int64_t *i, double *out,
                      char *arena)
{
    (void)arena;
    if (*i < 0 || *i >= n)
        return irc_fail(&ctx->head, IRC_BOUNDS,
                        "fit.irc:20:7: index i = %" PRId64
                        " is outside dimension 0 of x (size %" PRId64 ")",
                        *i, n);
    *out = x[*i];
    return IRC_OK;
}

static int32_t k_tell(struct fit *ctx, int64_t n, const float *x, char *arena)
{
    (void)arena;
    irc_text t = irc_print_begin(&ctx->head);
    irc_put(&t, "n ");
    irc_put_i64(&t, n, NULL);
    irc_put(&t, " first ");
    irc_put_f32(&t, n > 0 ? x[0] : 0.0f, "%.2f");
    irc_put(&t, " all ");
    irc_put_tensor(&t, x, &n, 1, sizeof *x, irc_put_f32_at, NULL);
    irc_print_end(&t);
    return IRC_OK;
}
"""

FIT = Program(
    ModuleSpec(
        "fit",
        irc_version="0.1.0",
        source="fit.irc",
        text="## Linear regression.\nstate W: f32[D] = uniform(-0.5, 0.5)\n",
        doc="Linear regression.",
        target="cpu:native",
        consts={"D": 3, "scale": 0.5, "big": 2**40},
        types={"floatX": "f32"},
        states=(
            StateSpec("W", "f32", (3,), doc="The weights.", declared="f32[D]", span="fit.irc:2:1"),
            StateSpec("b", "f32"),
            StateSpec("steps", "i64"),
            StateSpec(RNG_STATE, "i64", (2,), hidden=True),
        ),
        functions=(
            FunctionSpec(INIT_FUNCTION, kind="init", pure=False),
            FunctionSpec(
                "train",
                doc="One step of gradient descent. Returns the cost before it.",
                sizes=("n",),
                params=(
                    array("x", "f32", "n", 3, declared="f32[n, D]", span="fit.irc:5:18"),
                    array("y", "f32", "n", declared="f32[n]", span="fit.irc:5:32"),
                    array("lr", "f32", default=0.1, declared="f32", span="fit.irc:5:44"),
                ),
                results=(result("cost", "f32"), result("step", "i64")),
                facts=(FactSpec("n", ">", 0, "n > 0", "fit.irc:5:80"),),
                pure=False,
                writes=("W", "b", "steps"),
                span="fit.irc:5:12",
            ),
            FunctionSpec(
                "predict",
                sizes=("n",),
                params=(array("x", "f32", "n", 3, declared="f32[n, D]", span="fit.irc:12:20"),),
                results=(result(None, "f32", "n"),),
                pure=False,
                span="fit.irc:12:12",
            ),
            FunctionSpec(
                "draw",
                doc="A number in [0, 1).",
                results=(result(None, "f64"),),
                pure=False,
                draws=True,
                writes=(RNG_STATE,),
            ),
            FunctionSpec(
                "pick",
                sizes=("n",),
                params=(array("x", "f64", "n"), array("i", "i64")),
                results=(result(None, "f64"),),
            ),
            FunctionSpec("tell", sizes=("n",), params=(array("x", "f32", "n"),)),
        ),
    ),
    FIT_KERNELS,
    {"train": "4*n"},
)

# No state; every dtype, names that C does not allow, sizes that must be solved for.
_COPIED = (
    "bool",
    "i8",
    "i16",
    "i32",
    "i64",
    "u8",
    "u16",
    "u32",
    "u64",
    "f16",
    "bf16",
    "f32",
    "f64",
)
_C = {"f32": "float", "f64": "double", "f16": "irc_f16", "bf16": "irc_bf16", "bool": "bool"}


def _c(dtype: str) -> str:
    return _C.get(dtype) or ("uint" if dtype[0] == "u" else "int") + f"{dtype[1:]}_t"


def _copy_kernel(dtype: str) -> str:
    c = _c(dtype)
    return f"""
static int32_t k_copy_{dtype}(struct odd *ctx, int64_t n, const {c} *x, const {c} *s, {c} *y,
                              {c} *t, char *arena)
{{
    (void)ctx;
    (void)arena;
    for (int64_t i = 0; i < n; ++i)
        y[i] = x[i];
    *t = *s;
    return IRC_OK;
}}
"""


ODD_KERNELS = r"""
static int32_t k_fma3(struct odd *ctx, const float *a, const float *b, const float *c, float *out,
                      char *arena)
{
    (void)ctx;
    (void)arena;
    for (int i = 0; i < 16; ++i)
        out[i] = a[i] * b[i] + c[i];
    return IRC_OK;
}

static int32_t k_u__3bb_(struct odd *ctx, int64_t int_, const double *m, const double *for_,
                         double *class_, char *arena)
{
    (void)ctx;
    (void)arena;
    for (int64_t i = 0; i < int_; ++i)
        class_[i] = m[i] + *for_;
    return IRC_OK;
}

static int32_t k_windows(struct odd *ctx, int64_t n, int64_t k, const float *x, const float *y,
                         float *out, char *arena)
{
    (void)ctx;
    (void)arena;
    (void)y;
    for (int64_t i = 0; i < n; ++i)
        out[i] = x[i] + (float)k;
    return IRC_OK;
}

static int32_t k_shrink(struct odd *ctx, int64_t n, const float *x, float *out, char *arena)
{
    (void)ctx;
    (void)arena;
    for (int64_t i = 0; i + 2 < n; ++i)
        out[i] = x[i + 2];
    return IRC_OK;
}

static int32_t k_grow(struct odd *ctx, int64_t n, const int64_t *count, const float *x, float *out,
                      char *arena)
{
    (void)ctx;
    float *copy = (float *)(void *)arena;
    (void)count;
    *out = 0.0f;
    for (int64_t i = 0; i < n; ++i) {
        copy[i] = x[i];
        *out += copy[i];
    }
    return IRC_OK;
}

static int32_t k_nothing(struct odd *ctx, char *arena)
{
    (void)ctx;
    (void)arena;
    return IRC_OK;
}
""" + "".join(map(_copy_kernel, _COPIED))

ODD = Program(
    ModuleSpec(
        "odd",
        source="odd.irc",
        functions=(
            FunctionSpec(
                "fma3",
                params=(array("a", "f32", 16), array("b", "f32", 16), array("c", "f32", 16)),
                results=(result(None, "f32", 16),),
            ),
            FunctionSpec(
                "λ",
                doc="Evil */ comment, and a \\",
                sizes=("int",),
                params=(array("m", "f64", "int"), array("for", "f64", default=1)),
                results=(result("class", "f64", "int"),),
            ),
            FunctionSpec(
                "windows",
                sizes=("n", "k"),
                params=(array("x", "f32", "2*n + 1"), array("y", "f32", "n*k")),
                results=(result(None, "f32", "n"),),
            ),
            FunctionSpec(
                "shrink",
                sizes=("n",),
                params=(array("x", "f32", "n"),),
                results=(result(None, "f32", "n - 2"),),
            ),
            FunctionSpec(
                "grow",
                sizes=("n",),
                params=(array("count", "i64", default=0), array("x", "f32", "n")),
                results=(result(None, "f32"),),
            ),
            FunctionSpec("nothing"),
            *(
                FunctionSpec(
                    f"copy_{d}",
                    sizes=("n",),
                    params=(array("x", d, "n"), array("s", d)),
                    results=(result("y", d, "n"), result("t", d)),
                )
                for d in _COPIED
            ),
        ),
    ),
    ODD_KERNELS,
    {"grow": "4096*n**2 + 4*n"},
)


def renamed(program: Program, name: str) -> Program:
    """The same program as a module of another name."""
    old = program.spec.name
    return Program(
        replace(program.spec, name=name),
        program.kernels.replace(f"struct {old} ", f"struct {name} "),
        program.arenas,
    )
