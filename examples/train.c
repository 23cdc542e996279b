/* Trains both models from C: two headers, two shared objects, no Python.
 *
 *     train DIGITS
 *
 * DIGITS: int32 number of training rows, int32 number of test rows, then for each of the two sets
 * its images, float32[rows][64], and its labels, int32[rows]. Prints for each model
 *     NAME: last cost COST, test error WRONG of ROWS
 * examples/demo.py writes the file, compiles this program and runs it. */
#include <stdio.h>
#include <stdlib.h>
#include "logreg.h"
#include "mlp.h"

enum { PIXELS = LOGREG_D, BATCH = 100 };

typedef struct images {
    int32_t rows;
    float *x;
    int32_t *y;
} images;

static void fail(const char *what)
{
    fprintf(stderr, "train: %s\n", what);
    exit(1);
}

static void read_exactly(FILE *file, void *block, size_t bytes)
{
    if (fread(block, 1, bytes, file) != bytes)
        fail("the file with the digits is too short");
}

static images read_images(FILE *file, int32_t rows)
{
    const size_t x_bytes = sizeof(float) * PIXELS * (size_t)rows;
    const size_t y_bytes = sizeof(int32_t) * (size_t)rows;
    images set = {rows, malloc(x_bytes), malloc(y_bytes)};
    if (set.x == NULL || set.y == NULL)
        fail("out of memory");
    read_exactly(file, set.x, x_bytes);
    read_exactly(file, set.y, y_bytes);
    return set;
}

static void report(const char *name, float cost, long wrong, int32_t rows)
{
    printf("%s: last cost %.9g, test error %ld of %ld\n", name, (double)cost, wrong, (long)rows);
}

static void train_logreg(images train, images test)
{
    logreg *m = logreg_new(0);
    int32_t *guess = malloc(sizeof(int32_t) * (size_t)test.rows);
    float cost = 0, wrong_part = 0;
    long wrong = 0;
    if (m == NULL || guess == NULL)
        fail("out of memory");
    for (int epoch = 0; epoch < 15; ++epoch)
        for (int32_t i = 0; i + BATCH <= train.rows; i += BATCH)
            if (logreg_train(m, BATCH, train.x + PIXELS * i, train.y + i, 0.5f, &cost, &wrong_part))
                fail(logreg_error(m));
    if (logreg_predict(m, test.rows, test.x, guess))
        fail(logreg_error(m));
    for (int32_t i = 0; i < test.rows; ++i)
        wrong += guess[i] != test.y[i];
    report("logreg", cost, wrong, test.rows);
    free(guess);
    logreg_free(m);
}

static void train_mlp(images train, images test)
{
    mlp *m = mlp_new(0);
    float cost = 0, error = 0;
    if (m == NULL)
        fail("out of memory");
    for (int epoch = 0; epoch < 10; ++epoch)
        for (int32_t i = 0; i + BATCH <= train.rows; i += BATCH)
            if (mlp_train(m, BATCH, train.x + PIXELS * i, train.y + i, 1e-2f, 0.5f, &cost))
                fail(mlp_error(m));
    if (mlp_test_error(m, test.rows, test.x, test.y, &error))
        fail(mlp_error(m));
    report("mlp", cost, (long)(error * (float)test.rows + 0.5f), test.rows);
    mlp_free(m);
}

int main(int argc, char **argv)
{
    int32_t rows[2];
    FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
    if (file == NULL)
        fail("usage: train DIGITS");
    read_exactly(file, rows, sizeof rows);
    if (rows[0] < BATCH || rows[1] < 1)
        fail("too few digits");
    images train = read_images(file, rows[0]), test = read_images(file, rows[1]);
    fclose(file);
    train_logreg(train, test);
    train_mlp(train, test);
    free(train.x);
    free(train.y);
    free(test.x);
    free(test.y);
    return 0;
}
