/* The way through a call, for the fast door and for the exact one. */

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
