from __future__ import annotations

import pytest
from pydantic import ValidationError

from exporter.settings import Secret
from exporter.sources.veeam import Veeam
from exporter.telemetry import Telemetry


def test_a_source_is_made_of_its_settings_without_a_word_to_the_server(settings):
    source = Veeam(settings(intervals={"pools": "1m", "backup_files": False}), Telemetry())

    assert (source.name, source.kind, source.host) == ("vbr01", "veeam", "vbr01.example.com:9419")
    assert {c.name: c.interval for c in source.collectors} == {"pools": 60, "backup_jobs": 300}
    source.close()


def test_collectors_poll_at_their_own_pace_and_name_the_role_they_need(settings):
    source = Veeam(settings(), Telemetry())

    assert {c.name: c.interval for c in source.collectors} == {"pools": 300, "backup_jobs": 300, "backup_files": 21600}
    assert all("Backup Viewer" in c.permission for c in source.collectors)
    source.close()


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
        ({"intervals": {"sessions": "5m"}}, "Extra inputs are not permitted"),
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
