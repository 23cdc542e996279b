/* The state in one file, as safetensors: 8 bytes little-endian with the length of a JSON header,
 * the header (name -> dtype, shape, data_offsets), then the data. Written under another name and
 * renamed; read completely and checked before a single state changes. */
#ifndef IRC_STORAGE
#define IRC_STORAGE

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "prelude.h"

enum { IRC_HEADER_LIMIT = 100000000 };

typedef struct irc_state_info {
    const char *name;
    const char *dtype; /* as safetensors spells it: F32 */
    const int64_t *dims;
    int rank;
    bool hidden; /* may be missing in a file */
    int64_t offset, bytes; /* in the block of states */
} irc_state_info;

IRC_COLD bool irc_write_all(int file, const char *data, size_t length)
{
    while (length > 0) {
        ssize_t written = write(file, data, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        data += written;
        length -= (size_t)written;
    }
    return true;
}

IRC_COLD bool irc_read_all(int file, char *data, size_t length)
{
    while (length > 0) {
        ssize_t got = read(file, data, length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        data += got;
        length -= (size_t)got;
    }
    return true;
}

/* `header` is the JSON text for exactly these states, a multiple of 8 bytes long. */
IRC_COLD int32_t irc_save_states(irc_head *head, const char *path, const char *header,
                                      const irc_state_info *states, int count)
{
    const size_t room = strlen(path) + 40;
    const uint64_t length = strlen(header);
    unsigned char prefix[8];
    struct stat old;
    if (stat(path, &old) == 0 && !S_ISREG(old.st_mode)) /* renaming would replace a device */
        return irc_fail(head, IRC_ARGUMENT, "save: cannot write %s: not a regular file", path);
    char *temporary = malloc(room);
    if (temporary == NULL)
        return irc_fail(head, IRC_MEMORY, "save: out of memory");
    for (int byte = 0; byte < 8; ++byte)
        prefix[byte] = (unsigned char)(length >> (8 * byte));
    snprintf(temporary, room, "%s.%ld.tmp", path, (long)getpid());
    unlink(temporary); /* left by a process that had our number and died */
    int file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    bool ok = file >= 0;
    ok = ok && irc_write_all(file, (const char *)prefix, 8);
    ok = ok && irc_write_all(file, header, (size_t)length);
    for (int i = 0; i < count && ok; ++i)
        ok = irc_write_all(file, head->states + states[i].offset, (size_t)states[i].bytes);
    ok = ok && fsync(file) == 0;
    int why = ok ? 0 : errno;
    if (file >= 0 && close(file) != 0 && ok) {
        ok = false;
        why = errno;
    }
    if (ok && rename(temporary, path) != 0) {
        ok = false;
        why = errno;
    }
    if (!ok && file >= 0)
        unlink(temporary);
    free(temporary);
    if (!ok)
        return irc_fail(head, IRC_ARGUMENT, "save: cannot write %s: %s", path, strerror(why));
    return IRC_OK;
}

/* ---- reading the header: just the JSON that such a header can have */

typedef struct irc_json {
    const char *at, *end;
    bool ok;
} irc_json;

IRC_COLD void irc_json_space(irc_json *j)
{
    while (j->at < j->end && (*j->at == ' ' || *j->at == '\t' || *j->at == '\n' || *j->at == '\r'))
        ++j->at;
}

/* Steps over `c`; false, and nothing read, when something else stands there. */
IRC_COLD bool irc_json_is(irc_json *j, char c)
{
    irc_json_space(j);
    if (!j->ok || j->at >= j->end || *j->at != c)
        return false;
    ++j->at;
    return true;
}

IRC_COLD void irc_json_need(irc_json *j, char c)
{
    if (!irc_json_is(j, c))
        j->ok = false;
}

IRC_COLD unsigned irc_json_hex(irc_json *j)
{
    unsigned value = 0;
    for (int k = 0; k < 4; ++k) {
        char c = j->at < j->end ? *j->at++ : '\0';
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10)
                                                : 16;
        if (digit == 16)
            j->ok = false;
        value = value * 16 + (digit & 15);
    }
    return value;
}

IRC_COLD size_t irc_json_utf8(unsigned code, char *out)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xC0 | (code >> 6));
        out[1] = (char)(0x80 | (code & 63));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xE0 | (code >> 12));
        out[1] = (char)(0x80 | ((code >> 6) & 63));
        out[2] = (char)(0x80 | (code & 63));
        return 3;
    }
    out[0] = (char)(0xF0 | (code >> 18));
    out[1] = (char)(0x80 | ((code >> 12) & 63));
    out[2] = (char)(0x80 | ((code >> 6) & 63));
    out[3] = (char)(0x80 | (code & 63));
    return 4;
}

/* A string, unescaped into `out` and ended by 0; what exceeds `room` is dropped. */
IRC_COLD void irc_json_string(irc_json *j, char *out, size_t room)
{
    static const char escapes[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    size_t used = 0;
    irc_json_need(j, '"');
    while (j->ok) {
        char piece[4];
        size_t length = 1;
        if (j->at >= j->end || (unsigned char)*j->at < 0x20) {
            j->ok = false;
            break;
        }
        piece[0] = *j->at++;
        if (piece[0] == '"')
            break;
        if (piece[0] == '\\') {
            char kind = j->at < j->end ? *j->at++ : '\0';
            const char *known = kind ? strchr(escapes, kind) : NULL;
            if (kind == 'u') {
                unsigned code = irc_json_hex(j);
                bool pair = code >= 0xD800 && code < 0xDC00 && j->end - j->at >= 6 &&
                            j->at[0] == '\\' && j->at[1] == 'u';
                if (pair) {
                    j->at += 2;
                    code = 0x10000 + ((code & 0x3FF) << 10) + (irc_json_hex(j) & 0x3FF);
                }
                length = irc_json_utf8(code, piece);
            } else if (known != NULL) {
                piece[0] = meant[known - escapes];
            } else {
                j->ok = false;
            }
        }
        if (used + length < room) {
            memcpy(out + used, piece, length);
            used += length;
        }
    }
    out[used] = '\0';
}

IRC_COLD int64_t irc_json_integer(irc_json *j)
{
    int64_t value = 0;
    irc_json_space(j);
    if (j->at >= j->end || *j->at < '0' || *j->at > '9')
        j->ok = false;
    while (j->ok && j->at < j->end && *j->at >= '0' && *j->at <= '9')
        value = irc_add(irc_mul(value, 10, &j->ok), *j->at++ - '0', &j->ok);
    return value;
}

/* A list of integers; those beyond `room` are read and counted. Returns how many there were. */
IRC_COLD int64_t irc_json_integers(irc_json *j, int64_t *out, int64_t room)
{
    int64_t count = 0;
    irc_json_need(j, '[');
    if (irc_json_is(j, ']'))
        return 0;
    do {
        int64_t value = irc_json_integer(j);
        if (count < room)
            out[count] = value;
        ++count;
    } while (irc_json_is(j, ','));
    irc_json_need(j, ']');
    return count;
}

enum { IRC_NAME_BYTES = 512, IRC_RANK_LIMIT = 64 };

typedef struct irc_stored {
    char dtype[16];
    int64_t dims[IRC_RANK_LIMIT], rank, begin, end;
} irc_stored;

IRC_COLD void irc_json_tensor(irc_json *j, irc_stored *tensor)
{
    int64_t offsets[2] = {0, 0};
    int seen = 0;
    irc_json_need(j, '{');
    do {
        char key[32];
        irc_json_string(j, key, sizeof key);
        irc_json_need(j, ':');
        if (strcmp(key, "dtype") == 0) {
            irc_json_string(j, tensor->dtype, sizeof tensor->dtype);
            seen |= 1;
        } else if (strcmp(key, "shape") == 0) {
            tensor->rank = irc_json_integers(j, tensor->dims, IRC_RANK_LIMIT);
            seen |= 2;
        } else if (strcmp(key, "data_offsets") == 0) {
            j->ok = irc_json_integers(j, offsets, 2) == 2 && j->ok;
            seen |= 4;
        } else {
            j->ok = false;
        }
    } while (irc_json_is(j, ','));
    irc_json_need(j, '}');
    j->ok = j->ok && seen == 7;
    tensor->begin = offsets[0];
    tensor->end = offsets[1];
}

IRC_COLD bool irc_same_shape(const irc_stored *tensor, const irc_state_info *state)
{
    if (tensor->rank != state->rank || strcmp(tensor->dtype, state->dtype) != 0)
        return false;
    for (int axis = 0; axis < state->rank; ++axis)
        if (tensor->dims[axis] != state->dims[axis])
            return false;
    return true;
}

/* Finds every state in `data`, the part of the file after the header, and copies it to `staging`. */
IRC_COLD int32_t irc_read_header(irc_head *head, const char *path, irc_json *j,
                                      const char *data, int64_t data_bytes, char *staging,
                                      char *found, const irc_state_info *states, int count)
{
    irc_json_need(j, '{');
    bool more = j->ok && !irc_json_is(j, '}');
    while (more) {
        char name[IRC_NAME_BYTES];
        irc_stored tensor;
        int i = 0;
        irc_json_string(j, name, sizeof name);
        irc_json_need(j, ':');
        if (strcmp(name, "__metadata__") == 0) {
            irc_json_need(j, '{');
            bool entries = j->ok && !irc_json_is(j, '}');
            while (entries) {
                char ignored[8];
                irc_json_string(j, ignored, sizeof ignored);
                irc_json_need(j, ':');
                irc_json_string(j, ignored, sizeof ignored);
                entries = irc_json_is(j, ',');
                if (!entries)
                    irc_json_need(j, '}');
            }
        } else {
            irc_json_tensor(j, &tensor);
            if (!j->ok)
                break;
            while (i < count && strcmp(states[i].name, name) != 0)
                ++i;
            if (i == count)
                return irc_fail(head, IRC_ARGUMENT, "load: %s has `%s`, which is no state here",
                                path, name);
            if (!irc_same_shape(&tensor, &states[i]))
                return irc_fail(head, IRC_SHAPE, "load: `%s` in %s has another dtype or shape",
                                name, path);
            if (tensor.begin > tensor.end || tensor.end > data_bytes ||
                tensor.end - tensor.begin != states[i].bytes)
                break;
            memcpy(staging + states[i].offset, data + tensor.begin, (size_t)states[i].bytes);
            found[i] = 1;
        }
        more = irc_json_is(j, ',');
        if (!more) {
            irc_json_need(j, '}');
            break;
        }
    }
    irc_json_space(j);
    if (more || !j->ok || j->at != j->end)
        return irc_fail(head, IRC_ARGUMENT, "load: %s is damaged or not a safetensors file", path);
    for (int i = 0; i < count; ++i)
        if (!found[i] && !states[i].hidden)
            return irc_fail(head, IRC_ARGUMENT, "load: %s lacks the state `%s`", path,
                            states[i].name);
    return IRC_OK;
}

IRC_COLD int32_t irc_load_states(irc_head *head, const char *path,
                                      const irc_state_info *states, int count)
{
    struct stat info;
    int32_t status = IRC_OK;
    char *text = NULL, *staging = NULL, *found = NULL;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        return irc_fail(head, IRC_ARGUMENT, "load: cannot read %s: %s", path, strerror(errno));
    if (fstat(file, &info) != 0 || !S_ISREG(info.st_mode)) {
        close(file);
        return irc_fail(head, IRC_ARGUMENT, "load: %s is not a regular file", path);
    }
    /* All states and a header: a larger file cannot be one of ours. */
    if (info.st_size < 10 || info.st_size > head->state_bytes + IRC_HEADER_LIMIT) {
        close(file);
        return irc_fail(head, IRC_ARGUMENT, "load: %s is damaged or not a safetensors file", path);
    }
    const size_t size = (size_t)info.st_size;
    text = malloc(size);
    staging = malloc((size_t)head->state_bytes + 1);
    found = calloc((size_t)count + 1, 1);
    if (text == NULL || staging == NULL || found == NULL) {
        status = irc_fail(head, IRC_MEMORY, "load: cannot allocate %zu bytes", size);
    } else if (!irc_read_all(file, text, size)) {
        status = irc_fail(head, IRC_ARGUMENT, "load: cannot read %s: %s", path, strerror(errno));
    } else {
        uint64_t length = 0;
        for (int byte = 7; byte >= 0; --byte)
            length = length << 8 | (unsigned char)text[byte];
        if (length > size - 8) {
            status = irc_fail(head, IRC_ARGUMENT, "load: %s is damaged or not a safetensors file",
                              path);
        } else {
            const char *data = text + 8 + length;
            irc_json j = {text + 8, data, true};
            if (head->state_bytes > 0)
                memcpy(staging, head->states, (size_t)head->state_bytes);
            status = irc_read_header(head, path, &j, data, (int64_t)(size - 8 - (size_t)length),
                                     staging, found, states, count);
            if (status == IRC_OK && head->state_bytes > 0)
                memcpy(head->states, staging, (size_t)head->state_bytes);
        }
    }
    close(file);
    free(text);
    free(staging);
    free(found);
    return status;
}

#endif
