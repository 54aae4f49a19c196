"""Records of a drop file: what one session stored, in whichever of the shapes that scripts write.

Ours (data_bytes, dedup_percent, created_utc, ...), flat ones with the names of .NET (DataSize, DedupRatio) or of other
scripts (BackupSizeGB for the data, TransferredSizeGB for what was stored), and whole session objects with a nested
BackupStats. Names count in any case, enums as numbers or names.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, tzinfo
from typing import Any

from exporter.model import GIBIBYTE, SessionReduction
from exporter.sources.veeam.drop_file_values import lower_keys, moment_of, number_of, text_of
from exporter.sources.veeam.reduction import SMALLEST_TELLING, Part, Unit, as_ratio, dedup_ratio, of_session, unit_of

# Why a record is rejected.
REASONS = (
    "not_an_object",
    "too_shallow",  # ConvertTo-Json had too little -Depth, and wrote the name of a class instead of the figures
    "no_session",
    "no_job",
    "no_time",
    "no_sizes",
    "no_ratios",
    "contradictory",  # in neither unit do the ratios come near what the sizes say
)

# ESessionResult where nobody has cast it to text.
_RESULTS = {"0": "success", "1": "warning", "2": "failed", "-1": "none"}
_CREATED = ("created_utc", "creationtimeutc", "created", "creationtime")
_ENDED = ("ended_utc", "endtimeutc", "ended", "endtime")


class Rejected(Exception):
    """`reason` is one of REASONS."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def session(record: object, unit: Unit, zone: tzinfo, latest: float) -> SessionReduction | None:
    """What the session stored; None for one that still runs, failed, or stored too little to tell.

    unit: of ratios where the record does not tell, by a missing size; zone: of times without one; latest: unix
    seconds after which nothing can have begun. Raises Rejected.
    """
    fields = _fields(record)
    session_id = text_of(_first(fields, "session_id", "sessionid", "id")).strip("{}").lower()
    job_id = text_of(_first(fields, "job_id", "jobid")).strip("{}").lower()
    job = text_of(_first(fields, "job_name", "jobname", "job"))
    if not session_id:
        raise Rejected("no_session")
    if not (job_id or job):
        raise Rejected("no_job")
    if not _has_ended(fields, zone):
        return None
    created = _moment(fields, _CREATED, zone)
    if created is None or created > latest:
        raise Rejected("no_time")
    part = _part(fields, unit)
    if part is None:
        return None
    return of_session([part], session_id=session_id, job_id=job_id, job=job or job_id, at=created)


def _fields(record: object) -> Mapping[str, Any]:
    """By name in lower case: those of the session, and of its statistics what it does not have itself."""
    own = lower_keys(record)
    if not isinstance(record, Mapping):
        raise Rejected("not_an_object")
    if isinstance(own.get("backupstats"), str):
        raise Rejected("too_shallow")
    return {**lower_keys(own.get("info")), **lower_keys(own.get("backupstats")), **own}


def _first(fields: Mapping[str, Any], *names: str) -> Any:
    return next((fields[name] for name in names if fields.get(name) is not None), None)


def _number(fields: Mapping[str, Any], *names: str) -> float | None:
    return next((n for name in names if (n := number_of(fields.get(name))) is not None), None)


def _moment(fields: Mapping[str, Any], names: tuple[str, ...], zone: tzinfo) -> float | None:
    """The first that is told; what is named after UTC and has no zone is UTC."""
    try:
        moments = [moment_of(fields.get(name), UTC if name.endswith("utc") else zone) for name in names]
    except ValueError:
        raise Rejected("no_time") from None
    return next((at for at in moments if at is not None), None)


def _has_ended(fields: Mapping[str, Any], zone: tzinfo) -> bool:
    """And well. Of a session that runs the end is null or of 1900, the result None, and its state is not Stopped."""
    result = text_of(_first(fields, "result")).lower()
    state = text_of(_first(fields, "state")).lower()
    if _RESULTS.get(result, result) not in ("", "success", "warning"):
        return False
    if fields.get("iscompleted") is False or (state.isalpha() and state != "stopped"):
        return False
    tells_end = any(name in fields for name in _ENDED)
    return not tells_end or _moment(fields, _ENDED, zone) is not None


def _part(fields: Mapping[str, Any], unit: Unit) -> Part | None:
    """None where there is too little data; what one size does not tell follows from the other and the ratios."""
    data, stored = _sizes(fields)
    if data is not None and data < SMALLEST_TELLING:
        return None
    if _number(fields, "dedup_percent") is not None:
        unit = "percent"
    dedup = _number(fields, "dedup_percent", "dedupratio", "deduperatio") or 0.0
    compression = _number(fields, "compress_percent", "compressratio", "compressionratio") or 0.0
    if not data or not stored:
        data, stored = _completed(data, stored, dedup, compression, unit)
    ratio = dedup_ratio(data, stored, dedup, compression, unit)
    if ratio is None:
        told = unit_of(data, stored, dedup, compression, unit) is not None
        raise Rejected("no_ratios" if told else "contradictory")
    return Part(data, stored, ratio, _is_full(fields))


def _sizes(fields: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """(before, after) both reductions, in bytes."""
    data, stored = _number(fields, "data_bytes", "datasize"), _number(fields, "backup_bytes", "backupsize")
    if data is not None or stored is not None:
        return data, stored
    # Of two sizes in GB the first is that of the data: a backup is what a session reads, to those who name it so.
    names = ("datasizegb", "backupsizegb") if "datasizegb" in fields else ("backupsizegb", "transferredsizegb")
    data, stored = (_number(fields, name) for name in names)
    return data and data * GIBIBYTE, stored and stored * GIBIBYTE


def _completed(
    data: float | None, stored: float | None, dedup: float, compression: float, unit: Unit
) -> tuple[float, float]:
    if not (data or stored):
        raise Rejected("no_sizes")
    if not (dedup and compression):
        raise Rejected("no_ratios")
    combined = as_ratio(dedup, unit) * as_ratio(compression, unit)
    return data or (stored or 0.0) * combined, stored or (data or 0.0) / combined


def _is_full(fields: Mapping[str, Any]) -> bool | None:
    algorithm = text_of(_first(fields, "algorithm", "sessionalgorithm")).lower()
    if "full" in algorithm or algorithm.startswith("synth"):
        return True
    return False if algorithm.startswith("incr") else None
