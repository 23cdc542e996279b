/* Function: what Python holds. */

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
