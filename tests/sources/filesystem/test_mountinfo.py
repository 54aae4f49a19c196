"""What is mounted, by the mount table."""

from __future__ import annotations

import pytest

from exporter.errors import SourceGarbled
from exporter.sources.filesystem.config import MountFilter
from exporter.sources.filesystem.mountinfo import mount_of, parse, same_device_below
from exporter.sources.filesystem.mounts import select

ROOT = b"27 1 8:2 / / rw,relatime shared:1 - ext4 /dev/sda2 rw,errors=remount-ro\n"
LINUX = (
    b"22 27 0:21 / /proc rw,nosuid,nodev,noexec,relatime shared:12 - proc proc rw\n"
    b"23 27 0:22 / /sys rw,nosuid shared:7 - sysfs sysfs rw\n"
    b"24 27 0:6 / /dev rw,nosuid shared:2 - devtmpfs udev rw,size=12334460k\n"
    b"25 24 0:23 / /dev/shm rw - tmpfs tmpfs rw\n" + ROOT + b"41 27 0:35 / /run rw - tmpfs tmpfs rw\n"
    b"42 27 7:1 / /snap/core/1 ro,relatime shared:9 - squashfs /dev/loop1 ro\n"
    b"43 27 8:17 / /srv/backup rw,relatime shared:30 master:4 - xfs /dev/mapper/vg-backup rw,attr2\n"
    b"44 27 0:52 / /mnt/nas ro,relatime - nfs4 nas.example.com:/export/a rw,vers=4.2\n"
)


def shown(table: bytes, **wanted: list[str]) -> list[str]:
    return [e.mountpoint.decode() for e in select(parse(table), MountFilter.model_validate(wanted))]


def test_only_what_holds_data_is_shown():
    assert shown(LINUX) == ["/", "/srv/backup", "/mnt/nas"]


def test_a_line_says_device_type_and_whether_it_is_read_only():
    nas = next(e for e in parse(LINUX) if e.mountpoint == b"/mnt/nas")
    assert (nas.device, nas.fstype, nas.number, nas.read_only) == ("nas.example.com:/export/a", "nfs4", "0:52", True)
    assert not next(e for e in parse(LINUX) if e.mountpoint == b"/").read_only


def test_a_filesystem_that_went_read_only_says_so_in_the_options_of_the_device():
    [root] = parse(b"27 1 8:2 / / rw,relatime - ext4 /dev/sda2 ro,errors=remount-ro\n")
    assert root.read_only


def test_spaces_tabs_newlines_backslashes_and_hashes_are_unescaped():
    table = ROOT + rb"50 27 8:33 / /a\040b\011c\012d\134040\043 rw - ext4 /dev/disk/by-label/my\040disk rw" + b"\n"
    assert [(e.mountpoint, e.device) for e in parse(table)[1:]] == [(b"/a b\tc\nd\\040#", "/dev/disk/by-label/my disk")]


def test_a_device_may_have_no_name():
    assert parse(ROOT + b"50 27 0:60 / /x rw - tmpfs  rw\n")[1].device == ""


def test_a_bind_mount_is_shown_once_by_its_shortest_mountpoint():
    table = (
        ROOT
        + b"50 27 8:33 / /export/home rw - ext4 /dev/sdc1 rw\n"
        + b"51 27 8:33 / /home rw - ext4 /dev/sdc1 rw\n"
        + b"52 27 8:33 / /hoem rw - ext4 /dev/sdc1 rw\n"
        + b"53 27 8:33 /alice /alice rw - ext4 /dev/sdc1 rw\n"
    )
    assert shown(table) == ["/", "/home", "/alice"]
    assert shown(table, include=["/export/*"]) == ["/export/home"]


def test_what_is_mounted_over_is_hidden():
    table = (
        ROOT
        + b"50 27 8:33 / /data rw - ext4 /dev/sdc1 rw\n"
        + b"51 50 8:34 / /data/inside rw - ext4 /dev/sdc2 rw\n"
        + b"52 50 8:49 / /data rw - xfs /dev/sdd1 rw\n"
        + b"53 52 8:50 / /data/new rw - xfs /dev/sdd2 rw\n"
    )
    assert [(e.mountpoint, e.device) for e in parse(table)[1:]] == [
        (b"/data", "/dev/sdd1"),
        (b"/data/new", "/dev/sdd2"),
    ]


def test_what_lies_below_a_later_mount_of_a_parent_directory_is_hidden():
    table = (
        ROOT
        + b"50 27 8:33 / /a/b rw - ext4 /dev/sdc1 rw\n"
        + b"51 27 8:49 / /a rw - xfs /dev/sdd1 rw\n"
        + b"52 27 8:50 / /ab rw - xfs /dev/sdd2 rw\n"
    )
    assert shown(table) == ["/", "/a", "/ab"]


def test_an_automount_is_shown_when_it_is_mounted_and_not_before():
    waiting = ROOT + b"50 27 0:40 / /net rw - autofs systemd-1 rw,fd=47,direct\n"
    assert shown(waiting) == ["/"]
    mounted = waiting + b"51 50 0:41 / /net rw - nfs4 nas.example.com:/export rw\n"
    assert [e.fstype for e in select(parse(mounted), MountFilter())] == ["ext4", "nfs4"]


def test_the_rootfs_of_the_initramfs_is_hidden_by_the_root():
    assert [e.fstype for e in parse(b"1 1 0:2 / / rw - rootfs rootfs rw\n27 1 8:2 / / rw - ext4 /dev/sda2 rw\n")] == [
        "ext4"
    ]


def test_the_root_of_a_container_is_shown_though_it_is_an_overlay():
    table = (
        b"600 500 0:99 / / rw,relatime master:1 - overlay overlay rw,lowerdir=/l\n"
        b"601 600 0:98 / /merged rw - overlay overlay rw,lowerdir=/m\n"
        b"602 600 0:97 / /proc rw - proc proc rw\n"
    )
    assert shown(table) == ["/"]
    assert shown(table, include_types=["xfs"]) == ["/"]
    assert shown(table, exclude=["/"]) == []


def test_mounts_that_go_in_circles_are_no_endless_loop():
    assert [e.id for e in parse(ROOT + b"50 51 8:33 / /x rw - ext4 a rw\n51 50 8:34 / /x rw - ext4 b rw\n")] == [27]


@pytest.mark.parametrize(
    ("wanted", "left"),
    [
        ({"include": ["/srv/*", "/mnt/*"]}, ["/srv/backup", "/mnt/nas"]),
        ({"exclude": ["/mnt/*"]}, ["/", "/srv/backup"]),
        ({"include": ["/*"], "exclude": ["/srv*"]}, ["/", "/mnt/nas"]),
        ({"include_types": ["nfs*"]}, ["/", "/mnt/nas"]),
        ({"exclude_types": ["nfs*", "tmpfs", "squashfs"]}, ["/", "/srv/backup"]),
        ({"exclude_types": []}, ["/dev/shm", "/", "/run", "/snap/core/1", "/srv/backup", "/mnt/nas"]),
        ({"include_types": ["proc"]}, ["/proc", "/"]),
    ],
)
def test_the_operator_decides_what_is_shown(wanted, left):
    assert shown(LINUX, **wanted) == left


@pytest.mark.parametrize(
    "line",
    [
        b"27 1 8:2 / / rw",
        b"27 1 8:2 / / rw shared:1",
        b"x 1 8:2 / / rw - ext4 /dev/sda2 rw",
        b"27 1 8:2 / / rw - ext4",
        b"27 1 \xff / / rw - ext4 /dev/sda2 rw",
    ],
)
def test_a_line_of_another_form_is_garbled_and_no_crash(line):
    with pytest.raises(SourceGarbled, match="/proc/self/mountinfo"):
        parse(line + b"\n")


@pytest.mark.parametrize(
    ("options", "atime"),
    [(b"rw,noatime", "noatime"), (b"rw,nosuid,relatime", "relatime"), (b"rw,nodiratime", "strictatime")],
)
def test_a_line_says_when_reading_is_noted(options, atime):
    [root] = parse(b"27 1 8:2 / / %s - ext4 /dev/sda2 rw\n" % options)
    assert root.atime == atime


def test_a_path_lies_in_the_deepest_mount_above_it():
    entries = parse(LINUX)
    found = [mount_of(entries, path) for path in (b"/srv/backup/a", b"/srv/backup2", b"/srv/backup", b"/")]
    assert [entry and entry.mountpoint for entry in found] == [b"/srv/backup", b"/", b"/srv/backup", b"/"]
    assert mount_of((), b"/srv") is None


def test_only_what_is_mounted_of_the_same_device_below_a_path_is_found_there():
    entries = parse(
        ROOT
        + b"50 27 8:2 /a /srv/again rw - ext4 /dev/sda2 rw\n"
        + b"51 27 8:2 /a /mnt/again rw - ext4 /dev/sda2 rw\n"
        + b"52 27 8:17 / /srv/other rw - xfs /dev/sdb1 rw\n"
    )
    assert same_device_below(entries, b"/srv") == {b"again"}
    assert same_device_below(entries, b"/") == {b"srv/again", b"mnt/again"}
    assert same_device_below((), b"/srv") == frozenset()
