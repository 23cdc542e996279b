/* Text made at run time: lines that a program prints, messages with values in them.
 *
 *     irc_text t = irc_print_begin(head);            irc_text t = irc_message_begin(head);
 *     irc_put(&t, "cost ");                          irc_put(&t, "m.irc:3:5: last change ");
 *     irc_put_f32(&t, cost, "%.4f");                 irc_put_f64(&t, delta, NULL);
 *     irc_print_end(&t);                             return irc_message_end(&t, IRC_ASSERT);
 *
 * A format is that of printf for one double, int64_t (`PRId64`) or uint64_t; NULL writes a value as
 * Python does, with the fewest digits that give it back. The locale has no say in it. */
#ifndef IRC_TEXT
#define IRC_TEXT

#include <math.h>
#include "prelude.h"

typedef struct irc_text {
    irc_head *head;
    bool message; /* goes to head->error, not to the printer */
    size_t used;
    char buffer[512];
} irc_text;

IRC_COLD irc_text irc_print_begin(irc_head *head)
{
    irc_text t;
    t.head = head;
    t.message = false;
    t.used = 0;
    return t;
}

IRC_COLD irc_text irc_message_begin(irc_head *head)
{
    irc_text t = irc_print_begin(head);
    t.message = true;
    head->error[0] = '\0';
    return t;
}

IRC_COLD void irc_text_flush(irc_text *t)
{
    irc_head *head = t->head;
    if (t->message) {
        size_t at = strlen(head->error);
        size_t room = sizeof head->error - 1 - at;
        size_t length = t->used < room ? t->used : room;
        while (length < t->used && length > 0 && (t->buffer[length] & 0xC0) == 0x80)
            --length; /* not through the middle of a UTF-8 character */
        memcpy(head->error + at, t->buffer, length);
        head->error[at + length] = '\0';
    } else if (head->print != NULL) {
        head->print(head->print_user, t->buffer, t->used);
    } else {
        fwrite(t->buffer, 1, t->used, stdout);
    }
    t->used = 0;
}

IRC_COLD void irc_put_bytes(irc_text *t, const char *text, size_t length)
{
    while (length > 0) {
        size_t room = sizeof t->buffer - t->used;
        size_t part = length < room ? length : room;
        memcpy(t->buffer + t->used, text, part);
        t->used += part;
        text += part;
        length -= part;
        if (t->used == sizeof t->buffer)
            irc_text_flush(t);
    }
}

IRC_COLD void irc_put(irc_text *t, const char *text)
{
    irc_put_bytes(t, text, strlen(text));
}

IRC_COLD void irc_print_end(irc_text *t)
{
    irc_put(t, "\n");
    if (t->used > 0)
        irc_text_flush(t);
}

IRC_COLD int32_t irc_message_end(irc_text *t, int32_t status)
{
    irc_text_flush(t);
    return status;
}

/* snprintf writes the decimal sign of the locale, one or several bytes; irc writes a point. */
IRC_COLD void irc_put_number(irc_text *t, const char *number)
{
    bool point = false;
    for (; *number != '\0'; ++number) {
        char c = *number;
        bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                     c == '+' || c == '-' || c == ' ' || c == '#';
        if (plain)
            irc_put_bytes(t, &c, 1);
        else if (!point)
            irc_put(t, ".");
        point = !plain;
    }
}

IRC_COLD void irc_put_i64(irc_text *t, int64_t value, const char *format)
{
    char number[128];
    snprintf(number, sizeof number, format ? format : "%" PRId64, value);
    irc_put(t, number);
}

IRC_COLD void irc_put_u64(irc_text *t, uint64_t value, const char *format)
{
    char number[128];
    snprintf(number, sizeof number, format ? format : "%" PRIu64, value);
    irc_put(t, number);
}

IRC_COLD void irc_put_bool(irc_text *t, bool value)
{
    irc_put(t, value ? "true" : "false");
}

IRC_COLD bool irc_reads_back(const char *number, double value, bool single)
{
    return single ? strtof(number, NULL) == (float)value : strtod(number, NULL) == value;
}

/* One more in the last digit before the exponent; false when that needs another digit. */
IRC_COLD bool irc_round_up(char *number)
{
    for (char *c = strchr(number, 'e') - 1; c >= number; --c) {
        if (*c >= '0' && *c < '9') {
            ++*c;
            return true;
        }
        if (*c == '9')
            *c = '0';
    }
    return false;
}

/* The fewest digits from which reading gives the value back, laid out as Python's repr. */
IRC_COLD void irc_put_shortest(irc_text *t, double value, bool single)
{
    char number[64], digits[32];
    int last = single ? 8 : 16, count = 0, exponent;
    for (int precision = 0;; ++precision) {
        snprintf(number, sizeof number, "%.*e", precision, value);
        if (precision == last || irc_reads_back(number, value, single))
            break;
        /* at a power of two the neighbour below is nearer, so rounding up may do where rounding
         * to nearest does not */
        if (irc_round_up(number) && irc_reads_back(number, value, single))
            break;
    }
    const char *e = strchr(number, 'e');
    exponent = (int)strtol(e + 1, NULL, 10);
    for (const char *c = number; c < e; ++c)
        if (*c >= '0' && *c <= '9')
            digits[count++] = *c;
    while (count > 1 && digits[count - 1] == '0')
        --count;
    if (number[0] == '-')
        irc_put(t, "-");
    if (exponent < -4 || exponent >= 16) {
        irc_put_bytes(t, digits, 1);
        if (count > 1) {
            irc_put(t, ".");
            irc_put_bytes(t, digits + 1, (size_t)(count - 1));
        }
        snprintf(number, sizeof number, "e%c%02d", exponent < 0 ? '-' : '+', abs(exponent));
        irc_put(t, number);
        return;
    }
    if (exponent < 0) {
        irc_put(t, "0.");
        for (int zero = -1; zero > exponent; --zero)
            irc_put(t, "0");
        irc_put_bytes(t, digits, (size_t)count);
        return;
    }
    for (int place = 0; place <= exponent; ++place)
        irc_put_bytes(t, place < count ? digits + place : "0", 1);
    irc_put(t, ".");
    if (count > exponent + 1)
        irc_put_bytes(t, digits + exponent + 1, (size_t)(count - exponent - 1));
    else
        irc_put(t, "0");
}

IRC_COLD void irc_put_float(irc_text *t, double value, const char *format, bool single)
{
    if (isnan(value)) {
        irc_put(t, "nan");
    } else if (isinf(value)) {
        irc_put(t, value < 0 ? "-inf" : "inf");
    } else if (format == NULL) {
        irc_put_shortest(t, value, single);
    } else {
        char number[512];
        snprintf(number, sizeof number, format, value);
        irc_put_number(t, number);
    }
}

IRC_COLD void irc_put_f64(irc_text *t, double value, const char *format)
{
    irc_put_float(t, value, format, false);
}

IRC_COLD void irc_put_f32(irc_text *t, float value, const char *format)
{
    irc_put_float(t, (double)value, format, true);
}

/* ---- whole tensors: [[1.0, 2.0], [3.0, 4.0]], the middle of a large one left out */

typedef void irc_put_element(irc_text *t, const void *element, const char *format);

#define IRC_PUT_ELEMENT(name, type, put, wide)                                      \
    IRC_COLD void irc_put_##name##_at(irc_text *t, const void *at, const char *format) \
    {                                                                               \
        type value;                                                                 \
        memcpy(&value, at, sizeof value);                                           \
        put(t, (wide)value, format);                                                \
    }
IRC_PUT_ELEMENT(i8, int8_t, irc_put_i64, int64_t)
IRC_PUT_ELEMENT(i16, int16_t, irc_put_i64, int64_t)
IRC_PUT_ELEMENT(i32, int32_t, irc_put_i64, int64_t)
IRC_PUT_ELEMENT(i64, int64_t, irc_put_i64, int64_t)
IRC_PUT_ELEMENT(u8, uint8_t, irc_put_u64, uint64_t)
IRC_PUT_ELEMENT(u16, uint16_t, irc_put_u64, uint64_t)
IRC_PUT_ELEMENT(u32, uint32_t, irc_put_u64, uint64_t)
IRC_PUT_ELEMENT(u64, uint64_t, irc_put_u64, uint64_t)
IRC_PUT_ELEMENT(f32, float, irc_put_f32, float)
IRC_PUT_ELEMENT(f64, double, irc_put_f64, double)
#undef IRC_PUT_ELEMENT
IRC_COLD void irc_put_bool_at(irc_text *t, const void *at, const char *format)
{
    (void)format;
    irc_put_bool(t, *(const unsigned char *)at != 0);
}

/* Row-major. Above 1,000 elements an axis shows its first and last three.
 * `rank` is at most 32; deeper tensors print as `[...]`. */
IRC_COLD void irc_put_tensor(irc_text *t, const void *data, const int64_t *dims, int rank,
                               size_t unit, irc_put_element *put, const char *format)
{
    enum { EDGE = 3, LARGE = 1000, DEEPEST = 32 };
    int64_t index[DEEPEST] = {0}, stride[DEEPEST], elements = 1;
    if (rank > DEEPEST) {
        irc_put(t, "[...]");
        return;
    }
    for (int axis = rank - 1; axis >= 0; --axis) {
        stride[axis] = elements;
        elements *= dims[axis];
    }
    if (rank == 0) {
        put(t, data, format);
        return;
    }
    int axis = 0;
    irc_put(t, "[");
    for (;;) {
        if (index[axis] == dims[axis]) { /* this row is done */
            irc_put(t, "]");
            if (axis == 0)
                return;
            --axis;
            ++index[axis];
            continue;
        }
        if (index[axis] > 0)
            irc_put(t, ", ");
        if (elements > LARGE && dims[axis] > 2 * EDGE && index[axis] == EDGE) {
            irc_put(t, "..., ");
            index[axis] = dims[axis] - EDGE;
        }
        if (axis + 1 < rank) {
            index[++axis] = 0;
            irc_put(t, "[");
            continue;
        }
        int64_t offset = 0;
        for (int k = 0; k < rank; ++k)
            offset += index[k] * stride[k];
        put(t, (const char *)data + (size_t)offset * unit, format);
        ++index[axis];
    }
}

#endif
