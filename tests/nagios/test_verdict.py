"""How a verdict is said: within the plugin guidelines whatever the objects are called, and however many."""

from __future__ import annotations

import re

import pytest
from nagiosplugin import Range

from exporter.errors import ConfigError
from exporter.metrics import FAMILIES
from exporter.nagios.check import CAUSE, Data, Selection, performance
from exporter.nagios.checks import CHECKS
from exporter.nagios.samples import Sample, Samples, from_page
from exporter.nagios.thresholds import Thresholds
from exporter.nagios.verdict import Finding, State, Verdict
from exporter.telemetry import Telemetry

AGE = ("severity:ebbtide_collector_age_seconds_per_interval_seconds:threshold", {"severity": "warning"}, 3.0)


def verdict(*findings: Finding) -> Verdict:
    return Verdict("pool", "pools", findings)


def finding(name: str, state: State = State.OK, value: float = 1.0) -> Finding:
    return Finding(name, state, "is so", value, performance(name, value, "%"))


def test_a_name_cannot_break_the_line() -> None:
    text = verdict(finding("a|b\n'c'=d")).render()
    assert text == "POOL OK: a/b 'c'=d is so | 'a_b _c__d'=1%"


def test_labels_that_begin_alike_are_told_apart_in_nineteen_characters() -> None:
    text = verdict(*(finding(f"a-very-long-source-name/pool {n}") for n in range(5)), finding("short")).render()
    labels = [*re.findall(r"'([^']+)'=", text.splitlines()[0]), "short"]
    assert len(labels) == len({label[:19] for label in labels}) == 6


def test_of_many_objects_twenty_are_listed_and_the_worst_is_measured() -> None:
    found = [finding(f"p{n:02}", State.WARNING if n == 30 else State.OK, float(n)) for n in range(40)]
    first, *more = verdict(*found).render().splitlines()
    assert first == "POOL WARNING: p30 is so | worst=30%"
    assert more[0] == "WARNING: p30 is so"
    assert more[-1] == "and 20 more"
    assert len(more) == 21


@pytest.mark.parametrize(
    ("states", "worst"),
    [
        ([], State.UNKNOWN),
        ([State.OK, State.UNKNOWN], State.UNKNOWN),
        ([State.UNKNOWN, State.WARNING], State.WARNING),
        ([State.UNKNOWN, State.WARNING, State.CRITICAL], State.CRITICAL),
    ],
)
def test_a_known_evil_is_worse_than_an_unknown_one(states: list[State], worst: State) -> None:
    assert verdict(*(finding(str(n), state) for n, state in enumerate(states))).state is worst


def test_what_cannot_be_measured_is_u() -> None:
    assert str(performance("x", float("inf"), "s")) == "x=U"


FREE = "ebbtide_pool_free_ratio"


def free(number: float, *values: float) -> Verdict:
    """A pool that several exporters see, with one number for both severities."""
    labels = {"source": "cs01", "kind": "commvault", "pool": "Gold"}
    seen = [(FREE, {**labels, "job": "ebbtide", "instance": f"e{n}:9877"}, value) for n, value in enumerate(values)]
    numbers = [(f"severity:{FREE}:threshold", {"severity": s}, number) for s in ("warning", "critical")]
    return CHECKS["pool"].run(Data(Samples(seen), Thresholds([*numbers, AGE]), 0.0))


def test_an_object_that_two_exporters_see_is_one_and_as_good_as_the_rules_take_it() -> None:
    assert free(0.2, 0.19, 0.21).render() == "POOL OK: cs01/Gold has 21.00% free | 'cs01/Gold'=21%;20:;20:"


def test_a_token_that_two_exporters_renew_ends_with_the_first() -> None:
    metric = "ebbtide_source_token_renewable_until_timestamp_seconds"
    seen = [(metric, {"source": "vbr01", "instance": name}, days * 86400.0) for name, days in (("a", 2), ("b", 9))]
    number = ("severity:ebbtide_source_token_renewable_seconds:threshold", {"severity": "critical"}, 3 * 86400.0)
    found = CHECKS["source"].run(Data(Samples(seen), Thresholds([number, AGE]), 0.0))
    assert found.render().startswith("SOURCE CRITICAL: vbr01 access token can be renewed for 2.0 days more\n")


@pytest.mark.parametrize(("number", "state"), [(float("-inf"), State.OK), (float("inf"), State.CRITICAL)])
def test_an_infinite_number_switches_a_threshold_off_or_means_all(number: float, state: State) -> None:
    assert free(number, 0.0).state is state


def test_percent_by_mistake_is_loud_and_no_failure_of_the_check() -> None:
    plan = {"source": "cs01", "plan": "Gold"}
    metric = "ebbtide_commvault_plan_{}_30d"
    alert = {"alert": "EbbtideCommvaultFullsFailing"}
    seen = [(metric.format(name), plan, value) for name, value in (("full_jobs", 20.0), ("failed_full_jobs", 10.0))]
    share = "severity:ebbtide_commvault_plan_successful_full_jobs_per_full_jobs:threshold"
    numbers = [
        (share, {"severity": "warning"}, 95.0),
        ("alert:ebbtide_commvault_plan_full_jobs:threshold", alert, 5.0),
        ("alert:ebbtide_commvault_plan_failed_full_jobs_zscore:threshold", alert, 3.0),
    ]
    found = CHECKS["full-success"].run(Data(Samples(seen), Thresholds([*numbers, AGE]), 0.0))
    assert found.state is State.WARNING


def test_a_check_reads_only_what_the_exporter_exports() -> None:
    own = {m.name + ("_total" if m.type == "counter" else "") for m in Telemetry().registry.collect()}
    exported = {family.name for family in FAMILIES} | own | {"up", CAUSE}
    for check in CHECKS.values():
        assert check.metrics <= exported, check.name


def test_a_check_waits_for_collectors_that_feed_it() -> None:
    for check in CHECKS.values():
        fed_by = {name for family in FAMILIES if family.name in check.reads for name in family.subject.fed_by}
        sources = {"sessions", "jobs", "backup_jobs"}  # feed by way of the ledger
        assert {*check.collectors} <= fed_by | sources, check.name


def test_the_likeliest_causes_of_a_pool_in_trouble_are_told_last() -> None:
    def score(pool: str, cause: str, value: float, problem: str = "pool_full") -> tuple[str, dict[str, str], float]:
        return CAUSE, {"source": "cs01", "pool": pool, "cause": cause, "problem": problem}, value

    samples = Samples(
        [
            ("ebbtide_pool_free_ratio", {"source": "cs01", "kind": "commvault", "pool": "Gold"}, 0.01),
            score("Gold", "growth", 10), score("Gold", "mediaagent_offline", 90), score("Gold", "ddb_sealed", 0),
            score("Silver", "growth", 99), score("Gold", "growth", 99, "other"),
        ]
    )  # fmt: skip
    numbers = Thresholds([("severity:ebbtide_pool_free_ratio:threshold", {"severity": "warning"}, 0.2), AGE])
    lines = CHECKS["pool"].run(Data(samples, numbers, 0.0)).render().splitlines()
    assert lines[-2:] == ["Cause: cs01/Gold: mediaagent offline (90 points)", "Cause: cs01/Gold: growth (10 points)"]


def test_ranges_for_sources_are_about_ages_and_not_about_tokens() -> None:
    source = {"source": "cs01"}
    samples = Samples(
        [
            ("ebbtide_source_up", source, 1.0),
            ("ebbtide_collector_interval_seconds", {**source, "collector": "pools"}, 900.0),
            ("ebbtide_collector_success", {**source, "collector": "pools"}, 0.0),
            ("ebbtide_source_token_renewable_until_timestamp_seconds", source, 90.0),
        ]
    )
    left = ("severity:ebbtide_source_token_renewable_seconds:threshold", {"severity": "warning"}, 50.0)
    numbers = Thresholds([left, AGE])
    data = Data(samples, numbers, 0.0, Selection(critical=Range("10")))
    text = CHECKS["source"].run(data).render()
    assert text.splitlines()[0] == "SOURCE CRITICAL: cs01/pools has never succeeded | age=U;~:3;10"


def test_samples_are_found_by_name_and_labels() -> None:
    page = 'a{x="1"} 3\na{x="2"} 5\nab 7\n# HELP a\n'
    samples = from_page(page, {"a"})
    assert samples.of("a", x="2") == [Sample({"x": "2"}, 5.0)]
    assert samples.of("ab") == []
    assert samples.values("a") == {(): 5.0}


def test_the_narrowest_threshold_holds() -> None:
    numbers = Thresholds(
        [
            ("severity:q:threshold", {"severity": "warning"}, 1.0),
            ("severity_kind:q:threshold", {"severity": "warning", "kind": "veeam"}, 2.0),
            ("severity_source_pool:q:threshold", {"severity": "warning", "source": "s", "pool": "p"}, 3.0),
            ("source_kind_pool:q:threshold", {"severity": "warning", "source": "s", "kind": "veeam", "pool": "p"}, 9.0),
        ]
    )
    warning = {"severity": "warning"}
    assert numbers.of("q", warning) == 1.0
    assert numbers.of("q", {**warning, "kind": "veeam", "pool": "x"}) == 2.0
    assert numbers.of("q", {**warning, "kind": "veeam", "source": "s", "pool": "p"}) == 3.0
    assert numbers.of("q", {"severity": "critical"}) is None
    with pytest.raises(ConfigError, match=r"^there is no threshold of other; are the rules loaded\?$"):
        numbers.of("other", warning)
