"""`--lapack`: large systems go to a library if there is one, and to plain C if there is none."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

import irc
from irc.errors import UserError

pytestmark = pytest.mark.cc
PROGRAM = """
export def f(a: f64[n, n], b: f64[n, k]) -> (f64[n, k], f64) = (solve(a, b), logdet(a))
export def g(s: f32[n, n]) -> f32[n, n] = cholesky(s)
"""
# Column-major routines as LAPACK and BLAS define them, as simple as can be; they count their calls.
LIBRARY = r"""
#include <math.h>
#include <stdint.h>
int calls[3];
void spotrf_(const char *uplo, const int32_t *n, float *a, const int32_t *lda, int32_t *info)
{
    ++calls[0];
    *info = *uplo == 'U' ? 0 : -1;
    for (int j = 0; j < *n; ++j)
        for (int i = 0; i <= j; ++i) {
            double sum = a[i + j * *lda];
            for (int k = 0; k < i; ++k)
                sum -= (double)a[k + i * *lda] * a[k + j * *lda];
            if (i == j && sum <= 0) {
                *info = j + 1;
                return;
            }
            a[i + j * *lda] = (float)(i == j ? sqrt(sum) : sum / a[i + i * *lda]);
        }
}
void dgetrf_(const int32_t *m, const int32_t *n, double *a, const int32_t *lda, int32_t *ipiv,
             int32_t *info)
{
    ++calls[1];
    *info = 0;
    for (int k = 0; k < *n; ++k) {
        int best = k;
        for (int i = k; i < *m; ++i)
            if (fabs(a[i + k * *lda]) > fabs(a[best + k * *lda]))
                best = i;
        ipiv[k] = best + 1;
        for (int j = 0; j < *n; ++j) {
            const double kept = a[k + j * *lda];
            a[k + j * *lda] = a[best + j * *lda];
            a[best + j * *lda] = kept;
        }
        if (a[k + k * *lda] == 0) {
            *info = *info ? *info : k + 1;
            continue;
        }
        for (int i = k + 1; i < *m; ++i) {
            a[i + k * *lda] /= a[k + k * *lda];
            for (int j = k + 1; j < *n; ++j)
                a[i + j * *lda] -= a[i + k * *lda] * a[k + j * *lda];
        }
    }
}
/* b := b * inverse(op(a)), a n x n, b m x n */
void dtrsm_(const char *side, const char *uplo, const char *trans, const char *diag,
            const int32_t *m, const int32_t *n, const double *alpha, const double *a,
            const int32_t *lda, double *b, const int32_t *ldb)
{
    ++calls[2];
    const int turned = *trans == 'T', upper = (*uplo == 'U') != turned;
    if (*side != 'R' || *alpha != 1)
        return;
    for (int step = 0; step < *n; ++step) {
        const int j = upper ? step : *n - 1 - step;
        for (int row = 0; row < *m; ++row) {
            double sum = b[row + j * *ldb];
            for (int done = 0; done < step; ++done) {
                const int k = upper ? done : *n - 1 - done;
                sum -= b[row + k * *ldb] * (turned ? a[j + k * *lda] : a[k + j * *lda]);
            }
            b[row + j * *ldb] = *diag == 'U' ? sum : sum / a[j + j * *lda];
        }
    }
}
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lapack")
    (folder / "l.c").write_text(LIBRARY)
    path = folder / "libfake-lapack.so.3"
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", folder / "l.c", "-o", path, "-lm"], check=True)
    return path


def calls(library: Path) -> list[int]:
    import ctypes

    return list((ctypes.c_int * 3).in_dll(ctypes.CDLL(str(library)), "calls"))


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("program") / "m.irc"
    path.write_text(PROGRAM)
    return path


def check(module: irc.Module, n: int) -> None:
    rng = np.random.default_rng(n)
    a, b = rng.normal(size=(n, n)) + np.eye(n), rng.normal(size=(n, 8))
    x, size = module.f(a, b)
    np.testing.assert_allclose(x, np.linalg.solve(a, b), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(size, np.linalg.slogdet(a)[1], rtol=1e-9)
    s = (a @ a.T + n * np.eye(n)).astype(np.float32)
    np.testing.assert_allclose(module.g(s), np.linalg.cholesky(s), rtol=1e-3, atol=1e-3)


def test_large_systems_go_to_the_library(program: Path, library: Path) -> None:
    module = irc.compile(program, lapack=str(library))
    check(module, 20)
    assert calls(library) == [0, 0, 0]
    check(module, 64)
    assert calls(library) == [1, 1, 2]  # one factorization for `solve` and `logdet`
    check(module, 101)
    assert calls(library) == [2, 2, 4]
    with pytest.raises(irc.BoundsError, match="singular matrix: pivot 70 of a is 0"):
        module.f(np.diag(np.where(np.arange(80) == 70, 0.0, 1.0)), np.ones((80, 9)))
    with pytest.raises(irc.BoundsError, match="not positive definite: pivot 3 of s is not above 0"):
        module.g(np.diag(np.where(np.arange(80) == 3, -1, 1)).astype(np.float32))


def test_without_the_library_plain_c_does_it(program: Path) -> None:
    plain, missing = irc.compile(program), irc.compile(program, lapack="libno-such-thing.so.9")
    check(missing, 70)
    a, b = np.random.default_rng(0).normal(size=(2, 90, 90))
    for x, y in zip(plain.f(a, b), missing.f(a, b), strict=True):
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("name", ['lib".so', "lib\n.so", "lib so", "$(x).so"])
def test_a_name_that_is_none(name: str, program: Path) -> None:
    with pytest.raises(UserError, match="is no name of a library, as libopenblas.so.0 is"):
        irc.compile(program, lapack=name)
