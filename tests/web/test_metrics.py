"""GET /metrics as Prometheus, a person and a load balancer ask for it."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporter.board import OPENMETRICS, TEXT
from exporter.web.metrics import MetricsEndpoint, accepts
from tests.inventories import AT, publish_everything
from tests.web.conftest import Site, served

Get = Callable[..., Any]
# What Prometheus 2.42 and 3 send.
SCRAPE_2 = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"  # noqa: E501
PLAIN = {"accept-encoding": "identity", "accept": "*/*"}


def test_a_person_gets_text(get: Get) -> None:
    answer = get("/metrics", headers=PLAIN)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == TEXT
    assert "content-encoding" not in answer.headers
    names = {family.name for family in parse_text(answer.text)}
    assert {
        "ebbtide_pool_free_bytes",
        "ebbtide_collector_success",
        "ebbtide_build_info",
        "process_cpu_seconds",
    } <= names


def test_prometheus_gets_openmetrics(get: Get) -> None:
    answer = get("/metrics", headers={"accept": SCRAPE_2})
    assert answer.headers["content-type"] == OPENMETRICS
    assert answer.text.endswith("# EOF\n")
    assert answer.text.count("# EOF") == 1
    names = {family.name for family in parse_openmetrics(answer.text)}
    assert {"ebbtide_pool_free_bytes", "ebbtide_pool", "ebbtide_build"} <= names


def test_who_takes_gzip_gets_it_and_reads_the_same(get: Get) -> None:
    packed = get("/metrics?collect[]=commvault", headers={"accept-encoding": "gzip, deflate"})
    plain = get("/metrics?collect[]=commvault", headers=PLAIN)
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["vary"] == "accept, accept-encoding"
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"]) == len(plain.content)
    assert packed.content == plain.content


def test_a_large_page_arrives_whole(site: Site, get: Get) -> None:
    for number in range(60):
        publish_everything(site.house.board, f"source{number}")
    plain = get("/metrics", headers=PLAIN)
    assert len(plain.content) > 300 * 1024
    assert plain.content.startswith(site.house.board.page(AT).text)
    assert len(get("/metrics").content) > 300 * 1024


@pytest.mark.parametrize("headers", [PLAIN, {"accept-encoding": "gzip"}], ids=["identity", "gzip"])
def test_head_is_get_without_the_body(site: Site, headers: dict[str, str]) -> None:
    query = "/metrics?collect[]=commvault"
    with served(site.doors()) as client:
        head, full = client.ask("HEAD", query, headers=headers), client.get(query, headers=headers)
    assert head.status_code == 200
    assert head.content == b""
    assert {**head.headers, "date": ""} == {**full.headers, "date": ""}


def test_only_what_was_chosen_is_shown(get: Get) -> None:
    def names(*chosen: str, **headers: str) -> set[str]:
        answer = get("/metrics", params=[("collect[]", one) for one in chosen], headers=PLAIN | headers)
        assert answer.status_code == 200
        parse = parse_openmetrics if headers else parse_text
        return {family.name for family in parse(answer.text)}

    everything = names("commvault", "filesystem", "exporter")
    pools = names("pools")
    assert "ebbtide_pool_free_bytes" in pools
    assert not any(name.startswith(("ebbtide_source", "ebbtide_collector", "process_")) for name in pools)
    assert names("pools", accept=SCRAPE_2) == {name.removesuffix("_info") for name in pools}
    own = names("exporter")
    assert {"ebbtide_collector_success", "process_cpu_seconds", "ebbtide_build_info"} <= own
    assert "ebbtide_pool_free_bytes" not in own
    assert names() == everything | {"ebbtide_http_requests", "ebbtide_http_requests_created"}
    assert "ebbtide_pool_free_bytes" not in names("filesystem")


def test_a_collector_that_nobody_has_is_refused_and_those_there_are_named(get: Get) -> None:
    answer = get("/metrics", params=[("collect[]", "pools"), ("collect[]", "tapes"), ("collect[]", "disks")])
    assert answer.status_code == 400
    assert answer.text == (
        "unknown collector disks, tapes; "
        "known are anomalies, commvault, exporter, filesystem, forecasts, jobs, mounts, pools, space\n"
    )


def test_a_post_is_not_answered(site: Site) -> None:
    with served(site.doors()) as client:
        assert client.post("/metrics").status_code in (404, 405)


def test_scrapes_are_counted_by_handler_and_code(site: Site) -> None:
    with served(site.doors()) as client:
        client.get("/metrics")
        client.get("/metrics?collect[]=tapes")
        client.get("/no/such/page")
        client.post("/-/reload")
    counted = {
        tuple(sample.labels.values()): sample.value
        for metric in site.house.telemetry.http_requests.collect()
        for sample in metric.samples
        if sample.name.endswith("_total")
    }
    assert counted == {
        ("/metrics", "200"): 1, ("/metrics", "400"): 1, ("other", "404"): 1, ("/-/reload", "403"): 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("header", "is_accepted"),
    [
        ("gzip", True), ("GZIP", True), ("deflate, gzip;q=1.0, *;q=0.5", True), ("br, gzip;q=0.001", True),
        ("gzip;q=0", False), ("gzip; q=0.000", False), ("identity", False), ("", False), ("x-gzip", False),
        ("gzip;q=much", True), ("gzip;level=5", True), (";;,,", False),
    ],
)  # fmt: skip
def test_accept_headers_are_read_as_written(header: str, is_accepted: bool) -> None:
    assert accepts(header, "gzip") is is_accepted


def test_a_scraper_that_hangs_up_breaks_nothing(site: Site) -> None:
    """The next one gets its page: the lock around the making is given back."""
    endpoint = MetricsEndpoint(site.house.board, site.house.telemetry, set, lambda: AT)
    scope = {"type": "http", "method": "GET", "query_string": b"", "headers": []}
    sent: list[Any] = []

    async def gone(_: Any) -> None:
        raise OSError("client is gone")

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    async def both() -> None:
        with pytest.raises(OSError, match="gone"):
            await endpoint(scope, receive, gone)
        await asyncio.wait_for(endpoint(scope, receive, send), 5)

    asyncio.run(both())
    assert sent[0]["status"] == 200
    assert b"ebbtide_pool_free_bytes" in b"".join(bytes(m.get("body", b"")) for m in sent)


def test_the_compressed_page_is_what_gzip_says(get: Get, site: Site) -> None:
    page = site.house.board.page(AT)
    assert gzip.decompress(b"".join(page.gzipped(b"tail"))) == page.text + b"tail"
