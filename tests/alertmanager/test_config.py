"""The shipped files are what Alertmanager takes, and hold no secret."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.alertmanager.shipped import CONFIG, EXTENDED, amtool, config

pytestmark = pytest.mark.server

# What the extended file uses beyond 0.25, with the keys Alertmanager's documentation gives each.
NEWER = {
    "jira_configs": {
        "api_url", "project", "summary", "description", "labels", "priority", "issue_type", "resolve_transition",
        "reopen_transition", "reopen_duration", "http_config",
    },
    "msteamsv2_configs": {"webhook_url_file", "title", "text"},
}  # fmt: skip
SECRET_KEYS = ("password", "token", "credentials", "key", "url_file", "secret")


def test_the_base_file_is_valid_for_the_oldest_alertmanager_we_name() -> None:
    run = amtool("check-config", CONFIG)
    assert run.returncode == 0, run.stderr
    assert "1 templates" in run.stdout


def test_the_extended_file_is_valid_but_for_what_came_later(tmp_path: Path) -> None:
    content = config(EXTENDED)
    used = set()
    for receiver in content["receivers"]:
        for key in NEWER.keys() & receiver.keys():
            used.add(key)
            for channel in receiver.pop(key):
                assert set(channel) <= NEWER[key]
        for channel in receiver.get("webhook_configs", ()):
            if "url_file" in channel:
                channel["url"] = "http://" + channel.pop("url_file").lstrip("/")
                used.add("url_file")
    assert used == {*NEWER, "url_file"}, "what is listed as newer is used"
    content["templates"] = []
    (tmp_path / "rest.yml").write_text(yaml.safe_dump(content))
    run = amtool("check-config", tmp_path / "rest.yml")
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("path", [CONFIG, EXTENDED], ids=lambda path: path.stem)
def test_secrets_are_named_by_file(path: Path) -> None:
    for key, value in leaves(config(path)):
        if any(word in key for word in SECRET_KEYS):
            assert key.endswith("_file"), key
            assert value.startswith("/run/secrets/"), key


@pytest.mark.parametrize("path", [CONFIG, EXTENDED], ids=lambda path: path.stem)
def test_every_channel_says_what_our_templates_make(path: Path) -> None:
    told = {
        kind: channel
        for receiver in config(path)["receivers"]
        for kind, channels in receiver.items()
        if kind not in ("name", "webhook_configs")
        for channel in channels
    }
    assert len(told) >= 5
    for kind, channel in told.items():
        assert "ebbtide." in yaml.safe_dump(channel), kind


def leaves(tree: Any, key: str = "") -> Iterator[tuple[str, str]]:
    match tree:
        case dict():
            for name, below in tree.items():
                yield from leaves(below, str(name))
        case list():
            for below in tree:
                yield from leaves(below, key)
        case _:
            yield key, str(tree)
