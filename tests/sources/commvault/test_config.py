from __future__ import annotations

import re

import pytest
from pydantic import ValidationError

from exporter.model import COLLECTED
from exporter.settings import Secret
from exporter.sources.commvault import COLLECTORS, DATABASE, LOGS, Commvault
from exporter.sources.commvault.config import CommvaultSettings
from exporter.telemetry import Telemetry

DAY = 86400


def test_a_source_is_made_of_its_settings_without_a_word_to_the_server(settings):
    source = Commvault(settings(intervals={"pools": "5m", "jobs": False}, lookback="90d"), Telemetry())

    assert (source.name, source.kind, source.host) == ("cs01", "commvault", "cs01.example.com")
    intervals = {c.name: c.interval for c in source.collectors}
    assert intervals["pools"] == 300
    assert "jobs" not in intervals
    assert source.client.lookback == 90 * DAY
    source.close()


def test_collectors_poll_at_their_own_pace_and_name_the_permission_they_need(settings):
    source = Commvault(settings(), Telemetry())

    assert {c.name: c.interval for c in source.collectors} == {
        "commcell": 3600,
        "pools": 3600,
        "dedup_savings": 3600,
        "dedup_stores": 900,
        "media_agents": 900,
        "libraries": 900,
        "plans": DAY,
        "schedules": 3600,
        "operation_windows": 900,
        "jobs": 300,
        "service_level": 3600,
        "alerts": 900,
        "events": 900,
    }
    assert all("View" in c.permission for c in source.collectors)
    assert source.client.lookback == 100 * DAY
    source.close()


def test_what_rest_does_not_say_is_asked_only_where_it_is_configured(settings, tmp_path):
    url = tmp_path / "url"
    url.write_text("postgresql+psycopg://reader:secret-word@db.example.com/commserv")
    logs = {"directory": str(tmp_path), "time_zone": "Europe/Berlin"}
    configured = settings(database={"url_file": str(url)}, media_agent_logs=logs)
    source = Commvault(configured, Telemetry())
    assert {c.name: c.interval for c in source.collectors if c.name.startswith(("commserve", "media_agent_"))} == {
        "commserve_database": 900,
        "media_agent_logs": 900,
    }
    assert Secret(file=url) in configured.secrets
    assert "secret-word" not in repr(configured) + repr(source.collectors)
    source.close()


def test_the_files_of_logs_are_read_by_the_collector_that_is_configured(settings, tmp_path, poll):
    (tmp_path / "SIDBPrune.log").write_bytes(b"")
    source = Commvault(settings(media_agent_logs={"directory": str(tmp_path)}), Telemetry())
    [logs] = [c for c in source.collectors if c.name == "media_agent_logs"]
    assert logs.fetch(source.client, poll()).stores == ()
    source.close()


@pytest.mark.parametrize(
    ("database", "said"),
    [
        ({}, "url_file, or url: {env: NAME}, is missing"),
        ({"url": {"env": "A"}, "url_file": "/b"}, "url and url_file are both set"),
        ({"url": "mssql+pymssql://reader@db.example.com/CommServ"}, "url"),
    ],
)
def test_a_database_needs_one_url_from_a_file_or_the_environment(settings, database, said):
    with pytest.raises(ValidationError, match=re.escape(said)):
        settings(database=database)


def test_the_token_comes_from_a_file_or_the_environment(settings, tmp_path):
    file = tmp_path / "token"
    file.write_text("from-file\n")

    assert settings().token_secret == Secret(env="CV_TOKEN")
    assert settings(token=None, token_file=str(file)).token_secret.read() == "from-file"


def test_the_password_comes_from_a_file_or_the_environment(settings, account, tmp_path):
    file = tmp_path / "password"
    file.write_text("from-file\n")

    assert settings(**account).password_secret == Secret(env="CV_PASSWORD")
    of_file = settings(**account | {"password": None, "password_file": str(file)})
    assert of_file.password_secret.read() == "from-file"
    assert of_file.token_secret is None


def test_a_pair_of_tokens_is_a_way_to_log_in(settings, tmp_path):
    file = tmp_path / "pair.json"
    assert settings(token=None, token_pair_file=str(file)).secrets == (Secret(file=file),)


def test_every_collector_that_a_commserve_may_have_can_be_paced(settings):
    names = {name for name, field in CommvaultSettings.model_fields["intervals"].annotation.model_fields.items()}
    assert {collector.name for collector in (*COLLECTORS, DATABASE, LOGS)} <= names <= set(COLLECTED)
    assert not names & {"forecasts", "space", "cycles", "retention_rules"}


@pytest.mark.parametrize(
    "url",
    [
        "https://cs01.example.com/commandcenter/api/",
        "http://cs01.example.com:81/SearchSvc/CVWebService.svc",
        "https://cs01.example.com/api/",
        "https://cs01.example.com",
    ],
)
def test_every_base_path_is_taken(settings, url):
    assert settings(url=url).url == url.rstrip("/")


NO_TOKEN = {"token": None}
ACCOUNT = {"username": "svc", "password_file": "/run/secrets/cv"}


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        (NO_TOKEN, r"token_file \(an access token\), or username and password_file, are missing"),
        ({"token_file": "/run/secrets/token"}, "token and token_file are both set"),
        (ACCOUNT, "an access token and username or password are both set"),
        ({"username": "svc"}, "an access token and username or password are both set"),
        ({"token_pair_file": "/run/secrets/pair"}, "an access token and token_pair_file are both set"),
        (NO_TOKEN | ACCOUNT | {"token_pair_file": "/run/secrets/pair"}, "and username or password are both set"),
        ({"concurrency": 0}, "greater than or equal to 1"),
        ({"concurrency": 9}, "less than or equal to 8"),
        ({"sla_dataset": None}, "valid string"),
        (NO_TOKEN | {"username": "svc"}, r"password_file or password: \{env: NAME\} is missing"),
        (NO_TOKEN | {"password_file": "/run/secrets/cv"}, "username is missing"),
        (NO_TOKEN | ACCOUNT | {"password": {"env": "CV_PASSWORD"}}, "password and password_file are both set"),
        (NO_TOKEN | ACCOUNT | {"username": ""}, "at least 1 character"),
        ({"token": "plain"}, "a secret is not written into the config"),
        ({"url": "cs01.example.com"}, "is not a URL"),
        ({"lookback": 35}, "is not a duration"),
        ({"intervals": {"retention_rules": "5m"}}, "Extra inputs are not permitted"),
        ({"port": 443}, "Extra inputs are not permitted"),
    ],
)
def test_what_is_wrong_in_the_config_is_said(settings, changed, complaint):
    with pytest.raises(ValidationError, match=complaint):
        settings(**changed)


def test_no_form_of_the_settings_shows_a_secret(settings, account):
    for shown in (settings(), settings(**account)):
        for text in (repr(shown), str(shown), shown.model_dump_json(), repr(shown.token_secret)):
            assert "example-access-token" not in text
            assert "Corr3ct" not in text
