"""A CommServe that only the environment describes."""

from __future__ import annotations

import pytest

from exporter.config import parse
from exporter.errors import ConfigError
from exporter.sources.commvault.environment import from_environment

NEEDED = {"COMMVAULT_BASE_URL": "https://commvault.example.com/api", "COMMVAULT_API_TOKEN": "example-access-token"}


def test_without_the_variables_there_is_no_source():
    assert from_environment({"COMMVAULT_VERIFY_TLS": "false", "COMMVAULT_JOB_CACHE_TTL": "60"}) is None


def test_address_and_token_make_a_source_with_the_defaults_that_are_documented(monkeypatch):
    monkeypatch.setenv("COMMVAULT_API_TOKEN", "example-access-token")
    source = from_environment(NEEDED)
    assert (source.name, source.url, source.verify) == ("commvault", "https://commvault.example.com/api", True)
    assert source.intervals.jobs == 600
    assert source.token_secret.read() == "example-access-token"
    assert "example-access-token" not in repr(source) + source.model_dump_json()


@pytest.mark.parametrize(
    ("given", "verify"), [("true", True), ("True", True), ("", True), ("1", True), ("false", False), ("0", False)]
)
def test_tls_is_verified_or_not(given, verify):
    assert from_environment(NEEDED | {"COMMVAULT_VERIFY_TLS": given}).verify is verify


def test_tls_is_verified_by_a_file_of_authorities(tmp_path):
    file = tmp_path / "ca.pem"
    file.write_text("")
    assert from_environment(NEEDED | {"COMMVAULT_VERIFY_TLS": str(file)}).verify == file


def test_the_lifetime_of_cached_jobs_is_how_often_they_are_asked_for():
    asked = from_environment(NEEDED | {"COMMVAULT_JOB_CACHE_TTL": "120", "COMMVAULT_JOB_CACHE_BUCKET_SECONDS": "60"})
    assert asked.intervals.jobs == 120


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"COMMVAULT_API_TOKEN": ""}, "COMMVAULT_API_TOKEN is not set, and COMMVAULT_BASE_URL is"),
        ({"COMMVAULT_BASE_URL": ""}, "COMMVAULT_BASE_URL is not set, and COMMVAULT_API_TOKEN is"),
        ({"COMMVAULT_BASE_URL": "commvault"}, "COMMVAULT_BASE_URL: 'commvault' is not a URL"),
        ({"COMMVAULT_BASE_URL": "https://me:secret@example.com"}, "COMMVAULT_BASE_URL: a URL must not hold cred"),
        ({"COMMVAULT_VERIFY_TLS": "maybe"}, "COMMVAULT_VERIFY_TLS: 'maybe' is neither true nor false nor a file"),
        ({"COMMVAULT_JOB_CACHE_TTL": "0"}, "COMMVAULT_JOB_CACHE_TTL: '0' is not a number of seconds"),
        ({"COMMVAULT_JOB_CACHE_TTL": "1m"}, "COMMVAULT_JOB_CACHE_TTL: '1m' is not a number of seconds"),
        ({"COMMVAULT_JOB_CACHE_TTL": "-5"}, "COMMVAULT_JOB_CACHE_TTL: '-5' is not a number of seconds"),
        ({"COMMVAULT_JOB_CACHE_BUCKET_SECONDS": "x"}, "COMMVAULT_JOB_CACHE_BUCKET_SECONDS: 'x' is not a number"),
    ],
)
def test_what_is_wrong_is_said_with_the_name_of_the_variable(changed, complaint):
    with pytest.raises(ConfigError, match=complaint) as error:
        from_environment(NEEDED | changed)
    assert "secret" not in str(error.value)
    assert "example-access-token" not in str(error.value)


def test_it_joins_the_local_filesystems_where_no_sources_are_configured(monkeypatch):
    assert [source.kind for source in parse("").sources] == ["filesystem"]
    for name, value in NEEDED.items():
        monkeypatch.setenv(name, value)
    assert [source.kind for source in parse("").sources] == ["filesystem", "commvault"]
    assert [source.kind for source in parse("sources: [{name: a, kind: filesystem}]").sources] == ["filesystem"]

    monkeypatch.delenv("COMMVAULT_API_TOKEN")
    with pytest.raises(ConfigError, match="COMMVAULT_API_TOKEN is not set"):
        parse("")
