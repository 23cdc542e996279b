"""
Opens a module's file: checks that it is whole and meant for this machine, then maps it.

What gets mapped is a private copy of the checked bytes. So nobody can truncate it under us, which
would kill the process, and a module that was compiled again under the same name is really the new
one: the dynamic linker would give back the library that it knows by that name.
"""

from __future__ import annotations

import hashlib
import os
import stat
import struct
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from irc.abi import AbiError, ModuleSpec, module_from_json
from irc.errors import LoadError
from irc.runtime.backend import backend
from irc.seal import DamagedError, unseal

_LIMIT_BYTES = 1 << 31
_MACHINES = {"x86_64": 62, "AMD64": 62, "aarch64": 183, "arm64": 183}
_MACHINE_NAMES = {62: "x86-64", 183: "AArch64", 243: "RISC-V", 21: "PowerPC", 40: "ARM", 3: "x86"}
_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_PT_LOAD, _ET_DYN = 1, 3


@dataclass(frozen=True, slots=True)
class OpenModule:
    """A mapped module. `data` is the file as it was read."""

    data: bytes
    library: Any
    spec: ModuleSpec


_open: dict[bytes, OpenModule] = {}  # by SHA-256; libraries stay mapped
_kept_files: list[int] = []


def read_module_file(path: str | os.PathLike[str]) -> bytes:
    """
    The bytes of a module's file.

    Raises LoadError for what cannot be read or is no regular file.
    """
    name = os.fspath(path)
    try:
        file = open(name, "rb", opener=_without_waiting)  # noqa: SIM115
    except OSError as error:
        hint = _hint(name)
        raise LoadError(f"cannot read {name}: {error.strerror}{hint}") from None
    with file:
        info = os.fstat(file.fileno())
        if not stat.S_ISREG(info.st_mode):
            raise LoadError(f"{name} is not a regular file")
        if info.st_size > _LIMIT_BYTES:
            raise LoadError(f"{name} is larger than 2 GiB: no module is")
        return file.read()


def open_module(data: bytes, name: str) -> OpenModule:
    """
    Maps a module. The same bytes are mapped once in a process.

    Raises LoadError when they are damaged, no irc module, or made for another machine.
    """
    key = hashlib.sha256(data).digest()
    if key not in _open:
        _open[key] = _map(data, name)
    return _open[key]


def _map(data: bytes, name: str) -> OpenModule:
    try:
        body = unseal(data)
    except DamagedError as error:
        raise LoadError(f"{name} is damaged: {error}") from None
    if body is None:
        body = data
    _check_elf(body, name)
    if b"irc_module_json\0" not in body:  # before any of its code could run
        raise LoadError(f"{name} is no irc module: a shared object without irc's functions")
    library = _map_copy(body, name)
    missing = library.missing_cpu
    if missing:
        raise LoadError(
            f"{name} was made for another CPU: this one lacks {missing}; "
            "compile it here, or with --target cpu:x86-64-v2"
        )
    try:
        spec = module_from_json(library.json)
    except AbiError as error:
        raise LoadError(f"{name} does not fit this irc: {error}") from None
    return OpenModule(data, library, spec)


def _check_elf(data: bytes, name: str) -> None:
    """The loader of the system trusts these fields and dies when they point behind the end."""
    if sys.platform != "linux":
        return
    if data[:4] != b"\x7fELF":
        raise LoadError(f"{name} is no irc module{_hint(name)}")
    if len(data) < _HEADER.size or data[4:6] != b"\x02\x01":
        raise LoadError(f"{name} is damaged, or no shared object for a 64-bit machine")
    fields = _HEADER.unpack_from(data)
    kind, machine, phoff, shoff = fields[1], fields[2], fields[5], fields[6]
    phentsize, phnum, shentsize, shnum = fields[9], fields[10], fields[11], fields[12]
    here = _MACHINES.get(os.uname().machine)
    if here is not None and machine != here:
        other = _MACHINE_NAMES.get(machine, f"machine {machine}")
        raise LoadError(f"{name} was made for another CPU: {other}")
    if kind != _ET_DYN or phentsize != _SEGMENT.size or phnum == 0:
        raise LoadError(f"{name} is no shared object")
    ends = [phoff + phnum * phentsize, shoff + shnum * shentsize]
    if max(ends) <= len(data):
        for i in range(phnum):
            kind, _, offset, _, _, filesz, memsz, _ = _SEGMENT.unpack_from(
                data, phoff + i * phentsize
            )
            if kind == _PT_LOAD:
                ends += [offset + filesz, len(data) + 1 if filesz > memsz else 0]
    if max(ends) > len(data):
        raise LoadError(f"{name} is damaged: it ends too early")


def _map_copy(body: bytes, name: str) -> Any:
    """
    Opens a copy of the bytes, in memory if the system can, else in a temporary file.

    The memory file stays open: its number is its name, and the linker must not meet it twice.
    """
    make = backend().Library
    if hasattr(os, "memfd_create"):
        try:
            number = os.memfd_create(Path(name).name[:200] or "module.so")
            _write_all(number, body)
            library = make(f"/proc/self/fd/{number}")
            if library.json in body:
                _kept_files.append(number)
                return library
        except (OSError, ValueError):
            pass  # no /proc, or memory files are not executable here
    try:
        with tempfile.TemporaryDirectory(prefix="irc-") as directory:
            path = os.path.join(directory, f"{hashlib.sha256(body).hexdigest()[:16]}.so")
            with open(path, "xb") as file:
                file.write(body)
            return make(path)
    except OSError as error:
        raise LoadError(f"cannot load {name}: {error}") from None


def _write_all(number: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(number, view) :]


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))


def _hint(name: str) -> str:
    if name.endswith(".irc"):
        return "; it looks like source: irc.compile compiles and loads it"
    return ""
