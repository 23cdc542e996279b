/* Functions of other libraries, found when a context is made.
 *
 * A library is looked for in the folder that a loader names, then where the system looks: beside
 * the module, in LD_LIBRARY_PATH, in the system's folders. */
#ifndef IRC_FOREIGN
#define IRC_FOREIGN

#include <dlfcn.h>
#include <unistd.h>

static __thread char irc_folder[4096];

/* The folder to look in first for libraries of contexts that this thread makes from now on. */
IRC_DOOR void irc_search(const char *folder);
void irc_search(const char *folder)
{
    const size_t length = strlen(folder);
    memcpy(irc_folder, folder, length < sizeof irc_folder ? length + 1 : 0);
}

static void *irc_open_library(const char *name, char *error, size_t error_bytes)
{
    char path[sizeof irc_folder + 256];
    snprintf(path, sizeof path, "%s/%s", irc_folder, name);
    const bool beside = irc_folder[0] != '\0' && access(path, F_OK) == 0;
    void *library = dlopen(beside ? path : name, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        snprintf(error, error_bytes,
                 "cannot open a library of an extern: %s; libraries are looked for beside the "
                 "program, then where the system looks",
                 dlerror());
    return library;
}

/* Writes the address of a function to `slot`, a pointer to it. */
static bool irc_find(void *library, const char *name, const char *symbol, void *slot,
                     char *error, size_t error_bytes)
{
    void *found = dlsym(library, symbol);
    if (found == NULL) {
        snprintf(error, error_bytes, "the library %s has no function `%s`, which an extern names",
                 name, symbol);
        return false;
    }
    memcpy(slot, &found, sizeof found);
    return true;
}

#endif
