from __future__ import annotations

import errno
import os
import socket
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.sources.filesystem import scan
from exporter.sources.filesystem.scan import walk

BOTH_WAYS = pytest.mark.parametrize("by_descriptor", [True, False], ids=["descriptors", "paths"])


def write(path: Path, content: bytes = b"") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@contextmanager
def inside(path: Path) -> Iterator[None]:
    was = Path.cwd()
    os.chdir(path)
    try:
        yield
    finally:
        os.chdir(was)


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


def as_counted(tally: scan.Tally) -> tuple[int, int, int, int]:
    return tally.files, tally.directories, tally.apparent_bytes, tally.allocated_bytes


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


# Names are few, so that hard links and nested directories come up often.
NAMES = st.sampled_from([b"a", b"b", b"-c", b" d ", b"\xff\xfe", b"new\nline", b"\xc3\xa9", b"e\xcc\x81"])
PATHS = st.lists(NAMES, min_size=1, max_size=4).map(lambda names: b"/".join(names))
TREES = st.lists(
    st.one_of(
        st.tuples(st.just("file"), PATHS, st.integers(0, 20_000)),
        st.tuples(st.just("directory"), PATHS, st.just(0)),
        st.tuples(st.just("symlink"), PATHS, st.integers(0, 2)),
        st.tuples(st.just("link"), PATHS, st.integers(0, 5)),
    ),
    max_size=20,
)


def plant(root: bytes, tree: list[tuple[str, bytes, int]]) -> None:
    files: list[bytes] = []
    for what, below, number in tree:
        path = os.path.join(root, below)
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            if what == "file":
                with open(path, "xb") as file:
                    file.write(b"x" * number)
                files.append(path)
            elif what == "directory":
                os.mkdir(path)
            elif what == "symlink":
                os.symlink((b".", b"nowhere", os.path.basename(path))[number], path)
            elif files:
                os.link(files[number % len(files)], path)
        except (FileExistsError, FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            # A path through a symlink that points to itself.
            if error.errno != errno.ELOOP:
                raise


@BOTH_WAYS
@given(tree=TREES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_tree_is_counted_as_os_walk_counts_it(by_descriptor, tree):
    with tempfile.TemporaryDirectory() as root:
        plant(os.fsencode(root), tree)
        tally = walk(root, by_descriptor=by_descriptor)
        assert as_counted(tally) == counted(Path(root))
        assert tally.errors == {}


@BOTH_WAYS
def test_an_empty_root_is_one_directory_and_no_file(tmp_path, by_descriptor):
    tally = walk(tmp_path.as_posix(), by_descriptor=by_descriptor)
    assert (tally.files, tally.directories, tally.apparent_bytes) == (0, 1, 0)
    assert tally.device == tmp_path.stat().st_dev


def test_the_root_may_be_given_as_bytes_and_end_in_a_slash(tmp_path):
    write(tmp_path / "a")
    assert walk(bytes(tmp_path) + b"/").files == 1


@BOTH_WAYS
def test_a_file_of_several_names_is_counted_once(tmp_path, by_descriptor):
    one = write(tmp_path / "a" / "one", b"x" * 5000)
    (tmp_path / "b").mkdir()
    os.link(one, tmp_path / "b" / "two")
    os.link(one, tmp_path / "three")
    tally = walk(str(tmp_path), by_descriptor=by_descriptor)
    assert (tally.files, tally.apparent_bytes) == (1, 5000)


def test_a_file_with_its_other_name_outside_of_the_tree_is_counted(tmp_path):
    os.link(write(tmp_path / "outside", b"x" * 10), write(tmp_path / "root" / "other").with_name("inside"))
    assert (walk(str(tmp_path / "root")).files, walk(str(tmp_path / "root")).apparent_bytes) == (2, 10)


def test_a_sparse_file_is_large_and_takes_little(tmp_path):
    with open(tmp_path / "sparse", "wb") as file:
        file.truncate(1 << 40)
    tally = walk(str(tmp_path))
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
    tally = walk(str(root), by_descriptor=by_descriptor)
    assert (tally.files, tally.directories, tally.errors) == (4, 1, {})
    assert tally.apparent_bytes == sum(p.lstat().st_size for p in root.iterdir())


def test_a_root_that_is_a_symlink_is_the_directory_it_points_to(tmp_path):
    write(tmp_path / "real" / "file", b"abc")
    (tmp_path / "root").symlink_to("real")
    assert walk(str(tmp_path / "root")).apparent_bytes == 3


def test_fifos_and_sockets_are_counted_and_not_opened(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as server, inside(tmp_path):
        server.bind("socket")
    assert walk(str(tmp_path)).files == 2


def test_names_that_are_no_text_are_counted_like_others(tmp_path):
    root = os.fsencode(tmp_path)
    os.mkdir(root + b"/\xff\xfe")
    for name in (b"caf\xe9", b"tab\there", b"new\nline", b'"quoted"', b"-rf", b" ", b"n" * 255):
        Path(os.fsdecode(root + b"/\xff\xfe/" + name)).write_bytes(b"xy")
    tally = walk(root)
    assert (tally.files, tally.directories, tally.apparent_bytes) == (7, 2, 14)


def test_composed_and_decomposed_accents_are_two_files(tmp_path):
    for name in ("\u00e9", "e\u0301"):
        (tmp_path / name).touch()
    assert walk(str(tmp_path)).files == 2


def test_a_path_longer_than_a_system_call_takes_is_counted_to_its_end(tmp_path):
    dig(tmp_path, [str(n) * 200 for n in range(1, 10)] * 3)
    tally = walk(str(tmp_path))
    assert (tally.files, tally.directories, tally.errors) == (27, 28, {})


def test_a_tree_deeper_than_the_open_descriptors_is_counted_with_few_of_them(tmp_path):
    depth = scan._OPEN_DIRECTORIES * 3
    dig(tmp_path, ["d"] * depth)
    # Branches at every level, of which some are only entered on the way back.
    with inside(tmp_path):
        for _ in range(depth):
            os.chdir("d")
            for name in ("a", "z"):
                os.mkdir(name)
                Path(name, "file").write_bytes(b"x")
    before, seen = open_descriptors(), []
    tally = walk(str(tmp_path), should_stop=lambda: seen.append(open_descriptors()) is not None)
    assert (tally.files, tally.directories, tally.errors) == (depth * 3, depth * 3 + 1, {})
    assert scan._OPEN_DIRECTORIES <= max(seen) - before <= scan._OPEN_DIRECTORIES + 6
    assert open_descriptors() == before


def test_du_takes_as_many_blocks_and_inodes(tmp_path):
    for number in range(300):
        write(tmp_path / str(number % 7) / str(number % 11) / str(number), b"x" * (number * 97))
    os.link(tmp_path / "0" / "0" / "0", tmp_path / "again")
    (tmp_path / "link").symlink_to("0" * 1000)
    tally = walk(str(tmp_path))

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
    assert walk(str(tmp_path)).apparent_bytes == 15
    assert walk(str(tmp_path), exclude=["*.tmp"]).apparent_bytes == 13
    assert walk(str(tmp_path), exclude=["cache"]).apparent_bytes == 3
    assert walk(str(tmp_path), exclude=["cache", "*.txt"]).apparent_bytes == 2
    assert walk(str(tmp_path), exclude=[f"{tmp_path}/*/cache"]).apparent_bytes == 6
    assert walk(f"{tmp_path}/", exclude=[f"{tmp_path}/cache"]).apparent_bytes == 12
    assert walk(str(tmp_path), exclude=["*"]).directories == 1


@pytest.mark.parametrize("name", [".snapshot", "~snapshot", ".snapshots", ".zfs/snapshot"])
def test_snapshots_are_left_out(tmp_path, name):
    write(tmp_path / "home" / name / "hourly.0" / "file", b"x" * 1000)
    write(tmp_path / "home" / "snapshot" / "file", b"x")
    assert walk(str(tmp_path)).apparent_bytes == 1


def test_a_file_named_like_a_snapshot_is_a_file(tmp_path):
    write(tmp_path / ".snapshot", b"x")
    assert walk(str(tmp_path)).files == 1


def test_a_filesystem_mounted_inside_is_left_out(tmp_path, mount):
    write(tmp_path / "file", b"x")
    mount("-t", "tmpfs", "-o", "size=1m", "none", at=tmp_path / "inside")
    write(tmp_path / "inside" / "directory" / "file", b"x" * 1000)
    for by_descriptor in (True, False):
        tally = walk(str(tmp_path), by_descriptor=by_descriptor)
        assert (tally.files, tally.directories, tally.apparent_bytes, tally.errors) == (1, 1, 1, {})


def test_a_filesystem_mounted_after_its_directory_was_listed_is_not_entered(tmp_path, mount):
    root = tmp_path / "root"
    for name in "ab":
        write(root / name / "file", b"x")
    calls: list[int] = []

    def mount_over_both_on_the_second_call() -> bool:
        calls.append(1)
        if len(calls) == 2:
            for name in "ab":
                mount("-t", "tmpfs", "-o", "size=1m", "none", at=root / name)
                write(root / name / "foreign", b"x" * 77)
        return False

    # The one that was open already is read as it was.
    assert walk(str(root), should_stop=mount_over_both_on_the_second_call).apparent_bytes == 1
