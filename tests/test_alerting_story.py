"""The whole chain in one story of six days, told in a minute: what happens, who is told, and what is left unsaid."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from exporter.service import Service
from exporter.simulator.clock import Clock
from exporter.simulator.commserve import CommServe
from exporter.simulator.estate import Estate
from exporter.simulator.names import APEX
from exporter.simulator.sizes import DAY, HOUR
from exporter.simulator.wire import Server
from tests.alerting import exporter, firing, prometheus
from tests.alertmanager.shipped import alertmanager, config, current, hurried, led_to
from tests.servers import wait_until
from tests.sinks import Mails, Posts, http_server, mail_server

USER, PASSWORD = "svc-ebbtide", "not-a-real-secret"
# Those that stand on ma01 alone.
CUT_OFF = {APEX, "SQL", "S3 Archive", "Oracle"}


@dataclass
class Chain:
    commserve: Server
    clock: Clock
    service: Service
    prometheus: str
    alertmanager: str
    mails: Mails
    posts: Posts

    def tell(self, method: str, path: str, **body: object) -> None:
        """Play with the simulator as a person would."""
        requests.request(method, f"{self.commserve.url}/-/sim/{path}", json=body, timeout=10).raise_for_status()

    def live(self, seconds: float) -> None:
        """That much of the CommCell's life goes by, then the exporter polls, at the CommCell's time."""
        self.tell("POST", "clock", advance=seconds)
        list(self.service.poll_once(self.clock.now()))

    def lives_until(self, condition: Callable[[], object], what: str) -> None:
        """Six hours at a time."""

        def lived() -> bool:
            self.live(6 * HOUR)
            return bool(condition())

        wait_until(lived, what, 90)

    def fires(self, name: str, **labels: str) -> bool:
        wanted = {"alertname": name, **labels}.items()
        return any(wanted <= alert.items() for alert in firing(self.prometheus))

    def mailed(self, status: str, name: str) -> set[str]:
        """The objects, or the source, of which an alert was mailed."""
        told = [s for s in self.mails.subjects() if s.startswith(f"[{status}") and f" {name} " in s]
        return {subject.rpartition(f" {name} ")[2].removeprefix("cs01 / ") for subject in told}

    def chatted(self, name: str) -> str:
        """What the chat was told of an alert."""
        told = [attachment for post in self.posts.at("/slack") for attachment in post["attachments"]]
        return str([attachment for attachment in told if name in attachment["title"]])

    def inhibited(self) -> set[tuple[str, str]]:
        alerts = [alert for alert in current(self.alertmanager) if alert["status"]["inhibitedBy"]]
        return {(a["labels"]["alertname"], a["labels"]["severity"]) for a in alerts if a["labels"].get("pool") == APEX}


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[Chain]:
    clock = Clock(rate=0.0)
    estate = Estate("small", clock, age=60 * DAY, levels={APEX: 0.74}, ailing=False)
    application = CommServe(estate, clock, username=USER, password=PASSWORD, ddb_pending_deletes=True)
    (tmp_path / "password").touch(0o600)
    (tmp_path / "password").write_text(PASSWORD)
    with Server(application) as commserve, mail_server() as mails, http_server() as posts:
        source = {
            "name": "cs01", "kind": "commvault", "url": f"{commserve.url}/webconsole/api", "username": USER,
            "password_file": str(tmp_path / "password"),
        }  # fmt: skip
        with (
            alertmanager(led_to(hurried(config()), tmp_path, mails, posts), tmp_path) as am,
            exporter(tmp_path, [source]) as (service, port),
            prometheus(tmp_path, port, am) as prom,
        ):
            yield Chain(commserve, clock, service, prom, am, mails, posts)


@pytest.mark.server
def test_a_dead_mediaagent_fills_a_pool_and_those_concerned_are_told_of_it_and_of_its_end(chain: Chain) -> None:
    chain.live(0)
    wait_until(lambda: chain.fires("EbbtideWatchdog"), "the rules are evaluated")
    wait_until(lambda: chain.posts.at("/heartbeat"), "the heart beats")

    # It dies in the night, and nobody's job fails.
    chain.tell("POST", "story", name="agent_dead", object="ma01")
    chain.live(HOUR)
    wait_until(lambda: chain.mailed("FIRING:1", "EbbtideCommvaultMediaAgentOffline"), "on-call is mailed of the agent")
    without = "EbbtideCommvaultPoolWithoutMediaAgent"
    wait_until(lambda: chain.mailed("FIRING:1", without) == CUT_OFF, "and of each pool that it cuts off")

    # Nothing is pruned any more: what has aged waits, and the pool fills.
    chain.lives_until(lambda: chain.fires("EbbtideCommvaultPendingDeletesHigh", pool=APEX), "the pending deletes climb")
    full = "EbbtidePoolNearlyFull"
    chain.lives_until(lambda: chain.mailed("FIRING:1", full), "on-call is mailed of the full pool")
    [mail] = [mail for mail in chain.mails.received if full in str(mail["Subject"])]
    assert APEX in str(mail["Subject"])
    html = mail.get_body(("html",))
    assert html is not None
    assert "% free" in html.get_content()
    assert f"/runbooks/{full}" in html.get_content()
    assert APEX in chain.chatted(full), "the warning came first, and to those who can still do something"

    # One cause, one call: what follows from it is known and not said.
    wait_until(
        lambda: {("EbbtideCommvaultPendingDeletesHigh", "warning"), (full, "warning")} <= chain.inhibited(),
        "consequences are inhibited",
    )
    assert APEX not in chain.chatted("PendingDeletesHigh")

    # It comes back, pruning catches up, and all that was told is taken back.
    chain.tell("DELETE", "story", name="agent_dead", object="ma01")
    for name, objects in ((without, CUT_OFF), ("EbbtideCommvaultMediaAgentOffline", {"cs01"}), (full, {APEX})):
        chain.lives_until(lambda: chain.mailed("RESOLVED", name) >= objects, f"the end of {name} is mailed")  # noqa: B023
    queued = "EbbtideCommvaultPendingDeletesHigh"
    chain.lives_until(
        lambda: (
            not [
                alert
                for alert in firing(chain.prometheus)
                if "mediaagent" in alert or (alert["alertname"] in (full, queued, without) and alert["pool"] in CUT_OFF)
            ]
        ),
        "nothing of it fires any more",
    )
