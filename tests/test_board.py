"""The page, judged by prometheus_client: its parsers, and what it would have written itself."""

from __future__ import annotations

import gzip
import math
import subprocess
import threading
import zlib
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.registry import Collector as Judge

from exporter.board import Board
from exporter.metrics import BY_SUBJECT, FAMILIES, Measured, Subject
from exporter.metrics.commvault_storage import MEDIA_AGENT
from exporter.metrics.family import gauge
from exporter.metrics.pools import POOL
from exporter.model import CollectorState
from exporter.telemetry import Telemetry
from exporter.web.metrics import own_series
from tests.inventories import AT, NASTY, everything, publish_everything
from tests.servers import need

[ONLINE] = [f for f in FAMILIES if f.name == "ebbtide_commvault_mediaagent_online"]
[MAINTENANCE] = [f for f in FAMILIES if f.name == "ebbtide_commvault_mediaagent_maintenance"]
[FREE] = [f for f in FAMILIES if f.name == "ebbtide_pool_free_bytes"]


def publish(board: Board, source: str, rows: Iterable[tuple[str, float]], good_until: float = math.inf) -> int:
    """The agents of a source and whether they are online."""
    measured = [Measured(ONLINE, [((name,), value) for name, value in rows])]
    return board.publish(source, "commvault", MEDIA_AGENT, measured, good_until)


def text(board: Board, at: float = AT, *, only: frozenset[str] | None = None, openmetrics: bool = False) -> str:
    return board.page(at, only=only, openmetrics=openmetrics).text.decode()


class WrittenByTheLibrary(Judge):
    """The same samples, as prometheus_client would have exposed them."""

    def __init__(self, measured: Iterable[tuple[str, Measured]]) -> None:
        self._measured = measured

    def collect(self) -> Iterable[Metric]:
        metrics: dict[str, Metric] = {}
        for source, one in self._measured:
            family = one.family
            name = family.name.removesuffix({"info": "_info", "counter": "_total"}.get(family.type, ""))
            metric = metrics.setdefault(name, Metric(name, family.help, family.type))
            for labels, value in one.rows:
                values = (source, *labels) if family.subject.of_source else labels
                names = dict(zip(family.labels, values, strict=True))
                metric.add_sample(family.name, names, value)
        return metrics.values()


def said_by_the_library(measured: Iterable[tuple[str, Measured]], *, openmetrics: bool) -> str:
    registry = CollectorRegistry()
    registry.register(WrittenByTheLibrary(list(measured)))
    generated: bytes = generate_openmetrics(registry) if openmetrics else generate_latest(registry)
    return generated.decode()


def understood(page: str, *, openmetrics: bool) -> dict[str, tuple[str, str, set[tuple[object, ...]]]]:
    families = parse_openmetrics(page) if openmetrics else parse_text(page)
    return {
        family.name: (
            family.type,
            family.documentation,
            {(s.name, tuple(sorted(s.labels.items())), s.value) for s in family.samples},
        )
        for family in families
    }


@pytest.mark.parametrize("openmetrics", [False, True], ids=["text", "openmetrics"])
def test_the_page_says_what_prometheus_client_would_have_said(openmetrics: bool) -> None:
    board = Board()
    sources = ("cs01", 'cs"02\\%d\n')
    for source in sources:
        publish_everything(board, source, NASTY + source)
    page = text(board, openmetrics=openmetrics) + ("# EOF\n" if openmetrics else "")
    measured = [(name, one) for name in sources for many in everything(name, NASTY + name).values() for one in many]
    found = understood(page, openmetrics=openmetrics)
    assert found == understood(said_by_the_library(measured, openmetrics=openmetrics), openmetrics=openmetrics)
    assert len(found) == len(FAMILIES)
    assert sum(len(samples) for _, _, samples in found.values()) == board.series(AT)


@given(st.lists(st.tuples(st.text(), st.floats(allow_nan=False)), unique_by=lambda row: row[0]), st.text())
def test_any_label_and_number_is_written_so_that_both_parsers_read_it(
    rows: list[tuple[str, float]], source: str
) -> None:
    board = Board()
    assert publish(board, source, rows) == 0
    expected = {(ONLINE.name, (("mediaagent", name), ("source", source)), value) for name, value in rows}
    for openmetrics in (False, True):
        page = text(board, openmetrics=openmetrics) + ("# EOF\n" if openmetrics else "")
        found = understood(page, openmetrics=openmetrics)
        assert found.get(ONLINE.name, ("", "", set()))[2] == expected


def test_each_family_has_one_head_and_its_samples_together() -> None:
    board = Board()
    for source in ("b", "a"):
        publish_everything(board, source)
    seen: list[str] = []
    for line in text(board).split("\n")[:-1]:
        name = line.split()[2] if line.startswith("#") else line.partition("{")[0]
        if line.startswith("# HELP"):
            assert name not in seen
            seen.append(name)
        assert name == seen[-1]
    assert seen == [family.name for family in FAMILIES]


def test_a_label_value_that_is_no_text_at_all_breaks_nothing() -> None:
    """A mountpoint's bytes that are not UTF-8 arrive as lone surrogates."""
    board = Board()
    publish(board, "fs01", [("/mnt/\udcff", 1.0)])
    assert 'mediaagent="/mnt/\\udcff"' in text(board)


@pytest.mark.parametrize(
    ("value", "written"),
    [(0.0, "0"), (-0.0, "0"), (5.0, "5"), (0.1, "0.1"), (1e15, "1000000000000000.0"), (1e16, "1e+16"),
     (123456789012345.0, "123456789012345"), (math.inf, "+Inf"), (-math.inf, "-Inf"), (2.5e-7, "2.5e-07")],
)  # fmt: skip
def test_numbers_are_short_and_exact(value: float, written: str) -> None:
    board = Board()
    publish(board, "cs01", [("ma01", value)])
    assert text(board).splitlines()[-1] == f'{ONLINE.name}{{source="cs01",mediaagent="ma01"}} {written}'


def test_a_family_without_more_labels_is_labelled_with_its_source() -> None:
    subject = Subject((), ("exporter",), lambda _: (), lambda _: ())
    family = gauge("ebbtide_example", 'Back\\slash, "quote" and\nnewline.', subject, lambda _: 1)
    board = Board([family])
    board.publish("cs01", "commvault", subject, [Measured(family, [((), 1.0)])])
    assert text(board) == (
        '# HELP ebbtide_example Back\\\\slash, "quote" and\\nnewline.\n'
        '# TYPE ebbtide_example gauge\nebbtide_example{source="cs01"} 1\n'
    )
    for openmetrics in (False, True):
        page = text(board, openmetrics=openmetrics) + ("# EOF\n" if openmetrics else "")
        assert understood(page, openmetrics=openmetrics)["ebbtide_example"][1] == family.help


def test_two_objects_with_the_same_labels_are_one_series_and_counted() -> None:
    board = Board()
    assert publish(board, "cs01", [("ma01", 1.0), ("ma02", 1.0), ("ma01", 0.0), ("ma01", 0.0)]) == 2
    assert text(board).count("\nebbtide") == 2
    assert 'mediaagent="ma01"} 1\n' in text(board)
    assert board.series(AT) == 2


# gzip


def test_the_compressed_page_is_the_page_in_one_gzip_member() -> None:
    board = Board()
    for source in ("cs01", "cs02"):
        publish_everything(board, source)
    for openmetrics in (False, True):
        for tail in (b"", b"# EOF\n", b"x" * 100_000):
            page = board.page(AT, openmetrics=openmetrics)
            packed = b"".join(page.gzipped(tail))
            unpacker = zlib.decompressobj(wbits=31)
            unpacked = unpacker.decompress(packed)
            assert unpacked == gzip.decompress(packed) == page.text + tail
            assert unpacker.eof
            assert unpacker.unused_data == b""
            assert len(packed) < len(page.text + tail)


def test_an_empty_page_is_compressed_too() -> None:
    page = Board().page(AT)
    assert page.text == b""
    assert gzip.decompress(b"".join(page.gzipped(b""))) == b""


def test_a_poll_of_one_source_does_not_compress_the_others_again() -> None:
    board = Board()
    publish(board, "cs01", [("ma01", 1.0)])
    publish(board, "cs02", [("ma01", 1.0)])
    before = board.page(AT)
    before.gzipped(b"")
    publish(board, "cs02", [("ma01", 0.0)])
    after = board.page(AT)
    assert [chunk.deflated() for chunk in after.chunks][:2] == [chunk.deflated() for chunk in before.chunks][:2]
    assert after.chunks[1] is before.chunks[1]
    assert after.chunks[1].deflated() is before.chunks[1].deflated()


# What is shown, and until when


def test_what_a_source_said_is_gone_when_its_time_is_over() -> None:
    board = Board()
    publish(board, "cs01", [("ma01", 1.0)], good_until=AT + 100)
    publish(board, "cs02", [("ma02", 1.0)], good_until=AT + 200)
    assert [s in text(board, AT + 99) for s in ("ma01", "ma02")] == [True, True]
    assert [s in text(board, AT + 100) for s in ("ma01", "ma02")] == [False, True]
    assert text(board, AT + 200) == ""
    assert [board.series(at) for at in (AT, AT + 100, AT + 200)] == [2, 1, 0]


def test_a_page_is_made_once_until_something_changes() -> None:
    board = Board()
    publish(board, "cs01", [("ma01", 1.0)], good_until=AT + 100)
    first = board.page(AT)
    assert board.page(AT + 99) is first
    assert board.page(AT + 100) is not first
    again = board.page(AT + 100)
    publish(board, "cs02", [("ma02", 1.0)])
    assert board.page(AT + 100) is not again
    assert "ma02" in text(board, AT + 100)


def test_a_page_is_cached_for_each_format_and_selection_but_not_for_endless_ones() -> None:
    board = Board()
    publish(board, "cs01", [("ma01", 1.0)])
    assert board.page(AT) is board.page(AT)
    assert board.page(AT, openmetrics=True) is not board.page(AT)
    chosen = board.page(AT, only=frozenset({"commvault"}))
    assert board.page(AT, only=frozenset({"commvault"})) is chosen
    for number in range(20):
        board.page(AT, only=frozenset({str(number)}))
    assert len(board._pages) <= 8


def test_publishing_replaces_what_was_said_before() -> None:
    board = Board()
    publish(board, "cs01", [("ma01", 1.0), ("ma02", 1.0)])
    publish(board, "cs01", [("ma02", 0.0)])
    assert text(board).splitlines()[2:] == [f'{ONLINE.name}{{source="cs01",mediaagent="ma02"}} 0']
    publish(board, "cs01", [])
    assert text(board) == ""


def test_a_page_can_be_asked_for_kinds_and_for_collectors() -> None:
    board = Board()
    publish(board, "cs01", [("ma01", 1.0)])
    board.publish("cs01", "commvault", POOL, [Measured(FREE, [(("commvault", "Gold"), 1.0)])])
    board.publish("fs01", "filesystem", POOL, [Measured(FREE, [(("filesystem", "/"), 1.0)])])

    def shown(*only: str) -> list[bool]:
        page = text(board, only=frozenset(only))
        return ["ma01" in page, "Gold" in page, 'pool="/"' in page]

    assert shown("commvault") == [True, True, False]
    assert shown("filesystem") == [False, False, True]
    assert shown("media_agents") == [True, False, False]
    assert shown("pools") == shown("mounts") == [False, True, True]
    assert shown("media_agents", "filesystem") == [True, False, True]


def test_a_withdrawn_source_leaves_the_others_alone() -> None:
    board = Board()
    for source in ("cs01", "cs02"):
        publish_everything(board, source, name="x")
        board.note(CollectorState(source=source, kind="commvault", collector="pools", interval_seconds=60.0))
    board.withdraw("cs01")
    assert 'source="cs01"' not in text(board)
    assert [state.source for state in board.states()] == ["cs02"]
    assert len(understood(text(board), openmetrics=False)) == len(FAMILIES)


def test_states_come_by_source_and_name() -> None:
    board = Board()
    for source, collector in (("b", "pools"), ("a", "pools"), ("a", "jobs")):
        board.note(CollectorState(source=source, kind="commvault", collector=collector, interval_seconds=60.0))
    assert [(s.source, s.collector) for s in board.states()] == [("a", "jobs"), ("a", "pools"), ("b", "pools")]


def test_no_reader_ever_sees_half_a_publication() -> None:
    """Two families of one subject, published together with one number, while others read and publish."""
    board, ended = Board(), threading.Event()
    wrong: list[set[str]] = []
    names = [f"ma{i}" for i in range(50)]

    def write(source: str) -> None:
        for number in range(150):
            rows = [((name,), float(number)) for name in names]
            measured = [Measured(ONLINE, rows), Measured(MAINTENANCE, rows)]
            board.publish(source, "commvault", MEDIA_AGENT, measured)

    def read() -> None:
        while not ended.is_set():
            for source in ("a", "b"):
                lines = [line for line in text(board).splitlines() if f'source="{source}"' in line]
                values = {line.rpartition(" ")[2] for line in lines}
                if len(values) > 1 or len(lines) not in (0, 100):
                    wrong.append(values)

    readers = [threading.Thread(target=read) for _ in range(3)]
    writers = [threading.Thread(target=write, args=(source,)) for source in ("a", "b")]
    for thread in (*readers, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    ended.set()
    for thread in readers:
        thread.join()
    assert wrong == []
    assert text(board).count("} 149\n") == 200


@pytest.mark.server
def test_promtool_finds_nothing_to_say_about_a_page_with_every_family(telemetry: Telemetry) -> None:
    board = Board()
    publish_everything(board, "cs01")
    telemetry.api_requests.labels("cs01", "/StoragePool", "200").inc()
    page = board.page(AT).text + own_series(telemetry, openmetrics=False)
    assert all(family.name.encode() in page for family in FAMILIES)
    checked = subprocess.run([need("promtool"), "check", "metrics"], input=page, capture_output=True, check=False)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")


def test_the_example_has_every_family_and_nasty_labels() -> None:
    assert set(BY_SUBJECT) == set(everything("cs01"))
    assert all(one.rows for many in everything("cs01").values() for one in many)
    assert {'"', "\\", "\n"} < set(NASTY)
