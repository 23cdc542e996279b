/* The fast door from Python: arguments that are exactly right go straight to the module.
 *
 * Everything else (other arrays, casts, copies, wrong arguments) is left to `info.call`, written in
 * Python, which converts or raises and comes back through `Function.exact`. So this file has no
 * messages of its own. `fallback.py` has the same classes over ctypes.
 *
 * The parts are one translation unit: library, context, arguments, calls, functions, module. */
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

/* Library: an open module. */

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
