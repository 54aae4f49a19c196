"""Units as everything inside uses them: bytes, seconds."""

from __future__ import annotations

MEBIBYTE = 1024 * 1024
GIBIBYTE = 1024 * MEBIBYTE
TEBIBYTE = 1024 * GIBIBYTE
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
