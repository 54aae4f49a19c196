"""Paths and error numbers, which are bytes and integers, as text for labels and messages."""

from __future__ import annotations

import errno
import os


def readable(path: bytes | str) -> str:
    r"""The path with what is not valid text as backslash escapes.

    >>> readable(b"/caf\xe9")
    '/caf\\xe9'
    """
    if isinstance(path, str):
        # A surrogate escape on POSIX stands for one byte, on Windows a lone surrogate is itself.
        path = os.fsencode(path) if os.name != "nt" else path.encode("utf-8", "backslashreplace")
    return path.decode("utf-8", "backslashreplace")


def escaped(path: bytes) -> str:
    r"""As readable, but no two paths are written alike: a backslash of the path itself is written twice.

    >>> escaped(b"caf\xe9"), escaped(rb"caf\xe9")
    ('caf\\xe9', 'caf\\\\xe9')
    """
    return path.replace(b"\\", b"\\\\").decode("utf-8", "backslashreplace")


def errno_name(error: OSError) -> str:
    return errno.errorcode.get(error.errno or 0, "unknown")
