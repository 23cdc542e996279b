/* The extension module. */

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
