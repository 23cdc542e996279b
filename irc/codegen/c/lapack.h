/* LAPACK for large systems, where IRC_LAPACK names a library that is found when it is needed first.
 * Without it, for small systems, and where a routine is missing or fails, linear.h does the work.
 *
 * A row-major matrix is the transpose of a column-major one: its lower triangle is "U" here. */
#ifndef IRC_LAPACK_CALLS
#define IRC_LAPACK_CALLS

#include "mathlib.h"

#ifndef IRC_LAPACK
#define irc_lapack_cholesky_f32(n, a, x) false
#define irc_lapack_cholesky_f64(n, a, x) false
#define irc_lapack_lu_f32(n, a, x, pivots) false
#define irc_lapack_lu_f64(n, a, x, pivots) false
#define irc_lapack_triangular_solve_f32(n, columns, lower, transpose, unit, a, b, x) false
#define irc_lapack_triangular_solve_f64(n, columns, lower, transpose, unit, a, b, x) false
#else
#include <dlfcn.h>

#define IRC_LAPACK_ROWS 64 /* a call is not worth it for fewer */

/* Writes the address of a routine to `slot`, a pointer to it. Two threads may both open the
 * library; it stays open. */
IRC_HELPER bool irc_lapack(const char *name, void *slot)
{
    static void *library;
    static bool tried;
    if (!__atomic_load_n(&tried, __ATOMIC_ACQUIRE)) {
        __atomic_store_n(&library, dlopen(IRC_LAPACK, RTLD_NOW | RTLD_LOCAL), __ATOMIC_RELAXED);
        __atomic_store_n(&tried, true, __ATOMIC_RELEASE);
    }
    void *handle = __atomic_load_n(&library, __ATOMIC_RELAXED);
    void *found = handle == NULL ? NULL : dlsym(handle, name);
    memcpy(slot, &found, sizeof found);
    return found != NULL;
}

IRC_HELPER bool irc_worth_lapack(int64_t n, int64_t columns)
{
    return n >= IRC_LAPACK_ROWS && n <= INT32_MAX && columns <= INT32_MAX;
}

/* The last arguments are the lengths of the strings, as Fortran compilers pass them. */
#define IRC_LAPACK_OF(suffix, T, letter)                                                           \
    typedef void irc_potrf_##suffix(const char *, const int32_t *, T *, const int32_t *,           \
                                    int32_t *, size_t);                                            \
    typedef void irc_getrf_##suffix(const int32_t *, const int32_t *, T *, const int32_t *,        \
                                    int32_t *, int32_t *);                                         \
    typedef void irc_trsm_##suffix(const char *, const char *, const char *, const char *,         \
                                   const int32_t *, const int32_t *, const T *, const T *,         \
                                   const int32_t *, T *, const int32_t *, size_t, size_t, size_t,  \
                                   size_t);                                                        \
    IRC_HELPER bool irc_lapack_cholesky_##suffix(int64_t n, const T *restrict a, T *restrict x)    \
    {                                                                                              \
        irc_potrf_##suffix *potrf;                                                                 \
        if (!irc_worth_lapack(n, n) || !irc_lapack(#letter "potrf_", &potrf))                      \
            return false;                                                                          \
        const int32_t rows = (int32_t)n;                                                           \
        int32_t info = 0;                                                                          \
        irc_copy(x, a, n * n * (int64_t)sizeof(T));                                                \
        potrf("U", &rows, x, &rows, &info, 1);                                                     \
        for (int64_t i = 0; i < n; ++i)                                                            \
            for (int64_t j = i + 1; j < n; ++j)                                                    \
                x[i * n + j] = 0;                                                                  \
        return info == 0;                                                                          \
    }                                                                                              \
    IRC_HELPER bool irc_lapack_lu_##suffix(int64_t n, const T *restrict a, T *restrict x,          \
                                           int32_t *restrict pivots)                               \
    {                                                                                              \
        irc_getrf_##suffix *getrf;                                                                 \
        if (!irc_worth_lapack(n, n) || !irc_lapack(#letter "getrf_", &getrf))                      \
            return false;                                                                          \
        const int32_t rows = (int32_t)n;                                                           \
        int32_t info = 0;                                                                          \
        for (int64_t i = 0; i < n; ++i)                                                            \
            for (int64_t j = 0; j < n; ++j)                                                        \
                x[j * n + i] = a[i * n + j];                                                       \
        getrf(&rows, &rows, x, &rows, pivots, &info);                                              \
        for (int64_t i = 0; i < n; ++i) {                                                          \
            pivots[i] -= 1; /* they count from 1 */                                                \
            for (int64_t j = i + 1; j < n; ++j) {                                                  \
                const T kept = x[i * n + j];                                                       \
                x[i * n + j] = x[j * n + i];                                                       \
                x[j * n + i] = kept;                                                               \
            }                                                                                      \
        }                                                                                          \
        return info >= 0; /* a singular matrix has factors */                                      \
    }                                                                                              \
    IRC_HELPER bool irc_lapack_triangular_solve_##suffix(                                          \
        int64_t n, int64_t columns, bool lower, bool transpose, bool unit, const T *restrict a,    \
        const T *restrict b, T *restrict x)                                                        \
    {                                                                                              \
        irc_trsm_##suffix *trsm;                                                                   \
        if (!irc_worth_lapack(n, columns) || columns < 8 || !irc_lapack(#letter "trsm_", &trsm))   \
            return false;                                                                          \
        const int32_t rows = (int32_t)n, right = (int32_t)columns;                                 \
        const T one = 1;                                                                           \
        irc_copy(x, b, n * columns * (int64_t)sizeof(T));                                          \
        trsm("R", lower ? "U" : "L", transpose ? "T" : "N", unit ? "U" : "N", &right, &rows, &one, \
             a, &rows, x, &right, 1, 1, 1, 1);                                                     \
        return true;                                                                               \
    }

IRC_LAPACK_OF(f32, float, s)
IRC_LAPACK_OF(f64, double, d)
#undef IRC_LAPACK_OF
#endif

#endif
