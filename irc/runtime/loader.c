/* The fast door from Python: arguments that are exactly right go straight to the module.
 *
 * Everything else (other arrays, casts, copies, wrong arguments) is left to `info.call`, written in
 * Python, which converts or raises and comes back through `Function.exact`. So this file has no
 * messages of its own. `fallback.py` has the same classes over ctypes. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>
#define NPY_NO_DEPRECATED_API NPY_1_7_API_VERSION
#include <numpy/arrayobject.h>
#include <numpy/arrayscalars.h>
#include <dlfcn.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>

/* Below this the kernel is done sooner than another thread could use the interpreter. */
#define RELEASE_GIL_BYTES 16384

/* ---- Library: an open module */

typedef int printer_fn(void *user, const char *text, size_t length);

typedef struct {
    PyObject_HEAD
    void *handle;
    const char *json;
    const char *(*missing_cpu)(void);
    void *(*open)(uint64_t seed, char *error, size_t error_bytes);
    void (*free)(void *context);
    const char *(*error)(const void *context);
    void (*seed)(void *context, uint64_t seed);
    int32_t (*bind)(void *context, int32_t function, const int64_t *const *shapes, int64_t *sizes,
                    int64_t *dims);
    int32_t (*invoke)(void *context, int32_t function, const int64_t *sizes, const void *const *in,
                      void *const *out);
    void *(*state)(void *context, int32_t index);
    int32_t (*save)(void *context, const char *path);
    int32_t (*load)(void *context, const char *path);
    void (*on_print)(void *context, printer_fn *print, void *user);
    int64_t (*workspace)(const void *context);
} Library;

static PyTypeObject LibraryType, ContextType, FunctionType;

static PyObject *decode(const char *text)
{
    return PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace");
}

/* Library(path). Raises OSError when the file cannot be opened or lacks a symbol. */
static PyObject *library_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *path;
    (void)kwargs;
    if (!PyArg_ParseTuple(args, "O&", PyUnicode_FSConverter, &path))
        return NULL;
    Library *self = (Library *)type->tp_alloc(type, 0);
    if (self == NULL) {
        Py_DECREF(path);
        return NULL;
    }
    self->handle = dlopen(PyBytes_AS_STRING(path), RTLD_NOW | RTLD_LOCAL);
    Py_DECREF(path);
    if (self->handle == NULL) {
        PyErr_SetString(PyExc_OSError, dlerror());
        Py_DECREF(self);
        return NULL;
    }
    const struct {
        const char *name;
        void *at;
    } symbols[] = {
        {"irc_module_json", &self->json},     {"irc_missing_cpu", &self->missing_cpu},
        {"irc_new", &self->open},             {"irc_free", &self->free},
        {"irc_error", &self->error},          {"irc_seed", &self->seed},
        {"irc_bind", &self->bind},            {"irc_invoke", &self->invoke},
        {"irc_state", &self->state},          {"irc_save", &self->save},
        {"irc_load", &self->load},            {"irc_on_print", &self->on_print},
        {"irc_workspace", &self->workspace},
    };
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; ++i) {
        void *found = dlsym(self->handle, symbols[i].name);
        if (found == NULL) {
            PyErr_Format(PyExc_OSError, "no symbol %s", symbols[i].name);
            Py_DECREF(self);
            return NULL;
        }
        memcpy(symbols[i].at, &found, sizeof found);
    }
    return (PyObject *)self;
}

/* The object file stays mapped: views of its constants may live on. */
static void library_dealloc(Library *self)
{
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyObject *library_json(Library *self, void *closure)
{
    (void)closure;
    return PyBytes_FromString(self->json);
}

static PyObject *library_missing_cpu(Library *self, void *closure)
{
    (void)closure;
    const char *feature = self->missing_cpu();
    return PyUnicode_FromString(feature != NULL ? feature : "");
}

/* Modules that call no other library lack the function, and need none. */
static PyObject *library_search(Library *self, PyObject *folder)
{
    PyObject *path;
    void (*search)(const char *folder);
    if (!PyUnicode_FSConverter(folder, &path))
        return NULL;
    void *found = dlsym(self->handle, "irc_search");
    memcpy(&search, &found, sizeof search);
    if (found != NULL)
        search(PyBytes_AS_STRING(path));
    Py_DECREF(path);
    Py_RETURN_NONE;
}

static PyMethodDef library_methods[] = {
    {"search", (PyCFunction)library_search, METH_O,
     "Where libraries of contexts made from now on in this thread are looked for first."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef library_getset[] = {
    {"json", (getter)library_json, NULL, "The module's description, bytes.", NULL},
    {"missing_cpu", (getter)library_missing_cpu, NULL, "An instruction set it lacks, or \"\".",
     NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyTypeObject LibraryType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "irc.runtime.Library",
    .tp_basicsize = sizeof(Library),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = library_new,
    .tp_dealloc = (destructor)library_dealloc,
    .tp_methods = library_methods,
    .tp_getset = library_getset,
};

/* ---- Context: state and workspace, one thread at a time */

typedef struct {
    PyObject_HEAD
    Library *library;
    void *context;
    PyThread_type_lock lock;
    unsigned long owner; /* the thread inside, 0 when there is none */
    PyObject *printer;   /* called with bytes */
    PyObject *failure;   /* exception that the printer raised, to be raised after the call */
    uintptr_t states_begin, states_end;
    int64_t state_bytes;
} Context;

/* False with an exception when this thread is inside already. Call with the GIL. */
static bool enter(Context *c)
{
    unsigned long me = PyThread_get_thread_ident();
    if (!PyThread_acquire_lock(c->lock, NOWAIT_LOCK)) {
        if (c->owner == me) {
            PyErr_SetString(PyExc_RuntimeError,
                            "this module is running already, in the same thread");
            return false;
        }
        PyThread_type_lock lock = c->lock;
        Py_BEGIN_ALLOW_THREADS;
        PyThread_acquire_lock(lock, WAIT_LOCK);
        Py_END_ALLOW_THREADS;
    }
    c->owner = me;
    return true;
}

static void leave(Context *c)
{
    c->owner = 0;
    PyThread_release_lock(c->lock);
}

static int print_text(void *user, const char *text, size_t length)
{
    Context *c = user;
    PyGILState_STATE gil = PyGILState_Ensure();
    if (c->failure == NULL) {
        PyObject *done = PyObject_CallFunction(c->printer, "y#", text, (Py_ssize_t)length);
        if (done == NULL) {
            PyObject *type, *traceback;
            PyErr_Fetch(&type, &c->failure, &traceback);
            PyErr_NormalizeException(&type, &c->failure, &traceback);
            if (traceback != NULL && c->failure != NULL)
                PyException_SetTraceback(c->failure, traceback);
            Py_XDECREF(type);
            Py_XDECREF(traceback);
        }
        Py_XDECREF(done);
    }
    PyGILState_Release(gil);
    return 0;
}

/* Raises what the printer raised during the call that just ended. */
static bool printer_failed(Context *c)
{
    PyObject *failure = c->failure;
    if (failure == NULL)
        return false;
    c->failure = NULL;
    PyErr_SetObject((PyObject *)Py_TYPE(failure), failure);
    Py_DECREF(failure);
    return true;
}

/* Context(library, seed, printer, state_bytes: list[int]). Raises RuntimeError with the message. */
static PyObject *context_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    Library *library;
    unsigned long long seed;
    PyObject *printer, *state_bytes;
    char error[2048] = "";
    (void)kwargs;
    if (!PyArg_ParseTuple(args, "O!KOO!", &LibraryType, &library, &seed, &printer, &PyList_Type,
                          &state_bytes))
        return NULL;
    Context *self = (Context *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    Py_INCREF(library);
    self->library = library;
    Py_INCREF(printer);
    self->printer = printer;
    self->lock = PyThread_allocate_lock();
    if (self->lock == NULL) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    Py_BEGIN_ALLOW_THREADS;
    self->context = library->open(seed, error, sizeof error);
    Py_END_ALLOW_THREADS;
    if (self->context == NULL) {
        PyObject *message = decode(error);
        if (message != NULL) {
            PyErr_SetObject(PyExc_RuntimeError, message);
            Py_DECREF(message);
        }
        Py_DECREF(self);
        return NULL;
    }
    library->on_print(self->context, print_text, self);
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(state_bytes); ++i) {
        int64_t bytes = PyLong_AsLongLong(PyList_GET_ITEM(state_bytes, i));
        uintptr_t begin = (uintptr_t)library->state(self->context, (int32_t)i);
        if (i == 0)
            self->states_begin = begin;
        self->states_end = begin + (uintptr_t)bytes;
        self->state_bytes += bytes;
    }
    if (PyErr_Occurred()) {
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
}

static void context_dealloc(Context *self)
{
    if (self->context != NULL)
        self->library->free(self->context);
    if (self->lock != NULL)
        PyThread_free_lock(self->lock);
    Py_XDECREF(self->library);
    Py_XDECREF(self->printer);
    Py_XDECREF(self->failure);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyObject *context_seed(Context *self, PyObject *seed)
{
    unsigned long long value = PyLong_AsUnsignedLongLong(seed);
    if (PyErr_Occurred() || !enter(self))
        return NULL;
    self->library->seed(self->context, value);
    leave(self);
    Py_RETURN_NONE;
}

/* (status, message) of saving or loading */
static PyObject *transfer(Context *self, PyObject *path,
                          int32_t (*work)(void *context, const char *path))
{
    PyObject *encoded, *message;
    int32_t status;
    if (!PyUnicode_FSConverter(path, &encoded))
        return NULL;
    if (!enter(self)) {
        Py_DECREF(encoded);
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS;
    status = work(self->context, PyBytes_AS_STRING(encoded));
    Py_END_ALLOW_THREADS;
    message = decode(status != 0 ? self->library->error(self->context) : "");
    leave(self);
    Py_DECREF(encoded);
    return message != NULL ? Py_BuildValue("iN", (int)status, message) : NULL;
}

static PyObject *context_save(Context *self, PyObject *path)
{
    return transfer(self, path, self->library->save);
}

static PyObject *context_load(Context *self, PyObject *path)
{
    return transfer(self, path, self->library->load);
}

static PyObject *context_state(Context *self, PyObject *index)
{
    long i = PyLong_AsLong(index);
    if (PyErr_Occurred())
        return NULL;
    return PyLong_FromVoidPtr(self->library->state(self->context, (int32_t)i));
}

static PyObject *context_enter(Context *self, PyObject *unused)
{
    (void)unused;
    if (!enter(self))
        return NULL;
    Py_INCREF(self);
    return (PyObject *)self;
}

static PyObject *context_exit(Context *self, PyObject *unused)
{
    (void)unused;
    leave(self);
    Py_RETURN_NONE;
}

/* In the child of a fork the thread that was inside is gone. */
static PyObject *context_after_fork(Context *self, PyObject *unused)
{
    (void)unused;
    PyThread_type_lock lock = PyThread_allocate_lock();
    if (lock == NULL)
        return PyErr_NoMemory();
    self->lock = lock; /* the old one may be held; freeing it is undefined */
    self->owner = 0;
    Py_RETURN_NONE;
}

static PyObject *context_workspace(Context *self, void *closure)
{
    (void)closure;
    return PyLong_FromLongLong(self->library->workspace(self->context));
}

static PyMethodDef context_methods[] = {
    {"seed", (PyCFunction)context_seed, METH_O, "Restarts the random numbers."},
    {"save", (PyCFunction)context_save, METH_O, "Writes the state: (status, message)."},
    {"load", (PyCFunction)context_load, METH_O, "Reads the state: (status, message)."},
    {"state", (PyCFunction)context_state, METH_O, "The address of a state."},
    {"after_fork", (PyCFunction)context_after_fork, METH_NOARGS, "Frees the lock in a child."},
    {"__enter__", (PyCFunction)context_enter, METH_NOARGS, "Keeps other threads out."},
    {"__exit__", (PyCFunction)context_exit, METH_VARARGS, "Lets them in again."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef context_getset[] = {
    {"workspace", (getter)context_workspace, NULL, "Bytes of workspace held.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMemberDef context_members[] = {
    {"library", T_OBJECT, offsetof(Context, library), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyTypeObject ContextType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "irc.runtime.Context",
    .tp_basicsize = sizeof(Context),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = context_new,
    .tp_dealloc = (destructor)context_dealloc,
    .tp_methods = context_methods,
    .tp_getset = context_getset,
    .tp_members = context_members,
};

/* ---- Function */

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

/* The call itself. `given[i]` is NULL for a default. When something is not exactly right, *inexact
 * becomes true and NULL comes back without an exception. */
static PyObject *perform(const Function *f, PyObject *const *given, PyObject *const *out, Call *c,
                         bool *inexact)
{
    Context *context = f->context;
    Library *library = context->library;
    PyObject *answer = NULL, *message = NULL;
    int32_t status;
    if (!take_inputs(f, given, c)) {
        *inexact = true;
        return NULL;
    }
    if (!enter(context))
        return NULL;
    status = library->bind(context->context, f->index, c->shapes, c->sizes, c->dims);
    if (status != 0) {
        message = decode(library->error(context->context));
        leave(context);
        *inexact = true; /* Python knows how to say it; or else says `message` by `exact` */
        PyObject *kept = PyObject_CallMethod(f->info, "remember", "iN", (int)status, message);
        if (kept == NULL)
            *inexact = false;
        Py_XDECREF(kept);
        return NULL;
    }
    int taken = take_outputs(f, given, out, c);
    if (taken <= 0) {
        leave(context);
        *inexact = taken == 0;
        if (taken < 0) { /* NumPy says ValueError for what is too large to exist */
            PyErr_Clear();
            return fail(f, 5, PyUnicode_FromString(""));
        }
        goto done;
    }
    if (touched_bytes(f, given, c) >= RELEASE_GIL_BYTES) {
        Py_BEGIN_ALLOW_THREADS;
        status = library->invoke(context->context, f->index, c->sizes, c->in, c->out);
        Py_END_ALLOW_THREADS;
    } else {
        status = library->invoke(context->context, f->index, c->sizes, c->in, c->out);
    }
    if (status != 0)
        message = decode(library->error(context->context));
    bool raised = printer_failed(context);
    leave(context);
    if (raised)
        Py_XDECREF(message);
    else
        answer = status != 0 ? fail(f, status, message) : give_results(f, c);
done:
    for (int i = 0; i < f->outputs; ++i)
        Py_CLEAR(c->results[i]);
    return answer;
}

static PyObject *perform_with_room(const Function *f, PyObject *const *given, PyObject *const *out,
                                   bool *inexact)
{
    void *stack[STACK_WORDS], **words = stack;
    Call call;
    size_t needed = call_words(f);
    if (needed > STACK_WORDS && (words = PyMem_Malloc(needed * sizeof *words)) == NULL)
        return PyErr_NoMemory();
    lay_out(&call, f, words);
    PyObject *answer = perform(f, given, out, &call, inexact);
    if (words != stack)
        PyMem_Free(words);
    return answer;
}

static PyObject *call_python(const Function *f, PyObject *const *args, Py_ssize_t count,
                             PyObject *kwnames)
{
    PyObject *answer = NULL, *kwargs = PyDict_New(), *positional = PyTuple_New(count);
    PyObject *call = PyObject_GetAttrString(f->info, "call");
    bool ok = kwargs != NULL && positional != NULL && call != NULL;
    for (Py_ssize_t i = 0; ok && i < count; ++i) {
        Py_INCREF(args[i]);
        PyTuple_SET_ITEM(positional, i, args[i]);
    }
    for (Py_ssize_t i = 0; ok && kwnames != NULL && i < PyTuple_GET_SIZE(kwnames); ++i)
        ok = PyDict_SetItem(kwargs, PyTuple_GET_ITEM(kwnames, i), args[count + i]) == 0;
    if (ok)
        answer = PyObject_CallFunctionObjArgs(call, (PyObject *)f, positional, kwargs, NULL);
    Py_XDECREF(kwargs);
    Py_XDECREF(positional);
    Py_XDECREF(call);
    return answer;
}

static bool same_name(PyObject *a, PyObject *b)
{
    return a == b || (PyUnicode_GET_LENGTH(a) == PyUnicode_GET_LENGTH(b) &&
                      PyUnicode_Compare(a, b) == 0);
}

enum { FAST_INPUTS = 32 };

static PyObject *function_call(PyObject *self, PyObject *const *args, size_t flagged,
                               PyObject *kwnames)
{
    const Function *f = (const Function *)self;
    Py_ssize_t count = PyVectorcall_NARGS(flagged);
    Py_ssize_t named = kwnames != NULL ? PyTuple_GET_SIZE(kwnames) : 0;
    PyObject *given[FAST_INPUTS] = {NULL}, *out = NULL;
    bool inexact = false;
    if (f->inputs > FAST_INPUTS || count > f->inputs)
        return call_python(f, args, count, kwnames);
    for (Py_ssize_t i = 0; i < count; ++i)
        given[i] = args[i];
    for (Py_ssize_t k = 0; k < named; ++k) {
        PyObject *name = PyTuple_GET_ITEM(kwnames, k);
        int i = 0;
        while (i < f->inputs && !same_name(name, f->slots[i].name))
            ++i;
        if (i < f->inputs && given[i] == NULL)
            given[i] = args[count + k];
        else if (i == f->inputs && same_name(name, f->out_name))
            out = args[count + k];
        else
            return call_python(f, args, count, kwnames);
    }
    PyObject *const *outs = NULL;
    if (out != NULL && out != Py_None) {
        if (f->outputs == 1 && PyArray_Check(out))
            outs = &out;
        else if (PyTuple_Check(out) && PyTuple_GET_SIZE(out) == f->outputs && f->outputs > 1)
            outs = ((PyTupleObject *)out)->ob_item;
        else
            return call_python(f, args, count, kwnames);
    }
    PyObject *answer = perform_with_room(f, given, outs, &inexact);
    return inexact ? call_python(f, args, count, kwnames) : answer;
}

/* exact(inputs: list, outputs: list | None): a call whose arguments Python has made exact. */
static PyObject *function_exact(Function *self, PyObject *args)
{
    PyObject *inputs, *outputs;
    bool inexact = false;
    if (!PyArg_ParseTuple(args, "O!O", &PyList_Type, &inputs, &outputs))
        return NULL;
    bool lists = PyList_GET_SIZE(inputs) == self->inputs &&
                 (outputs == Py_None ||
                  (PyList_Check(outputs) && PyList_GET_SIZE(outputs) == self->outputs));
    if (!lists) {
        PyErr_SetString(PyExc_ValueError, "exact: wrong number of arrays");
        return NULL;
    }
    PyObject *const *outs = outputs == Py_None ? NULL : ((PyListObject *)outputs)->ob_item;
    PyObject *answer =
        perform_with_room(self, ((PyListObject *)inputs)->ob_item, outs, &inexact);
    if (inexact) {
        PyObject *done = PyObject_CallMethod(self->info, "inexact", NULL);
        Py_XDECREF(done);
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_SystemError, "an inexact call raised nothing");
        return NULL;
    }
    return answer;
}

/* [(name or None, dtype, rank, kind, default bytes or None), ...] -> slots */
static bool read_slots(PyObject *list, Slot *slots)
{
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); ++i) {
        Slot *s = &slots[i];
        PyObject *name, *descr, *preset;
        int rank, kind;
        if (!PyArg_ParseTuple(PyList_GET_ITEM(list, i), "OO!iiO", &name, &PyArrayDescr_Type, &descr,
                              &rank, &kind, &preset))
            return false;
        Py_INCREF(descr);
        s->descr = (PyArray_Descr *)descr;
        s->type_num = s->descr->type_num;
        s->rank = rank;
        s->kind = (char)kind;
        PyObject *size = PyObject_GetAttrString(descr, "itemsize");
        if (size == NULL)
            return false;
        s->bytes = (int)PyLong_AsLong(size);
        Py_DECREF(size);
        if (PyUnicode_Check(name)) {
            Py_INCREF(name);
            s->name = name;
            PyUnicode_InternInPlace(&s->name);
        }
        if (PyBytes_Check(preset) && PyBytes_GET_SIZE(preset) <= 8) {
            s->has_default = true;
            memcpy(s->preset.raw, PyBytes_AS_STRING(preset), (size_t)PyBytes_GET_SIZE(preset));
        }
    }
    return true;
}

/* Function(context, index, inputs, outputs, sizes, writes, tuple class, info, name of `out`) */
static PyObject *function_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *context, *inputs, *outputs, *tuple, *info, *out_name;
    int index, sizes, writes;
    (void)kwargs;
    if (!PyArg_ParseTuple(args, "O!iO!O!ipO!OU", &ContextType, &context, &index, &PyList_Type,
                          &inputs, &PyList_Type, &outputs, &sizes, &writes, &PyType_Type, &tuple,
                          &info, &out_name))
        return NULL;
    Function *self = (Function *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    Py_INCREF(context);
    self->context = (Context *)context;
    Py_INCREF(tuple);
    self->tuple = (PyTypeObject *)tuple;
    Py_INCREF(info);
    self->info = info;
    Py_INCREF(out_name);
    self->out_name = out_name;
    PyUnicode_InternInPlace(&self->out_name);
    self->vectorcall = function_call;
    self->index = (int32_t)index;
    self->inputs = (int)PyList_GET_SIZE(inputs);
    self->outputs = (int)PyList_GET_SIZE(outputs);
    self->sizes = sizes;
    self->writes = writes != 0;
    size_t count = (size_t)(self->inputs + self->outputs);
    self->slots = PyMem_Calloc(count + 1, sizeof(Slot));
    if (self->slots == NULL) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    if (!read_slots(inputs, self->slots) || !read_slots(outputs, self->slots + self->inputs)) {
        Py_DECREF(self);
        return NULL;
    }
    for (size_t i = 0; i < count; ++i)
        self->dims += self->slots[i].rank;
    return (PyObject *)self;
}

static int function_traverse(Function *self, visitproc visit, void *arg)
{
    Py_VISIT(self->context);
    Py_VISIT(self->info);
    Py_VISIT(self->tuple);
    return 0;
}

static int function_clear(Function *self)
{
    Py_CLEAR(self->info);
    return 0;
}

static void function_dealloc(Function *self)
{
    PyObject_GC_UnTrack(self);
    for (int i = 0; self->slots != NULL && i < self->inputs + self->outputs; ++i) {
        Py_XDECREF(self->slots[i].name);
        Py_XDECREF(self->slots[i].descr);
    }
    PyMem_Free(self->slots);
    Py_XDECREF(self->context);
    Py_XDECREF(self->tuple);
    Py_XDECREF(self->info);
    Py_XDECREF(self->out_name);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

/* What a function says about itself stands in `info`. */
static PyObject *function_getattro(PyObject *self, PyObject *name)
{
    Function *f = (Function *)self;
    PyObject *found;
    bool special = PyUnicode_GET_LENGTH(name) > 2 && PyUnicode_READ_CHAR(name, 0) == '_';
    if (special && f->info != NULL) {
        PyObject *about = PyObject_GetAttrString(f->info, "about");
        if (about == NULL)
            return NULL;
        found = PyObject_CallFunctionObjArgs(about, name, NULL);
        Py_DECREF(about);
        if (found == NULL || found != Py_NotImplemented)
            return found;
        Py_DECREF(found);
    }
    found = PyObject_GenericGetAttr(self, name);
    if (found != NULL || f->info == NULL || !PyErr_ExceptionMatches(PyExc_AttributeError))
        return found;
    PyErr_Clear();
    return PyObject_GetAttr(f->info, name);
}

static PyObject *function_repr(Function *self)
{
    return PyObject_Repr(self->info);
}

static PyObject *function_reduce(Function *self, PyObject *unused)
{
    (void)unused;
    return PyObject_CallMethod(self->info, "reduce", NULL);
}

static PyMethodDef function_methods[] = {
    {"exact", (PyCFunction)function_exact, METH_VARARGS, "A call with exact arrays."},
    {"__reduce__", (PyCFunction)function_reduce, METH_NOARGS, "Pickles with its module."},
    {NULL, NULL, 0, NULL},
};

static PyTypeObject FunctionType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "irc.runtime.Function",
    .tp_basicsize = sizeof(Function),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL,
    .tp_new = function_new,
    .tp_dealloc = (destructor)function_dealloc,
    .tp_traverse = (traverseproc)function_traverse,
    .tp_clear = (inquiry)function_clear,
    .tp_vectorcall_offset = offsetof(Function, vectorcall),
    .tp_call = PyVectorcall_Call,
    .tp_getattro = function_getattro,
    .tp_repr = (reprfunc)function_repr,
    .tp_methods = function_methods,
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_loader", "Calls into irc modules.", -1, NULL, NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__loader(void)
{
    import_array();
    PyTypeObject *types[] = {&LibraryType, &ContextType, &FunctionType};
    const char *names[] = {"Library", "Context", "Function"};
    PyObject *module = PyModule_Create(&definition);
    if (module == NULL)
        return NULL;
    for (int i = 0; i < 3; ++i) {
        if (PyType_Ready(types[i]) < 0)
            return NULL;
        Py_INCREF(types[i]);
        if (PyModule_AddObject(module, names[i], (PyObject *)types[i]) < 0)
            return NULL;
    }
    return module;
}
