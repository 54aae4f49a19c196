from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
import time
from datetime import datetime
from pathlib import Path

import pytest

from exporter.errors import SourceRefused, SourceUnreachable
from exporter.model import DAY, HOUR, MINUTE, Poll, Scan
from exporter.sources.filesystem import scans
from exporter.sources.filesystem.client import Walked
from exporter.sources.filesystem.scans import Last, doubt, fetch_states, is_due, report_key
from exporter.sources.filesystem.tally import Tally

AT = 1_700_000_000.0


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "below").mkdir(parents=True)
    (root / "one").write_bytes(b"x" * 100)
    (root / "below" / "two").write_bytes(b"x" * 50)
    return root


@pytest.fixture
def poll(state):
    def at(moment: float = AT) -> Poll:
        return Poll(at=moment, since=None, state=state)

    return at


def scanning(*paths: Path, **keys: object) -> dict[str, object]:
    return {"scan": [{"path": str(path), **keys} for path in paths]}


def last(*, device=1, fsid=0, mountpoint="/data", files=10, completed_at=AT, duration=0.0) -> Last:
    scan = Scan(
        root="/data", completed_at=completed_at, duration_seconds=duration, files=files, directories=1,
        apparent_bytes=0, allocated_bytes=0, errors={},
    )  # fmt: skip
    return Last(scan, device, fsid, mountpoint)


def walked(*, device=1, fsid=0, mountpoint="/data", files=10) -> Walked:
    return Walked(Tally(own={b"": [files, 0, 0, 1, 0, 0, 0]}), device, None, 0.0, 1.0, fsid, mountpoint)


def test_a_root_is_walked_at_the_first_poll(client, poll, root):
    [scan] = scans.fetch(client(settings=scanning(root)), poll())
    assert (scan.root, scan.files, scan.directories, scan.apparent_bytes) == (str(root), 2, 2, 150)
    assert scan.allocated_bytes % 512 == 0
    assert scan.errors == {}
    assert 0 <= scan.duration_seconds < 10
    assert scan.completed_at == pytest.approx(AT + scan.duration_seconds, abs=1)


def test_roots_come_in_the_order_of_the_configuration(client, poll, root):
    found = scans.fetch(client(settings=scanning(root / "below", root)), poll())
    assert [s.root for s in found] == [str(root / "below"), str(root)]


def test_what_is_excluded_is_not_counted(client, poll, root):
    [scan] = scans.fetch(client(settings=scanning(root, exclude=["below"])), poll())
    assert scan.files == 1


def test_a_root_keeps_its_result_until_it_is_due(client, poll, root):
    source = client(settings=scanning(root, interval="1h"))
    first = scans.fetch(source, poll())
    (root / "three").touch()
    assert scans.fetch(source, poll(AT + HOUR - 1)) == first
    [later] = scans.fetch(source, poll(AT + HOUR + 10))
    assert (later.files, later.completed_at > AT + HOUR) == (3, True)


def test_results_survive_a_restart(client, poll, root):
    first = scans.fetch(client(settings=scanning(root)), poll())
    shutil.rmtree(root)
    assert scans.fetch(client(settings=scanning(root)), poll(AT + HOUR)) == first


def test_each_root_has_an_interval_of_its_own(client, poll, root):
    below = {"path": str(root / "below"), "interval": "10m"}
    source = client(settings={"scan": [{"path": str(root)}, below]})
    scans.fetch(source, poll())
    (root / "below" / "new").touch()
    assert [s.files for s in scans.fetch(source, poll(AT + HOUR))] == [2, 2]


def test_a_root_that_left_the_configuration_is_forgotten(client, poll, state, root):
    scans.fetch(client(settings=scanning(root, root / "below")), poll())
    scans.fetch(client(settings=scanning(root / "below")), poll(AT + 2 * DAY))
    assert list(json.loads(state.kept["scans"])) == [str(root / "below")]
    assert (state.kept[report_key(str(root))], bool(state.kept[report_key(str(root / "below"))])) == ("", True)


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"/data": {}}', '{"/data": {"scan": {"root": "/data"}}}', '{"/data": 1}']
)
def test_a_memory_of_another_release_is_replaced(client, poll, state, root, text, caplog):
    state.kept["scans"] = text
    assert [s.success for s in fetch_states(client(settings=scanning(root)), poll())] == [None]
    assert [s.files for s in scans.fetch(client(settings=scanning(root)), poll())] == [2]
    assert caplog.text.count("every root is scanned anew") == 1
    assert str(root) in json.loads(state.kept["scans"])


@pytest.mark.parametrize(
    ("at", "due"),
    [(AT - 600, False), (AT + HOUR - 601, False), (AT + HOUR - 600, True), (AT + DAY, True), (AT - 601, True)],
    ids=["begun just now", "not yet", "an hour after it began", "long ago", "clock set back"],
)
def test_an_interval_counts_from_the_start_of_the_last_walk(client, at, due):
    source = client(settings={"scan": [{"path": "/data", "interval": "1h"}]})
    assert is_due(source, source.settings.scan[0], last(completed_at=AT, duration=600), at) is due


@pytest.mark.parametrize(
    ("before", "now", "due"),
    [
        (None, "2026-03-14 01:59", False),
        (None, "2026-03-14 02:00", True),
        ("2026-03-13 02:10", "2026-03-14 01:59", False),
        ("2026-03-13 02:10", "2026-03-14 02:00", True),
        ("2026-03-11 02:10", "2026-03-13 12:00", True),
    ],
    ids=["first waits for its hour", "first", "not yet", "the next day", "missed"],
)
def test_a_schedule_is_kept_in_local_time(client, before, now, due):
    began = datetime.fromisoformat("2026-03-13 12:00").timestamp()
    source = client(settings={"scan": [{"path": "/data", "schedule": "0 2 * * *"}]}, clock=lambda: began)
    known = last(completed_at=datetime.fromisoformat(before).timestamp()) if before else None
    assert is_due(source, source.settings.scan[0], known, datetime.fromisoformat(now).timestamp()) is due


def test_errors_inside_of_a_root_are_counted_and_do_not_fail_it(client, poll, public, as_nobody):
    (public / "shut").mkdir()
    (public / "shut").chmod(0)
    with as_nobody():
        [scan] = scans.fetch(client(settings=scanning(public)), poll())
    assert scan.errors == {"EACCES": 1}


# Roots that are not what they were


def test_a_root_that_is_gone_is_not_reported_as_empty(client, poll, root):
    source = client(settings=scanning(root, interval="1h"))
    scans.fetch(source, poll())
    shutil.rmtree(root)
    with pytest.raises(SourceUnreachable, match=rf"^{root}: root is gone \(ENOENT\)$"):
        scans.fetch(source, poll(AT + DAY))


def test_a_root_that_fails_costs_no_other_its_result(client, poll, root, caplog):
    source = client(settings=scanning(root / "below", root, interval="1h"))
    first = scans.fetch(source, poll())
    (root / "below").rename(root / "moved")
    for day in (1, 2):
        [gone, whole] = scans.fetch(source, poll(AT + day * DAY))
        assert (gone, whole.completed_at >= AT + day * DAY) == (first[0], True)
    assert caplog.text.count(f"{root}/below: root is gone (ENOENT)") == 1


def test_a_root_that_is_gone_and_comes_back_is_walked_at_the_next_poll(client, poll, root):
    source = client(settings=scanning(root / "late"))
    with pytest.raises(SourceUnreachable):
        scans.fetch(source, poll())
    (root / "late").mkdir()
    assert [s.directories for s in scans.fetch(source, poll(AT + MINUTE))] == [1]


def test_all_that_is_wrong_is_said_at_once(client, poll, root):
    (root / "file").touch()
    with pytest.raises(SourceUnreachable, match=r"gone: root is gone \(ENOENT\); .*file: root is gone \(ENOTDIR\)"):
        scans.fetch(client(settings=scanning(root / "gone", root / "file")), poll())


def test_a_root_of_an_odd_error_is_unreachable(client, poll, root):
    (root / "loop").symlink_to("loop")
    with pytest.raises(SourceUnreachable, match=r"loop: root cannot be read \(ELOOP\)"):
        scans.fetch(client(settings=scanning(root / "loop")), poll())


def test_a_root_that_may_not_be_read_is_refused(client, poll, public, as_nobody):
    (public / "shut").mkdir(mode=0)
    with pytest.raises(SourceRefused, match=r"shut: root cannot be read \(EACCES\)"), as_nobody():
        scans.fetch(client(settings=scanning(public / "shut")), poll())


def test_a_root_whose_filesystem_is_no_longer_mounted_is_not_reported_as_empty(client, poll, state, mount, tmp_path):
    at = tmp_path / "data"
    mount("-t", "tmpfs", "-o", "size=1m", "none", at=at)
    (at / "file").write_bytes(b"x")
    source = client(settings=scanning(at, interval="1h"))
    assert [s.files for s in scans.fetch(source, poll())] == [1]
    subprocess.run(["umount", str(at)], check=True)
    before = dict(state.kept)
    with pytest.raises(SourceUnreachable, match="data: root is on another filesystem than last time, part of "):
        scans.fetch(source, poll(AT + DAY))
    assert state.kept == before
    mount("-t", "tmpfs", "-o", "size=1m", "none", at=at)
    (at / "restored").write_bytes(b"xy")
    assert [s.apparent_bytes for s in scans.fetch(source, poll(AT + DAY + MINUTE))] == [2]


@pytest.mark.parametrize(
    ("now", "before"),
    [
        (walked(), None),
        (walked(), last()),
        (walked(files=0), last()),
        (walked(device=2), last()),
        (walked(device=2, fsid=7, files=0), last(fsid=7)),
        (walked(device=2, files=0), last(files=0)),
        (walked(mountpoint="/"), last()),
    ],
    ids=["first", "same", "emptied", "device renumbered", "renumbered, same fsid", "was empty before", "same disk"],
)
def test_one_sign_alone_is_no_missing_mount(now, before):
    assert doubt(now, before) is None


@pytest.mark.parametrize(
    ("now", "before", "said"),
    [
        (
            walked(device=2, mountpoint="/"),
            last(),
            "root is on another filesystem than last time, part of / and no longer of /data",
        ),
        (walked(device=2, fsid=8, files=0), last(fsid=7), "root is on another filesystem than last time, empty"),
        (walked(mountpoint="/", files=0), last(), "root is part of / and no longer of /data, empty"),
    ],
)
def test_two_signs_are_a_missing_mount(now, before, said):
    assert doubt(now, before) == said


def test_a_broken_index_costs_no_other_root_its_result(client, poll, root, tmp_path):
    (tmp_path / "index").mkdir()
    (tmp_path / "none.yaml").write_text("[")
    roots = [
        {"path": str(root)},
        {"path": str(root / "below"), "index": str(tmp_path / "index")},
        {"path": str(tmp_path), "categories": str(tmp_path / "none.yaml")},
    ]
    source = client(settings={"scan": roots})
    assert [s.root for s in scans.fetch(source, poll())] == [str(root)]
    assert [s.success for s in fetch_states(source, poll())] == [True, False, False]


def test_how_it_goes_with_each_root_is_told(client, poll, root):
    source = client(settings=scanning(root, root / "gone", interval="1h"), clock=lambda: AT - 60)
    before = fetch_states(source, poll())
    assert [(s.root, s.due_at, s.success, s.started_at) for s in before] == [
        (str(root), AT - 60, None, None),
        (f"{root}/gone", AT - 60, None, None),
    ]
    [scan] = scans.fetch(source, poll())
    there, gone = fetch_states(source, poll())
    started = scan.completed_at - scan.duration_seconds
    assert (there.due_at, there.success, there.entries) == (pytest.approx(started + HOUR), True, None)
    assert (gone.due_at, gone.success) == (AT - 60, False)
    assert fetch_states(client(settings=scanning(root)), poll())[0].success is True


def test_a_scan_that_runs_tells_how_far_it_is(client, poll, root, release):
    walked_through = threading.Event()

    def slow(path: bytes) -> os.statvfs_result:
        walked_through.set()
        release.wait()
        return os.statvfs(path)

    settings = {**scanning(root), "intervals": {"scans": "100ms"}}
    source = client(settings=settings, statvfs=slow, clock=lambda: AT)
    assert scans.fetch(source, poll()) == ()
    assert walked_through.wait(30)
    [state] = fetch_states(source, poll())
    assert (state.started_at, state.entries, state.errors, state.success) == (AT, 3, 0, None)


# Walks that take long: the size of the filesystem is asked for at their end, and answers late


def test_a_long_walk_goes_on_in_the_background_and_a_later_poll_collects_it(client, poll, root, release):
    walks: list[threading.Thread] = []

    def slow(path: bytes):
        walks.append(threading.current_thread())
        release.wait()
        return os.statvfs(path)

    source = client(settings={**scanning(root), "intervals": {"scans": "400ms"}}, statvfs=slow)
    assert scans.fetch(source, poll()) == ()
    begun = time.monotonic()
    assert scans.fetch(source, poll(AT + 900)) == ()
    assert time.monotonic() - begun < 0.15
    release.set()
    walks[0].join(5)
    [scan] = scans.fetch(source, poll(AT + 1800))
    assert scan.files == 2
    assert AT + 1799 < scan.completed_at < AT + 1800
    assert len(walks) == 1
    assert scans.fetch(source, poll(AT + 2700)) == (scan,)


def test_a_walk_that_takes_long_does_not_keep_another_root_waiting(client, poll, root, release):

    def slow(path: bytes):
        if not path.endswith(b"below"):
            release.wait()
        return os.statvfs(path)

    settings = {**scanning(root, root / "below"), "intervals": {"scans": "2s"}}
    assert [s.root for s in scans.fetch(client(settings=settings, statvfs=slow), poll())] == [str(root / "below")]


def test_closing_stops_a_walk_that_is_under_way(client, poll, root, release):
    began = threading.Event()

    def slow(path: bytes) -> os.statvfs_result:
        began.set()
        release.wait()
        return os.statvfs(path)

    source = client(settings=scanning(root), statvfs=slow)

    def close_when_begun() -> None:
        began.wait()
        source.close()

    threading.Thread(target=close_when_begun).start()
    begun = time.monotonic()
    with pytest.raises(SourceUnreachable, match="the exporter is stopping"):
        scans.fetch(source, poll())
    assert time.monotonic() - begun < 5


def test_a_closed_client_walks_no_tree(client, root):
    source = client(settings=scanning(root))
    source.close()
    with pytest.raises(SourceUnreachable, match="the scan was stopped"):
        source._walk(source.settings.scan[0])


# How it is scanned


def test_a_scan_tells_files_apart(client, poll, root, state):
    (root / "below" / "report.PDF").write_bytes(b"x" * 5000)
    os.utime(root / "below" / "report.PDF", (AT - 400 * DAY, AT - 800 * DAY))
    (root / "link").symlink_to("one")
    [scan] = scans.fetch(client(settings=scanning(root, interval="1h")), poll())
    assert scan.categories["document"].apparent_bytes == 5000
    assert (scan.modified["2y"].files, scan.accessed["1y"].files) == (1, 1)
    assert scan.sizes["4KiB"].files == 1
    assert scan.owners == {str(os.geteuid()): (3, 5150, scan.owners[str(os.geteuid())].allocated_bytes)}
    assert (scan.symlinks, scan.vanished) == (1, 0)
    assert list(scan.rollup) == ["below"]
    assert (scan.rollup["below"].files, scan.rollup["below"].apparent_bytes) == (2, 5050)
    assert (scan.trusted_directories, scan.oldest_trusted_at) == (None, None)
    assert scans.fetch(client(settings=scanning(root, interval="1h")), poll(AT + 60)) == (scan,)


def test_an_index_makes_the_next_scan_trust_what_did_not_change(client, poll, root, tmp_path):
    for path in (root, root / "below"):
        os.utime(path, (AT, AT))
    source = client(settings=scanning(root, interval="1h", index=str(tmp_path / "index.db")))
    [first] = scans.fetch(source, poll())
    [second] = scans.fetch(source, poll(AT + DAY))
    assert (first.trusted_directories, second.trusted_directories) == (0, 2)
    assert (second.files, second.rollup) == (first.files, first.rollup)
    assert time.time() - 60 < second.oldest_trusted_at <= time.time()


def test_how_much_and_how_fast_is_configured(client, poll, root, tmp_path):
    table = tmp_path / "categories.yaml"
    table.write_text("numbers: [one, '1']\n")
    (root / "file.1").touch()
    options = {
        "include": ["*.1"], "max_depth": 3, "categories": str(table), "workers": 1, "entries_per_second": 1e6,
        "io_pressure": None,
    }  # fmt: skip
    [scan] = scans.fetch(client(settings=scanning(root, **options)), poll())
    assert (scan.files, scan.directories, list(scan.categories)) == (1, 2, ["numbers"])


def test_the_long_lists_of_a_scan_are_kept_as_a_report(client, poll, root, state):
    (root / "below" / "large").write_bytes(b"x" * (2 << 20))
    scans.fetch(client(settings=scanning(root)), poll())
    report = json.loads(state.kept[report_key(str(root))])
    assert (report["entries"], report["files"], report["directories"]) == (5, 3, 2)
    assert [file["path"] for file in report["top_files"]] == ["below/large"]
    assert [(d["path"], d["complete"]) for d in report["rollup"]] == [("", True), ("below", True)]


def test_a_scan_names_the_mount_it_lies_in_and_leaves_out_what_is_mounted_in_it_again(client, poll, root):
    line = b"27 1 8:2 / / rw,noatime - ext4 /dev/sda2 rw\n28 27 8:2 /x %s/below rw - ext4 /dev/sda2 rw\n"
    [scan] = scans.fetch(client(settings=scanning(root), table=line % os.fsencode(root)), poll())
    assert (scan.atime, scan.files, scan.directories) == ("noatime", 1, 1)
