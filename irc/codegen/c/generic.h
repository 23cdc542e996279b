/* Door 2: the same symbols in every irc module, for loaders that know no header.
 *
 * Functions are numbered as in the JSON, which also gives names, types, defaults and places.
 * A context belongs to one thread at a time. */
#ifndef IRC_GENERIC
#define IRC_GENERIC

#include <stddef.h>
#include <stdint.h>

/* DLPack 1.0, the part that is stable */
#ifndef DLPACK_DLPACK_H_
typedef struct {
    int32_t device_type; /* 1: CPU */
    int32_t device_id;
} DLDevice;
typedef struct {
    uint8_t code; /* 0 int, 1 uint, 2 float, 4 bfloat, 6 bool */
    uint8_t bits;
    uint16_t lanes;
} DLDataType;
typedef struct {
    void *data;
    DLDevice device;
    int32_t ndim;
    DLDataType dtype;
    int64_t *shape;
    int64_t *strides; /* NULL: row-major */
    uint64_t byte_offset;
} DLTensor;
#endif

/* weak: two modules can be linked into one program, which then uses their named functions */
#define IRC_DOOR __attribute__((visibility("default"), weak))

extern IRC_DOOR const int32_t irc_abi_version;
extern IRC_DOOR const char irc_module_json[];

/* An instruction set that the module needs and this CPU lacks, or NULL. Ask before anything else. */
IRC_DOOR const char *irc_missing_cpu(void);

/* A context whose initialisers have run; NULL on failure, with the message in `error`. */
IRC_DOOR void *irc_new(uint64_t seed, char *error, size_t error_bytes);
IRC_DOOR void irc_free(void *context);
IRC_DOOR const char *irc_error(const void *context);

/* Restarts the random numbers; other state stays. */
IRC_DOOR void irc_seed(void *context, uint64_t seed);

/* Calls a function. Checks dtypes, ranks, shapes, contiguity, alignment, overlap; binds sizes. */
IRC_DOOR int32_t irc_call(void *context, int32_t function, const DLTensor *const *in,
                          DLTensor *const *out);

/* The two halves of irc_call, for a caller that has checked dtypes, ranks and contiguity itself.
 * irc_bind: sizes from the arguments' shapes, all shapes verified. `dims` receives the sizes of all
 * axes, parameters first, then results. irc_invoke: calls with these sizes. */
IRC_DOOR int32_t irc_bind(void *context, int32_t function, const int64_t *const *shapes,
                          int64_t *sizes, int64_t *dims);
IRC_DOOR int32_t irc_invoke(void *context, int32_t function, const int64_t *sizes,
                            const void *const *in, void *const *out);

/* State number `index` of the JSON, NULL when there is none; valid as long as the context. */
IRC_DOOR void *irc_state(void *context, int32_t index);
IRC_DOOR int32_t irc_save(void *context, const char *path);
IRC_DOOR int32_t irc_load(void *context, const char *path);

/* Where `print` goes; NULL: standard output. Text comes in pieces, a line ends in \n. */
typedef int irc_printer(void *user, const char *text, size_t length);
IRC_DOOR void irc_on_print(void *context, irc_printer *print, void *user);

/* Bytes of workspace that the context holds now. */
IRC_DOOR int64_t irc_workspace(const void *context);

#endif
