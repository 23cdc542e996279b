/* The k-th allocation fails, for every k: an error each time, state unchanged, nothing leaked.
 * Compiled together with the module, whose allocators are renamed to these. */
#include <stdio.h>
#include <stdlib.h>
#include "fit.h"

int test_memalign(void **block, size_t alignment, size_t bytes);
void *test_malloc(size_t bytes);
void *test_calloc(size_t count, size_t bytes);
void test_free(void *block);

static int countdown = -1, alive = 0;

static int fails(void)
{
    return countdown >= 0 && countdown-- == 0;
}

int test_memalign(void **block, size_t alignment, size_t bytes)
{
    if (fails() || posix_memalign(block, alignment, bytes) != 0)
        return 12;
    ++alive;
    return 0;
}

void *test_malloc(size_t bytes)
{
    void *block = fails() ? NULL : malloc(bytes);
    alive += block != NULL;
    return block;
}

void *test_calloc(size_t count, size_t bytes)
{
    void *block = fails() ? NULL : calloc(count, bytes);
    alive += block != NULL;
    return block;
}

void test_free(void *block)
{
    alive -= block != NULL;
    free(block);
}

int main(int argc, char **argv)
{
    float x[30] = {0}, y[10] = {0}, cost;
    int64_t step;
    int opened = 0;
    for (int k = 0; k < 10; ++k) {
        countdown = k;
        fit *m = fit_new(0);
        countdown = -1;
        opened += m != NULL;
        fit_free(m);
        if (alive != 0)
            return printf("new leaked at %d\n", k);
    }
    fit *m = fit_new(0);
    const float before = fit_W(m)[0];
    if (fit_save(m, argv[argc - 1]) != IRC_OK)
        return 1;
    for (int k = 0; k < 4; ++k) {
        countdown = k;
        const irc_status grown = fit_train(m, 4 + k, x, y, 0.0f, &cost, &step);
        printf("train %d: %d\n", k, (int)grown);
        countdown = k;
        const irc_status saved = fit_save(m, argv[argc - 1]);
        printf("save %d: %d\n", k, (int)saved);
        countdown = k;
        const irc_status loaded = fit_load(m, argv[argc - 1]);
        printf("load %d: %d\n", k, (int)loaded);
        countdown = -1;
        if (fit_W(m)[0] != before)
            return printf("state changed at %d\n", k);
        if (fit_train(m, 4, x, y, 0.0f, &cost, &step) != IRC_OK)
            return printf("no recovery at %d\n", k);
    }
    fit_free(m);
    printf("opened %d alive %d\n", opened, alive);
    return 0;
}
