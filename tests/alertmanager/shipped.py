"""The Alertmanager configuration as shipped, with its channels led to the tests' sinks, and a running one of it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
import yaml

from tests.promql import ROOT
from tests.servers import free_port, need, running, wait_until
from tests.sinks import SMTP_PASSWORD, Mails, Posts

FOLDER = ROOT / "alertmanager"
CONFIG = FOLDER / "alertmanager.yml"
EXTENDED = FOLDER / "alertmanager.extended.yml"

Labels = dict[str, str]
Config = dict[str, Any]


def config(path: Path = CONFIG) -> Config:
    content: Config = yaml.safe_load(path.read_text())
    return content


def amtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([need("amtool"), *map(str, arguments)], capture_output=True, text=True, timeout=30)


def hurried(content: Config) -> Config:
    """Routes that wait for nothing, at any hour; everything else as it was."""

    def hurry(route: dict[str, Any]) -> None:
        route.pop("active_time_intervals", None)
        route.update({"group_wait": "100ms", "group_interval": "1s"} if route.get("receiver") else {})
        for child in route.get("routes", ()):
            hurry(child)

    hurry(content["route"])
    return content


def led_to(content: Config, folder: Path, mails: Mails, posts: Posts) -> Config:
    """Every channel leads to a sink; each file of a secret is in `folder`."""
    secrets = {"smtp_password": SMTP_PASSWORD, "slack_webhook_url": f"{posts.url}/slack"}

    def lead(value: Any) -> Any:
        match value:
            case dict():
                return {key: lead(inner) for key, inner in value.items()}
            case list():
                return [lead(inner) for inner in value]
            case str() if value.startswith("/run/secrets/"):
                name = value.rpartition("/")[2]
                (folder / name).write_text(secrets.get(name, f"secret-{name}"))
                return str(folder / name)
            case str() if value.startswith(("https://", "http://")):
                return f"{posts.url}/{value.split('//')[1].partition('.')[0].partition(':')[0]}"
            case _:
                return value

    led: Config = lead(content)
    led["global"] |= {
        "smtp_smarthost": mails.address, "smtp_require_tls": False, "smtp_hello": "localhost",
        "opsgenie_api_url": f"{posts.url}/opsgenie/", "pagerduty_url": f"{posts.url}/pagerduty",
    }  # fmt: skip
    for receiver in led["receivers"]:
        for channel in receiver.get("sns_configs", ()):
            channel["api_url"] = f"{posts.url}/sns"
    led["templates"] = [f"{FOLDER}/templates/*.tmpl"]
    return led


@contextmanager
def alertmanager(content: Config, folder: Path) -> Iterator[str]:
    """The URL of a running Alertmanager with that configuration."""
    (folder / "alertmanager.yml").write_text(yaml.safe_dump(content))
    url = f"http://127.0.0.1:{free_port()}"
    command = [
        need("prometheus-alertmanager"), f"--config.file={folder / 'alertmanager.yml'}", f"--storage.path={folder}",
        f"--web.listen-address={url.removeprefix('http://')}", "--cluster.listen-address=",
    ]  # fmt: skip
    aws = {"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "not-a-real-secret"}
    with running(command, folder / "alertmanager.log", env=os.environ | aws):
        wait_until(lambda: _ready(url), "Alertmanager is ready")
        yield url


def post(url: str, alerts: Sequence[Labels], until: str, annotations: Labels | None = None) -> None:
    body = [
        {"labels": labels, "annotations": annotations or {}, "startsAt": "1999-01-01T00:00:00Z", "endsAt": until}
        for labels in alerts
    ]
    requests.post(f"{url}/api/v2/alerts", json=body, timeout=5).raise_for_status()


def current(url: str) -> list[dict[str, Any]]:
    answer: list[dict[str, Any]] = requests.get(f"{url}/api/v2/alerts", timeout=5).json()
    return answer


def _ready(url: str) -> bool:
    try:
        return requests.get(f"{url}/-/ready", timeout=1).ok
    except requests.ConnectionError:
        return False
