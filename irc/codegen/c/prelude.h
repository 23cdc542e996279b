/* What every module needs at run time: errors, sizes that cannot overflow, the workspace, checks.
 *
 * The generated file contains this text; every function is static. `_POSIX_C_SOURCE` is set before. */
#ifndef IRC_PRELUDE
#define IRC_PRELUDE

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "status.h"

/* At -O2, what GCC does to code that is already in simple loops costs a third of its time and gains
 * nothing measurable; the kernels of products ask for it (IRC_KERNEL). */
#if defined(__GNUC__) && !defined(__clang__) && !defined(IRC_THOROUGH)
#pragma GCC optimize("no-expensive-optimizations", "no-gcse", "no-schedule-insns2", \
                     "no-thread-jumps", "no-tree-pre", "no-tree-slp-vectorize", "no-tree-vrp")
#endif

#define IRC_HELPER static inline __attribute__((unused))
/* Out of line, so that a module with many doors compiles fast; cold: never in a usual call. */
#define IRC_SHARED static __attribute__((unused, noinline))
#if defined(__clang__) || !defined(__GNUC__)
#define IRC_COLD static __attribute__((unused, noinline, cold))
#else /* GCC would spend more time on these than on a small program's kernels */
#define IRC_COLD static __attribute__((unused, noinline, cold, optimize("O0")))
#endif

enum { IRC_ALIGNMENT = 64, IRC_ERROR_BYTES = 2048 };

/* The first member of every context. */
typedef struct irc_head {
    char *arena; /* workspace of the functions, kept between calls */
    int64_t arena_bytes;
    char *states; /* one block for all states */
    int64_t state_bytes;
    int (*print)(void *user, const char *text, size_t length); /* NULL: stdout */
    void *print_user;
    char error[IRC_ERROR_BYTES];
} irc_head;

/* ---- errors */

/* Stores the message and gives `status` back. Text that does not fit is cut. */
__attribute__((format(printf, 3, 4))) IRC_COLD int32_t irc_fail(irc_head *head, int32_t status,
                                                                const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(head->error, sizeof head->error, format, arguments);
    va_end(arguments);
    return status;
}

/* ---- sizes: `ok` becomes false when a value leaves int64 */

IRC_HELPER int64_t irc_add(int64_t a, int64_t b, bool *ok)
{
    int64_t sum;
    if (__builtin_add_overflow(a, b, &sum)) {
        *ok = false;
        return 0;
    }
    return sum;
}

IRC_HELPER int64_t irc_mul(int64_t a, int64_t b, bool *ok)
{
    int64_t product;
    if (__builtin_mul_overflow(a, b, &product)) {
        *ok = false;
        return 0;
    }
    return product;
}

/* Floor of a / b, b > 0. */
IRC_HELPER int64_t irc_floordiv(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Floor of the square root of n; 0 for n < 0. */
IRC_HELPER int64_t irc_root(int64_t n)
{
    int64_t root = 0;
    for (int64_t bit = INT64_C(1) << 31; bit > 0; bit >>= 1) {
        const int64_t more = root | bit;
        if (more <= n / more)
            root = more;
    }
    return root;
}

/* Solves factor * size + offset = extent for a size >= 0. */
IRC_COLD bool irc_solve(int64_t extent, int64_t factor, int64_t offset, int64_t *size)
{
    int64_t rest;
    if (factor == 0 || factor == INT64_MIN || __builtin_sub_overflow(extent, offset, &rest))
        return false;
    if (factor < 0) {
        factor = -factor;
        if (__builtin_sub_overflow(offset, extent, &rest))
            return false;
    }
    if (rest < 0 || rest % factor != 0)
        return false;
    *size = rest / factor;
    return true;
}

/* ---- memory */

IRC_COLD void *irc_allocate(int64_t bytes)
{
    void *block = NULL;
    if (bytes < 0 || (uint64_t)bytes > SIZE_MAX - IRC_ALIGNMENT)
        return NULL;
    size_t rounded = ((size_t)bytes + IRC_ALIGNMENT) & ~(size_t)(IRC_ALIGNMENT - 1);
    return posix_memalign(&block, IRC_ALIGNMENT, rounded) == 0 ? block : NULL;
}

/* The workspace, at least `bytes` large, aligned to 64; it only grows. NULL: no memory, or a size
 * that is no int64, given as -1. */
IRC_SHARED char *irc_arena(irc_head *head, const char *function, int64_t bytes)
{
    if (bytes < 0) {
        irc_fail(head, IRC_MEMORY, "%s: a workspace for these sizes cannot exist", function);
        return NULL;
    }
    if (head->arena != NULL && bytes <= head->arena_bytes)
        return head->arena;
    free(head->arena);
    head->arena_bytes = 0;
    head->arena = irc_allocate(bytes);
    if (head->arena == NULL) {
        irc_fail(head, IRC_MEMORY, "%s: cannot allocate a workspace of %" PRId64 " bytes", function,
                 bytes);
        return NULL;
    }
    head->arena_bytes = bytes;
    return head->arena;
}

/* ---- arguments */

/* A parameter or result. */
typedef struct irc_slot {
    const char *name;
    uint8_t code, bits; /* of the dtype, as in DLPack */
    int rank;
} irc_slot;

IRC_HELPER bool irc_overlap(const void *a, int64_t a_bytes, const void *b, int64_t b_bytes)
{
    const uintptr_t p = (uintptr_t)a, q = (uintptr_t)b;
    return a_bytes > 0 && b_bytes > 0 && p < q + (uintptr_t)b_bytes && q < p + (uintptr_t)a_bytes;
}

/* Bytes of an array, -1 when that is no int64. */
IRC_SHARED int64_t irc_extent(const int64_t *dims, int rank, int64_t unit)
{
    int64_t bytes = unit;
    bool fits = true;
    for (int axis = 0; axis < rank; ++axis)
        if (dims[axis] == 0)
            return 0;
    for (int axis = 0; axis < rank; ++axis)
        bytes = irc_mul(bytes, dims[axis], &fits);
    return fits ? bytes : -1;
}

/* `arrays` has the pointers of all inputs, then of all results; `dims` their sizes one after another;
 * `bytes` receives their extents. Inputs of rank 0 came by value and are left out.
 * Nothing may overlap a result, nor the states if the function writes those. */
IRC_SHARED int32_t irc_check_arrays(irc_head *head, const char *function, const irc_slot *in,
                                    int inputs, const irc_slot *out, int outputs,
                                    const void *const *arrays, const int64_t *dims, int64_t *bytes,
                                    bool writes_states)
{
    for (int i = 0; i < inputs + outputs; ++i) {
        const irc_slot *s = i < inputs ? &in[i] : &out[i - inputs];
        const int64_t unit = (s->bits + 7) / 8;
        const bool by_value = i < inputs && s->rank == 0;
        bytes[i] = by_value ? 0 : irc_extent(dims, s->rank, unit);
        dims += s->rank;
        if (bytes[i] < 0)
            return irc_fail(head, IRC_MEMORY, "%s: an array of the size of `%s` cannot exist",
                            function, s->name);
        if (bytes[i] > 0 && arrays[i] == NULL)
            return irc_fail(head, IRC_ARGUMENT, "%s: `%s` is NULL", function, s->name);
        if (bytes[i] > 0 && (uintptr_t)arrays[i] % (uintptr_t)unit != 0)
            return irc_fail(head, IRC_ARGUMENT, "%s: `%s` is not aligned to its elements", function,
                            s->name);
        if ((i >= inputs || writes_states) &&
            irc_overlap(arrays[i], bytes[i], head->states, head->state_bytes))
            return irc_fail(head, IRC_ARGUMENT, "%s: `%s` overlaps the module's state", function,
                            s->name);
    }
    for (int i = inputs; i < inputs + outputs; ++i)
        for (int j = 0; j < i; ++j)
            if (irc_overlap(arrays[i], bytes[i], arrays[j], bytes[j]))
                return irc_fail(head, IRC_ARGUMENT, "%s: `%s` overlaps `%s`", function,
                                out[i - inputs].name,
                                j < inputs ? in[j].name : out[j - inputs].name);
    return IRC_OK;
}

/* ---- the machine */

/* An instruction set that this file was compiled for and the CPU lacks; NULL when there is none.
 * Straight-line code without vectors: it also runs on the CPU that it refuses. */
IRC_COLD const char *irc_cpu_lacks(void)
{
#if defined(__x86_64__)
#define IRC_NEEDS(feature)                \
    if (!__builtin_cpu_supports(feature)) \
        return feature;
    __builtin_cpu_init();
#ifdef __SSE4_2__
    IRC_NEEDS("sse4.2")
#endif
#ifdef __AVX__
    IRC_NEEDS("avx")
#endif
#ifdef __AVX2__
    IRC_NEEDS("avx2")
#endif
#ifdef __FMA__
    IRC_NEEDS("fma")
#endif
#ifdef __BMI2__
    IRC_NEEDS("bmi2")
#endif
#ifdef __AVX512F__
    IRC_NEEDS("avx512f")
#endif
#ifdef __AVX512BW__
    IRC_NEEDS("avx512bw")
#endif
#ifdef __AVX512DQ__
    IRC_NEEDS("avx512dq")
#endif
#ifdef __AVX512VL__
    IRC_NEEDS("avx512vl")
#endif
#ifdef __AVX512VBMI__
    IRC_NEEDS("avx512vbmi")
#endif
#ifdef __AVX512VNNI__
    IRC_NEEDS("avx512vnni")
#endif
#undef IRC_NEEDS
#endif
    return NULL;
}

#ifdef _OPENMP
#include <pthread.h>
extern void omp_set_max_active_levels(int levels);

/* After fork the threads of OpenMP's pool are gone and waiting for them would never end,
 * so a child computes on one thread. */
static volatile int irc_forked = 0;
static void irc_after_fork(void)
{
    irc_forked = 1;
}
__attribute__((constructor)) static void irc_watch_fork(void)
{
    pthread_atfork(NULL, NULL, irc_after_fork);
}
#define IRC_THREADS()                     \
    do {                                  \
        if (irc_forked)                   \
            omp_set_max_active_levels(0); \
    } while (0)
#else
#define IRC_THREADS() ((void)0)
#endif

#endif
