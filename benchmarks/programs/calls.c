/* The work inside a call: `multiply_add` from kernels.irc, called by C. */
#define _POSIX_C_SOURCE 200809L
#include <stdlib.h>
#include <time.h>
#include "kernels.h"

double call_seconds(int64_t count, int64_t n);

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Seconds that `count` calls with arrays of n elements take; negative when one fails. */
double call_seconds(int64_t count, int64_t n)
{
    kernels *m = kernels_new(0);
    float *a = calloc((size_t)(4 * n), sizeof(float));
    double seconds = -1;
    if (m != NULL && a != NULL) {
        const double start = now();
        irc_status status = IRC_OK;
        for (int64_t i = 0; i < count && status == IRC_OK; ++i)
            status = kernels_multiply_add(m, n, a, a + n, a + 2 * n, a + 3 * n);
        if (status == IRC_OK)
            seconds = now() - start;
    }
    free(a);
    kernels_free(m);
    return seconds;
}
