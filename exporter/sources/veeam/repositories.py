"""Repositories, beside their pools: the vendor's size of the backups, scale-out repositories and immutability.

GET /api/v1/backupInfrastructure/repositories/states, .../scaleOutRepositories and .../repositories, whose settings tell
how long backups are immutable. Needs the role Backup Viewer.
"""

from __future__ import annotations

from collections.abc import Iterable

from exporter.errors import reading
from exporter.model import DAY, GIBIBYTE, Poll, Repository
from exporter.sources.veeam import extents
from exporter.sources.veeam.client import REPOSITORY_STATES, SCALE_OUT_REPOSITORIES, VeeamClient
from exporter.sources.veeam.extents import Extent
from exporter.sources.veeam.fields import Row, enum, number, optional, text

REPOSITORIES = "/api/v1/backupInfrastructure/repositories"
_STATES, _SCALE_OUTS = f"GET {REPOSITORY_STATES}", f"GET {SCALE_OUT_REPOSITORIES}"
_REPOSITORIES = f"GET {REPOSITORIES}"

_NOT_IN_A_SCALE_OUT = Extent("", "")
# What cannot be immutable. Of all others, silence may mean that the revision has no word for it.
_PLAIN = {"winlocal", "linuxlocal", "smb", "nfs"}


def fetch(client: VeeamClient, _: Poll) -> tuple[Repository, ...]:
    return parse(client.pages(REPOSITORY_STATES), client.pages(SCALE_OUT_REPOSITORIES), client.pages(REPOSITORIES))


def parse(states: Iterable[Row], scale_outs: Iterable[Row], settings: Iterable[Row]) -> tuple[Repository, ...]:
    """Rows of repositories/states, scaleOutRepositories and repositories."""
    with reading(_SCALE_OUTS):
        listed = {identity: extent for row in scale_outs for identity, extent in extents.listed(row)}
    with reading(_REPOSITORIES):
        immutable = {text(row, "id", endpoint=_REPOSITORIES): immutable_seconds(row) for row in settings}
    with reading(_STATES):
        return tuple(
            _repository(row, listed.get(row["id"]) or extents.told(row) or _NOT_IN_A_SCALE_OUT, immutable)
            for row in states
            if not extents.is_scale_out(row)
        )


def immutable_seconds(row: Row) -> float | None:
    """Of a row of repositories; 0 without immutability, None where that is not told.

    Hardened repositories count days, or leave them out; object storage and appliances switch it on and count days;
    an archive in Glacier is only switched on, as long as each backup is kept.
    """
    place: Row = next((found for name in ("repository", "bucket", "container") if (found := _part(row, name))), {})
    if settings := _part(place, "immutability"):
        return _seconds(settings, "isEnabled", "daysCount")
    if "enableGovernanceMode" in place:
        return _seconds(place, "enableGovernanceMode", "governanceModeRetentionDays")
    if (days := optional(place, "makeRecentBackupsImmutableDays", int, endpoint=_REPOSITORIES)) is not None:
        return days * DAY
    is_plain = enum(text(row, "type", endpoint=_REPOSITORIES)) in _PLAIN
    is_off = optional(place, "immutabilityEnabled", bool, endpoint=_REPOSITORIES) is False
    return 0.0 if is_plain or is_off else None


def _seconds(settings: Row, switch: str, days_field: str) -> float | None:
    enabled = optional(settings, switch, bool, endpoint=_REPOSITORIES)
    days = optional(settings, days_field, int, endpoint=_REPOSITORIES)
    return 0.0 if enabled is False else days * DAY if enabled and days is not None else None


def _part(row: Row, field: str) -> Row | None:
    return optional(row, field, dict, endpoint=_REPOSITORIES)


def _repository(row: Row, extent: Extent, immutable: dict[str, float | None]) -> Repository:
    used = number(row, "usedSpaceGB", endpoint=_STATES)
    return Repository(
        id=text(row, "id", endpoint=_STATES),
        name=text(row, "name", endpoint=_STATES),
        used_bytes=used * GIBIBYTE if used >= 0 else None,
        out_of_date=optional(row, "isOutOfDate", bool, endpoint=_STATES),
        scale_out=extent.scale_out,
        tier=extent.tier,
        extent_statuses=extent.statuses,
        immutable_seconds=immutable.get(row["id"]),
    )
