"""The example of roles by groups of a directory."""

import tomllib

from tests.grafana.boards import GRAFANA

TEXT = (GRAFANA / "ldap.toml").read_text()
[SERVER] = tomllib.loads(TEXT)["servers"]


def test_it_is_encrypted_and_holds_no_secret() -> None:
    assert SERVER["use_ssl"] is True
    assert SERVER["ssl_skip_verify"] is False
    assert SERVER["bind_password"] == "${LDAP_BIND_PASSWORD}"
    assert SERVER["host"].endswith(".example.com")


def test_each_role_has_a_group_the_mightiest_first_and_nobody_else_gets_in() -> None:
    mappings = SERVER["group_mappings"]
    assert [m["org_role"] for m in mappings] == ["Admin", "Editor", "Viewer"]
    assert all(m["group_dn"].endswith("dc=example,dc=com") for m in mappings)
    assert not any(m.get("grafana_admin") for m in mappings)
