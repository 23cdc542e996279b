"""C identifiers for the names of a program: stable, never a keyword, never two names for one."""

from __future__ import annotations

import re
from collections.abc import Iterable

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_]*")

# Macros are written in capitals: EIO, INT64_MAX, IRC_OK, M_PI. Matrices such as W1 are not.
_MACRO = re.compile(r"(?=...)[A-Z][A-Z0-9_]*[A-Z_][A-Z0-9_]*|(PRI|SCN)[a-zA-Z]\w*", re.ASCII)

# Keywords of C11 and C++20, object-like macros of the headers that users include, our own names.
_KEYWORDS = """
    alignas alignof and and_eq asm atomic_cancel auto bitand bitor bool break case catch char
    char8_t char16_t char32_t class co_await co_return co_yield compl concept const const_cast
    consteval constexpr constinit continue decltype default delete do double dynamic_cast else enum
    explicit export extern false float for friend goto if inline int long mutable namespace new
    noexcept not not_eq nullptr operator or or_eq private protected public register
    reinterpret_cast requires restrict return short signed sizeof static static_assert static_cast
    struct switch template this thread_local throw true try typedef typeid typename typeof union
    unsigned using virtual void volatile wchar_t while xor xor_eq
    assert complex errno imaginary linux noreturn offsetof stderr stdin stdout unix
    BUFSIZ EOF EXIT_FAILURE EXIT_SUCCESS HUGE_VAL I INFINITY NAN NULL RAND_MAX
    int8_t int16_t int32_t int64_t intptr_t intmax_t uint8_t uint16_t uint32_t uint64_t uintptr_t
    uintmax_t size_t ptrdiff_t max_align_t DLTensor
    main ctx arena
""".split()

# Functions that emitted code may call: a parameter of that name would hide them.
_MATH = """
    acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh erf erfc exp exp2 expm1 fabs
    fdim floor fma fmax fmin fmod frexp hypot ilogb ldexp lgamma llrint llround log log10 log1p
    log2 logb lrint lround modf nan nearbyint nextafter nexttoward pow remainder remquo rint round
    scalbln scalbn sin sinh sqrt tan tanh tgamma trunc
""".split()
_CALLED = "abort abs calloc fprintf free labs llabs malloc memcpy memmove memset printf".split()

RESERVED = frozenset((*_KEYWORDS, *_MATH, *(f"{name}f" for name in _MATH), *_CALLED))

# A module gives its name to a type, which must not be a function of the C library.
LIBRARY = frozenset(
    """
    abort abs accept access alarm asctime atexit atof atoi atol atoll bind bsearch btowc calloc
    chdir chmod chown clearerr clock close closedir connect crypt ctime daemon difftime div dup
    dup2 environ exec execl execv exit fclose fdopen feof ferror fflush fgetc fgetpos fgets fileno
    fopen fork fprintf fputc fputs fread free freopen fscanf fseek fsetpos fsync ftell ftruncate
    fwrite getc getchar getcwd getenv getopt getpid gets getuid gmtime index irc isalnum isalpha
    isascii isatty isblank iscntrl isdigit isgraph islower isprint ispunct isspace isupper isxdigit
    j0 j1 jn k kill labs ldiv link listen llabs lldiv localeconv localtime longjmp lseek malloc
    mblen mbtowc memchr memcmp memcpy memmove memset mkdir mktime nice open opendir optarg optind
    pause perror pipe poll pread printf putc putchar putenv puts pwrite qsort raise rand random
    read readdir readlink realloc recv remove rename rewind rindex rmdir scanf select send setbuf
    setenv setjmp setlocale setvbuf shutdown signal signgam sleep snprintf socket sprintf srand
    srandom sscanf stat stpcpy strcat strchr strcmp strcoll strcpy strcspn strdup strerror strftime
    strlen strncat strncmp strncpy strpbrk strrchr strspn strstr strtod strtof strtok strtol
    strtoll strtoul strxfrm swab sync system telldir time timezone tmpfile tmpnam tolower toupper
    truncate ttyname tzname tzset u umask ungetc unlink usleep vfork vfprintf vprintf vsnprintf
    wait waitpid write y0 y1 yn
    """.split()
)

# What the headers of C define in the way that a module's constants are called: `M_E` of m.irc.
MACROS = frozenset(
    """
    M_1_PI M_2_PI M_2_SQRTPI M_E M_LN10 M_LN2 M_LOG10E M_LOG2E M_PI M_PI_2 M_PI_4 M_SQRT1_2 M_SQRT2
    DBL_DIG DBL_EPSILON DBL_MAX DBL_MIN FLT_DIG FLT_EPSILON FLT_MAX FLT_MIN SIZE_MAX
    """.split()
)


def identifier(name: str) -> str:
    """
    The C identifier for `name`: the name itself where C allows it. Injective.

    A reserved word gets an underscore: `int_`; so does what may be a macro: `EIO_`. Any other text
    becomes `u_` and its characters, with `__` for an underscore and `_3bb_` for the character
    U+03BB.
    """
    word = name.rstrip("_")
    if word in RESERVED or _MACRO.fullmatch(word):
        return name + "_"
    if _PLAIN.fullmatch(name) and not name.startswith(("u_", "k_", "irc_")):
        return name
    return "u_" + "".join(map(_spell, name))


def _spell(character: str) -> str:
    if character == "_":
        return "__"
    return character if character.isascii() and character.isalnum() else f"_{ord(character):x}_"


class Scope:
    """Identifiers of one C scope; asking for a taken one gives it with underscores."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self.taken = set(taken)

    def fresh(self, name: str) -> str:
        """A free identifier for `name`, taken from now on."""
        return self.take(identifier(name))

    def take(self, spelled: str) -> str:
        """As `fresh`, for an identifier."""
        while spelled in self.taken:
            spelled += "_"
        self.taken.add(spelled)
        return spelled


def string_literal(text: str) -> str:
    """`text` as a C string literal in ASCII; other characters as bytes of UTF-8."""
    return '"' + "".join(map(_escape, text.encode("utf-8", "surrogatepass"))) + '"'


def _escape(byte: int) -> str:
    match chr(byte):
        case '"' | "\\" as c:
            return "\\" + c
        case "\n":
            return "\\n"
        case "?":  # no trigraphs
            return "\\?"
        case c if 32 <= byte < 127:
            return c
    return f"\\{byte:03o}"  # octal, since a hexadecimal escape has no end


def comment(text: str, indent: str = "") -> str:
    """`text` as a block comment. Nothing in it can end the comment or splice lines."""
    safe = "".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in text)
    safe = safe.replace("*/", "* /").replace("/*", "/ *")
    lines = [line.rstrip().rstrip("\\").rstrip() for line in safe.split("\n")]
    body = f"\n{indent} *".join(f" {line}" if line else "" for line in lines)
    return f"{indent}/*{body} */"
