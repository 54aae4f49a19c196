"""Health, readiness, and the two actions."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from exporter.errors import ConfigError
from exporter.poller import Poller
from exporter.web.app import Doors, create_app
from tests.conftest import House, fake_source
from tests.servers import wait_until
from tests.web.conftest import GOLD, Client, Site, served


@pytest.fixture
def client(site: Site) -> Iterator[Client]:
    with served(site.doors(lifecycle=True)) as client:
        yield client


def test_an_exporter_whose_scheduler_does_not_run_is_not_healthy(client: Client) -> None:
    answer = client.get("/-/healthy")
    assert (answer.status_code, answer.text) == (503, "The scheduler does not run.\n")


def test_an_exporter_is_ready_when_everything_was_tried_and_names_what_was_not(house: House) -> None:
    release = threading.Event()
    poller = Poller(house.board)
    source = fake_source({"pools": lambda: release.wait(10) and (GOLD,)})
    poller.start([house.watch(source)])
    doors = Doors(house.board, poller, house.telemetry, lambda: None)
    with served(doors) as client:
        wait_until(lambda: client.get("/-/ready").text == "Not polled yet: cs01/pools\n", "only the pools are missing")
        assert client.get("/-/ready").status_code == 503
        assert (client.get("/-/healthy").status_code, client.get("/-/healthy").text) == (200, "ebbtide is healthy.\n")
        release.set()
        wait_until(lambda: client.get("/-/ready").status_code == 200, "ready")
        assert client.get("/-/ready").text == "ebbtide is ready.\n"
    poller.stop()


def test_failed_polls_count_as_tried(client: Client) -> None:
    assert client.get("/-/ready").status_code == 200


# Actions


@pytest.mark.parametrize("path", ["/-/reload", "/-/poll?source=cs01"])
def test_actions_are_off_unless_configured(site: Site, path: str) -> None:
    with served(site.doors()) as client:
        answer = client.post(path)
    assert answer.status_code == 403
    assert "web: {lifecycle: true}" in answer.text
    assert site.reloads == []


@pytest.mark.parametrize("path", ["/-/reload", "/-/poll?source=cs01"])
@pytest.mark.parametrize("origin", ["cross-site", "same-site"])
def test_a_form_on_somebody_elses_page_does_nothing(site: Site, client: Client, path: str, origin: str) -> None:
    answer = client.post(path, headers={"sec-fetch-site": origin})
    assert (answer.status_code, answer.text) == (403, "Actions are not accepted from other sites.\n")
    assert site.reloads == []


@pytest.mark.parametrize("headers", [{}, {"sec-fetch-site": "same-origin"}, {"sec-fetch-site": "none"}])
def test_a_reload_is_answered_when_it_is_done(site: Site, client: Client, headers: dict[str, str]) -> None:
    answer = client.post("/-/reload", headers=headers)
    assert (answer.status_code, answer.text) == (200, "Configuration reloaded.\n")
    assert site.reloads == [1]


def test_a_wrong_configuration_is_answered_with_its_mistake(site: Site, client: Client) -> None:
    site.reload_error = ConfigError("ebbtide.yml: sources[0].url: is required")
    answer = client.post("/-/reload")
    assert (answer.status_code, answer.text) == (
        400, "The old configuration stays: ebbtide.yml: sources[0].url: is required\n",
    )  # fmt: skip


@pytest.mark.parametrize("path", ["/-/reload", "/-/poll"])
def test_actions_are_no_get(client: Client, path: str) -> None:
    assert client.get(path).status_code == 405


def test_a_poll_can_be_asked_for_and_leads_back_to_the_page(house: House) -> None:
    poller = Poller(house.board)
    source = fake_source({"pools": (GOLD,), "jobs": (GOLD,)})
    poller.start([house.watch(source)])
    wait_until(lambda: poller.ready, "the first polls")

    def polled() -> list[str]:
        return sorted(name for name, _ in source.polls)

    doors = Doors(house.board, poller, house.telemetry, lambda: None, lifecycle=True)
    with served(doors) as client:
        answer = client.post("/-/poll?source=cs01&collector=jobs")
        assert (answer.status_code, answer.headers["location"]) == (303, "../")
        wait_until(lambda: polled() == ["jobs", "jobs", "pools"], "the jobs are polled")
        client.post("/-/poll?source=cs01")
        wait_until(lambda: polled() == ["jobs", "jobs", "jobs", "pools", "pools"], "all is polled")
    poller.stop()


@pytest.mark.parametrize("query", ["source=cs09", "source=cs01&collector=tapes"])
def test_what_cannot_be_polled_is_named(client: Client, query: str) -> None:
    answer = client.post(f"/-/poll?{query}")
    assert answer.status_code == 404
    assert answer.text == f"There is no {query.rpartition('=')[2]}.\n"


def test_a_poll_of_nothing_is_refused(client: Client) -> None:
    assert client.post("/-/poll").status_code == 422


def test_nothing_else_is_served(client: Client) -> None:
    for path in ("/docs", "/redoc", "/openapi.json", "/api/v1/sources", "/metrics/", "/-/"):
        assert client.get(path).status_code in (404, 307), path


def test_what_is_no_request_is_left_to_the_framework(site: Site) -> None:
    """A server that does not know it from us asks whether there is something to start and stop."""
    messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
    sent: list[str] = []

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        sent.append(message["type"])

    asyncio.run(create_app(site.doors())({"type": "lifespan", "state": {}}, receive, send))
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def test_the_page_may_not_be_framed_or_scripted(client: Client) -> None:
    headers: Any = client.get("/").headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"
    assert headers["content-type"] == "text/html; charset=utf-8"
