"""Repositories and the extents of scale-out repositories: how much fits, how much is free.

GET /api/v1/backupInfrastructure/repositories/states; before 1.3 also GET .../scaleOutRepositories, which alone tells
then what is an extent. A scale-out repository is not a pool: its space is that of its extents. Sizes are those of the
server's last rescan. Needs the role Backup Viewer.
"""

from __future__ import annotations

from collections.abc import Iterable

from exporter.errors import reading
from exporter.model import GIBIBYTE, Poll, Pool
from exporter.sources.veeam import extents
from exporter.sources.veeam.client import REPOSITORY_STATES, SCALE_OUT_REPOSITORIES, VeeamClient
from exporter.sources.veeam.extents import Extent
from exporter.sources.veeam.fields import Row, enum, number, optional, text

_STATES = f"GET {REPOSITORY_STATES}"
_SCALE_OUTS = f"GET {SCALE_OUT_REPOSITORIES}"

# Names that changed in 1.3-rev2; an upgrade must not make new series.
_RENAMED = {
    "ddboost": "DellDataDomain",
    "hpstoreonceintegration": "HPEStoreOnce",
    "quantum": "QuantumDXi",
    "smartobjects3": "S3Integrated",
}


def fetch(client: VeeamClient, _: Poll) -> tuple[Pool, ...]:
    states = list(client.pages(REPOSITORY_STATES))
    scale_outs = [] if client.speaks("1.3-rev0") else list(client.pages(SCALE_OUT_REPOSITORIES))
    return parse(states, scale_outs)


def parse(states: Iterable[Row], scale_outs: Iterable[Row] = ()) -> tuple[Pool, ...]:
    """states: rows of repositories/states; scale_outs: rows of scaleOutRepositories, where states do not tell."""
    with reading(_SCALE_OUTS):
        listed = {identity: extent for row in scale_outs for identity, extent in extents.listed(row)}
    with reading(_STATES):
        return tuple(
            _pool(row, extents.told(row) or listed.get(row["id"])) for row in states if not extents.is_scale_out(row)
        )


def _pool(row: Row, extent: Extent | None) -> Pool:
    repository_type = text(row, "type", endpoint=_STATES)
    repository_type = _RENAMED.get(enum(repository_type), repository_type)
    online = optional(row, "isOnline", bool, endpoint=_STATES)
    capacity = number(row, "capacityGB", endpoint=_STATES) * GIBIBYTE
    free = number(row, "freeGB", endpoint=_STATES) * GIBIBYTE
    # 0 or less: offline at the last rescan, or object storage without a quota. Full is capacity with nothing free.
    known = capacity > 0
    return Pool(
        kind="veeam",
        name=text(row, "name", endpoint=_STATES),
        id=text(row, "id", endpoint=_STATES),
        capacity_bytes=capacity if known else None,
        free_bytes=free if known and free >= 0 and online is not False else None,
        status="unknown" if online is None else "online" if online else "offline",
        pool_type=f"{repository_type} {extent.tier} extent" if extent else repository_type,
        location=f"SOBR {extent.scale_out}" if extent else optional(row, "hostName", str, endpoint=_STATES) or "",
    )
