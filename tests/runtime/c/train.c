/* Trains the module through its header alone; as C99 and as C++. Prints what a test compares. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "fit.h"

#define CHECK(what)                                                     \
    do {                                                                \
        if (!(what)) {                                                  \
            printf("line %d: %s: %s\n", __LINE__, #what, fit_error(m)); \
            return 1;                                                   \
        }                                                               \
    } while (0)

int main(int argc, char **argv)
{
    float x[4 * FIT_D], y[4], out[4], cost = 0, first = 0;
    int64_t step = 0;
    double number = 0, again = 0;
    fit *m = fit_new(1);
    if (m == NULL || argc != 2)
        return 2;
    for (int i = 0; i < 4 * FIT_D; ++i)
        x[i] = (float)((i * 7) % 5) / 5;
    for (int i = 0; i < 4; ++i)
        y[i] = x[3 * i] + 2 * x[3 * i + 1] + 1;
    CHECK(fit_train(m, 4, x, y, 0.1f, &first, &step) == IRC_OK);
    for (int i = 0; i < 2000; ++i)
        CHECK(fit_train(m, 4, x, y, 0.1f, &cost, &step) == IRC_OK);
    CHECK(step == 2001 && cost < 1e-4f && cost < first);
    CHECK(fit_predict(m, 4, x, out) == IRC_OK);
    for (int i = 0; i < 4; ++i)
        CHECK(fabsf(out[i] - y[i]) < 0.05f);

    /* the state is writable and saved */
    fit_W(m)[0] = 5;
    CHECK(fit_save(m, argv[1]) == IRC_OK);
    fit_W(m)[0] = 6;
    CHECK(fit_load(m, argv[1]) == IRC_OK && fit_W(m)[0] == 5);
    CHECK(fit_load(m, "/nonexistent/file") == IRC_ARGUMENT && fit_W(m)[0] == 5);

    /* random numbers restart */
    fit_seed(m, 3);
    CHECK(fit_draw(m, &number) == IRC_OK);
    fit_seed(m, 3);
    CHECK(fit_draw(m, &again) == IRC_OK && memcmp(&number, &again, sizeof number) == 0);

    /* every refusal, and that it changed nothing */
    CHECK(fit_train(m, 0, x, y, 0.1f, &cost, &step) == IRC_SHAPE);
    puts(fit_error(m));
    CHECK(fit_train(m, -1, x, y, 0.1f, &cost, &step) == IRC_SHAPE);
    puts(fit_error(m));
    CHECK(fit_train(m, INT64_MAX, x, y, 0.1f, &cost, &step) == IRC_MEMORY);
    puts(fit_error(m));
    CHECK(fit_train(m, INT64_MAX / 64, x, y, 0.1f, &cost, &step) == IRC_MEMORY);
    puts(fit_error(m));
    CHECK(fit_train(m, 4, NULL, y, 0.1f, &cost, &step) == IRC_ARGUMENT);
    puts(fit_error(m));
    CHECK(fit_train(m, 4, x, y, 0.1f, x, &step) == IRC_ARGUMENT);
    puts(fit_error(m));
    CHECK(fit_train(m, 1, fit_W(m), y, 0.1f, &cost, &step) == IRC_ARGUMENT);
    puts(fit_error(m));
    CHECK(fit_predict(m, 4, (const float *)((const char *)x + 1), out) == IRC_ARGUMENT);
    puts(fit_error(m));
    CHECK(fit_predict(m, 0, NULL, NULL) == IRC_OK);
    CHECK(fit_W(m)[0] == 5);
    CHECK(fit_tell(m, 4, x) == IRC_OK);
    fit_free(m);
    fit_free(NULL);
    return 0;
}
