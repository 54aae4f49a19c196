from __future__ import annotations

from exporter.reports.scan import scan_lines

SHARE = {"files": 2, "apparent_bytes": 10, "allocated_bytes": 4096}


def report(**changes):
    nothing = {"apparent_bytes": 0, "allocated_bytes": 0, "files": 0, "directories": 1, "errors": {}, "vanished": 0,
               "rollup": [], "top_files": [], "top_directories": [], "categories": {}, "owners": {},
               "ages": {"modified": {}, "accessed": {}}}  # fmt: skip
    return nothing | changes


def test_an_empty_tree_is_one_line():
    assert list(scan_lines(report())) == ["0 files and 1 directories take 0 B (0 B apparent)"]


def test_what_could_not_be_read_is_said_and_which_directory_lacks_it():
    rollup = [{"path": path, "complete": path == "whole", **SHARE} for path in ("", "whole", "part")]
    _, errors, vanished, _, head, whole, part = scan_lines(
        report(errors={"EACCES": 1200, "EIO": 1}, vanished=3, rollup=rollup)
    )
    assert errors == "1,201 entries could not be read: EACCES 1,200, EIO 1"
    assert vanished == "3 entries vanished meanwhile"
    assert head.split()[-1] == "COMPLETE"
    assert (whole.split()[-1], part.split()[-1]) == ("yes", "no")


def test_ages_come_in_their_order_and_the_root_has_a_name():
    ages = dict.fromkeys(("10y", "90d", "future", "0d"), SHARE)
    found = list(
        scan_lines(
            report(
                ages={"modified": ages, "accessed": {}}, top_directories=[{"path": "", **SHARE}], owners={"0": SHARE}
            )
        )
    )
    assert found[3].split()[0] == "."
    assert [line.split()[0] for line in found[found.index("") :] if line][-4:] == ["0d", "90d", "10y", "future"]
