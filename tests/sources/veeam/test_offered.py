from __future__ import annotations

import pytest

from exporter.errors import NotOffered
from exporter.sources.veeam.offered import needs, release_of
from exporter.sources.veeam.revision import REVISIONS


@pytest.mark.parametrize(
    ("revision", "release"),
    [("1.1-rev0", "12.0"), ("1.2-rev0", "12.3"), ("1.2-rev1", "12.3.1"), ("1.3-rev1", "13.0.1"), ("1.3-rev2", "13.1")],
)
def test_a_revision_came_with_a_release(revision, release):
    assert release_of(revision) == release


def test_every_revision_has_a_release():
    assert all(release_of(revision) for revision, _ in REVISIONS)


def test_what_is_there_needs_nothing(client):
    needs(client(api_revision="1.2-rev0"), "1.2-rev0", "GET /thing")
    needs(client(api_revision="1.3-rev2"), "1.2-rev0", "GET /thing")


def test_what_came_later_is_not_offered(client):
    with pytest.raises(
        NotOffered, match=r"^GET /thing: exists from VBR 12\.3 \(REST 1\.2-rev0\) on; this server speaks 1\.1-rev2$"
    ):
        needs(client(api_revision="1.1-rev2"), "1.2-rev0", "GET /thing")
