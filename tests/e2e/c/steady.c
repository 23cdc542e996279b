/* Every allocation of the process goes through here; those that mlp.so asks for are counted. The
 * others are libgomp's: it allocates a team whenever a parallel region runs on one thread.
 *
 *     steady N [M ...]     trains with batches of N, then of M, ...
 *
 * Prints for each batch size what its first call allocated, "N: SIZE SIZE ...", then how many
 * allocations twenty further calls made. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "mlp.h"

extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t bytes);
extern void *__libc_realloc(void *block, size_t bytes);
extern void *__libc_memalign(size_t alignment, size_t bytes);

enum { LARGEST = 600, LOGGED = 64 };
static size_t sizes[LOGGED];
static int allocations;

static void count(const void *caller, size_t bytes)
{
    Dl_info from;
    if (dladdr(caller, &from) == 0 || strstr(from.dli_fname, "mlp.so") == NULL)
        return;
    if (allocations < LOGGED)
        sizes[allocations] = bytes;
    ++allocations;
}

void *malloc(size_t bytes)
{
    count(__builtin_return_address(0), bytes);
    return __libc_malloc(bytes);
}

void *calloc(size_t n, size_t bytes)
{
    count(__builtin_return_address(0), n * bytes);
    return __libc_calloc(n, bytes);
}

void *realloc(void *block, size_t bytes)
{
    count(__builtin_return_address(0), bytes);
    return __libc_realloc(block, bytes);
}

void *memalign(size_t alignment, size_t bytes)
{
    count(__builtin_return_address(0), bytes);
    return __libc_memalign(alignment, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
    count(__builtin_return_address(0), bytes);
    return __libc_memalign(alignment, bytes);
}

int posix_memalign(void **block, size_t alignment, size_t bytes)
{
    count(__builtin_return_address(0), bytes);
    *block = __libc_memalign(alignment, bytes);
    return *block == NULL ? 12 : 0;
}

int main(int argc, char **argv)
{
    static float x[LARGEST * MLP_D];
    static int32_t y[LARGEST];
    float cost;
    for (int i = 0; i < LARGEST; ++i) {
        y[i] = i % MLP_K;
        for (int j = 0; j < MLP_D; ++j)
            x[i * MLP_D + j] = (float)((i + j) % 7) / 7;
    }
    mlp *m = mlp_new(1);
    if (m == NULL)
        return 1;
    for (int i = 1; i < argc; ++i) {
        const int n = atoi(argv[i]);
        allocations = 0;
        if (n > LARGEST || mlp_train(m, n, x, y, 0.01f, 0.5f, &cost) != IRC_OK)
            return 1;
        const int made = allocations < LOGGED ? allocations : LOGGED;
        printf("%d:", n);
        for (int k = 0; k < made; ++k)
            printf(" %zu", sizes[k]);
        allocations = 0;
        for (int k = 0; k < 20; ++k)
            if (mlp_train(m, n, x, y, 0.01f, 0.5f, &cost) != IRC_OK)
                return 1;
        printf("\nsteady: %d\n", allocations);
    }
    mlp_free(m);
    return 0;
}
