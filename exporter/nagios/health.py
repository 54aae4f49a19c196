"""Whether the monitoring itself can be trusted: sources, collectors, the exporter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from nagiosplugin import Performance

from exporter.nagios.check import STALE, Check, Data, Selection, overdue, performance
from exporter.nagios.verdict import Finding, State

_RENEWABLE = "ebbtide_source_token_renewable_until_timestamp_seconds"
_RENEWABLE_SECONDS = "ebbtide_source_token_renewable_seconds"
_RELOADED = "ebbtide_config_last_reload_successful"


def _sources(data: Data) -> Iterator[Finding | Performance]:
    down = set()
    for sample in data.of("ebbtide_source_up"):
        source = sample.labels["source"]
        if sample.value == 0:
            down.add(source)
            yield Finding(source, State.WARNING, "does not answer, or refuses the exporter")
        else:
            yield Finding(source, State.OK, "answers")
    for source, collector, age in data.ages():
        limits = data.limits("~:{}", data.threshold(STALE, {}, severity="warning"))
        state = limits.state(age)
        if source not in down and state is not State.OK:
            yield Finding(f"{source}/{collector}", state, overdue(age), -age)
    ages = [age for _, _, age in data.ages()]
    if ages:
        yield performance("age", max(ages), limits=data.limits("~:{}", data.threshold(STALE, {}, severity="warning")))
    for sample in data.each(_RENEWABLE):
        left = sample.value - data.now
        # Ranges on the command line are about the age.
        limits = replace(data, selection=Selection()).by_severity(_RENEWABLE_SECONDS, sample.labels, "{}:")
        text = (
            f"access token can be renewed for {left / 86400:.1f} days more" if left > 0 else "token cannot be renewed"
        )
        yield Finding(sample.labels["source"], limits.state(left), text, left)


def _exporter(data: Data) -> Iterator[Finding | Performance]:
    """Over Prometheus it may be several, and one that cannot be scraped is known by `up`."""
    for sample in data.samples.of("up"):
        if sample.labels.get("job", "").startswith("ebbtide") and sample.value == 0:
            yield Finding(sample.labels.get("instance", "exporter"), State.CRITICAL, "cannot be scraped")
    for sample in data.samples.of(_RELOADED):
        name = sample.labels.get("instance", "exporter")
        if sample.value == 0:
            yield Finding(name, State.WARNING, "could not load its changed configuration and goes on with the old one")
        else:
            yield Finding(name, State.OK, "answers")
    up = [sample.value for sample in data.samples.of("ebbtide_source_up")]
    yield performance("sources", len(up), least=0)
    yield performance("sources_down", up.count(0), least=0)


CHECKS = (
    Check(
        "source",
        "Sources that answer, collectors that succeed, access tokens that can be renewed; age in intervals.",
        "sources",
        ("EbbtideSourceDown", "EbbtideCollectorStale", "EbbtideTokenRenewalEnds"),
        (_RENEWABLE,),
        _sources,
    ),
    Check(
        "exporter",
        "Whether the exporter answers and has the configuration it was given.",
        "exporters",
        ("EbbtideExporterDown", "EbbtideConfigReloadFailed"),
        ("up", _RELOADED),
        _exporter,
        kinds=(),
    ),
)
