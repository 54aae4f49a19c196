from __future__ import annotations

import errno
import os
import shutil
import threading
import time
from pathlib import Path

import pytest

from exporter.model import Poll
from exporter.sources.filesystem import mounts
from exporter.sources.filesystem.client import listed_drives, usage

ROOT = b"27 1 8:2 / / rw,relatime shared:1 - ext4 /dev/sda2 rw,errors=remount-ro\n"
THREE = (
    ROOT
    + b"43 27 8:17 / /srv/backup rw,relatime shared:30 master:4 - xfs /dev/mapper/vg-backup rw,attr2\n"
    + b"44 27 0:52 / /mnt/nas ro,relatime - nfs4 nas.example.com:/export/a rw,vers=4.2\n"
)


def statvfs(blocks=1000, free=400, available=300, files=50, files_free=20, *, unit=4096, flags=0):
    # f_bsize is what a naive reading would multiply by.
    return os.statvfs_result((1048576, unit, blocks, free, available, files, files_free, files_free, flags, 255, 0))


def poll() -> Poll:
    return Poll(at=1_700_000_000.0, since=None, state=None)


# How full it is


def test_sizes_count_in_fragments_and_free_is_what_a_user_gets():
    sizes = usage(statvfs(blocks=1000, free=400, available=300, unit=4096))
    assert (sizes.capacity_bytes, sizes.free_bytes) == (4_096_000, 1_228_800)
    assert (sizes.files, sizes.files_free, sizes.read_only) == (50, 20, False)


def test_no_inodes_and_no_blocks_are_unknown_and_not_zero():
    sizes = usage(statvfs(blocks=0, available=0, files=0, files_free=0))
    assert (sizes.capacity_bytes, sizes.free_bytes, sizes.files, sizes.files_free) == (None, None, None, None)


def test_a_full_filesystem_has_zero_bytes_and_files_free():
    sizes = usage(statvfs(available=0, files_free=0))
    assert (sizes.free_bytes, sizes.files_free) == (0, 0)


def test_a_mount_is_a_pool_with_the_mountpoint_as_its_name(client):
    [_, backup, nas] = mounts.fetch(client(table=THREE, statvfs=lambda path: statvfs()), poll())
    assert (backup.pool.kind, backup.pool.name, backup.pool.pool_type) == ("filesystem", "/srv/backup", "xfs")
    assert (backup.pool.location, backup.pool.status, backup.pool.shared) == ("/dev/mapper/vg-backup", "online", "")
    assert (backup.pool.capacity_bytes, backup.pool.free_bytes, backup.pool.free_ratio) == (4_096_000, 1_228_800, 0.3)
    assert (backup.device, backup.fstype, backup.read_only, backup.error) == (
        "/dev/mapper/vg-backup",
        "xfs",
        False,
        None,
    )
    assert (backup.files, backup.files_free) == (50, 20)
    assert nas.read_only


def test_statvfs_too_may_say_that_a_mount_is_read_only(client):
    [mount] = mounts.fetch(client(table=ROOT, statvfs=lambda path: statvfs(flags=os.ST_RDONLY)), poll())
    assert mount.read_only


def test_subvolumes_of_one_disk_say_that_they_share_it(client):
    table = (
        b"27 1 0:30 /@ / rw - btrfs /dev/sda3 rw,subvol=/@\n"
        b"50 27 0:30 /@home /home rw - btrfs /dev/sda3 rw,subvol=/@home\n"
        b"51 27 8:1 / /boot rw - ext4 /dev/sda1 rw\n"
    )
    found = mounts.fetch(client(table=table, statvfs=lambda path: statvfs()), poll())
    assert [(m.pool.name, m.pool.shared) for m in found] == [("/", "/"), ("/home", "/"), ("/boot", "")]


def test_a_mountpoint_that_is_not_text_is_asked_by_its_bytes_and_named_with_escapes(client):
    asked: list[bytes] = []

    def answer(path: bytes) -> os.statvfs_result:
        asked.append(path)
        return statvfs()

    [mount] = mounts.fetch(client(table=b"50 1 8:33 / /caf\xe9\\0401 rw - ext4 /dev/\xff rw\n", statvfs=answer), poll())
    assert asked == [b"/caf\xe9 1"]
    assert (mount.pool.name, mount.device) == ("/caf\\xe9 1", "/dev/\\xff")


@pytest.mark.parametrize("code", [errno.EIO, errno.ESTALE, errno.EACCES, errno.ENOTCONN])
def test_a_mount_that_cannot_be_read_is_offline_with_the_name_of_the_error(client, code):
    def answer(path: bytes) -> os.statvfs_result:
        if path == b"/mnt/nas":
            raise OSError(code, os.strerror(code))
        return statvfs()

    [root, _, nas] = mounts.fetch(client(table=THREE, statvfs=answer), poll())
    assert (nas.error, nas.pool.status) == (errno.errorcode[code], "offline")
    assert (nas.pool.capacity_bytes, nas.pool.free_bytes, nas.files, nas.files_free) == (None, None, None, None)
    assert (root.error, root.pool.status) == (None, "online")


def test_an_error_number_without_a_name_is_unknown(client):
    def answer(path: bytes) -> os.statvfs_result:
        raise OSError(9999, "?")

    assert [m.error for m in mounts.fetch(client(table=ROOT, statvfs=answer), poll())] == ["unknown"]


# Mounts that never answer


def test_a_mount_that_never_answers_is_stuck_and_delays_no_other_and_no_later_poll(client, release):
    asked: list[bytes] = []

    def answer(path: bytes) -> os.statvfs_result:
        asked.append(path)
        if path == b"/mnt/nas":
            release.wait()
        return statvfs()

    source = client(table=THREE, settings={"timeout": "200ms"}, statvfs=answer)
    begun = time.monotonic()
    first = mounts.fetch(source, poll())
    first_took = time.monotonic() - begun
    second = mounts.fetch(source, poll())
    second_took = time.monotonic() - begun - first_took
    for found in (first, second):
        assert {m.pool.name: m.error for m in found} == {"/": None, "/srv/backup": None, "/mnt/nas": "stuck"}
        assert (found[-1].pool.capacity_bytes, found[-1].pool.status) == (None, "offline")
        # What the mount table says is known all the same.
        assert found[-1].read_only
    assert first_took < 1.0
    assert second_took < 0.15
    assert asked.count(b"/mnt/nas") == 1
    source.close()
    assert time.monotonic() - begun < 2.0


def test_a_stuck_mount_is_healthy_after_a_success(client):
    gates = [threading.Event(), threading.Event()]
    gates[1].set()
    calls: list[threading.Thread] = []

    def answer(path: bytes) -> os.statvfs_result:
        calls.append(threading.current_thread())
        gates[len(calls) - 1].wait()
        return statvfs()

    source = client(table=ROOT, settings={"timeout": "50ms"}, statvfs=answer)
    assert [m.error for m in mounts.fetch(source, poll())] == ["stuck"]
    gates[0].set()
    calls[0].join(5)
    assert [m.error for m in mounts.fetch(source, poll())] == [None]


# Real systems


def test_a_real_tmpfs_is_read_as_it_is(client, mount, tmp_path):
    at = tmp_path / "a b"
    mount("-t", "tmpfs", "-o", "size=4m,nr_inodes=100,ro", "disk\\x", at=at)
    source = client(settings={"mounts": {"include": [str(at)], "include_types": ["tmpfs"]}})
    [found] = mounts.fetch(source, poll())
    assert (found.pool.name, found.pool.capacity_bytes, found.pool.free_bytes) == (str(at), 4 << 20, 4 << 20)
    assert (found.device, found.files, found.read_only, found.error) == ("disk\\x", 100, True, None)


def test_a_real_full_filesystem_has_nothing_free(client, mount, tmp_path):
    at = tmp_path / "full"
    mount("-t", "tmpfs", "-o", "size=64k", "none", at=at)
    (at / "file").write_bytes(b"x" * 65536)
    [found] = mounts.fetch(client(settings={"mounts": {"include": [str(at)], "include_types": ["tmpfs"]}}), poll())
    assert (found.pool.free_bytes, found.pool.free_ratio) == (0, 0.0)


def test_a_real_mount_over_a_mount_hides_it_and_a_bind_mount_is_shown_once(client, mount, tmp_path):
    at, again, below = tmp_path / "m", tmp_path / "longer", tmp_path / "m" / "below"
    mount("-t", "tmpfs", "-o", "size=1m", "lower", at=at)
    mount("-t", "tmpfs", "-o", "size=1m", "inside", at=below)
    mount("-t", "tmpfs", "-o", "size=2m", "upper", at=at)
    mount("--bind", str(at), at=again)
    source = client(settings={"mounts": {"include": [f"{tmp_path}/*"], "include_types": ["tmpfs"]}})
    assert [(m.pool.name, m.device) for m in mounts.fetch(source, poll())] == [(str(at), "upper")]


@pytest.mark.skipif(not Path("/proc/self/mountinfo").exists(), reason="needs Linux")
def test_this_machine_shows_its_root_as_statvfs_has_it(client):
    root = next(m for m in mounts.fetch(client(), poll()) if m.pool.name == "/")
    real = os.statvfs("/")
    assert root.pool.capacity_bytes == real.f_blocks * real.f_frsize
    assert root.error is None


def test_without_a_mount_table_the_drives_are_shown(client, tmp_path):
    absent = tmp_path / "none"
    source = client(mountinfo=absent, statvfs=None, drives=lambda: ("/", str(tmp_path), str(absent)))
    found = mounts.fetch(source, poll())
    assert [(m.pool.name, m.device, m.error, m.files) for m in found] == [
        ("/", "/", None, None),
        (str(tmp_path), str(tmp_path), None, None),
    ]
    assert found[0].pool.capacity_bytes == shutil.disk_usage("/").total


def test_drives_are_filtered_by_path_and_not_by_type(client, tmp_path):
    wanted = {"include_types": ["ntfs"], "exclude": [str(tmp_path)]}
    source = client(mountinfo=tmp_path / "none", drives=lambda: ("/", str(tmp_path)), settings={"mounts": wanted})
    assert [m.pool.name for m in mounts.fetch(source, poll())] == ["/"]


def test_a_system_without_letters_has_its_root_as_a_drive():
    assert "/" in listed_drives()
