"""The latest samples of every source, rendered once when published; what a scrape reads.

Text is made when a poll publishes and never at a scrape: values change once an hour, two Prometheis and a Nagios
ask every few seconds, and rendering 100,000 series takes longer than joining them by orders of magnitude. The gzip
form is kept chunk by chunk too: deflate blocks that end on a byte boundary can be joined like text, so a poll of one
source does not make the next scrape compress the text of all the others again.
"""

from __future__ import annotations

import math
import struct
import threading
import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from exporter.metrics import FAMILIES, Family, Measured, Subject
from exporter.model import CollectorState

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"

_GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_DEFLATE_END = b"\x03\x00"
_CACHED_SELECTIONS = 8


class Chunk:
    """A piece of the page, and the same piece as deflate blocks, made when first asked for."""

    __slots__ = ("_deflated", "text")

    def __init__(self, text: bytes) -> None:
        self.text = text
        self._deflated: bytes | None = None

    def deflated(self) -> bytes:
        if self._deflated is None:
            compressor = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
            self._deflated = compressor.compress(self.text) + compressor.flush(zlib.Z_FULL_FLUSH)
        return self._deflated


@dataclass(frozen=True)
class Publication:
    """The chunks of one source and subject; nobody is shown them after `good_until`."""

    kind: str
    good_until: float
    chunks: Mapping[Family, Chunk]
    series: int


@dataclass(frozen=True)
class Page:
    """An exposition without its end (the exporter's own counters follow); shared by scrapes, so never changed."""

    chunks: Sequence[Chunk]
    valid_until: float

    @cached_property
    def text(self) -> bytes:
        return b"".join(chunk.text for chunk in self.chunks)

    def is_made(self, *, gzip: bool) -> bool:
        """Whether the bytes are there already, so that answering costs nothing."""
        return ("_head" if gzip else "text") in self.__dict__

    def make(self, *, gzip: bool) -> None:
        _ = self._head if gzip else self.text

    @cached_property
    def size(self) -> int:
        return sum(len(chunk.text) for chunk in self.chunks)

    @cached_property
    def _deflated(self) -> bytes:
        return b"".join(chunk.deflated() for chunk in self.chunks)

    @cached_property
    def _checksum(self) -> int:
        checksum = 0
        for chunk in self.chunks:
            checksum = zlib.crc32(chunk.text, checksum)
        return checksum

    def gzipped(self, tail: bytes) -> tuple[bytes, bytes]:
        """The page followed by `tail` as one gzip member, in two parts of which the first is kept."""
        end = struct.pack("<II", zlib.crc32(tail, self._checksum), (self.size + len(tail)) & 0xFFFFFFFF)
        return self._head, Chunk(tail).deflated() + _DEFLATE_END + end

    @cached_property
    def _head(self) -> bytes:
        return _GZIP_HEAD + self._deflated


class Board:
    """Publishing takes a lock and replaces; reading takes none and sees each publication whole."""

    def __init__(self, families: Sequence[Family] = FAMILIES) -> None:
        self._families = families
        self._lock = threading.Lock()
        self._published: Mapping[Subject, Mapping[str, Publication]] = {}
        self._states: Mapping[tuple[str, str], CollectorState] = {}
        self._pages: dict[tuple[bool, frozenset[str] | None], tuple[object, Page]] = {}

    def publish(
        self, source: str, kind: str, subject: Subject, measured: Iterable[Measured], good_until: float = math.inf
    ) -> int:
        """Replace what the source last said of the subject; how many samples were refused as duplicates."""
        chunks: dict[Family, Chunk] = {}
        series = dropped = 0
        for one in measured:
            lines, refused = render(one, source)
            dropped += refused
            series += len(lines)
            if lines:
                chunks[one.family] = Chunk("".join(lines).encode("utf-8", "backslashreplace"))
        publication = Publication(kind, good_until, chunks, series)
        with self._lock:
            of_subject = {**self._published.get(subject, {}), source: publication}
            self._published = {**self._published, subject: of_subject}
        return dropped

    def withdraw(self, source: str) -> None:
        """Take the source off the board."""
        with self._lock:
            self._published = {
                subject: {name: publication for name, publication in sources.items() if name != source}
                for subject, sources in self._published.items()
            }
            self._states = {key: state for key, state in self._states.items() if key[0] != source}

    def note(self, state: CollectorState) -> None:
        with self._lock:
            self._states = {**self._states, (state.source, state.collector): state}

    def states(self) -> Sequence[CollectorState]:
        """How every collector of every source is doing, by source and name."""
        return [state for _, state in sorted(self._states.items())]

    def series(self, at: float) -> int:
        return sum(p.series for sources in self._published.values() for p in sources.values() if p.good_until > at)

    def lines(self, names: Collection[str], at: float) -> bytes:
        """The samples of these metrics that are good at the moment `at`, without HELP and TYPE."""
        published = self._published
        return b"".join(
            publication.chunks[family].text
            for family in self._families
            if family.name in names
            for publication in published.get(family.subject, {}).values()
            if publication.good_until > at and family in publication.chunks
        )

    def page(self, at: float, *, openmetrics: bool = False, only: frozenset[str] | None = None) -> Page:
        """What is good at the moment `at`; only: source kinds and collectors to show (None: all)."""
        published = self._published
        key = (openmetrics, only)
        cached = self._pages.get(key)
        if cached and cached[0] is published and cached[1].valid_until > at:
            return cached[1]
        page = self._assemble(published, at, openmetrics, only)
        if len(self._pages) >= _CACHED_SELECTIONS and key not in self._pages:
            self._pages.clear()
        self._pages[key] = (published, page)
        return page

    def _assemble(
        self,
        published: Mapping[Subject, Mapping[str, Publication]],
        at: float,
        openmetrics: bool,
        only: frozenset[str] | None,
    ) -> Page:
        chunks: list[Chunk] = []
        valid_until = math.inf
        good: dict[Subject, list[Publication]] = {}
        for subject, sources in published.items():
            chosen = [
                publication
                for _, publication in sorted(sources.items())
                if publication.good_until > at and (only is None or _is_chosen(subject, publication, only))
            ]
            good[subject] = chosen
            valid_until = min([valid_until, *(publication.good_until for publication in chosen)])
        for family in self._families:
            pieces = [p.chunks[family] for p in good.get(family.subject, ()) if family in p.chunks]
            if pieces:
                chunks.append(head(family, openmetrics))
                chunks.extend(pieces)
        return Page(chunks, valid_until)


def _is_chosen(subject: Subject, publication: Publication, only: frozenset[str]) -> bool:
    return publication.kind in only or not only.isdisjoint(subject.fed_by)


@lru_cache(maxsize=1024)
def head(family: Family, openmetrics: bool) -> Chunk:
    """The HELP and TYPE lines; the two formats differ in the type of an info and in the name of a counter."""
    name, type_ = family.name, family.type
    text = family.help.replace("\\", r"\\").replace("\n", r"\n")
    if openmetrics:
        text = text.replace('"', r"\"")
        name = name.removesuffix("_info") if type_ == "info" else name.removesuffix("_total")
    elif type_ == "info":
        type_ = "gauge"
    return Chunk(f"# HELP {name} {text}\n# TYPE {name} {type_}\n".encode())


def render(measured: Measured, source: str) -> tuple[list[str], int]:
    """The lines of one family, and how many samples were refused because their labels were there already."""
    family = measured.family
    own = [f'source="{_escape(source)}"'.replace("%", "%%")] if family.subject.of_source else []
    labels = [f'{label}="%s"' for label in (*family.subject.labels, *family.extra_labels)]
    form = f"{family.name}{{{','.join(own + labels)}}} %s\n"
    seen: set[tuple[str, ...]] = set()
    lines: list[str] = []
    for names, value in measured.rows:
        if names in seen:
            continue
        seen.add(names)
        lines.append(form % (*map(_escape, names), number(value)))
    return lines, len(measured.rows) - len(lines)


def number(value: float) -> str:
    """A float as both formats write it; whole numbers lose their ".0", which at this volume is worth it."""
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return repr(value)


@lru_cache(maxsize=65536)
def _escape(label_value: str) -> str:
    if "\\" in label_value or '"' in label_value or "\n" in label_value:
        return label_value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
    return label_value
