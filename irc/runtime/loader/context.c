/* Context: state and workspace, one thread at a time. */

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
