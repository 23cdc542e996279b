"""
The trailer that shows whether a module's file is whole.

    <the shared object> <its SHA-256, 32 bytes> <its length, 8 bytes little-endian> <magic, 8>

Loaders of shared objects ignore what follows the last section, so the file stays an ordinary one.
"""

from __future__ import annotations

import hashlib

MAGIC = b"IRCseal1"
_TRAILER_BYTES = 32 + 8 + len(MAGIC)


class DamagedError(ValueError):
    """Bytes that are not what was sealed."""


def seal(data: bytes) -> bytes:
    """`data` with its trailer."""
    return data + hashlib.sha256(data).digest() + len(data).to_bytes(8, "little") + MAGIC


def unseal(data: bytes) -> bytes | None:
    """
    What was sealed; None when there is no trailer, as in a file that another linker made.

    Raises DamagedError when length or checksum differ.
    """
    if not data.endswith(MAGIC):
        return None
    body, trailer = data[:-_TRAILER_BYTES], data[-_TRAILER_BYTES:]
    if len(body) != int.from_bytes(trailer[32:40], "little"):
        raise DamagedError("its length is not the recorded one")
    if hashlib.sha256(body).digest() != trailer[:32]:
        raise DamagedError("its checksum is not the recorded one")
    return body
