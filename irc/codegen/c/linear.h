/* Dense linear systems, row-major, `count` of them one after the other.
 *
 * Each element goes through the same operations in the same order as in
 * irc/dialects/nd/linear_numpy.py, so all levels agree to the bit. The innermost loops run along
 * rows, over elements that do not depend on each other. Golub and Van Loan, Matrix Computations,
 * 4th ed., algorithms 3.4.1 (LU by outer products, with pivots), 4.2.2 (Cholesky). */
#ifndef IRC_LINEAR
#define IRC_LINEAR

#include "mathlib.h"

#define IRC_LINEAR_OF(suffix, T, root, size)                                                       \
    /* to[j] -= factor * from[j] */                                                                \
    IRC_HELPER void irc_take_off_##suffix(int64_t n, T factor, const T *restrict from,             \
                                          T *restrict to)                                          \
    {                                                                                              \
        IRC_SIMD                                                                                   \
        for (int64_t j = 0; j < n; ++j)                                                            \
            to[j] -= factor * from[j];                                                             \
    }                                                                                              \
    IRC_HELPER void irc_swap_##suffix(int64_t n, T *restrict a, T *restrict b)                     \
    {                                                                                              \
        for (int64_t j = 0; j < n; ++j) {                                                          \
            const T kept = a[j];                                                                   \
            a[j] = b[j];                                                                           \
            b[j] = kept;                                                                           \
        }                                                                                          \
    }                                                                                              \
    /* Row j of the transposed factor, which lies in the upper triangle until all are done. */     \
    IRC_HELPER void irc_cholesky_##suffix(int64_t count, int64_t n, const T *restrict a,           \
                                          T *restrict x)                                           \
    {                                                                                              \
        for (; count > 0; --count, a += n * n, x += n * n) {                                       \
            for (int64_t i = 0; i < n; ++i)                                                        \
                for (int64_t j = i; j < n; ++j)                                                    \
                    x[i * n + j] = a[j * n + i];                                                   \
            for (int64_t j = 0; j < n; ++j) {                                                      \
                T *row = x + j * n;                                                                \
                row[j] = root(row[j]);                                                             \
                for (int64_t i = j + 1; i < n; ++i)                                                \
                    row[i] /= row[j];                                                              \
                for (int64_t i = j + 1; i < n; ++i)                                                \
                    irc_take_off_##suffix(n - i, row[i], row + i, x + i * n + i);                  \
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
    IRC_HELPER void irc_lu_##suffix(int64_t count, int64_t n, const T *restrict a, T *restrict x,  \
                                    int32_t *restrict pivots)                                      \
    {                                                                                              \
        for (; count > 0; --count, a += n * n, x += n * n, pivots += n) {                          \
            irc_copy(x, a, n * n * (int64_t)sizeof(T));                                            \
            for (int64_t k = 0; k < n; ++k) {                                                      \
                T *row = x + k * n;                                                                \
                const int64_t best = irc_pivot_##suffix(n, k, x);                                  \
                pivots[k] = (int32_t)best;                                                         \
                if (best != k)                                                                     \
                    irc_swap_##suffix(n, row, x + best * n);                                       \
                for (int64_t i = k + 1; i < n; ++i) {                                              \
                    T *other = x + i * n;                                                          \
                    if (row[k] != 0)                                                               \
                        other[k] /= row[k];                                                        \
                    irc_take_off_##suffix(n - k - 1, other[k], row + k + 1, other + k + 1);        \
                }                                                                                  \
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
    /* Row i of x without what the rows known so far contribute to it, in their order. */          \
    IRC_HELPER void irc_take_off_known_##suffix(int64_t n, int64_t columns, int64_t i,             \
                                                bool forward, const T *restrict a, T *x)           \
    {                                                                                              \
        const int64_t count = forward ? i : n - 1 - i;                                             \
        for (int64_t step = 0; step < count; ++step) {                                             \
            const int64_t k = forward ? step : n - 1 - step;                                       \
            irc_take_off_##suffix(columns, a[k], x + k * columns, x + i * columns);                \
        }                                                                                          \
    }                                                                                              \
    /* The rows still unknown without what row i contributes to them. */                           \
    IRC_HELPER void irc_take_off_unknown_##suffix(int64_t n, int64_t columns, int64_t i,           \
                                                  bool forward, const T *restrict a, T *x)         \
    {                                                                                              \
        const int64_t first = forward ? i + 1 : 0, last = forward ? n : i;                         \
        if (columns == 1)                                                                          \
            irc_take_off_##suffix(last - first, x[i], a + first, x + first);                       \
        else                                                                                       \
            for (int64_t k = first; k < last; ++k)                                                 \
                irc_take_off_##suffix(columns, a[k], x + i * columns, x + k * columns);            \
    }                                                                                              \
    IRC_HELPER void irc_triangular_solve_##suffix(                                                 \
        int64_t count, int64_t n, int64_t columns, bool lower, bool transpose, bool unit,          \
        const T *restrict a, const T *restrict b, T *restrict x)                                   \
    {                                                                                              \
        const bool forward = lower != transpose;                                                   \
        irc_copy(x, b, count * n * columns * (int64_t)sizeof(T));                                  \
        for (; count > 0; --count, a += n * n, x += n * columns)                                   \
            for (int64_t step = 0; step < n; ++step) {                                             \
                const int64_t i = forward ? step : n - 1 - step;                                   \
                T *row = x + i * columns;                                                          \
                if (!transpose)                                                                    \
                    irc_take_off_known_##suffix(n, columns, i, forward, a + i * n, x);             \
                if (!unit)                                                                         \
                    for (int64_t j = 0; j < columns; ++j)                                          \
                        row[j] /= a[i * n + i];                                                    \
                if (transpose)                                                                     \
                    irc_take_off_unknown_##suffix(n, columns, i, forward, a + i * n, x);           \
            }                                                                                      \
    }

IRC_LINEAR_OF(f32, float, sqrtf, fabsf)
IRC_LINEAR_OF(f64, double, sqrt, fabs)
#undef IRC_LINEAR_OF

#endif
