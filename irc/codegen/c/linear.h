/* Dense linear systems, row-major, `count` of them one after the other.
 *
 * Each element goes through the same operations in the same order as in
 * irc/dialects/nd/linear_numpy.py, so all levels agree to the bit: IRC_ROWS rows are taken off at
 * once, but one after the other from each element. The innermost loops run along rows, over
 * elements that do not depend on each other. Golub and Van Loan, Matrix Computations, 4th ed.,
 * sections 3.2.11 and 4.2.5. */
#ifndef IRC_LINEAR
#define IRC_LINEAR

#include "lapack.h"
#include "mathlib.h"

#define IRC_ROWS 4 /* one element is read and written once for so many rows */

#define IRC_LINEAR_OF(suffix, T, root, size)                                                       \
    /* to[j] -= factors[0] * from[j], then factors[step] * from[stride + j], and so on. */         \
    IRC_HELPER void irc_take_off_##suffix(int64_t n, int64_t rows, const T *factors, int64_t step, \
                                          const T *from, int64_t stride, T *restrict to)           \
    {                                                                                              \
        int64_t k = 0;                                                                             \
        for (; k + IRC_ROWS <= rows; k += IRC_ROWS) {                                              \
            const T f0 = factors[k * step], f1 = factors[(k + 1) * step];                          \
            const T f2 = factors[(k + 2) * step], f3 = factors[(k + 3) * step];                    \
            const T *restrict r0 = from + k * stride, *restrict r1 = r0 + stride;                  \
            const T *restrict r2 = r1 + stride, *restrict r3 = r2 + stride;                        \
            IRC_SIMD                                                                               \
            for (int64_t j = 0; j < n; ++j)                                                        \
                to[j] = to[j] - f0 * r0[j] - f1 * r1[j] - f2 * r2[j] - f3 * r3[j];                 \
        }                                                                                          \
        for (; k < rows; ++k) {                                                                    \
            const T factor = factors[k * step];                                                    \
            const T *restrict row = from + k * stride;                                             \
            IRC_SIMD                                                                               \
            for (int64_t j = 0; j < n; ++j)                                                        \
                to[j] -= factor * row[j];                                                          \
        }                                                                                          \
    }                                                                                              \
    IRC_HELPER void irc_swap_##suffix(int64_t n, T *restrict a, T *restrict b)                     \
    {                                                                                              \
        for (int64_t j = 0; j < n; ++j) {                                                          \
            const T kept = a[j];                                                                   \
            a[j] = b[j];                                                                           \
            b[j] = kept;                                                                           \
        }                                                                                          \
    }                                                                                              \
    /* The transposed factor is made in the upper triangle, row after row. */                      \
    IRC_HELPER void irc_cholesky_##suffix(int64_t count, int64_t n, const T *restrict a,           \
                                          T *restrict x)                                           \
    {                                                                                              \
        for (; count > 0; --count, a += n * n, x += n * n) {                                       \
            if (irc_lapack_cholesky_##suffix(n, a, x))                                             \
                continue;                                                                          \
            for (int64_t i = 0; i < n; ++i)                                                        \
                for (int64_t j = i; j < n; ++j)                                                    \
                    x[i * n + j] = a[j * n + i];                                                   \
            for (int64_t first = 0; first < n; first += IRC_ROWS) {                                \
                const int64_t end = first + IRC_ROWS < n ? first + IRC_ROWS : n;                   \
                for (int64_t i = first; i < n; ++i) {                                              \
                    T *row = x + i * n;                                                            \
                    const int64_t rows = (i < end ? i : end) - first;                              \
                    const T *above = x + first * n + i;                                            \
                    irc_take_off_##suffix(n - i, rows, above, n, above, n, row + i);               \
                    if (i >= end)                                                                  \
                        continue;                                                                  \
                    row[i] = root(row[i]);                                                         \
                    for (int64_t j = i + 1; j < n; ++j)                                            \
                        row[j] /= row[i];                                                          \
                }                                                                                  \
            }                                                                                      \
            for (int64_t i = 0; i < n; ++i)                                                        \
                for (int64_t j = i + 1; j < n; ++j) {                                              \
                    x[j * n + i] = x[i * n + j];                                                   \
                    x[i * n + j] = 0;                                                              \
                }                                                                                  \
        }                                                                                          \
    }                                                                                              \
    /* The row of the first of the largest elements of column k, from row k on. */                 \
    IRC_HELPER int64_t irc_pivot_##suffix(int64_t n, int64_t k, const T *x)                        \
    {                                                                                              \
        int64_t best = k;                                                                          \
        T largest = size(x[k * n + k]);                                                            \
        for (int64_t i = k + 1; i < n; ++i)                                                        \
            if (size(x[i * n + k]) > largest) {                                                    \
                best = i;                                                                          \
                largest = size(x[i * n + k]);                                                      \
            }                                                                                      \
        return best;                                                                               \
    }                                                                                              \
    /* Column k from row `first` on, where the columns before `first` are done. */                 \
    IRC_HELPER int64_t irc_lu_column_##suffix(int64_t n, int64_t first, int64_t k, T *restrict x)  \
    {                                                                                              \
        for (int64_t i = first + 1; i < n; ++i)                                                    \
            for (int64_t p = first; p < (i < k ? i : k); ++p)                                      \
                x[i * n + k] -= x[i * n + p] * x[p * n + k];                                       \
        const int64_t best = irc_pivot_##suffix(n, k, x);                                          \
        if (best != k)                                                                             \
            irc_swap_##suffix(n, x + k * n, x + best * n);                                         \
        if (x[k * n + k] != 0)                                                                     \
            for (int64_t i = k + 1; i < n; ++i)                                                    \
                x[i * n + k] /= x[k * n + k];                                                      \
        return best;                                                                               \
    }                                                                                              \
    IRC_HELPER void irc_lu_##suffix(int64_t count, int64_t n, const T *restrict a, T *restrict x,  \
                                    int32_t *restrict pivots)                                      \
    {                                                                                              \
        for (; count > 0; --count, a += n * n, x += n * n, pivots += n) {                          \
            if (irc_lapack_lu_##suffix(n, a, x, pivots))                                           \
                continue;                                                                          \
            irc_copy(x, a, n * n * (int64_t)sizeof(T));                                            \
            for (int64_t first = 0; first < n; first += IRC_ROWS) {                                \
                const int64_t end = first + IRC_ROWS < n ? first + IRC_ROWS : n;                   \
                for (int64_t k = first; k < end; ++k)                                              \
                    pivots[k] = (int32_t)irc_lu_column_##suffix(n, first, k, x);                   \
                for (int64_t i = first + 1; i < n; ++i)                                            \
                    irc_take_off_##suffix(n - end, (i < end ? i : end) - first, x + i * n + first, \
                                          1, x + first * n + end, n, x + i * n + end);             \
            }                                                                                      \
        }                                                                                          \
    }                                                                                              \
    IRC_HELPER void irc_swap_rows_##suffix(int64_t count, int64_t n, int64_t columns,              \
                                           bool inverse, const T *restrict b,                      \
                                           const int32_t *restrict pivots, T *restrict x)          \
    {                                                                                              \
        irc_copy(x, b, count * n * columns * (int64_t)sizeof(T));                                  \
        for (; count > 0; --count, x += n * columns, pivots += n)                                  \
            for (int64_t step = 0; step < n; ++step) {                                             \
                const int64_t i = inverse ? n - 1 - step : step, other = pivots[i];                \
                if (other != i && other >= 0 && other < n)                                         \
                    irc_swap_##suffix(columns, x + i * columns, x + other * columns);              \
            }                                                                                      \
    }                                                                                              \
    /* The rows still unknown without what row i contributes; `a` is row i of the matrix. */       \
    IRC_HELPER void irc_take_off_unknown_##suffix(int64_t n, int64_t columns, int64_t i,           \
                                                  bool forward, const T *restrict a, T *x)         \
    {                                                                                              \
        const int64_t first = forward ? i + 1 : 0, last = forward ? n : i;                         \
        if (columns == 1)                                                                          \
            irc_take_off_##suffix(last - first, 1, x + i, 0, a + first, 0, x + first);             \
        else                                                                                       \
            for (int64_t k = first; k < last; ++k)                                                 \
                irc_take_off_##suffix(columns, 1, a + k, 0, x + i * columns, 0, x + k * columns);  \
    }                                                                                              \
    IRC_HELPER void irc_triangular_solve_##suffix(                                                 \
        int64_t count, int64_t n, int64_t columns, bool lower, bool transpose, bool unit,          \
        const T *restrict a, const T *restrict b, T *restrict x)                                   \
    {                                                                                              \
        const bool forward = lower != transpose;                                                   \
        const int64_t start = forward ? 0 : n - 1, next = forward ? 1 : -1;                        \
        for (; count > 0; --count, a += n * n, b += n * columns, x += n * columns) {               \
            if (irc_lapack_triangular_solve_##suffix(n, columns, lower, transpose, unit, a, b, x)) \
                continue;                                                                          \
            irc_copy(x, b, n * columns * (int64_t)sizeof(T));                                      \
            for (int64_t known = 0; known < n; ++known) {                                          \
                const int64_t i = start + known * next;                                            \
                T *row = x + i * columns;                                                          \
                if (!transpose)                                                                    \
                    irc_take_off_##suffix(columns, known, a + i * n + start, next,                 \
                                          x + start * columns, next * columns, row);               \
                if (!unit)                                                                         \
                    for (int64_t j = 0; j < columns; ++j)                                          \
                        row[j] /= a[i * n + i];                                                    \
                if (transpose)                                                                     \
                    irc_take_off_unknown_##suffix(n, columns, i, forward, a + i * n, x);           \
            }                                                                                      \
        }                                                                                          \
    }

IRC_LINEAR_OF(f32, float, sqrtf, fabsf)
IRC_LINEAR_OF(f64, double, sqrt, fabs)
#undef IRC_LINEAR_OF

#endif
