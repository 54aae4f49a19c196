"""What our own store keeps: how dense, how long, and over a restart."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor, wait

from exporter.history.sql import SqlHistory
from tests.history.pasts import AT, DAY, GOLD, NAME, all_of


def test_samples_closer_than_the_resolution_are_not_stored(url: str) -> None:
    history = SqlHistory(url, resolution=300.0)
    for seconds, value in ((0, 1.0), (299, 2.0), (300, 3.0), (350, 4.0), (600, 5.0)):
        history.append([(NAME, GOLD, value)], AT + seconds)
    assert all_of(history) == [1.0, 3.0, 5.0]
    history.close()


def test_the_resolution_is_each_series_own(url: str) -> None:
    history = SqlHistory(url, resolution=300.0)
    history.append([(NAME, GOLD, 1.0)], AT)
    history.append([(NAME, GOLD, 2.0), (NAME, GOLD | {"pool": "Silver"}, 2.0)], AT + 200)
    assert all_of(history) == [1.0]
    assert all_of(history, GOLD | {"pool": "Silver"}) == [2.0]
    history.close()


def test_what_is_older_than_keep_is_deleted(url: str) -> None:
    history = SqlHistory(url, resolution=1.0, keep=10 * DAY)
    for day in range(30):
        history.append([(NAME, GOLD, float(day))], AT + day * DAY)
    assert all_of(history) == [float(day) for day in range(19, 30)]
    history.close()


def test_each_source_may_keep_its_samples_for_a_time_of_its_own(url: str) -> None:
    keep = {GOLD["source"]: 20 * DAY}
    history = SqlHistory(url, resolution=1.0, keep_of=lambda source: keep.get(source, 5 * DAY))
    for day in range(30):
        samples = [(NAME, GOLD, float(day)), (NAME, {**GOLD, "source": "other"}, float(day))]
        history.append(samples, AT + day * DAY)
    assert all_of(history) == [float(day) for day in range(9, 30)]
    assert all_of(history, {**GOLD, "source": "other"}) == [float(day) for day in range(24, 30)]
    history.close()


def test_a_series_given_twice_at_once_is_stored_once(url: str) -> None:
    history = SqlHistory(url)
    history.append([(NAME, GOLD, 1.0), (NAME, dict(reversed(GOLD.items())), 2.0)], AT)
    assert all_of(history) == [1.0]
    history.append([], AT + DAY)
    history.close()


def test_a_clock_set_back_overwrites_nothing(url: str) -> None:
    history = SqlHistory(url, resolution=60.0)
    for seconds, value in ((0, 1.0), (-3600, 2.0), (60, 3.0)):
        history.append([(NAME, GOLD, value)], AT + seconds)
    assert all_of(history) == [1.0, 3.0]
    history.close()


def test_a_restart_loses_nothing_and_goes_on_where_it_was(lasting_url: str) -> None:
    first = SqlHistory(lasting_url, resolution=300.0)
    first.append([(NAME, GOLD, 1.0)], AT)
    first.close()
    second = SqlHistory(lasting_url, resolution=300.0)
    second.append([(NAME, GOLD, 2.0)], AT + 10)
    second.append([(NAME, GOLD, 3.0)], AT + 300)
    assert all_of(second) == [1.0, 3.0]
    second.close()


def test_threads_append_and_read_at_once_and_nothing_is_lost(url: str) -> None:
    """Each source appends on a thread of its own, while forecasts read."""
    history = SqlHistory(url, resolution=1.0)
    sources = [f"cs{i:02}" for i in range(4)]

    def append(source: str) -> None:
        for i in range(25):
            pools = [(NAME, {"source": source, "pool": f"{p}"}, float(i)) for p in range(5)]
            history.append(pools, AT + i)

    def read() -> None:
        while not ended.wait(0.002):
            for source in sources:
                found = all_of(history, {"source": source, "pool": "4"})
                assert found == [float(i) for i in range(len(found))]

    ended = threading.Event()
    with ThreadPoolExecutor(6) as threads:
        readers = [threads.submit(read) for _ in range(2)]
        writers = [threads.submit(append, source) for source in sources]
        wait(writers, 30)
        ended.set()
        for thread in (*writers, *readers):
            thread.result(30)
    for source in sources:
        for pool in range(5):
            assert len(all_of(history, {"source": source, "pool": f"{pool}"})) == 25
    history.close()


def test_a_label_that_is_no_text_at_all_is_kept(url: str) -> None:
    """A mountpoint's bytes that are not UTF-8 arrive as lone surrogates, others with a NUL."""
    history = SqlHistory(url)
    for pool in ("/mnt/\udcff", "/mnt/\0"):
        history.append([(NAME, GOLD | {"pool": pool}, 1.0)], AT)
        assert all_of(history, GOLD | {"pool": pool}) == [1.0]
    history.close()
