"""The whole YAML: one file, every key known, every mistake one line that names key and value.

`load` is the only way to a Config from outside, so whoever holds one holds a valid one.
"""

from __future__ import annotations

import difflib
import os
import re
import socket
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, get_args

import yaml
from pydantic import BaseModel, Field, SecretStr, ValidationError, field_validator

from exporter.errors import ConfigError
from exporter.findings.config import ForecastSettings
from exporter.history.config import HistorySettings
from exporter.model import Group
from exporter.settings import Settings
from exporter.sources.commvault.config import CommvaultSettings
from exporter.sources.commvault.environment import from_environment
from exporter.sources.filesystem.config import FilesystemSettings
from exporter.sources.veeam.config import VeeamSettings

AnySource = Annotated[CommvaultSettings | VeeamSettings | FilesystemSettings, Field(discriminator="kind")]

_SECRET_KEY = re.compile(r"pass|token|secret|credential", re.IGNORECASE)
_URL_WITH_CREDENTIALS = re.compile(r"//.*@", re.DOTALL)
_LISTEN = re.compile(r"(?P<host>\[[^]]+\]|[^:\[\]]*):(?P<port>\d{1,5})")


class Web(Settings):
    listen: Annotated[str, Field(description="host:port; without a host, all addresses")] = ":9877"
    lifecycle: Annotated[bool, Field(description="allow POST /-/reload and /-/poll")] = False

    @field_validator("listen")
    @classmethod
    def _listen(cls, value: str) -> str:
        match = _LISTEN.fullmatch(value)
        if not match or int(match["port"]) > 65535:
            raise ValueError(f"{value!r} is not an address like :9877 or 127.0.0.1:9877")
        return value

    @property
    def address(self) -> tuple[str, int]:
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]"), int(port)


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


class Nagios(Settings):
    thresholds: Annotated[
        Path | None,
        Field(description="a thresholds.yaml other than the shipped one, for the Nagios checks of a later release"),
    ] = None


class Config(Settings):
    web: Web = Web()
    history: HistorySettings = HistorySettings()
    ledger: LedgerSettings = LedgerSettings()
    forecast: ForecastSettings = ForecastSettings()
    groups: tuple[GroupSettings, ...] = ()
    nagios: Nagios = Nagios()
    sources: Annotated[tuple[AnySource, ...], Field(default_factory=lambda: without_sources())]

    @field_validator("sources")
    @classmethod
    def _distinct_names(cls, sources: tuple[AnySource, ...]) -> tuple[AnySource, ...]:
        names = [source.name for source in sources]
        if doubled := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"the name {doubled[0]!r} is given to more than one source")
        if not sources:
            raise ValueError("the list is empty; leave `sources` out to watch the local filesystems")
        return sources

    def group_of(self, source: str, pool: str) -> Group:
        """Whom a pool belongs to; pool "" is the source itself, which only entries for all its pools match."""
        for entry in self.groups:
            if fnmatchcase(source, entry.match.source) and fnmatchcase(pool, entry.match.pool):
                return Group(entry.business_unit, entry.application, entry.site, entry.importance)
        return Group()

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
        raise _wrong(name, _yaml_problem(error)) from None
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError):
        # What PyYAML's own constructors raise over 2026-02-30 or `!!int x`.
        raise _wrong(name, "a date or number is not valid; quote it where it is meant as text") from None
    except RecursionError:
        raise ConfigError(f"{name}: nested too deeply") from None
    if content is None:
        content = {}
    if not isinstance(content, dict):
        raise _wrong(name, f"must hold keys such as `sources:`, not {_shown(content)}")
    try:
        config = Config.model_validate(content)
    except ValidationError as error:
        raise _wrong(name, _first_problem(error)) from None
    secrets = [("history", secret) for secret in config.history.secrets]
    secrets += [(f"source {source.name}", secret) for source in config.sources for secret in source.secrets]
    for where, secret in secrets:
        try:
            secret.read()
        except ConfigError as error:
            raise _wrong(name, f"{where}: {error}") from None
    return config


def _wrong(name: str, problem: str) -> ConfigError:
    """One line, and no credentials of a URL, whatever the keys and values hold."""
    return ConfigError(f"{name}: {_URL_WITH_CREDENTIALS.sub('//…@', ' '.join(problem.split()))}")


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


def _yaml_problem(error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        mark, problem = error.problem_mark, str(error.problem)
        # An unquoted password may start with one of these, and must not be repeated.
        for character, sign in (("*", "undefined alias"), ("!", "for the tag"), ("!", "tag handle")):
            if sign in problem:
                problem = f"a text that starts with {character} must be quoted"
        return f"line {mark.line + 1}, column {mark.column + 1}: {problem}"
    return f"not valid YAML: {error}"


def _first_problem(error: ValidationError) -> str:
    problems = error.errors(include_url=False)
    # A misspelt key is also a missing one, and a `verify` that is no file is also neither true nor false.
    first = next(
        (p for kind in ("extra_forbidden", "path_not_file") for p in problems if p["type"] == kind), problems[0]
    )
    path, known = _place(first)
    # A union complains once for each of its types.
    others = {_written(_place(problem)[0]) for problem in problems} - {_written(path)}
    more = f" (and {len(others)} more)" if others else ""
    return f"{_written(path) or 'config'}: {_what_is_wrong(first, path, known)}{more}"


def _place(problem: Any) -> tuple[list[str | int], set[str]]:
    """Where a problem is, as keys and indexes that the file has, and the keys that are known there.

    pydantic's location also holds the tag of a source and the type tried in a union. A path ends at a key
    that holds a secret, because below it may stand the secret.
    """
    path: list[str | int] = []
    models: list[type[BaseModel]] = [Config]
    for part in problem["loc"]:
        if isinstance(part, int):
            path += [part] if problem["type"] != "invalid_key" else []
            continue
        tagged = [m for m in models if part in get_args(getattr(m.model_fields.get("kind"), "annotation", None))]
        known = [m for m in models if part in m.model_fields]
        if tagged or not known:
            models = tagged or models
            continue
        path.append(part)
        if _is_secret(part) and problem["type"] != "missing":
            return path, set()
        models = [inner for m in known for inner in _models_in(m.model_fields[part].annotation)]
    if problem["type"] == "extra_forbidden":
        path.append(problem["loc"][-1])
    return path, {name for model in models for name in model.model_fields}


def _written(path: Sequence[str | int]) -> str:
    """sources[0].url"""
    parts = (f"[{p}]" if isinstance(p, int) else f".{p if p.isprintable() else repr(p)[1:-1]}" for p in path)
    return "".join(parts).lstrip(".")


def _what_is_wrong(problem: Any, path: Sequence[str | int], known: set[str]) -> str:
    kind, value = problem["type"], problem["input"]
    if kind == "extra_forbidden" and known:
        # Its value is not repeated: who knows what `pasword: ...` holds.
        return f"unknown key; {_meant(str(path[-1]), known)}"
    if kind == "missing":
        return "is required"
    if kind.startswith("union_tag"):
        given = value.get("kind") if isinstance(value, dict) else value
        kinds = {"commvault", "veeam", "filesystem"}
        return f"kind: {_shown(given)} is no kind of source; {_meant(str(given), kinds)}"
    message = problem["msg"].removeprefix("Value error, ")
    if kind in ("value_error", "assertion_error"):
        return str(message)
    if path and _is_secret(path[-1]):
        return f"must be {{env: NAME}}; or use {path[-1]}_file"
    if value is None:
        return "is empty; leave the key out to have its default"
    plain = _PLAIN.get(kind, f"is not right: {message[0].lower()}{message[1:]}")
    return f"{_shown(value)} {plain}"


# pydantic's words are Python's; these are YAML's.
_PLAIN = {
    "invalid_key": "is no text, which a key must be",
    "bool_parsing": "is neither true nor false",
    "bool_type": "is neither true nor false",
    "path_not_file": "is not a file",
    "path_type": "is not a path",
    "string_type": "is not a text; put it in quotes",
    "int_parsing": "is not a whole number",
    "int_type": "is not a whole number",
    "tuple_type": "is not a list",
    "model_type": "is not a mapping of keys to values",
    "model_attributes_type": "is not a mapping of keys to values",
}


def _meant(given: str, known: set[str]) -> str:
    near = difflib.get_close_matches(given[:60], sorted(known), n=1, cutoff=0.5)
    return f"did you mean {near[0]}?" if near else f"known are {', '.join(sorted(known))}"


def _is_secret(key: str | int) -> bool:
    return isinstance(key, str) and bool(_SECRET_KEY.search(key)) and not key.endswith("_file")


def _shown(value: object) -> str:
    """A value as it may be repeated in a message: short, and without the credentials of a URL."""
    if isinstance(value, dict | list):
        return f"a {'mapping' if isinstance(value, dict) else 'list'}"
    text = _URL_WITH_CREDENTIALS.sub("//…@", repr(value))
    return text if len(text) <= 60 else f"{text[:57]}..."


def _models_in(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models_in(argument)]
