"""The whole YAML: one file, every key known, every mistake one line that names key and value.

`load` is the only way to a Config from outside, so whoever holds one holds a valid one.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import Field, FilePath, SecretStr, ValidationError, field_validator, model_validator

from exporter.bridge.config import BridgeSettings
from exporter.config_problems import first_problem, shown, wrong, yaml_problem
from exporter.errors import ConfigError
from exporter.findings.config import ESTATE, ForecastSettings
from exporter.history.config import HistorySettings
from exporter.model import Group
from exporter.settings import Duration, Listen, Secret, Settings, address
from exporter.sources.commvault.config import CommvaultSettings
from exporter.sources.commvault.environment import from_environment
from exporter.sources.filesystem.config import FilesystemSettings, Schedule
from exporter.sources.veeam.config import VeeamSettings

AnySource = Annotated[CommvaultSettings | VeeamSettings | FilesystemSettings, Field(discriminator="kind")]


class Web(Settings):
    listen: Listen = ":9877"
    lifecycle: Annotated[bool, Field(description="allow POST /-/reload and /-/poll")] = False

    @property
    def address(self) -> tuple[str, int]:
        return address(self.listen)


class LedgerSettings(Settings):
    url: Annotated[
        SecretStr | None, Field(description="sqlite:///… or postgresql+psycopg://…; default: beside the history")
    ] = None


class Match(Settings):
    source: Annotated[str, Field(description="name of the source; * and ? as in a shell")] = "*"
    pool: Annotated[str, Field(description="name of the pool; * and ? as in a shell")] = "*"


class GroupSettings(Settings):
    """Whom sources and pools belong to; the first entry that matches decides."""

    match: Match
    business_unit: str = ""
    application: str = ""
    site: str = ""
    importance: str = ""


class ClassSettings(Settings):
    """What is scanned how often and kept how long of sources of an importance; what a scan says itself counts more."""

    interval: Annotated[Duration | None, Field(description="between scans")] = None
    schedule: Schedule = None
    depth: Annotated[int | None, Field(ge=0, description="levels of directories told apart by a scan")] = None
    keep: Annotated[Duration | None, Field(description="older samples are deleted, instead of history.keep")] = None

    @model_validator(mode="after")
    def _interval_or_schedule(self) -> Self:
        if self.interval is not None and self.schedule is not None:
            raise ValueError("interval and schedule are both set; keep one")
        return self


class Nagios(Settings):
    thresholds: Annotated[
        FilePath | None,
        Field(description="a thresholds.yaml other than the shipped one, for /nagios and check_ebbtide"),
    ] = None
    freshness: Annotated[
        Duration, Field(description="an alert's service is UNKNOWN when nothing was heard for so long")
    ] = 600.0


class Config(Settings):
    web: Web = Web()
    history: HistorySettings = HistorySettings()
    ledger: LedgerSettings = LedgerSettings()
    forecast: ForecastSettings = ForecastSettings()
    groups: tuple[GroupSettings, ...] = ()
    classes: Annotated[
        dict[str, ClassSettings],
        Field(default_factory=dict, description="by the importance that `groups` give a source"),
    ]
    nagios: Nagios = Nagios()
    bridge: BridgeSettings | None = None
    sources: Annotated[tuple[AnySource, ...], Field(default_factory=lambda: without_sources())]

    @field_validator("sources")
    @classmethod
    def _distinct_names(cls, sources: tuple[AnySource, ...]) -> tuple[AnySource, ...]:
        names = [source.name for source in sources]
        if doubled := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"the name {doubled[0]!r} is given to more than one source")
        if ESTATE in names:
            raise ValueError(f"the name {ESTATE!r} means all sources together; give the source another")
        if not sources:
            raise ValueError("the list is empty; leave `sources` out to watch the local filesystems")
        return sources

    def group_of(self, source: str, pool: str) -> Group:
        """Whom a pool belongs to; pool "" is the source itself, which only entries for all its pools match."""
        for entry in self.groups:
            if fnmatchcase(source, entry.match.source) and fnmatchcase(pool, entry.match.pool):
                return Group(entry.business_unit, entry.application, entry.site, entry.importance)
        return Group()

    def class_of(self, source: str) -> ClassSettings:
        return self.classes.get(self.group_of(source, "").importance, ClassSettings())

    def keep_of(self, source: str) -> float:
        """Seconds for which the samples of the source are kept."""
        return self.class_of(source).keep or self.history.keep

    @model_validator(mode="after")
    def _classes_of_groups(self) -> Self:
        if unknown := sorted(self.classes.keys() - {group.importance for group in self.groups}):
            raise ValueError(f"classes has {unknown[0]!r}, which is the importance of no group")
        return self

    def store_urls(self) -> tuple[str, str]:
        """(history, ledger), with the defaults filled in; a folder for SQLite files is made."""
        history = self.history.url_text or _sqlite(state_directory() / "history.db")
        if self.ledger.url:
            return history, self.ledger.url.get_secret_value()
        if history.startswith("sqlite:///") and ":memory:" not in history:
            return history, _sqlite(Path(history.removeprefix("sqlite:///")).with_name("ledger.db"))
        if self.history.is_promql:
            return history, _sqlite(state_directory() / "ledger.db")
        return history, history


def without_sources() -> tuple[AnySource, ...]:
    """The local filesystems, and a CommServe where the environment describes one."""
    commserve = from_environment(os.environ)
    return (local_filesystems(), commserve) if commserve else (local_filesystems(),)


def local_filesystems() -> FilesystemSettings:
    return FilesystemSettings(kind="filesystem", name=socket.gethostname())


def state_directory() -> Path:
    """Where state is kept unless configured: systemd's, else /var/lib/ebbtide, else the user's. Made if missing."""
    if given := os.environ.get("STATE_DIRECTORY"):
        candidates = [Path(given.partition(":")[0])]
    else:
        home = os.environ.get("XDG_STATE_HOME") or str(Path("~/.local/state").expanduser())
        candidates = [Path("/var/lib/ebbtide"), Path(home) / "ebbtide"]
    for candidate in candidates:
        try:
            candidate.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(candidate, os.W_OK | os.X_OK):
            return candidate
    tried = " nor ".join(map(str, candidates))
    raise ConfigError(f"history.url: no folder to keep state in ({tried} can be written); set history.url")


def _sqlite(path: Path) -> str:
    return f"sqlite:///{path}"


def load(path: Path) -> Config:
    """The configuration in a file. Raises ConfigError with one line: file, key, value, what would be right."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not UTF-8 text") from None
    return parse(text, str(path))


def parse(text: str, name: str = "config") -> Config:
    try:
        content = yaml.load(text, _UniqueKeyLoader)  # noqa: S506 (a SafeLoader)
    except yaml.YAMLError as error:
        raise wrong(name, yaml_problem(error)) from None
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError):
        # What PyYAML's own constructors raise over 2026-02-30 or `!!int x`.
        raise wrong(name, "a date or number is not valid; quote it where it is meant as text") from None
    except RecursionError:
        raise ConfigError(f"{name}: nested too deeply") from None
    if content is None:
        content = {}
    if not isinstance(content, dict):
        raise wrong(name, f"must hold keys such as `sources:`, not {shown(content)}")
    try:
        config = Config.model_validate(content)
    except ValidationError as error:
        raise wrong(name, first_problem(error, Config)) from None
    owners: list[tuple[str, Sequence[Secret]]] = [("history", config.history.secrets)]
    owners += [(f"source {s.name}", s.secrets) for s in config.sources]
    owners += [("bridge", config.bridge.secrets)] if config.bridge else []
    for owner, secrets in owners:
        for secret in secrets:
            try:
                secret.read()
            except ConfigError as error:
                raise wrong(name, f"{owner}: {error}") from None
    return _classed(config)


def _classed(config: Config) -> Config:
    """The scans of each source as its class has them."""

    def classed(source: AnySource) -> AnySource:
        if not isinstance(source, FilesystemSettings):
            return source
        of_class = config.class_of(source.name).model_dump(include={"interval", "schedule", "depth"}, exclude_none=True)
        return source.model_copy(update={"scan": tuple(scan.with_defaults(**of_class) for scan in source.scan)})

    return config.model_copy(update={"sources": tuple(map(classed, config.sources))})


class _UniqueKeyLoader(yaml.SafeLoader):
    """Refuses a key given twice, where YAML would silently let the second win."""


def _mapping(loader: _UniqueKeyLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[object] = set()
    for key_node, _ in node.value:
        if not isinstance(key_node, yaml.ScalarNode):
            continue
        key = key_node.value
        if key in seen:
            raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} is given twice", key_node.start_mark)
        seen.add(key)
    return loader.construct_mapping(node, deep=True)


_UniqueKeyLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)
