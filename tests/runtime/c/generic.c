/* Door 2 from C: the generic call, with every check. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include "generic.h"

typedef int32_t call_fn(void *, int32_t, const DLTensor *const *, DLTensor *const *);
typedef void *new_fn(uint64_t, char *, size_t);
typedef const char *error_fn(const void *);
typedef void free_fn(void *);

static int failures = 0;

static void expect(const char *what, int32_t status, int32_t wanted, const char *message)
{
    if (status != wanted)
        ++failures;
    printf("%s: %d %s\n", what, (int)status, status ? message : "");
}

int main(int argc, char **argv)
{
    char error[200];
    void *library = argc == 2 ? dlopen(argv[1], RTLD_NOW) : NULL;
    if (library == NULL)
        return 2;
    call_fn *call;
    new_fn *open;
    error_fn *message;
    free_fn *release;
    *(void **)&call = dlsym(library, "irc_call");
    *(void **)&open = dlsym(library, "irc_new");
    *(void **)&message = dlsym(library, "irc_error");
    *(void **)&release = dlsym(library, "irc_free");
    void *m = open(0, error, sizeof error);
    if (m == NULL)
        return 3;

    enum { PREDICT = 2, PICK = 4 };
    float values[13] = {0}, result[4] = {-1, -1, -1, -1};
    int64_t shape[2] = {4, 3}, strides[2] = {3, 1}, four[1] = {4}, step[1] = {1};
    const DLDataType f32 = {2, 32, 1}, f64 = {2, 64, 1}, i64 = {0, 64, 1};
    DLTensor x = {values, {1, 0}, 2, f32, shape, strides, 0};
    DLTensor y = {result, {1, 0}, 1, f32, four, NULL, 0};
    const DLTensor *in[2] = {&x, NULL};
    DLTensor *out[1] = {&y};

    expect("good", call(m, PREDICT, in, out), 0, message(m));
    y.strides = step;
    x.byte_offset = 4;
    expect("offset", call(m, PREDICT, in, out), 0, message(m));
    x.byte_offset = 0;
    x.dtype = f64;
    expect("dtype", call(m, PREDICT, in, out), 1, message(m));
    x.dtype = f32;
    x.ndim = 1;
    expect("rank", call(m, PREDICT, in, out), 2, message(m));
    x.ndim = 2;
    x.device.device_type = 2;
    expect("device", call(m, PREDICT, in, out), 6, message(m));
    x.device.device_type = 1;
    strides[0] = 1;
    strides[1] = 4;
    expect("strides", call(m, PREDICT, in, out), 1, message(m));
    strides[0] = 3;
    strides[1] = 1;
    shape[1] = 2;
    x.strides = NULL;
    expect("size", call(m, PREDICT, in, out), 2, message(m));
    shape[1] = 3;
    four[0] = 3;
    expect("result", call(m, PREDICT, in, out), 2, message(m));
    four[0] = 4;
    shape[0] = -4;
    expect("negative", call(m, PREDICT, in, out), 2, message(m));
    shape[0] = 4;
    in[0] = NULL;
    expect("null", call(m, PREDICT, in, out), 1, message(m));
    expect("number", call(m, 99, in, out), 1, message(m));
    expect("init", call(m, 0, in, out), 1, message(m));

    double numbers[3] = {10, 20, 30}, picked = 0;
    int64_t index = 1, three[1] = {3};
    DLTensor xs = {numbers, {1, 0}, 1, f64, three, NULL, 0};
    DLTensor i = {&index, {1, 0}, 0, i64, NULL, NULL, 0};
    DLTensor p = {&picked, {1, 0}, 0, f64, NULL, NULL, 0};
    in[0] = &xs;
    in[1] = &i;
    out[0] = &p;
    expect("pick", call(m, PICK, in, out), 0, message(m));
    printf("%g\n", picked);
    index = 3;
    expect("bounds", call(m, PICK, in, out), 3, message(m));
    i.byte_offset = 1;
    expect("misaligned", call(m, PICK, in, out), 1, message(m));
    release(m);
    return failures;
}
