"""The vocabularies against the specification of each revision.

The documents belong to Veeam and are not in this repository: EBBTIDE_VENDOR_SPECS names a folder with
vbr-<revision>.trimmed.json. Without it these tests are left out.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from exporter.sources.veeam.job_words import job_type
from exporter.sources.veeam.session_words import _RUNS, _TYPES, FIRST_REVISIONS, session_type
from tests.servers import vendor_specs

from .site import REVISIONS

# Up to 1.2 jobs and sessions of jobs had one word.
RENAMED = {"Backup": "VSphereBackup"}


@pytest.fixture(scope="module")
def enum():
    """The values of an enum in a revision; none where it has no such enum."""
    folder = vendor_specs()
    documents = {
        revision: json.loads(Path(folder, f"vbr-{revision}.trimmed.json").read_text(encoding="utf-8"))
        for revision in REVISIONS
    }
    return lambda revision, name: documents[revision]["components"]["schemas"][name]["enum"]


@pytest.mark.parametrize("revision", REVISIONS)
def test_every_type_of_job_has_the_name_of_1_3(enum, revision):
    newest = {*enum("1.3-rev2", "EJobType")}
    for word in enum(revision, "EJobType"):
        label = RENAMED.get(word, word)
        assert label in newest
        assert job_type(word) == job_type(word.lower()) == label or word == "Unknown"


def test_every_word_for_a_session_is_one_of_the_vendors(enum):
    words = {word.lower() for revision in REVISIONS for word in enum(revision, "ESessionType")}
    assert {word for group in _TYPES.values() for word in group} | _RUNS <= words


@pytest.mark.parametrize("revision", REVISIONS)
def test_types_that_a_revision_has_no_word_for_are_known_to_be_missing(enum, revision):
    told = {session_type(word.lower()) for word in enum(revision, "ESessionType")}
    assert {*_TYPES} - told == {name for name, first in FIRST_REVISIONS.items() if revision < first}
