from __future__ import annotations

import os
import socket
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from exporter.sources.filesystem.subtree import Subtree
from exporter.sources.filesystem.tally import Tally, digest
from exporter.sources.filesystem.walk import OPEN_DIRECTORIES, walk
from tests.sources.filesystem.trees import TREES, inside, open_descriptors, plant, rules_of, walked, write

BOTH_WAYS = pytest.mark.parametrize("by_descriptor", [True, False], ids=["descriptors", "paths"])


def dig(root: Path, names: list[str]) -> None:
    """Directories in one another, however long their path gets; each holds a file of one byte."""
    with inside(root):
        for name in names:
            Path(name).mkdir()
            os.chdir(name)
            Path("file").write_bytes(b"x")


def counted(root: Path) -> tuple[int, int, int, int]:
    """files, directories, apparent and allocated bytes by os.walk, the slow and simple way."""
    files: dict[tuple[int, int], os.stat_result] = {}
    directories = [os.lstat(root)]
    for path, below, names in os.walk(os.fsencode(root)):
        for name in below + names:
            status = os.lstat(os.path.join(path, name))
            if stat.S_ISDIR(status.st_mode):
                directories.append(status)
            else:
                files[status.st_dev, status.st_ino] = status
    allocated = sum(s.st_blocks for s in [*directories, *files.values()]) * 512
    return len(files), len(directories), sum(s.st_size for s in files.values()), allocated


def as_counted(tally: Tally) -> tuple[int, int, int, int]:
    return tally.files, tally.directories, tally.apparent_bytes, tally.allocated_bytes


@BOTH_WAYS
@given(tree=TREES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_tree_is_counted_as_os_walk_counts_it(by_descriptor, tree):
    with tempfile.TemporaryDirectory() as root:
        plant(os.fsencode(root), tree)
        tally = walked(root, by_descriptor=by_descriptor)
        assert as_counted(tally) == counted(Path(root))
        assert tally.errors == {}


@BOTH_WAYS
def test_an_empty_root_is_one_directory_and_no_file(tmp_path, by_descriptor):
    tally = walked(tmp_path.as_posix(), by_descriptor=by_descriptor)
    assert (tally.files, tally.directories, tally.apparent_bytes) == (0, 1, 0)


def test_the_root_may_be_given_as_bytes_and_end_in_a_slash(tmp_path):
    write(tmp_path / "a")
    assert walked(bytes(tmp_path) + b"/").files == 1


@BOTH_WAYS
def test_a_file_of_several_names_is_counted_once(tmp_path, by_descriptor):
    one = write(tmp_path / "a" / "one", b"x" * 5000)
    (tmp_path / "b").mkdir()
    os.link(one, tmp_path / "b" / "two")
    os.link(one, tmp_path / "three")
    tally = walked(str(tmp_path), by_descriptor=by_descriptor)
    assert (tally.files, tally.apparent_bytes) == (1, 5000)


def test_a_file_with_its_other_name_outside_of_the_tree_is_counted(tmp_path):
    os.link(write(tmp_path / "outside", b"x" * 10), write(tmp_path / "root" / "other").with_name("inside"))
    assert (walked(str(tmp_path / "root")).files, walked(str(tmp_path / "root")).apparent_bytes) == (2, 10)


def test_a_sparse_file_is_large_and_takes_little(tmp_path):
    with open(tmp_path / "sparse", "wb") as file:
        file.truncate(1 << 40)
    tally = walked(str(tmp_path))
    assert tally.apparent_bytes == 1 << 40
    assert tally.allocated_bytes < 1 << 20


@BOTH_WAYS
def test_symlinks_are_counted_and_never_followed(tmp_path, by_descriptor):
    root = tmp_path / "root"
    write(tmp_path / "outside" / "big", b"x" * 100_000)
    root.mkdir()
    (root / "loop").symlink_to(root)
    (root / "self").symlink_to("self")
    (root / "dangling").symlink_to("nowhere")
    (root / "out").symlink_to(tmp_path / "outside")
    tally = walked(str(root), by_descriptor=by_descriptor)
    assert (tally.files, tally.directories, tally.errors) == (4, 1, {})
    assert tally.apparent_bytes == sum(p.lstat().st_size for p in root.iterdir())


def test_a_root_that_is_a_symlink_is_the_directory_it_points_to(tmp_path):
    write(tmp_path / "real" / "file", b"abc")
    (tmp_path / "root").symlink_to("real")
    assert walked(str(tmp_path / "root")).apparent_bytes == 3


def test_fifos_and_sockets_are_counted_and_not_opened(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as server, inside(tmp_path):
        server.bind("socket")
    assert walked(str(tmp_path)).files == 2


def test_names_that_are_no_text_are_counted_like_others(tmp_path):
    root = os.fsencode(tmp_path)
    os.mkdir(root + b"/\xff\xfe")
    for name in (b"caf\xe9", b"tab\there", b"new\nline", b'"quoted"', b"-rf", b" ", b"n" * 255):
        Path(os.fsdecode(root + b"/\xff\xfe/" + name)).write_bytes(b"xy")
    tally = walked(root)
    assert (tally.files, tally.directories, tally.apparent_bytes) == (7, 2, 14)


def test_composed_and_decomposed_accents_are_two_files(tmp_path):
    for name in ("\u00e9", "e\u0301"):
        (tmp_path / name).touch()
    assert walked(str(tmp_path)).files == 2


def test_a_path_longer_than_a_system_call_takes_is_counted_to_its_end(tmp_path):
    dig(tmp_path, [str(n) * 200 for n in range(1, 10)] * 3)
    tally = walked(str(tmp_path))
    assert (tally.files, tally.directories, tally.errors) == (27, 28, {})


def test_a_tree_deeper_than_the_open_descriptors_is_counted_with_few_of_them(tmp_path):
    depth = OPEN_DIRECTORIES * 3
    dig(tmp_path, ["d"] * depth)
    # Branches at every level, of which some are only entered on the way back.
    with inside(tmp_path):
        for _ in range(depth):
            os.chdir("d")
            for name in ("a", "z"):
                os.mkdir(name)
                Path(name, "file").write_bytes(b"x")
    before, seen = open_descriptors(), []
    tally = walked(str(tmp_path), tick=lambda entries: seen.append(open_descriptors()) is not None)
    assert (tally.files, tally.directories, tally.errors) == (depth * 3, depth * 3 + 1, {})
    assert OPEN_DIRECTORIES <= max(seen) - before <= OPEN_DIRECTORIES + 6
    assert open_descriptors() == before


def test_du_takes_as_many_blocks_and_inodes(tmp_path):
    for number in range(300):
        write(tmp_path / str(number % 7) / str(number % 11) / str(number), b"x" * (number * 97))
    os.link(tmp_path / "0" / "0" / "0", tmp_path / "again")
    (tmp_path / "link").symlink_to("0" * 1000)
    tally = walked(str(tmp_path))

    def du(*options: str) -> int:
        return int(subprocess.check_output(["du", "-sx", *options, str(tmp_path)], text=True).split()[0])

    assert tally.allocated_bytes == du("--block-size=1")
    assert tally.files + tally.directories == du("--inodes")


# What is left out


def test_names_and_paths_can_be_left_out(tmp_path):
    write(tmp_path / "keep" / "file.txt", b"1")
    write(tmp_path / "keep" / "file.tmp", b"22")
    write(tmp_path / "cache" / "file.txt", b"333")
    write(tmp_path / "keep" / "cache" / "deep" / "file.txt", b"4444")
    write(tmp_path / "other" / "cache" / "file.txt", b"55555")
    assert walked(str(tmp_path)).apparent_bytes == 15
    assert walked(str(tmp_path), exclude=["*.tmp"]).apparent_bytes == 13
    assert walked(str(tmp_path), exclude=["cache"]).apparent_bytes == 3
    assert walked(str(tmp_path), exclude=["cache", "*.txt"]).apparent_bytes == 2
    assert walked(str(tmp_path), exclude=[f"{tmp_path}/*/cache"]).apparent_bytes == 6
    assert walked(f"{tmp_path}/", exclude=[f"{tmp_path}/cache"]).apparent_bytes == 12
    assert walked(str(tmp_path), exclude=["*"]).directories == 1


@pytest.mark.parametrize("name", [".snapshot", "~snapshot", ".snapshots", ".zfs/snapshot"])
def test_snapshots_are_left_out(tmp_path, name):
    write(tmp_path / "home" / name / "hourly.0" / "file", b"x" * 1000)
    write(tmp_path / "home" / "snapshot" / "file", b"x")
    assert walked(str(tmp_path)).apparent_bytes == 1


def test_a_file_named_like_a_snapshot_is_a_file(tmp_path):
    write(tmp_path / ".snapshot", b"x")
    assert walked(str(tmp_path)).files == 1


def test_a_filesystem_mounted_inside_is_left_out(tmp_path, mount):
    write(tmp_path / "file", b"x")
    mount("-t", "tmpfs", "-o", "size=1m", "none", at=tmp_path / "inside")
    write(tmp_path / "inside" / "directory" / "file", b"x" * 1000)
    for by_descriptor in (True, False):
        tally = walked(str(tmp_path), by_descriptor=by_descriptor)
        assert (tally.files, tally.directories, tally.apparent_bytes, tally.errors) == (1, 1, 1, {})


def test_a_filesystem_mounted_after_its_directory_was_listed_is_not_entered(tmp_path, mount):
    root = tmp_path / "root"
    for name in "ab":
        write(root / name / "file", b"x")
    calls: list[int] = []

    def mount_over_both_on_the_second_call(entries: int) -> None:
        calls.append(1)
        if len(calls) == 2:
            for name in "ab":
                mount("-t", "tmpfs", "-o", "size=1m", "none", at=root / name)
                write(root / name / "foreign", b"x" * 77)

    tally = walked(str(root), tick=mount_over_both_on_the_second_call)
    assert (tally.files, tally.directories, tally.errors) == (0, 1, {})


def test_a_limit_of_depth_counts_directories_and_does_not_enter_them(tmp_path):
    write(tmp_path / "a" / "b" / "c" / "file", b"x")
    write(tmp_path / "a" / "file", b"x")
    assert [walked(tmp_path, max_depth=depth).directories for depth in (1, 2, 3, None)] == [2, 3, 4, 4]
    assert [walked(tmp_path, max_depth=depth).files for depth in (1, 2, 3, 4)] == [0, 1, 1, 2]


def test_only_what_is_included_counts_and_all_directories_are_entered(tmp_path):
    write(tmp_path / "a" / "keep.log", b"1")
    write(tmp_path / "a" / "leave.txt", b"22")
    write(tmp_path / "b" / "leave.log", b"333")
    assert walked(tmp_path, include=["*.log"]).apparent_bytes == 4
    assert walked(tmp_path, include=["*.log"], exclude=["b"]).apparent_bytes == 1
    assert walked(tmp_path, include=[f"{tmp_path}/b/*"]).apparent_bytes == 3
    assert walked(tmp_path, include=["*.none"]).directories == 3


def test_a_mountpoint_of_the_same_device_is_not_entered(tmp_path):
    write(tmp_path / "bind" / "mount" / "file", b"x")
    write(tmp_path / "bind" / "other" / "file", b"x")
    tally = walked(tmp_path, mountpoints=frozenset([b"bind/mount"]))
    assert (tally.files, tally.directories) == (1, 3)


@pytest.mark.parametrize("parts", [1, 2, 5])
def test_a_large_directory_is_split_and_amounts_to_the_same(tmp_path, monkeypatch, parts):
    monkeypatch.setattr("exporter.sources.filesystem.walk.SPLIT_ABOVE", 20)
    for number in range(50):
        write(tmp_path / "many" / f"{number}.log", b"x" * number)
    for number in range(5):
        write(tmp_path / "many" / f"below{number}" / "file", b"x")
        os.link(tmp_path / "many" / "1.log", tmp_path / "many" / f"link{number}")
    assert digest(walked(tmp_path, floor=1, parts=parts)) == digest(walked(tmp_path, floor=1))
    assert walked(tmp_path, parts=parts).files == 55


def test_the_largest_files_and_directories_are_named(tmp_path):
    for number in range(1, 40):
        write(tmp_path / f"d{number % 4}" / f"{number:02}", b"x" * 4096 * number)
    tally = walked(tmp_path, top=3, floor=1)
    assert [(path, size) for _, path, size in tally.large] == [
        (b"d3/39", 39 * 4096), (b"d2/38", 38 * 4096), (b"d1/37", 37 * 4096)
    ]  # fmt: skip
    assert [path for _, path, _ in tally.heavy] == [b"d3", b"d2", b"d1"]


def test_small_files_are_none_of_the_largest(tmp_path):
    write(tmp_path / "small", b"x" * 5000)
    assert walked(tmp_path).large == []


def test_the_time_of_reading_a_directory_stays(tmp_path):
    os.utime(tmp_path, (5, 5))
    walked(tmp_path)
    assert os.stat(tmp_path).st_atime == 5


def test_a_part_hands_back_what_it_did_not_reach(tmp_path):
    for name in "abc":
        write(tmp_path / name / "file")
    part = walk(rules_of(tmp_path), [Subtree(b"")], budget=1)
    assert {subtree.path for subtree in part.left} == {b"a", b"b", b"c"}
    assert part.entries == 3
    assert walk(rules_of(tmp_path), part.left, seconds=0).left == part.left
