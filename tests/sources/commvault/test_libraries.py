"""Libraries as the CommServe tells them, in both shapes of the list."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from exporter.errors import SourceGarbled
from exporter.model import MEBIBYTE
from exporter.sources.commvault.libraries import parse, parse_list

PAYLOADS = Path(__file__).parents[2] / "payloads" / "commvault-11.36"


def payload(name):
    return json.loads((PAYLOADS / f"{name}.json").read_text(encoding="utf-8"))


def changed(**fields):
    found = payload("library_101")
    found["libraryInfo"] |= fields
    return found


def path(**fields):
    [found] = parse(changed(MountPathList=[{"mountPathId": 1, "mountPathName": "p", **fields}])).mount_paths
    return found


def test_a_library_is_listed_in_either_shape():
    assert parse_list(payload("library")) == ["101", "103", "109"]
    older = {"libraryList": [{"library": {"libraryId": "101", "libraryName": "x"}, "libraryType": 3}]}
    assert parse_list(older) == ["101"]
    assert parse_list({}) == []


def test_a_disk_library_has_mount_paths_with_sizes_in_mebibytes():
    found = parse(payload("library_101"))
    assert (found.id, found.name, found.library_type, found.online) == ("101", "Apex GDP", "disk", True)
    ready, _ = found.mount_paths
    assert (ready.name, ready.media_agents, ready.online) == ("[ma01] E:\\CV", ("ma01", "ma02"), True)
    assert (ready.enabled, ready.writable) == (True, True)
    assert (ready.capacity_bytes, ready.free_bytes) == (5242880 * MEBIBYTE, 786432 * MEBIBYTE)
    assert (ready.logical_bytes, ready.stored_bytes) == (40000000 * MEBIBYTE, 5000000 * MEBIBYTE)
    assert (ready.written_bytes_per_day, ready.freed_bytes_per_day) == (51200 * MEBIBYTE, 10240 * MEBIBYTE)


def test_the_sizes_of_an_offline_path_are_stale_and_left_out():
    _, offline = parse(payload("library_101")).mount_paths
    assert (offline.online, offline.capacity_bytes, offline.free_bytes) == (False, None, None)
    assert (offline.enabled, offline.writable, offline.freed_bytes_per_day) == (True, False, 0.0)


def test_a_cloud_has_no_size_that_could_run_out():
    found = parse(payload("library_103"))
    assert found.library_type == "cloud"
    [bucket] = found.mount_paths
    assert (bucket.online, bucket.capacity_bytes, bucket.free_bytes) == (True, None, None)


def test_a_tape_library_has_no_mount_paths():
    found = parse(payload("library_109"))
    assert (found.library_type, found.online, found.mount_paths) == ("tape", False, ())


@pytest.mark.parametrize(
    ("words", "online"),
    [("Ready", True), ("Ready, read only", True), ("Offline", False), ("No", False), ("Bereit", None), ("", None)],
)
def test_a_state_in_words_nobody_knows_is_no_state(words, online):
    assert path(status=words).online is online


@pytest.mark.parametrize("kind", [2, 99, None])
def test_a_type_nobody_knows_is_another_one(kind):
    assert parse(changed(libraryType=kind, model="")).library_type == "other"


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ({}, "libraryInfo"),
        ({"libraryInfo": {"library": []}}, "library"),
        (changed(MountPathList=5), "MountPathList"),
        (changed(MountPathList=[{"mountPathName": "p"}]), "mountPathId"),
        (changed(MountPathList=[{"mountPathId": 1, "mountPathName": "p", "mountPathSummary": []}]), "mountPathSummary"),
        (changed(libraryType=[]), "libraryType"),
    ],
)
def test_a_surprise_is_garbled_and_names_the_field(payload, said):
    with pytest.raises(SourceGarbled, match=f"GET /Library/.*{said}"):
        parse(payload)


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ({"response": [{}]}, "entityInfo"),
        ({"libraryList": [{"library": {}}]}, "libraryId"),
        ({"other": 1}, "response"),
    ],
)
def test_a_list_without_ids_is_garbled(payload, said):
    with pytest.raises(SourceGarbled, match=f"GET /Library: .*{said}"):
        parse_list(payload)
