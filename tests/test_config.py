"""The configuration: what it may hold, where state is kept, and that it shows no secret."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from exporter import config as module
from exporter.config import Config, load, parse, state_directory
from exporter.errors import ConfigError
from exporter.model import Group

PASSWORD = "hunter2"


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    file = tmp_path / "cs01.password"
    file.write_text(PASSWORD + "\n")
    return file


@pytest.fixture
def three_kinds(secret_file: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("VBR_PASSWORD", PASSWORD)
    return f"""
web: {{listen: "127.0.0.1:9877", lifecycle: true}}
history: {{url: "postgresql+psycopg://ebb:{PASSWORD}@db01.example.com/ebbtide", resolution: 10m, keep: 30d}}
groups:
  - {{match: {{source: cs01, pool: "Finance*"}}, business_unit: Finance, importance: high}}
  - {{match: {{source: "cs*"}}, business_unit: IT, site: Basel}}
  - {{match: {{}}, business_unit: Other}}
sources:
  - name: cs01
    kind: commvault
    url: https://cs01.example.com/webconsole/api
    username: svc
    password_file: {secret_file}
    verify: {secret_file}
    intervals: {{jobs: 5m, pools: off}}
  - name: vbr01
    kind: veeam
    url: https://vbr01.example.com:9419
    username: EXAMPLE\\svc
    password: {{env: VBR_PASSWORD}}
    verify: false
  - name: fs01
    kind: filesystem
    scan: [{{path: /srv, interval: 1d}}]
"""


# What is right


def test_every_kind_of_source_can_be_configured(three_kinds: str, secret_file: Path) -> None:
    config = parse(three_kinds)
    assert [(s.kind, s.name) for s in config.sources] == [
        ("commvault", "cs01"), ("veeam", "vbr01"), ("filesystem", "fs01"),
    ]  # fmt: skip
    assert config.sources[0].intervals.jobs == 300.0  # type: ignore[union-attr]
    assert config.sources[0].intervals.pools is False  # type: ignore[union-attr]
    assert config.sources[0].verify == secret_file  # type: ignore[union-attr]
    assert config.sources[1].verify is False  # type: ignore[union-attr]
    assert (config.history.resolution, config.history.keep) == (600.0, 30 * 86400.0)
    assert config.web.address == ("127.0.0.1", 9877)


@pytest.mark.parametrize("text", ["", "# nothing\n", "{}", "---\n", "\ufeff"])
def test_an_empty_file_watches_the_local_filesystems(text: str, tmp_path: Path) -> None:
    file = tmp_path / "ebbtide.yml"
    file.write_text(text, encoding="utf-8")
    config = load(file)
    assert [(s.kind, s.name) for s in config.sources] == [("filesystem", socket.gethostname())]
    assert config == Config()  # type: ignore[call-arg]
    assert config.web.address == ("", 9877)


def test_the_shipped_example_is_valid_but_for_the_secrets_it_names(tmp_path: Path) -> None:
    example = (Path(__file__).parents[1] / "ebbtide.example.yml").read_text(encoding="utf-8")
    for name in ("cs01", "vbr01"):
        (tmp_path / f"{name}.password").write_text(PASSWORD)
    assert len(parse(example.replace("/etc/ebbtide", str(tmp_path))).sources) == 3


def test_the_schema_accepts_what_the_exporter_accepts(three_kinds: str) -> None:
    schema = Config.model_json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    content = yaml.safe_load(three_kinds)
    jsonschema.validate(content, schema)
    content["web"]["lisen"] = ":1"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(content, schema)


@pytest.mark.parametrize(
    ("listen", "address"),
    [
        (":9877", ("", 9877)),
        ("127.0.0.1:0", ("127.0.0.1", 0)),
        ("[::1]:80", ("::1", 80)),
        ("host:65535", ("host", 65535)),
    ],
)
def test_an_address_is_a_host_and_a_port(listen: str, address: tuple[str, int]) -> None:
    assert parse(f'web: {{listen: "{listen}"}}').web.address == address


def test_the_first_group_that_matches_decides(three_kinds: str) -> None:
    config = parse(three_kinds)
    assert config.group_of("cs01", "Finance Gold") == Group("Finance", importance="high")
    assert config.group_of("cs01", "finance gold") == Group("IT", site="Basel")
    assert config.group_of("vbr01", "") == Group("Other")
    assert parse("").group_of("cs01", "Gold") == Group()


# Where past values are kept


@pytest.mark.parametrize(
    ("text", "history", "ledger"),
    [
        ("", "sqlite:///{state}/history.db", "sqlite:///{state}/ledger.db"),
        ("history: {{url: 'sqlite:////data/h.db'}}", "sqlite:////data/h.db", "sqlite:////data/ledger.db"),
        ("history: {{url: 'sqlite://'}}", "sqlite://", "sqlite://"),
        ("history: {{url: 'sqlite:///:memory:'}}", "sqlite:///:memory:", "sqlite:///:memory:"),
        ("history: {{url: 'postgresql+psycopg://e:p@h/d'}}", "postgresql+psycopg://e:p@h/d", "postgresql+psycopg://e:p@h/d"),
        ("history: {{url: 'http://prom:9090'}}", "http://prom:9090", "sqlite:///{state}/ledger.db"),
        ("ledger: {{url: 'sqlite:////data/l.db'}}", "sqlite:///{state}/history.db", "sqlite:////data/l.db"),
    ],
)  # fmt: skip
def test_the_ledger_is_beside_the_history_unless_told(
    text: str, history: str, ledger: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", f"{tmp_path}/state:/other")
    found = parse(text.format()).store_urls()
    assert found == (history.format(state=tmp_path / "state"), ledger.format(state=tmp_path / "state"))


def test_state_is_kept_where_it_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    monkeypatch.setattr(module, "Path", lambda p: tmp_path / "var" if p == "/var/lib/ebbtide" else Path(p))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home"))
    assert state_directory() == tmp_path / "var"
    (tmp_path / "var").rmdir()
    (tmp_path / "var").write_text("in the way")
    assert state_directory() == tmp_path / "home" / "ebbtide"
    (tmp_path / "home" / "ebbtide").rmdir()
    (tmp_path / "home" / "ebbtide").write_text("in the way")
    with pytest.raises(ConfigError, match=r"no folder to keep state in .* set history\.url"):
        state_directory()


@pytest.mark.parametrize(
    ("content", "reason"), [(b"web: \xff\xfe", "not UTF-8 text"), (None, "No such file or directory")]
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None, reason: str) -> None:
    file = tmp_path / "ebbtide.yml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert str(caught.value) == f"{file}: {reason}"


def test_nothing_that_shows_a_configuration_shows_a_secret(three_kinds: str) -> None:
    config = parse(three_kinds)
    assert PASSWORD in config.store_urls()[0]
    ways: list[Callable[[Config], Any]] = [
        repr, str, lambda c: c.model_dump(), lambda c: c.model_dump_json(), lambda c: c.model_dump(mode="json"),
        lambda c: list(c), lambda c: [repr(s) + str(s) for s in c.sources], lambda c: c.history, lambda c: vars(c),
        lambda c: [s.secrets for s in c.sources],
    ]  # fmt: skip
    for way in ways:
        shown = way(config)
        assert PASSWORD not in str(shown)
        assert PASSWORD not in repr(shown)


CLASSED = """
groups:
  - {match: {source: "db*"}, importance: high}
  - {match: {source: "*"}, importance: low}
classes:
  high: {interval: 6h, depth: 2, keep: 800d}
  low: {schedule: "0 2 * * 6"}
sources:
  - name: db01
    kind: filesystem
    scan: [{path: /a}, {path: /b, interval: 1h}, {path: /c, schedule: "0 1 * * *", depth: 0}]
  - {name: web01, kind: filesystem, scan: [{path: /a}, {path: /b, interval: 1h}]}
"""


def test_the_importance_of_a_server_decides_how_often_it_is_scanned_and_how_long_that_is_kept() -> None:
    config = parse(CLASSED)
    found = [[(s.interval, s.schedule, s.depth) for s in getattr(source, "scan", ())] for source in config.sources]
    day, hour = 86400.0, 3600.0
    assert found == [
        [(6 * hour, None, 2), (hour, None, 2), (day, "0 1 * * *", 0)],
        [(day, "0 2 * * 6", 1), (hour, None, 1)],
    ]
    assert [config.keep_of(name) for name in ("db01", "web01", "unknown")] == [800 * day, 1095 * day, 1095 * day]


@pytest.mark.parametrize(
    ("classes", "said"),
    [
        ("{hgih: {interval: 1h}}", "'hgih', which is the importance of no group"),
        ('{high: {interval: 1h, schedule: "0 2 * * *"}}', "interval and schedule are both set; keep one"),
        ("{high: {schedule: daily}}", "is no schedule like"),
        ("{high: {every: 1h}}", "every"),
    ],
)
def test_a_mistake_in_a_class_is_named(classes: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        parse(f"groups: [{{match: {{}}, importance: high}}]\nclasses: {classes}")
