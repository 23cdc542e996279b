"""
The compile cache: content-addressed files in a private directory.

    ROOT/keys/ab/<key>        JSON: for each known content of the imports, names -> blobs
    ROOT/blobs/cd/<sha256>.so the files themselves, named by what they contain

A key is a digest of everything a result depends on and that is known before work begins; which
files a program imports is known only afterwards, so those are recorded with their digests and
compared at lookup. Every file is verified before use: a damaged one counts as missing. Files are
written under another name and renamed, so processes do not disturb each other. A cache that cannot
be used is `Cache(None, reason)`, which finds nothing and stores nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DEFAULT_LIMIT_BYTES = 1 << 30
_FORMAT = "irc-cache-1"
_VARIANTS = 8  # contents of the imports remembered for one key
_TOUCH_AFTER_S = 3600.0
_SOURCES = (".py", ".h", ".c", ".lark", ".json", ".irc")
_TRIM_EVERY_S = 60.0
_STALE_AFTER_S = 3600.0  # a temporary file that old has lost its process
_IMPORT_LIMIT_BYTES = 1 << 26


@dataclass(frozen=True, slots=True)
class Entry:
    """A verified result: its files by name, and what the maker noted."""

    files: dict[str, Path]
    note: dict[str, Any]

    def read(self, name: str) -> bytes:
        return self.files[name].read_bytes()


@dataclass(frozen=True, slots=True)
class Cache:
    """
    A cache at `root`, or none, with the reason to tell the user.

    quiet   the reason is ordinary (no home directory), not worth a warning
    """

    root: Path | None
    reason: str = ""
    quiet: bool = False
    limit_bytes: int = DEFAULT_LIMIT_BYTES

    def lookup(self, key: str) -> Entry | None:
        """The result stored under `key` for the present content of its imports."""
        if self.root is None:
            return None
        path = self._key_path(key)
        for variant in _read_variants(path):
            if all(file_digest(name) == digest for name, digest in variant["imports"]):
                files = {n: self._blob_path(n, digest) for n, digest in variant["files"].items()}
                if all(map(_is_intact, files.values(), variant["files"].values())):
                    _touch(path, *files.values())
                    return Entry(files, variant["note"])
        return None

    def store(
        self,
        key: str,
        files: Mapping[str, bytes],
        imports: Iterable[str | Path] = (),
        note: Mapping[str, Any] | None = None,
    ) -> Entry | None:
        """
        Keeps `files` under `key`. None when that is not possible; nothing is half stored then.

        imports   files that the result depends on, as they are now
        note      plain JSON
        """
        if self.root is None:
            return None
        digests = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
        known = [[os.path.abspath(p), file_digest(p)] for p in imports]
        kept = dict(note or {})
        variant = {"imports": known, "files": digests, "note": kept}
        path = self._key_path(key)
        try:
            paths = {name: self._blob_path(name, digest) for name, digest in digests.items()}
            for name, data in files.items():
                write_atomically(paths[name], data)
            others = [v for v in _read_variants(path) if v["imports"] != known]
            write_atomically(path, _variants_text([variant, *others[: _VARIANTS - 1]]))
            self._trim_now_and_then()
        except OSError:
            return None
        return Entry(paths, kept)

    def trim(self) -> None:
        """Removes what was used longest ago until the cache is below its limit."""
        if self.root is None:
            return
        now = time.time()
        found = []
        for name, info in _walk(self.root):
            path = Path(name)
            if path.name.startswith(".tmp-"):
                if now - info.st_mtime > _STALE_AFTER_S:
                    path.unlink(missing_ok=True)
            else:
                found.append((info.st_mtime_ns, info.st_size, path))
        total = sum(size for _, size, _ in found)
        if total <= self.limit_bytes:
            return
        for _, size, path in sorted(found):
            path.unlink(missing_ok=True)
            total -= size
            if total <= self.limit_bytes * 9 // 10:
                return

    def _trim_now_and_then(self) -> None:
        assert self.root is not None
        stamp = self.root / "trimmed"
        try:
            if time.time() - stamp.stat().st_mtime < _TRIM_EVERY_S:
                return
        except FileNotFoundError:
            pass
        stamp.touch(mode=0o600)
        self.trim()

    def _key_path(self, key: str) -> Path:
        assert self.root is not None
        return self.root / "keys" / key[:2] / key

    def _blob_path(self, name: str, digest: str) -> Path:
        assert self.root is not None
        return self.root / "blobs" / digest[:2] / (digest + os.path.splitext(name)[1])


def open_cache(directory: str | Path | None = None, limit_bytes: int | None = None) -> Cache:
    """
    The cache in `directory`, by default $XDG_CACHE_HOME/irc or ~/.cache/irc.

    Refused when it belongs to someone else, others may write to it, or it is a symbolic link:
    what is in it gets loaded as code.
    """
    if limit_bytes is None:
        limit_bytes = _limit_from_environment()
    root = Path(directory) if directory is not None else _default_directory()
    if root is None:
        return Cache(None, "there is no home directory for a cache", quiet=True)
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        info = os.lstat(root)
    except OSError as error:
        return Cache(None, f"cannot use the cache {root}: {error.strerror}", quiet=True)
    problem = _distrust(info)
    if problem:
        return Cache(None, f"the cache {root} is not used: it {problem}")
    return Cache(root, limit_bytes=limit_bytes)


def digest(*parts: str | bytes) -> str:
    """A key from everything that a result depends on. The division into parts counts."""
    h = hashlib.sha256(_FORMAT.encode())
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        h.update(len(data).to_bytes(8, "little"))
        h.update(data)
    return h.hexdigest()


def file_digest(path: str | Path) -> str:
    """SHA-256 of a regular file's content; "" for what is missing, too large or no file."""
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            info = os.fstat(file.fileno())
            if not stat.S_ISREG(info.st_mode) or info.st_size > _IMPORT_LIMIT_BYTES:
                return ""
            return hashlib.sha256(file.read()).hexdigest()
    except OSError:
        return ""


def cpu_identity() -> str:
    """What code for this very CPU depends on: its model and instruction sets."""
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
            lines = file.read(1 << 14).split("\n\n", 1)[0].splitlines()
    except OSError:
        import platform

        return f"{platform.machine()} {platform.processor()}"
    wanted = ("model name", "cpu family", "model", "flags", "Features", "CPU part")
    return "\n".join(line for line in lines if line.split("\t")[0].strip() in wanted)


def package_identity(package: str | Path) -> str:
    """Changes with the compiler's own files, so that a developer never gets a stale result."""
    h = hashlib.sha256()
    for path, info in sorted(_walk(package, _SOURCES)):
        h.update(f"{path}\0{info.st_size}\0{info.st_mtime_ns}\n".encode())
    return h.hexdigest()


def write_atomically(path: Path, data: bytes, mode: int = 0o600) -> None:
    """All of `data` at `path`, or an OSError and the old file."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".tmp-{os.getpid()}-{os.urandom(6).hex()}")
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(data)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


# -- helpers


def _default_directory() -> Path | None:
    base = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(base):  # the XDG specification says to ignore relative ones
        return Path(base) / "irc"
    try:
        return Path.home() / ".cache" / "irc"
    except RuntimeError:
        return None


def _limit_from_environment() -> int:
    """$IRC_CACHE_SIZE in MiB."""
    text = os.environ.get("IRC_CACHE_SIZE", "")
    return int(text) << 20 if text.isascii() and text.isdigit() else DEFAULT_LIMIT_BYTES


def _distrust(info: os.stat_result) -> str:
    if stat.S_ISLNK(info.st_mode):
        return "is a symbolic link"
    if not stat.S_ISDIR(info.st_mode):
        return "is not a directory"
    if hasattr(os, "geteuid") and info.st_uid != os.geteuid():
        return "belongs to another user"
    if info.st_mode & 0o022:
        return "can be written by others; `chmod 700` it"
    return ""


def _read_variants(path: Path) -> list[dict[str, Any]]:
    """What is known under a key; nothing when the file is missing or damaged."""
    try:
        checksum, _, body = path.read_bytes().partition(b"\n")
        if checksum.decode("ascii", "replace") != f"{_FORMAT} {hashlib.sha256(body).hexdigest()}":
            return []
        return list(json.loads(body))
    except (OSError, ValueError):
        return []


def _variants_text(variants: list[dict[str, Any]]) -> bytes:
    body = json.dumps(variants, separators=(",", ":")).encode()
    return f"{_FORMAT} {hashlib.sha256(body).hexdigest()}\n".encode() + body


def _is_intact(path: Path, expected: str) -> bool:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() == expected
    except OSError:
        return False


def _touch(*paths: Path) -> None:
    """Marks as used now; at most once an hour, and not in a read-only cache."""
    try:
        if time.time() - paths[0].stat().st_mtime > _TOUCH_AFTER_S:
            for path in paths:
                os.utime(path)
    except OSError:
        pass


def _walk(root: str | Path, ends: tuple[str, ...] = ("",)) -> Iterator[tuple[str, os.stat_result]]:
    """The regular files below `root` with these endings, without what Python caches."""
    pending = [str(root)]
    while pending:
        try:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        if entry.name != "__pycache__":
                            pending.append(entry.path)
                    elif entry.name.endswith(ends) and entry.is_file(follow_symlinks=False):
                        yield entry.path, entry.stat(follow_symlinks=False)
        except OSError:
            continue  # another process removed it


def _without_waiting(path: str, flags: int) -> int:
    """A named pipe must not block us."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
