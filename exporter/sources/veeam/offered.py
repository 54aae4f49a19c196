"""What a revision of the API has, and what it has not yet."""

from __future__ import annotations

from exporter.errors import NotOffered
from exporter.sources.veeam.client import VeeamClient
from exporter.sources.veeam.revision import REVISIONS

_FIRST_BUILDS = dict(REVISIONS)


def needs(client: VeeamClient, revision: str, endpoint: str) -> None:
    """Raise NotOffered, naming the release that brought it, when the server is asked in an older revision."""
    if not client.speaks(revision):
        raise NotOffered(
            f"{endpoint}: exists from VBR {release_of(revision)} (REST {revision}) on; "
            f"this server speaks {client.revision()}"
        )


def release_of(revision: str) -> str:
    """The release of Backup & Replication that brought a revision.

    >>> release_of("1.3-rev1"), release_of("1.2-rev0")
    ('13.0.1', '12.3')
    """
    major, minor, patch, _ = _FIRST_BUILDS[revision]
    return f"{major}.{minor}.{patch}" if patch else f"{major}.{minor}"
