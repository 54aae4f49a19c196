"""What goes wrong in a walk: no permission, or a tree that changes under it."""

from __future__ import annotations

import dataclasses
import errno
import functools
import os
import shutil

import pytest

from exporter.sources.filesystem.scan import How, scan
from exporter.sources.filesystem.subtree import Rules, Subtree, System
from exporter.sources.filesystem.walk import walk
from tests.sources.filesystem.trees import CATEGORIES, open_descriptors, rules_of, walked, write

BOTH_WAYS = pytest.mark.parametrize("by_descriptor", [True, False], ids=["descriptors", "paths"])


@BOTH_WAYS
def test_an_unreadable_directory_is_counted_by_the_name_of_its_error(public, as_nobody, by_descriptor):
    write(public / "open" / "file", b"x")
    write(public / "shut" / "file", b"x" * 1000)
    (public / "shut").chmod(0)
    try:
        with as_nobody():
            tally = walked(str(public), by_descriptor=by_descriptor)
    finally:
        (public / "shut").chmod(0o755)
    assert (tally.files, tally.directories, tally.errors) == (1, 3, {"EACCES": 1})


def test_entries_of_a_directory_that_may_be_listed_but_not_searched_are_errors(public, as_nobody):
    for name in "abc":
        write(public / "list" / name, b"x")
    (public / "list").chmod(0o444)
    try:
        with as_nobody():
            tally = walked(str(public))
    finally:
        (public / "list").chmod(0o755)
    assert (tally.files, tally.directories, tally.errors) == (0, 2, {"EACCES": 3})


def test_what_is_deleted_after_it_was_listed_is_no_error(tmp_path):
    for name in "abcdefgh":
        write(tmp_path / name / "file", b"x")
    calls: list[int] = []

    def delete_on_the_second_call(entries: int) -> None:
        calls.append(1)
        if len(calls) == 2:
            for directory in tmp_path.iterdir():
                shutil.rmtree(directory)

    tally = walked(str(tmp_path), tick=delete_on_the_second_call)
    assert (tally.directories, tally.files, tally.vanished, tally.errors) == (1, 0, 8, {})


def test_a_directory_swapped_for_a_link_is_not_entered(tmp_path):
    write(tmp_path / "outside" / "file", b"x" * 1000)
    for name in "ab":
        write(tmp_path / "root" / name / "file", b"x")
    calls: list[int] = []

    def swap_on_the_second_call(entries: int) -> None:
        calls.append(1)
        if len(calls) == 2:
            for name in "ab":
                (tmp_path / "root" / name).rename(tmp_path / name)
                (tmp_path / "root" / name).symlink_to(tmp_path / "outside")

    tally = walked(str(tmp_path / "root"), tick=swap_on_the_second_call)
    # Linux says ENOTDIR for O_DIRECTORY with O_NOFOLLOW on a link, others ELOOP.
    assert sum(tally.errors[name] for name in ("ENOTDIR", "ELOOP")) == 2
    assert tally.apparent_bytes == 0


@BOTH_WAYS
def test_a_root_that_is_not_there_raises(tmp_path, by_descriptor):
    with pytest.raises(FileNotFoundError):
        walked(str(tmp_path / "none"), by_descriptor=by_descriptor)


@BOTH_WAYS
def test_a_root_that_is_a_file_raises(tmp_path, by_descriptor):
    with pytest.raises(NotADirectoryError):
        walked(str(write(tmp_path / "file")), by_descriptor=by_descriptor)


@BOTH_WAYS
def test_a_root_that_may_not_be_read_raises(public, as_nobody, by_descriptor):
    (public / "shut").mkdir(mode=0)
    with pytest.raises(PermissionError), as_nobody():
        walked(str(public / "shut"), by_descriptor=by_descriptor)


def test_a_directory_that_belongs_to_another_is_read_though_its_time_of_reading_may_not_be_spared(public, as_nobody):
    write(public / "theirs" / "file", b"x")
    with as_nobody():
        tally = walked(public)
    assert (tally.files, tally.errors) == (1, {})


def test_a_root_that_changed_its_device_since_it_was_first_looked_at_raises(tmp_path):
    rules = dataclasses.replace(rules_of(tmp_path), device=-1)
    with pytest.raises(OSError, match="tale"):
        walk(rules, [Subtree(b"")])


def test_a_path_beyond_all_reason_is_an_error_and_not_entered(tmp_path, monkeypatch):
    monkeypatch.setattr("exporter.sources.filesystem.walk.LONGEST_PATH", 3)
    write(tmp_path / "a" / "b" / "c" / "file", b"x")
    tally = walked(tmp_path)
    assert (tally.files, tally.directories, tally.errors) == (0, 4, {"ENAMETOOLONG": 1})


def test_an_error_of_the_listing_is_counted(tmp_path):
    write(tmp_path / "broken" / "file", b"x")

    class Broken:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def __iter__(self):
            raise OSError(errno.EUCLEAN, "structure needs cleaning")

    bad = (tmp_path / "broken").stat().st_ino
    system = System(scandir=lambda fd: Broken() if os.fstat(fd).st_ino == bad else os.scandir(fd))
    part = walk(rules_of(tmp_path), [Subtree(b"")], system=system)
    assert (part.tally.directories, part.tally.errors) == (2, {"EUCLEAN": 1})


def test_names_that_vanish_between_their_listing_and_the_look_at_them_are_counted_apart(tmp_path):
    for number in range(300):
        write(tmp_path / str(number))

    def delete_some(entries: int) -> None:
        for path in tmp_path.iterdir():
            path.unlink()

    tally = walked(tmp_path, tick=lambda entries: delete_some(entries) if entries else None)
    assert (tally.files, tally.vanished, tally.errors) == (256, 44, {})


def test_a_directory_that_cannot_be_looked_at_once_it_is_open_is_an_error_and_closed(tmp_path, monkeypatch):
    write(tmp_path / "stale" / "file", b"x")
    bad, fstat, before = (tmp_path / "stale").stat().st_ino, os.fstat, open_descriptors()

    def stale(descriptor: int) -> os.stat_result:
        status = fstat(descriptor)
        if status.st_ino == bad:
            raise OSError(errno.ESTALE, "stale file handle")
        return status

    monkeypatch.setattr(os, "fstat", stale)
    tally = walked(tmp_path)
    assert (tally.directories, tally.errors, open_descriptors()) == (2, {"ESTALE": 1}, before)


# Metadata that cannot be true


def test_a_file_larger_than_its_filesystem_is_an_error_and_adds_no_bytes(tmp_path):
    write(tmp_path / "true", b"x" * 4096)
    for name in ("broken.log", "linked"):
        write(tmp_path / name, b"x" * 100_000)
    os.link(tmp_path / "linked", tmp_path / "again")
    tally = walked(tmp_path, capacity=50_000)
    assert (tally.files, tally.apparent_bytes, tally.errors) == (1, 4096, {"implausible_size": 3})
    assert sum(cell[0] for cell in tally.cells.kinds.values()) == 1
    assert walked(tmp_path, capacity=200_000).errors == {}


def test_a_sparse_file_of_any_size_a_disk_image_may_have_counts(tmp_path):
    os.truncate(write(tmp_path / "thin.vmdk"), 1 << 43)
    tally = walked(tmp_path, capacity=1 << 30)
    assert (tally.apparent_bytes, tally.errors) == (1 << 43, {})


def test_sizes_whose_sum_no_counter_holds_are_no_sizes(tmp_path, monkeypatch):
    monkeypatch.setattr("exporter.sources.filesystem.counting.MOST_BYTES", 1 << 30)
    os.truncate(write(tmp_path / "huge"), (1 << 30) + 1)
    write(tmp_path / "true", b"x")
    tally = walked(tmp_path)
    assert (tally.files, tally.apparent_bytes, tally.errors) == (1, 1, {"implausible_size": 1})


def test_a_directory_that_lists_for_ever_is_left_with_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr("exporter.sources.filesystem.walk.MOST_IN_DIRECTORY", 10)
    for name in range(11):
        write(tmp_path / "endless" / str(name), b"x")
    for name in range(10):
        write(tmp_path / "long" / str(name), b"x")
    tally = walked(tmp_path)
    assert tally.errors == {"EOVERFLOW": 1}
    assert tally.directories == 3


def test_a_scan_of_a_disk_that_answers_nothing_but_errors_ends(tmp_path):
    for name in range(150):
        (tmp_path / str(name)).mkdir()

    def dying(path, flags, *, dir_fd=None):
        if path.isdigit():
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return os.open(path, flags, dir_fd=dir_fd)

    walker = functools.partial(walk, system=System(open=dying))
    rules = Rules(root=str(tmp_path), categories=CATEGORIES)
    with pytest.raises(OSError, match="one error after the other") as raised:
        scan(rules, How(workers=1, walker=walker))
    assert raised.value.errno == errno.EIO


def test_a_disk_with_some_broken_places_is_read_to_its_end(tmp_path):
    for name in range(150):
        write(tmp_path / str(name) / "file", b"x")

    def ailing(path, flags, *, dir_fd=None):
        if path.isdigit() and int(path) % 2:
            raise OSError(errno.EUCLEAN, os.strerror(errno.EUCLEAN))
        return os.open(path, flags, dir_fd=dir_fd)

    walker = functools.partial(walk, system=System(open=ailing))
    tally, _ = scan(Rules(root=str(tmp_path), categories=CATEGORIES), How(workers=1, walker=walker))
    assert (tally.files, tally.errors) == (75, {"EUCLEAN": 75})
