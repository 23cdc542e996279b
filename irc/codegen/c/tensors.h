/* Checks of door 2: is a DLTensor what a parameter or result needs? */
#ifndef IRC_TENSORS
#define IRC_TENSORS

#include "generic.h"
#include "prelude.h"

/* Row-major without gaps. Strides of axes of size 0 and 1 mean nothing. */
IRC_SHARED bool irc_contiguous(const DLTensor *t)
{
    int64_t expected = 1;
    if (t->strides == NULL)
        return true;
    for (int axis = 0; axis < t->ndim; ++axis)
        if (t->shape[axis] == 0)
            return true;
    for (int axis = t->ndim - 1; axis >= 0; --axis) {
        if (t->shape[axis] != 1 && t->strides[axis] != expected)
            return false;
        if (__builtin_mul_overflow(expected, t->shape[axis], &expected))
            return false;
    }
    return true;
}

IRC_SHARED int32_t irc_check_tensor(irc_head *head, const char *function, const irc_slot *slot,
                                       const DLTensor *t)
{
    if (t == NULL)
        return irc_fail(head, IRC_ARGUMENT, "%s: `%s` is NULL", function, slot->name);
    if (t->device.device_type != 1)
        return irc_fail(head, IRC_DEVICE, "%s: `%s` is not in the memory of the CPU", function,
                        slot->name);
    if (t->dtype.code != slot->code || t->dtype.bits != slot->bits || t->dtype.lanes != 1)
        return irc_fail(head, IRC_ARGUMENT, "%s: `%s` has the wrong dtype", function, slot->name);
    if (t->ndim != slot->rank)
        return irc_fail(head, IRC_SHAPE, "%s: `%s` has rank %d, expected %d", function, slot->name,
                        (int)t->ndim, slot->rank);
    for (int axis = 0; axis < t->ndim; ++axis)
        if (t->shape[axis] < 0)
            return irc_fail(head, IRC_SHAPE, "%s: `%s` has a negative size", function, slot->name);
    if (t->ndim == 0 && (t->data == NULL || ((uintptr_t)t->data + t->byte_offset) %
                                                    (uintptr_t)((slot->bits + 7) / 8) != 0))
        return irc_fail(head, IRC_ARGUMENT, "%s: `%s` is NULL or not aligned", function,
                        slot->name);
    if (!irc_contiguous(t))
        return irc_fail(head, IRC_ARGUMENT, "%s: `%s` is not contiguous in row-major order",
                        function, slot->name);
    return IRC_OK;
}

IRC_SHARED int32_t irc_check_tensors(irc_head *head, const char *function, const irc_slot *slots,
                                        int count, const DLTensor *const *tensors)
{
    for (int i = 0; i < count; ++i) {
        int32_t status = irc_check_tensor(head, function, &slots[i], tensors[i]);
        if (status != IRC_OK)
            return status;
    }
    return IRC_OK;
}

/* Compares the arrays' shapes with `dims`, the sizes that they should have, one after another. */
IRC_SHARED int32_t irc_check_shapes(irc_head *head, const char *function, const irc_slot *slots,
                                       int count, const int64_t *const *shapes, const int64_t *dims)
{
    for (int i = 0; i < count; dims += slots[i].rank, ++i)
        for (int axis = 0; axis < slots[i].rank; ++axis)
            if (shapes[i][axis] != dims[axis])
                return irc_fail(head, IRC_SHAPE,
                                "%s: dimension %d of `%s` is %" PRId64 ", expected %" PRId64,
                                function, axis, slots[i].name, shapes[i][axis], dims[axis]);
    return IRC_OK;
}

IRC_SHARED void *irc_tensor_data(const DLTensor *t)
{
    return t->data == NULL ? NULL : (char *)t->data + t->byte_offset;
}

#endif
