"""Durations, secrets and URLs as a configuration may write them."""

from __future__ import annotations

import doctest
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from exporter import settings
from exporter.errors import ConfigError
from exporter.settings import (
    EnvSecret,
    FromEnvironment,
    Interval,
    Pinned,
    Secret,
    SourceSettings,
    Url,
    Verify,
    format_duration,
    parse_duration,
    secret,
)


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(settings).failed == 0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("250ms", 0.25), ("30s", 30), ("5m", 300), ("1h", 3600), ("1d", 86400), ("2w", 1209600), ("1h30m", 5400)],
)
def test_a_duration_is_written_as_prometheus_writes_it(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "5 m", "-5m", "1.5h", "m5", "5M", "٣m", 5, None, ["5m"], "5m\n"])
def test_what_is_no_duration_is_refused_with_an_example(text: object) -> None:
    with pytest.raises(ValueError, match="write it like 30s, 5m, 1h or 1d"):
        parse_duration(text)


def test_a_duration_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="longer than zero"):
        parse_duration("0s")


def test_a_duration_no_scheduler_can_count_is_refused() -> None:
    with pytest.raises(ValueError, match="shorter than a hundred years"):
        parse_duration("999999999999w")
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration("9" * 5000 + "d")


@given(st.integers(min_value=1, max_value=10**11))
def test_a_duration_reads_back_as_it_was_written(milliseconds: int) -> None:
    assert parse_duration(format_duration(milliseconds / 1000)) == pytest.approx(milliseconds / 1000)


def test_a_secret_is_the_first_line_of_its_file(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_bytes(b"hunter2 \r\nsecond line\n")
    assert Secret(file=file).read() == "hunter2 "


def test_a_secret_is_read_anew_each_time(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("old")
    configured = Secret(file=file)
    assert configured.read() == "old"
    file.write_text("rotated")
    assert configured.read() == "rotated"


def test_a_secret_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CS01_PASSWORD", "hunter2")
    assert Secret(env="CS01_PASSWORD").read() == "hunter2"
    monkeypatch.setenv("CS01_PASSWORD", "")
    with pytest.raises(ConfigError, match="CS01_PASSWORD is not set or empty"):
        Secret(env="CS01_PASSWORD").read()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"", "is empty"),
        (b"\nhunter2", "is empty"),
        (b"\xff\xfe", "not UTF-8 text"),
    ],
)
def test_a_secret_file_that_is_no_good_is_named(tmp_path: Path, content: bytes | None, reason: str) -> None:
    file = tmp_path / "password"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match=reason) as caught:
        Secret(file=file).read()
    assert str(file) in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_secret_file_that_cannot_be_a_path_is_named() -> None:
    with pytest.raises(ConfigError, match="not a path"):
        Secret(file=Path("a\0b")).read()
    with pytest.raises(ConfigError, match="cannot be read"):
        Secret().read()


def test_a_secret_shows_where_it_is_and_not_what_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CS01_PASSWORD", "hunter2")
    (tmp_path / "password").write_text("hunter2")
    secrets = [Secret(env="CS01_PASSWORD"), Secret(file=tmp_path / "password")]
    assert [one.read() for one in secrets] == ["hunter2", "hunter2"]
    assert "hunter2" not in repr(secrets) + str(secrets)


def test_a_secret_has_one_place() -> None:
    env, file = FromEnvironment(env="X"), Path("/x")
    assert secret("password", env, None) == Secret(env="X")
    assert secret("password", None, file) == Secret(file=file)
    assert secret("password", None, None) is None
    with pytest.raises(ValueError, match="password and password_file are both set"):
        secret("password", env, file)


def test_a_literal_secret_is_refused_without_being_repeated() -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(EnvSecret).validate_python("hunter2")
    assert "is not written into the config" in caught.value.errors()[0]["msg"]
    assert "hunter2" not in caught.value.errors()[0]["msg"]


def test_a_source_knows_all_its_secrets() -> None:
    class Example(SourceSettings):
        token: EnvSecret | None = None
        token_file: Path | None = None
        password: EnvSecret | None = None
        password_file: Path | None = None
        ca_file: Path | None = None

    example = Example.model_validate(
        {"name": "x", "token": {"env": "TOKEN"}, "password_file": "/etc/password", "ca_file": "/etc/ca.pem"}
    )
    assert example.secrets == (Secret(env="TOKEN"), Secret(file=Path("/etc/password")))
    assert Example(name="x").secrets == ()


@pytest.mark.parametrize(
    ("given_interval", "means"), [("5m", 300.0), (False, False), (None, None)], ids=["duration", "off", "default"]
)
def test_an_interval_is_a_duration_or_off_or_the_default(given_interval: Any, means: Any) -> None:
    assert TypeAdapter(Interval).validate_python(given_interval) == means


def test_a_url_loses_its_trailing_slash() -> None:
    assert TypeAdapter(Url).validate_python("https://cs01.example.com/api/") == "https://cs01.example.com/api"


@pytest.mark.parametrize(
    "url",
    [
        "https://svc:hunter2@cs01.example.com",
        "svc:hunter2@cs01.example.com",
        "https:/svc:hunter2@cs01.example.com",
        "https://cs01.example.com/api?token=hunter2",
        "https://cs01.example.com/#hunter2",
    ],
)
def test_a_url_with_credentials_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(Url).validate_python(url)
    assert "hunter2" not in caught.value.errors()[0]["msg"]


@pytest.mark.parametrize(
    "url",
    ["", "cs01.example.com", "ftp://cs01.example.com", "https://", "https://[::1", "https://h:99999", "http://h:0"],
)
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Url).validate_python(url)


@pytest.mark.parametrize("name", ["", "two\nlines", "ends with a space ", "x" * 101])
def test_a_source_name_fits_on_a_line_and_in_a_label(name: str) -> None:
    with pytest.raises(ValidationError):
        SourceSettings(name=name)


@pytest.mark.parametrize("text", ["ab" * 32, "AB" * 32, ":".join(["Ab"] * 32)])
def test_a_fingerprint_is_64_digits_with_or_without_colons(text: str) -> None:
    assert TypeAdapter(Verify).validate_python({"sha256": text}) == Pinned(sha256="ab" * 32)


@pytest.mark.parametrize("text", ["", "ab" * 20, "xy" * 32, "ab" * 33])
def test_what_is_no_sha256_fingerprint_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a SHA-256 fingerprint: 64 hexadecimal digits"):
        TypeAdapter(Verify).validate_python({"sha256": text})
