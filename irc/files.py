"""Reading and writing files that users name: messages for what goes wrong, nothing half written."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import sys
import tempfile
from pathlib import Path

from irc.diagnostics import Diagnostic
from irc.errors import UserError

MAX_TEXT_BYTES = 64 << 20
UNREADABLE = "E0104"


def read_text(path: str | Path) -> str:
    """
    The text of a file, or of stdin for `-`, with LF line ends.

    Raises UserError E0104 for what is missing, no regular file, too large or not UTF-8.
    """
    if str(path) == "-":
        data = sys.stdin.buffer.read(MAX_TEXT_BYTES + 1)
        return _decode(data, "<stdin>")
    name = shown(path)
    try:
        # Not blocking: opening a pipe without a writer would wait for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a file name"
        raise _unreadable(f"cannot open `{name}`: {reason}") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _unreadable(f"`{name}` is not a regular file")
    with os.fdopen(descriptor, "rb") as file:
        return _decode(file.read(MAX_TEXT_BYTES + 1), name)


def _decode(data: bytes, name: str) -> str:
    if len(data) > MAX_TEXT_BYTES:
        raise _unreadable(f"`{name}` is larger than {MAX_TEXT_BYTES >> 20} MiB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        what = f"byte 0x{data[error.start]:02x} in line {line}"
        raise _unreadable(f"`{name}` is not UTF-8: {what}") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _unreadable(title: str) -> UserError:
    return UserError(Diagnostic(UNREADABLE, title))


def write_file(path: str | Path, data: str | bytes) -> None:
    """
    Writes under a temporary name that then replaces the file.

    Raises UserError when that is not possible; an old file is then as it was.
    """
    raw = data.encode("utf-8") if isinstance(data, str) else data
    target = Path(path)
    try:
        if target.exists() and not target.is_file():  # /dev/null, a pipe
            target.write_bytes(raw)
            return
        # Through a link to the file that it names, as `open` would.
        target = target.resolve() if target.is_symlink() else target
        descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:64]}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(raw)
            os.chmod(temporary, _mode(target))
            os.replace(temporary, target)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UserError(f"cannot write `{shown(path)}`: {reason}") from None


def _mode(target: Path) -> int:
    """That of the file which is replaced, else what the umask leaves of rw-rw-rw-."""
    with contextlib.suppress(OSError):
        return stat.S_IMODE(target.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def make_folder(path: str | Path) -> Path:
    """Raises UserError when the folder is not there and cannot be made."""
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot make the folder `{shown(path)}`: {error.strerror}") from None
    return Path(path)


def shown(path: str | Path) -> str:
    """A path as messages name it: relative to the current directory where it is below it."""
    try:
        return str(Path(path).absolute().relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


def without_folder(place: str) -> str:
    """
    A path, or a place in a file, as results name it: the same on every machine.

    A path below the current directory is relative already; of any other only the name is left.
    """
    return os.path.basename(place) if os.path.isabs(place) else place


def module_name(file: str) -> str:
    """
    The name of the module in a file, always an identifier: `mlp` for `models/mlp.irc`.

    A number that only orders files is left out, `mlp` for `2_mlp.irc`: it stands in every C name.
    """
    stem = re.sub(r"^\d+[\W_]+(?=[^\W\d])", "", Path(file).stem)
    name = re.sub(r"\W", "_", stem) or "module"
    return f"_{name}" if name[0].isdigit() else name
