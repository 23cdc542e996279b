"""
Runs the C compiler: C text in, bytes of a shared object out.

The compiler is a list of arguments with an absolute path, works in a private directory on a file
of fixed name, sees few environment variables, and is stopped after a time. Equal text and flags
give equal bytes: no path, name or date of the building machine gets into the file.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from irc.errors import ToolError

_CANDIDATES = ("cc", "gcc", "clang")
_LOG_LIMIT_BYTES = 1 << 20
# What compilers need to find themselves; nothing that adds include or library paths.
_KEPT_VARIABLES = ("PATH", "HOME", "LD_LIBRARY_PATH", "NIX_CC", "NIX_BINTOOLS", "SYSTEMROOT")

BASE_FLAGS = (
    "-std=c99",
    "-g0",
    "-fPIC",
    "-fvisibility=hidden",
    "-ffp-contract=off",  # a fused multiply-add only where the compiler of irc wrote one
    "-fno-math-errno",
    "-fno-trapping-math",
)


@dataclass(frozen=True, slots=True)
class CcOptions:
    """
    How to compile.

    optimize   0 to 3, for -O
    march      for -march=; "" leaves the compiler's default
    openmp     the text has OpenMP pragmas
    sanitize   for -fsanitize=: ("address", "undefined")
    opens      the text opens other libraries, also those beside the shared object
    cflags     further flags, after all others
    keep       directory that gets the C text, the command and the log
    """

    optimize: int = 2
    march: str = ""
    openmp: bool = False
    sanitize: tuple[str, ...] = ()
    opens: bool = False
    cflags: tuple[str, ...] = ()
    timeout_s: float = 300.0
    keep: Path | None = None


@dataclass(frozen=True, slots=True)
class Built:
    """A compiler's output, the command that made it, what it wrote, and notes for remarks."""

    data: bytes
    command: tuple[str, ...]
    log: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Compiler:
    """A C compiler: its arguments, the first of which is an absolute path."""

    argv: tuple[str, ...]

    @property
    def identity(self) -> str:
        """Changes when the compiler does; costs two system calls, where asking it costs many ms."""
        path = os.path.realpath(self.argv[0])
        info = os.stat(path)
        return "\0".join((*self.argv, path, str(info.st_size), str(info.st_mtime_ns)))

    def version(self) -> str:
        """The first line of `--version`."""
        out = run_tool((*self.argv, "--version"), Path(tempfile.gettempdir()), timeout_s=20)
        return out.splitlines()[0] if out else ""


def find_compiler(name: str | None = None) -> Compiler:
    """
    The compiler `name`, else $IRC_CC, else cc, gcc or clang. May have arguments: `ccache gcc`.

    Raises ToolError when it is not there.
    """
    wanted = name or os.environ.get("IRC_CC", "").strip()
    if wanted:
        try:
            words = shlex.split(wanted)
        except ValueError as error:
            raise ToolError(f"cannot read the name of the C compiler {wanted!r}: {error}") from None
        found = shutil.which(words[0]) if words else None
        if found is None:
            raise ToolError(f"the C compiler {wanted!r} is not there; set --cc or IRC_CC")
        return Compiler((os.path.abspath(found), *words[1:]))
    for candidate in _CANDIDATES:
        if found := shutil.which(candidate):
            return Compiler((os.path.abspath(found),))
    raise ToolError(
        "no C compiler: none of cc, gcc and clang is on the PATH; install one (`apt install gcc`) "
        "or name it with --cc or IRC_CC"
    )


def compile_shared(
    text: str, options: CcOptions = CcOptions(), compiler: Compiler | None = None
) -> Built:
    """
    The shared object for one C file.

    Raises ToolError when the compiler is missing, fails, hangs or is killed; the directory with
    text and log then stays, and the message names it.
    """
    compiler = compiler or find_compiler()
    libraries = ("-Wl,-rpath,$ORIGIN", "-ldl", "-lm") if options.opens else ("-lm",)
    return _compile(text, options, compiler, ("-shared",), "module.so", libraries)


def compile_object(
    text: str, options: CcOptions = CcOptions(), compiler: Compiler | None = None
) -> Built:
    """The object file for one C file. Raises ToolError as `compile_shared`."""
    return _compile(text, options, compiler or find_compiler(), ("-c",), "module.o", ())


def flags(options: CcOptions) -> list[str]:
    """The compiler's flags, without input and output."""
    found = [*BASE_FLAGS, f"-O{options.optimize}"]
    if options.optimize >= 3:
        found.append("-DIRC_THOROUGH")  # all of what -O3 means, see prelude.h
    if options.march:
        found.append(f"-march={options.march}")
    found += ["-fopenmp"] if options.openmp else ["-fopenmp-simd", "-DIRC_OPENMP_SIMD"]
    if options.sanitize:
        found += [f"-fsanitize={','.join(options.sanitize)}", "-fno-sanitize-recover=all"]
    return [*found, *options.cflags]


def run_tool(
    command: tuple[str, ...],
    directory: Path,
    *,
    timeout_s: float,
    environment: Mapping[str, str] | None = None,
) -> str:
    """
    Runs a tool to its end and gives what it wrote on both outputs.

    Raises ToolError when it cannot start, fails, is killed or takes longer than `timeout_s`; it and
    its children are gone then.
    """
    name = os.path.basename(command[0])
    with tempfile.TemporaryFile(dir=directory) as log:
        try:
            process = subprocess.Popen(
                command,
                cwd=directory,
                env=_environment(directory) if environment is None else dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise ToolError(f"cannot run {name}: {error.strerror}", command) from None
        try:
            code = process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            _stop(process)
            raise ToolError(f"{name} took longer than {timeout_s:g} s", command) from None
        except BaseException:
            _stop(process)
            raise
        log.seek(0)
        text = log.read(_LOG_LIMIT_BYTES).decode("utf-8", "replace")
    if code < 0:
        raise ToolError(f"{name} was killed by {_signal_name(-code)}", command, text)
    if code > 0:
        raise ToolError(f"{name} failed: {first_error(text) or f'exit code {code}'}", command, text)
    return text


def first_error(log: str) -> str:
    """The line of a compiler's output that tells most."""
    lines = log.splitlines()
    for line in lines:
        if re.search(r"\b(fatal )?error\b", line):
            return line.strip()
    return lines[0].strip() if lines else ""


def _compile(
    text: str,
    options: CcOptions,
    compiler: Compiler,
    mode: tuple[str, ...],
    output: str,
    libraries: tuple[str, ...],
) -> Built:
    try:
        directory = Path(tempfile.mkdtemp(prefix="irc-"))
    except OSError as error:
        raise ToolError(f"no temporary directory for {compiler.argv[0]}: {error}") from None
    kept = False
    try:
        (directory / "module.c").write_text(text, encoding="utf-8")
        paths = ("module.c", "-o", output, *libraries)
        command = (*compiler.argv, *mode, *flags(options), *paths)
        notes: tuple[str, ...] = ()
        try:
            log = run_tool(command, directory, timeout_s=options.timeout_s)
        except ToolError as error:
            if not (options.openmp and _lacks_openmp(error.log)):
                raise
            serial = replace(options, openmp=False)
            command = (*compiler.argv, *mode, *flags(serial), *paths)
            log = run_tool(command, directory, timeout_s=options.timeout_s)
            notes = (f"{Path(compiler.argv[0]).name} has no OpenMP here: one thread only",)
        data = (directory / output).read_bytes()
        return Built(data, command, log, notes)
    except ToolError as error:
        kept = _keep_log(directory, error)
        if not kept:
            raise
        message = f"{error}\n  command: {shlex.join(error.command)}\n  log and C text: {directory}"
        raise ToolError(message, error.command, error.log) from None
    except OSError as error:
        where = error.filename or directory
        raise ToolError(f"cannot compile in {where}: {error.strerror}") from None
    finally:
        if options.keep is not None:
            _copy_out(directory, options.keep)
        if not kept:
            shutil.rmtree(directory, ignore_errors=True)


def _lacks_openmp(log: str) -> bool:
    return bool(re.search(r"-lomp|-lgomp|libgomp|omp\.h|'-fopenmp'", log))


def _keep_log(directory: Path, error: ToolError) -> bool:
    if not error.command:
        return False
    try:
        (directory / "command.txt").write_text(shlex.join(error.command) + "\n", encoding="utf-8")
        (directory / "log.txt").write_text(error.log, encoding="utf-8")
    except OSError:
        return False
    return True


def _copy_out(directory: Path, keep: Path) -> None:
    keep.mkdir(parents=True, exist_ok=True)
    for path in directory.iterdir():
        shutil.copyfile(path, keep / path.name)


def _environment(directory: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    return {**kept, "LC_ALL": "C", "TMPDIR": str(directory), "SOURCE_DATE_EPOCH": "0"}


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ends the tool and what it started; they are a session of their own."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
