/* What one call is made of: numbers, arrays, and places for results. */

typedef union {
    uint64_t bits;
    int64_t i64;
    int32_t i32;
    int16_t i16;
    int8_t i8;
    float f32;
    double f64;
    char raw[8];
} Scalar;

/* One parameter or result. */
typedef struct {
    PyObject *name; /* interned; NULL for results */
    PyArray_Descr *descr;
    int type_num;
    int bytes;
    int rank;
    char kind; /* b i u f as in NumPy; 0: scalars of this type go through Python */
    bool has_default;
    Scalar preset;
} Slot;

typedef struct {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    Context *context;
    int32_t index;
    int inputs, outputs, sizes, dims;
    bool writes;
    Slot *slots;             /* inputs, then outputs */
    PyTypeObject *tuple;     /* class of several results: tuple or a NamedTuple */
    PyObject *info, *out_name;
} Function;

/* Everything one call needs beside its arguments, on the stack when it is small. */
typedef struct {
    const void **in;
    void **out;
    const int64_t **shapes;
    PyObject **results;
    Scalar *scalars; /* values of rank-0 inputs, then of rank-0 results */
    int64_t *sizes, *dims;
} Call;

enum { STACK_WORDS = 128 };

static size_t call_words(const Function *f)
{
    return (size_t)(3 * f->inputs + 3 * f->outputs + f->sizes + f->dims + 4);
}

static void lay_out(Call *c, const Function *f, void **words)
{
    c->in = (const void **)words;
    words += f->inputs;
    c->out = words;
    words += f->outputs;
    c->shapes = (const int64_t **)words;
    words += f->inputs;
    c->results = (PyObject **)words;
    words += f->outputs;
    c->scalars = (Scalar *)words;
    words += f->inputs + f->outputs;
    c->sizes = (int64_t *)words;
    words += f->sizes + 1;
    c->dims = (int64_t *)words;
    memset(c->results, 0, sizeof(PyObject *) * (size_t)f->outputs);
}

/* A Python number for a rank-0 parameter; false when Python code must look at it. */
static bool take_number(const Slot *s, PyObject *value, Scalar *to)
{
    if (PyFloat_CheckExact(value)) {
        if (s->kind != 'f')
            return false;
        double number = PyFloat_AS_DOUBLE(value);
        if (s->bytes == 8)
            to->f64 = number;
        else
            to->f32 = (float)number;
        return true;
    }
    if (PyBool_Check(value)) {
        if (s->kind != 'b')
            return false;
        to->raw[0] = value == Py_True;
        return true;
    }
    if (PyLong_CheckExact(value)) {
        int overflow;
        long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
        if (overflow != 0)
            return false;
        if (s->kind == 'f') {
            if (s->bytes == 8)
                to->f64 = (double)number;
            else
                to->f32 = (float)number;
            return true;
        }
        int width = 8 * s->bytes;
        if (s->kind == 'i') {
            if (width < 64 && (number < -(1LL << (width - 1)) || number >= 1LL << (width - 1)))
                return false;
        } else if (s->kind == 'u') {
            if (number < 0 || (width < 64 && number >= 1LL << width))
                return false;
        } else {
            return false;
        }
        switch (s->bytes) {
        case 1:
            to->i8 = (int8_t)number;
            return true;
        case 2:
            to->i16 = (int16_t)number;
            return true;
        case 4:
            to->i32 = (int32_t)number;
            return true;
        default:
            to->i64 = number;
            return true;
        }
    }
    if (PyArray_IsScalar(value, Generic)) {
        PyArray_Descr *descr = PyArray_DescrFromScalar(value);
        if (descr == NULL) {
            PyErr_Clear();
            return false;
        }
        bool same = descr->type_num == s->type_num && s->bytes <= 8;
        if (same)
            PyArray_ScalarAsCtype(value, to->raw);
        Py_DECREF(descr);
        return same;
    }
    return false;
}

static bool take_array(const Slot *s, PyObject *value, int flags)
{
    if (!PyArray_CheckExact(value))
        return false;
    PyArrayObject *a = (PyArrayObject *)value;
    return PyArray_TYPE(a) == s->type_num && PyArray_NDIM(a) == s->rank &&
           PyArray_CHKFLAGS(a, flags) && PyArray_ISNBO(PyArray_DESCR(a)->byteorder);
}

/* Pointers and shapes of all inputs; false when one is not exactly right. */
static bool take_inputs(const Function *f, PyObject *const *given, Call *c)
{
    for (int i = 0; i < f->inputs; ++i) {
        const Slot *s = &f->slots[i];
        PyObject *value = given[i];
        if (value == NULL) {
            if (!s->has_default)
                return false;
            c->in[i] = &s->preset;
        } else if (take_array(s, value, NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_ALIGNED)) {
            PyArrayObject *a = (PyArrayObject *)value;
            uintptr_t at = (uintptr_t)PyArray_DATA(a);
            c->in[i] = PyArray_DATA(a);
            c->shapes[i] = (const int64_t *)PyArray_DIMS(a);
            if (f->writes && at >= f->context->states_begin && at < f->context->states_end)
                return false; /* a view of a state that is about to change */
        } else if (s->rank == 0 && take_number(s, value, &c->scalars[i])) {
            c->in[i] = &c->scalars[i];
        } else {
            return false;
        }
    }
    return true;
}

static bool apart(const PyArrayObject *a, const PyArrayObject *b)
{
    const char *p = PyArray_BYTES(a), *q = PyArray_BYTES(b);
    return PyArray_NBYTES(a) == 0 || PyArray_NBYTES(b) == 0 || p + PyArray_NBYTES(a) <= q ||
           q + PyArray_NBYTES(b) <= p;
}

/* Is `value` an array that result `i` can be written to? */
static bool take_output(const Function *f, int i, PyObject *value, PyObject *const *given,
                        const int64_t *dims)
{
    const Slot *s = &f->slots[f->inputs + i];
    if (!take_array(s, value, NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_ALIGNED | NPY_ARRAY_WRITEABLE))
        return false;
    PyArrayObject *a = (PyArrayObject *)value;
    for (int axis = 0; axis < s->rank; ++axis)
        if (PyArray_DIMS(a)[axis] != dims[axis])
            return false;
    uintptr_t at = (uintptr_t)PyArray_DATA(a);
    if (at >= f->context->states_begin && at < f->context->states_end)
        return false;
    for (int k = 0; k < f->inputs; ++k)
        if (given[k] != NULL && PyArray_Check(given[k]) && !apart(a, (PyArrayObject *)given[k]))
            return false;
    return true;
}

/* Result arrays: those of `out`, a sequence's items, or new ones.
 * 1: done. 0: `out` is not exactly right. -1: an exception. */
static int take_outputs(const Function *f, PyObject *const *given, PyObject *const *out, Call *c)
{
    const int64_t *dims = c->dims;
    for (int i = 0; i < f->inputs; ++i)
        dims += f->slots[i].rank;
    for (int i = 0; i < f->outputs; dims += f->slots[f->inputs + i].rank, ++i) {
        const Slot *s = &f->slots[f->inputs + i];
        if (out != NULL && out[i] != Py_None) {
            if (!take_output(f, i, out[i], given, dims))
                return 0;
            for (int k = 0; k < i; ++k)
                if (out[k] != Py_None && !apart((PyArrayObject *)out[i], (PyArrayObject *)out[k]))
                    return 0;
            Py_INCREF(out[i]);
            c->results[i] = out[i];
            c->out[i] = PyArray_DATA((PyArrayObject *)out[i]);
        } else if (s->rank == 0) {
            c->out[i] = &c->scalars[f->inputs + i];
        } else {
            Py_INCREF(s->descr);
            c->results[i] = PyArray_NewFromDescr(&PyArray_Type, s->descr, s->rank,
                                                 (const npy_intp *)dims, NULL, NULL, 0, NULL);
            if (c->results[i] == NULL)
                return -1;
            c->out[i] = PyArray_DATA((PyArrayObject *)c->results[i]);
        }
    }
    return 1;
}

static int64_t touched_bytes(const Function *f, PyObject *const *given, const Call *c)
{
    int64_t bytes = f->context->state_bytes;
    for (int i = 0; i < f->inputs; ++i)
        if (f->slots[i].rank > 0 && given[i] != NULL)
            bytes += PyArray_NBYTES((PyArrayObject *)given[i]);
    for (int i = 0; i < f->outputs; ++i)
        if (c->results[i] != NULL)
            bytes += PyArray_NBYTES((PyArrayObject *)c->results[i]);
    return bytes;
}

/* One value, or a tuple of the function's class. Steals `c->results`. */
static PyObject *give_results(const Function *f, Call *c)
{
    for (int i = 0; i < f->outputs; ++i) {
        const Slot *s = &f->slots[f->inputs + i];
        if (c->results[i] == NULL) {
            c->results[i] = PyArray_Scalar(&c->scalars[f->inputs + i], s->descr, NULL);
            if (c->results[i] == NULL)
                return NULL;
        }
    }
    if (f->outputs == 0)
        Py_RETURN_NONE;
    if (f->outputs == 1) {
        PyObject *only = c->results[0];
        c->results[0] = NULL;
        return only;
    }
    PyObject *all = f->tuple->tp_alloc(f->tuple, f->outputs);
    for (int i = 0; all != NULL && i < f->outputs; ++i) {
        PyTuple_SET_ITEM(all, i, c->results[i]);
        c->results[i] = NULL;
    }
    return all;
}

/* info.failed(status, message) raises the exception. */
static PyObject *fail(const Function *f, int32_t status, PyObject *message)
{
    if (message != NULL) {
        PyObject *done = PyObject_CallMethod(f->info, "failed", "iO", (int)status, message);
        Py_XDECREF(done);
        Py_DECREF(message);
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_SystemError, "a failed call raised nothing");
    }
    return NULL;
}
