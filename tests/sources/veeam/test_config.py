from __future__ import annotations

import pytest
from pydantic import ValidationError

from exporter.model import HOUR, MINUTE
from exporter.settings import Secret
from exporter.sources.veeam import Veeam
from exporter.telemetry import Telemetry

VIEWED = {
    "pools": 5 * MINUTE, "backup_jobs": 5 * MINUTE, "sessions": 5 * MINUTE, "repositories": HOUR, "backups": 5 * MINUTE,
    "veeam_server": HOUR, "backup_objects": 6 * HOUR, "proxies": 15 * MINUTE, "managed_servers": 15 * MINUTE,
    "malware_events": 15 * MINUTE,
}  # fmt: skip
ADMINISTERED = {"license": 6 * HOUR, "configuration_backup": HOUR, "best_practices": 6 * HOUR}


def intervals(collectors):
    return {collector.name: collector.interval for collector in collectors}


def test_a_source_is_made_of_its_settings_without_a_word_to_the_server(settings):
    source = Veeam(settings(intervals={"pools": "1m", "backups": False}), Telemetry())

    assert (source.name, source.kind, source.host) == ("vbr01", "veeam", "vbr01.example.com:9419")
    told = intervals(source.collectors)
    assert told["pools"] == MINUTE
    assert "backups" not in told
    source.close()


def test_a_viewer_polls_what_viewers_may_read_and_knows_what_is_left_out(settings):
    source = Veeam(settings(), Telemetry())

    assert intervals(source.collectors) == VIEWED
    assert intervals(source.skipped) == ADMINISTERED
    assert all("Backup Viewer" in c.permission for c in source.collectors)
    assert all("Backup Administrator" in c.permission for c in source.skipped)
    source.close()


def test_an_administrator_polls_everything(settings):
    source = Veeam(settings(role="backup_administrator"), Telemetry())

    assert intervals(source.collectors) == VIEWED | ADMINISTERED
    assert source.skipped == ()
    source.close()


def test_what_is_switched_off_is_not_told_to_be_left_out(settings):
    source = Veeam(settings(intervals={"license": False}), Telemetry())

    assert "license" not in intervals(source.skipped)
    source.close()


def test_each_source_remembers_its_own_detections(settings):
    one, other = (Veeam(settings(name=name), Telemetry()) for name in ("vbr01", "vbr02"))
    fetches = [c.fetch for source in (one, other) for c in source.collectors if c.name == "malware_events"]
    assert len({id(fetch.__self__) for fetch in fetches}) == 2
    one.close()
    other.close()


def test_the_password_comes_from_a_file_or_the_environment(settings, tmp_path):
    file = tmp_path / "password"
    file.write_text("from-file\n")

    assert settings().login_secret == Secret(env="VBR_PASSWORD")
    assert settings(password=None, password_file=str(file)).login_secret.read() == "from-file"


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"password": None}, "password_file or password: {env: NAME} is missing"),
        ({"password_file": "/run/secrets/vbr"}, "password and password_file are both set"),
        ({"password": "plain"}, "a secret is not written into the config"),
        ({"username": ""}, "at least 1 character"),
        ({"url": "vbr01.example.com:9419"}, "is not a URL"),
        ({"api_revision": "v1.2"}, "should match pattern"),
        ({"timezone": "Mars/Olympus"}, "is not a time zone like Europe/Berlin"),
        ({"timezone": "../../etc/passwd"}, "is not a time zone like Europe/Berlin"),
        ({"intervals": {"session": "5m"}}, "Extra inputs are not permitted"),
        ({"role": "viewer"}, "Input should be 'backup_viewer'"),
        ({"port": 9419}, "Extra inputs are not permitted"),
    ],
)
def test_what_is_wrong_in_the_config_is_said(settings, changed, complaint):
    with pytest.raises(ValidationError, match=complaint.replace("{", r"\{").replace("}", r"\}")):
        settings(**changed)


def test_no_form_of_the_settings_shows_the_password(settings):
    shown = settings()
    for text in (repr(shown), str(shown), shown.model_dump_json(), repr(shown.login_secret)):
        assert "Corr3ct-horse" not in text
