"""`ebbtide scan`: what a person reads, what a script gets, and how it is ended."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from exporter.cli import app
from exporter.commands.scan import _Shown
from exporter.history.ledger import Ledger
from exporter.model import Poll
from exporter.sources.filesystem.client import FilesystemClient
from exporter.sources.filesystem.config import FilesystemSettings
from exporter.sources.filesystem.scan import Progress
from exporter.sources.filesystem.scans import fetch

ROOT = Path(__file__).parents[2]


@pytest.fixture
def tree(tmp_path):
    tree = tmp_path / "tree"
    (tree / "mail" / "old").mkdir(parents=True)
    (tree / "mail" / "inbox.pst").write_bytes(b"x" * (3 << 20))
    (tree / "mail" / "old" / "2019.pst").write_bytes(b"x" * (2 << 20))
    (tree / "notes.txt").write_bytes(b"x" * 100)
    os.utime(tree / "mail" / "old" / "2019.pst", (1_560_000_000, 1_560_000_000))
    return tree


@pytest.fixture
def ebbtide():
    def run(*arguments):
        return CliRunner().invoke(app, ["scan", *map(os.fsdecode, map(os.fspath, arguments))])

    return run


def test_a_person_reads_the_totals_and_the_largest_directories(ebbtide, tree):
    done = ebbtide(tree)
    said = [line.split() for line in done.stdout.splitlines()]
    assert done.exit_code == 0
    assert done.stdout.startswith("3 files and 3 directories take 5.0 MiB (5.0 MiB apparent)\n\n")
    assert ["mail", "2", "5.0", "MiB", "5.0", "MiB"] in said
    assert ["mail/old", "1", "2.0", "MiB", "2.0", "MiB"] in said
    assert ["mail/inbox.pst", "3.0", "MiB", "3.0", "MiB"] in said
    assert ["document", "3", "5.0", "MiB", "5.0", "MiB"] in said
    assert ["5y", "1", "2.0", "MiB", "2.0", "MiB"] in said
    assert "COMPLETE" not in done.stdout


def test_a_script_gets_all_of_it_in_numbers(ebbtide, tree):
    report = json.loads(ebbtide(tree, "--json", "--depth", "1", "--workers", "1").stdout)
    assert (report["root"], report["entries"], report["files"], report["directories"]) == (str(tree), 6, 3, 3)
    blocks = sum(path.lstat().st_blocks for path in (tree, *tree.rglob("*")))
    assert (report["apparent_bytes"], report["allocated_bytes"]) == ((5 << 20) + 100, blocks * 512)
    assert (report["errors"], report["vanished"], report["symlinks"]) == ({}, 0, 0)
    assert report["categories"]["document"]["files"] == 3
    assert report["ages"]["modified"]["5y"]["files"] == 1
    assert report["ages"].keys() == {"modified", "accessed"}
    assert list(report["owners"]) == [str(os.getuid())]
    assert [directory["path"] for directory in report["rollup"]] == ["", "mail"]
    assert [file["path"] for file in report["top_files"]] == ["mail/inbox.pst", "mail/old/2019.pst"]
    assert [directory["path"] for directory in report["top_directories"]] == ["mail", "mail/old", ""]
    assert 0 <= report["duration_seconds"] < 30


def test_what_counts_is_chosen(ebbtide, tree, tmp_path):
    (tmp_path / "mine.yaml").write_text("letters: [pst]\n")
    chosen = ["--exclude", "old", "--include", "*.pst", "--categories", tmp_path / "mine.yaml", "--json"]
    report = json.loads(ebbtide(tree, *chosen).stdout)
    assert (report["files"], list(report["categories"])) == (1, ["letters"])
    assert json.loads(ebbtide(tree, "--max-depth", "1", "--json").stdout)["files"] == 1


def test_names_are_told_apart_in_json_and_harmless_on_a_terminal(ebbtide, tmp_path):
    names = [b"caf\xe9", rb"caf\xe9", b"bell\x07", b"two\nlines"]
    for name in names:
        path = os.path.join(os.fsencode(tmp_path), b"tree", name)
        os.makedirs(path)
    found = [d["path"] for d in json.loads(ebbtide(tmp_path / "tree", "--json").stdout)["rollup"]]
    assert sorted(found) == sorted(["", r"caf\xe9", r"caf\\xe9", "bell\x07", "two\nlines"])
    shown = ebbtide(tmp_path / "tree").stdout
    assert "bell?" in shown
    assert "two?lines" in shown
    assert "\x07" not in shown


@pytest.mark.parametrize("what", ["gone", "tree/notes.txt"])
def test_what_is_no_directory_is_one_line_and_status_1(ebbtide, tree, what):
    done = ebbtide(tree.parent / what)
    reason = "No such file or directory" if what == "gone" else "Not a directory"
    assert (done.exit_code, done.stdout, done.stderr) == (1, "", f"ebbtide: {tree.parent / what}: {reason}\n")


def test_a_root_whose_name_is_no_text_is_scanned(ebbtide, tree):
    odd = os.path.join(os.fsencode(tree.parent), b"caf\xe9")
    os.rename(tree, odd)
    report = json.loads(ebbtide(odd, "--json").stdout)
    assert (report["files"], report["root"]) == (3, f"{tree.parent}/caf\\xe9")


def test_an_index_that_is_none_or_in_use_is_one_line_and_status_1(ebbtide, tree, tmp_path):
    index = tmp_path / "index"
    index.write_bytes(b"no database, but long enough to be taken for one" * 100)
    done = ebbtide(tree, "--index", index)
    assert (done.exit_code, done.stderr) == (
        1, f"ebbtide: {index}: the index cannot be used: file is not a database\n",
    )  # fmt: skip
    index.unlink()
    with open(f"{index}.lock", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = ebbtide(tree, "--index", index)
    assert (done.exit_code, done.stderr) == (1, f"ebbtide: {index}: another scan uses this index\n")
    assert ebbtide(tree, "--index", index).exit_code == 0
    done = ebbtide(tree, "--index", tmp_path / "none" / "index")
    assert done.stderr == f"ebbtide: {tmp_path}/none/index: the index cannot be used: No such file or directory\n"


def test_a_table_of_categories_that_cannot_be_read_is_status_2(ebbtide, tree):
    done = ebbtide(tree, "--categories", tree / "none.yaml")
    assert (done.exit_code, "the table of categories cannot be read" in done.stderr) == (2, True)


def _command(*arguments):
    return [sys.executable, "-m", "exporter", "scan", *map(str, arguments)]


def test_ctrl_c_ends_it_and_the_next_one_goes_on(tmp_path):
    tree, index = tmp_path / "tree", tmp_path / "index"
    for number in range(300):
        (tree / str(number)).mkdir(parents=True)
        for name in "abcdefghij":
            (tree / str(number) / name).touch()
    slowly = _command(tree, "--json", "--index", index, "--entries-per-second", "1500")
    with subprocess.Popen(
        slowly, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as first:
        while not _directories(index):
            assert first.poll() is None
        os.killpg(first.pid, signal.SIGINT)
        out, err = first.communicate(timeout=20)
    assert (first.returncode, out) == (130, "")
    assert err == "stopped; the next scan with this index goes on from here\n"
    done = subprocess.run(_command(tree, "--json", "--index", index), cwd=ROOT, capture_output=True, check=True)
    assert (done.stderr, json.loads(done.stdout)["files"]) == (b"", 3000)


def test_ctrl_c_ends_the_workers_without_a_word_of_theirs(tmp_path):
    for number in range(40):
        (tmp_path / "tree" / str(number) / "below").mkdir(parents=True)
    ours = """
import os, signal, threading, time
from exporter.sources.filesystem import crew, scan
from exporter.cli import main

def strike():
    while not crew.multiprocessing.active_children():
        time.sleep(0.01)
    os.killpg(0, signal.SIGINT)

threading.Thread(target=strike, daemon=True).start()
scan._FIRST_ENTRIES = scan._SMALL_ENTRIES = 10
main()
"""
    command = [sys.executable, "-c", ours, "scan", str(tmp_path / "tree"), "--workers", "2"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (130, "", "stopped\n")


def _directories(index: Path) -> int:
    try:
        database = sqlite3.connect(f"file:{index}?mode=ro", uri=True)
        try:
            return database.execute("SELECT count(*) FROM new_body").fetchone()[0]
        finally:
            database.close()
    except sqlite3.OperationalError:
        return 0


def test_on_a_terminal_one_line_tells_how_far_it_is(tree):
    for number in range(200):
        (tree / f"{number}").mkdir()
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        _command(tree, "--entries-per-second", "400"), cwd=ROOT, stdout=subprocess.PIPE, stderr=theirs
    ) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                piece = os.read(ours, 4096)
            except OSError:
                break
            if not piece:
                break
            shown += piece
        out, _ = process.communicate(timeout=20)
    os.close(ours)
    assert b"entries, " in shown
    assert b"/s, 0 errors" in shown
    assert b"\n" not in shown
    assert shown.endswith(b"\r\x1b[K")
    assert out.startswith(b"3 files and 203 directories")


def test_elsewhere_a_line_is_said_now_and_then(capsys, monkeypatch):
    times = iter([0.0, 1.0, 30.0, 31.0, 60.0])
    monkeypatch.setattr("exporter.commands.scan.time.monotonic", lambda: next(times))
    shown = _Shown(False)
    shown.note(Progress(1200, 2, b"a/b\x1b"))
    for _ in range(4):
        shown.draw()
    shown.clear()
    assert capsys.readouterr().err == "1,200 entries, 40/s, 2 errors, a/b?\n1,200 entries, 20/s, 2 errors, a/b?\n"


@pytest.fixture
def configured(tree, tmp_path):
    scan = {"path": str(tree)}
    content = {
        "history": {"url": f"sqlite:///{tmp_path}/history.db"},
        "sources": [{"name": "fs01", "kind": "filesystem", "scan": [scan]}],
    }
    path = tmp_path / "ebbtide.yml"
    path.write_text(yaml.safe_dump(content))
    return path


def test_what_the_exporter_last_found_is_shown_without_a_scan(ebbtide, tree, configured, tmp_path):
    ledger = Ledger(f"sqlite:///{tmp_path}/ledger.db")
    settings = FilesystemSettings.model_validate({"name": "fs01", "kind": "filesystem", "scan": [{"path": str(tree)}]})
    client = FilesystemClient(settings)
    fetch(client, Poll(1_790_000_000.0, None, ledger.state("fs01")))
    client.close()
    ledger.close()
    (tree / "notes.txt").unlink()
    report = json.loads(ebbtide(tree, "--last", "--config", configured, "--json").stdout)
    assert (report["files"], report["rollup"][1]["path"]) == (3, "mail")
    assert ebbtide(tree, "--last", "--config", configured).stdout.startswith("3 files")


def test_without_a_scan_in_the_ledger_it_says_so(ebbtide, tree, configured):
    done = ebbtide(tree, "--last", "--config", configured)
    assert (done.exit_code, done.stderr) == (2, f"ebbtide: the ledger has no scan of {tree} by the source fs01\n")
