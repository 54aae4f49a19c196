"""What goes wrong in a walk: no permission, or a tree that changes under it."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

import pytest

from exporter.errors import SourceUnreachable
from exporter.sources.filesystem import scan
from exporter.sources.filesystem.scan import walk

BOTH_WAYS = pytest.mark.parametrize("by_descriptor", [True, False], ids=["descriptors", "paths"])


def write(path: Path, content: bytes = b"") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def open_directories() -> set[int]:
    """Inodes of the directories this process has open."""
    found = set()
    for descriptor in os.listdir("/proc/self/fd"):
        # The one of the listing itself is gone by now.
        with suppress(FileNotFoundError):
            found.add(os.stat(f"/proc/self/fd/{descriptor}").st_ino)
    return found


# More than are kept open at a time.
DEEP = [f"level{n}" for n in range(scan._OPEN_DIRECTORIES + 8)]


@BOTH_WAYS
def test_an_unreadable_directory_is_counted_by_the_name_of_its_error(public, as_nobody, by_descriptor):
    write(public / "open" / "file", b"x")
    write(public / "shut" / "file", b"x" * 1000)
    (public / "shut").chmod(0)
    try:
        with as_nobody():
            tally = walk(str(public), by_descriptor=by_descriptor)
    finally:
        (public / "shut").chmod(0o755)
    assert (tally.files, tally.directories, tally.errors) == (1, 3, {"EACCES": 1})


def test_entries_of_a_directory_that_may_be_listed_but_not_searched_are_errors(public, as_nobody):
    for name in "abc":
        write(public / "list" / name, b"x")
    (public / "list").chmod(0o444)
    try:
        with as_nobody():
            tally = walk(str(public))
    finally:
        (public / "list").chmod(0o755)
    assert (tally.files, tally.directories, tally.errors) == (0, 2, {"EACCES": 3})


def test_the_way_back_out_of_a_directory_that_may_not_be_searched_is_found_by_names(public, as_nobody):
    here = public.joinpath(*DEEP)
    shut = [here / name for name in "abcd"]
    write(here / "file", b"x")
    for directory in shut:
        write(directory / "file", b"x")
        directory.chmod(0o444)
    try:
        with as_nobody():
            tally = walk(str(public))
    finally:
        for directory in shut:
            directory.chmod(0o755)
    assert (tally.files, tally.directories, tally.errors) == (1, 1 + len(DEEP) + 4, {"EACCES": 4})


def test_what_is_deleted_after_it_was_listed_is_no_error(tmp_path):
    for name in "abcdefgh":
        write(tmp_path / name / "file", b"x")
    calls: list[int] = []

    def delete_on_the_second_call() -> bool:
        calls.append(1)
        if len(calls) == 2:
            for directory in tmp_path.iterdir():
                shutil.rmtree(directory)
        return False

    tally = walk(str(tmp_path), should_stop=delete_on_the_second_call)
    assert (tally.directories, tally.files, tally.errors) == (9, 0, {})


def test_a_directory_swapped_for_a_link_is_not_entered(tmp_path):
    write(tmp_path / "outside" / "file", b"x" * 1000)
    for name in "ab":
        write(tmp_path / "root" / name / "file", b"x")
    calls: list[int] = []

    def swap_on_the_second_call() -> bool:
        calls.append(1)
        if len(calls) == 2:
            for name in "ab":
                (tmp_path / "root" / name).rename(tmp_path / name)
                (tmp_path / "root" / name).symlink_to(tmp_path / "outside")
        return False

    tally = walk(str(tmp_path / "root"), should_stop=swap_on_the_second_call)
    # Linux says ENOTDIR for O_DIRECTORY with O_NOFOLLOW on a link, others ELOOP.
    assert sum(tally.errors[name] for name in ("ENOTDIR", "ELOOP")) == 1
    assert tally.apparent_bytes == 1


@pytest.mark.parametrize("moved", [[DEEP[:4]], [DEEP[:4], DEEP[:1]]], ids=["found by names", "lost"])
def test_a_tree_moved_under_the_walk_loses_no_branch_without_an_error(tmp_path, moved):
    root = tmp_path / "root"
    for level in range(len(DEEP)):
        for branch in "abcd":
            write(root.joinpath(*DEEP[:level], branch, "file"), b"x")
    bottom = root.joinpath(*DEEP)
    bottom.mkdir()
    inode = bottom.stat().st_ino

    def move_at_the_bottom() -> bool:
        if root.joinpath(*moved[0]).exists() and inode in open_directories():
            for number, names in enumerate(moved):
                root.joinpath(*names).rename(tmp_path / f"moved{number}")
        return False

    before = open_descriptors()
    tally = walk(str(root), should_stop=move_at_the_bottom)
    assert (tmp_path / "moved0").exists()
    assert open_descriptors() == before
    assert tally.files + tally.errors["ESTALE"] == 4 * len(DEEP)
    if len(moved) == 1:
        assert tally.errors["ESTALE"] == 0


@BOTH_WAYS
def test_a_root_that_is_not_there_raises(tmp_path, by_descriptor):
    with pytest.raises(FileNotFoundError):
        walk(str(tmp_path / "none"), by_descriptor=by_descriptor)


@BOTH_WAYS
def test_a_root_that_is_a_file_raises(tmp_path, by_descriptor):
    with pytest.raises(NotADirectoryError):
        walk(str(write(tmp_path / "file")), by_descriptor=by_descriptor)


@BOTH_WAYS
def test_a_root_that_may_not_be_read_raises(public, as_nobody, by_descriptor):
    (public / "shut").mkdir(mode=0)
    with pytest.raises(PermissionError), as_nobody():
        walk(str(public / "shut"), by_descriptor=by_descriptor)


def test_a_walk_stops_when_told_and_leaves_nothing_open(tmp_path):
    for name in "abc":
        write(tmp_path / name / "file")
    calls: list[int] = []
    before = open_descriptors()
    with pytest.raises(SourceUnreachable, match=r"the scan was stopped"):
        walk(str(tmp_path), should_stop=lambda: calls.append(1) is not None or len(calls) == 3)
    assert len(calls) == 3
    assert open_descriptors() == before


def test_a_large_directory_too_can_be_stopped(tmp_path):
    for number in range(600):
        (tmp_path / str(number)).touch()
    calls: list[int] = []
    with pytest.raises(SourceUnreachable):
        walk(str(tmp_path), should_stop=lambda: calls.append(1) is not None or len(calls) == 3)
