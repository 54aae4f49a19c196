"""The settings of a drop file and of an Enterprise Manager."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from exporter.settings import Secret
from exporter.sources.veeam import Veeam
from exporter.telemetry import Telemetry

MANAGER = {"url": "https://em01.example.com:9398", "username": "svc", "password": {"env": "EM_PASSWORD"}}
DROP_FILE = {"path": "/share/sessions.json"}


def test_feeds_poll_at_their_own_pace(settings):
    source = Veeam(settings(drop_file=DROP_FILE, enterprise_manager=MANAGER), Telemetry())
    paces = {c.name: c.interval for c in source.collectors}
    assert (paces["drop_file"], paces["enterprise_manager"], paces["backups"]) == (300, 21600, 300)
    source.close()


def test_a_missing_password_of_enterprise_manager_is_found_before_the_first_poll(settings):
    assert settings(enterprise_manager=MANAGER).secrets == (Secret(env="VBR_PASSWORD"), Secret(env="EM_PASSWORD"))
    assert settings().secrets == (Secret(env="VBR_PASSWORD"),)


def test_the_password_may_be_in_a_file(settings, tmp_path):
    (tmp_path / "password").write_text("from-file\n")
    given = MANAGER | {"password": None, "password_file": tmp_path / "password"}
    assert settings(enterprise_manager=given).enterprise_manager.login_secret.read() == "from-file"


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"enterprise_manager": MANAGER | {"password": None}}, r"password_file or password: \{env: NAME\} is missing"),
        ({"enterprise_manager": MANAGER | {"password_file": "/x"}}, "password and password_file are both set"),
        ({"enterprise_manager": MANAGER | {"password": "plain"}}, "a secret is not written into the config"),
        ({"enterprise_manager": MANAGER | {"url": "em01:9398"}}, "is not a URL"),
        ({"enterprise_manager": MANAGER | {"port": 9398}}, "Extra inputs are not permitted"),
        ({"drop_file": {}}, "Field required"),
        ({"drop_file": DROP_FILE | {"unit": "furlongs"}}, "Input should be 'percent' or 'ratio'"),
    ],
)
def test_what_is_wrong_is_said(settings, changed, complaint):
    with pytest.raises(ValidationError, match=complaint):
        settings(**changed)


def test_times_without_a_zone_are_those_of_the_configured_one(settings, tmp_path, poll):
    record = (
        '{"Id": "s", "JobName": "Web", "CreationTime": "2026-03-01T22:00:00", "DataSize": 4000000000,'
        ' "BackupSize": 1200000000, "DedupRatio": 60, "CompressRatio": 50}'
    )
    (tmp_path / "sessions.json").write_text(record)
    for timezone, at in (("Europe/Berlin", 1772398800.0), (None, 1772402400.0)):
        poll.state.reduced.clear()
        source = Veeam(settings(drop_file={"path": tmp_path / "sessions.json"}, timezone=timezone), Telemetry())
        [collector] = [c for c in source.collectors if c.name == "drop_file"]
        assert collector.fetch(source.client, poll).sessions == 1
        assert [session.at for session in poll.state.reduced.values()] == [at]
        source.close()
