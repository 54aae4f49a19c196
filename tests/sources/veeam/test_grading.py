"""`efficiency:` of a Veeam source: left out it means the documented score; what does not go together is refused."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from exporter.config import parse
from exporter.errors import ConfigError
from exporter.model import DAY, EfficiencyTerms, Grading
from exporter.sources.veeam import Veeam
from exporter.sources.veeam.config import VeeamSettings
from exporter.sources.veeam.grading import EfficiencySettings
from exporter.telemetry import Telemetry


def grading(**given: Any) -> Grading:
    return EfficiencySettings.model_validate(given).grading


def test_left_out_it_is_the_documented_score() -> None:
    assert grading() == Grading()
    terms = EfficiencyTerms()
    assert dict(terms.weights) == {
        "dedup": 0.30, "compression": 0.25, "trend": 0.20, "consistency": 0.15, "anomaly": 0.10,
    }  # fmt: skip
    assert sum(terms.weights.values()) == pytest.approx(1.0)
    assert (terms.window_seconds, terms.minimum_sessions, terms.target_ratio) == (90 * DAY, 30, 4.5)


def test_what_is_given_changes_and_the_rest_stays() -> None:
    terms = grading(
        window="30d", minimum_sessions=20, dead_band_ratio=0.1, significance=0.01, target_dedup_ratio=2.0,
        target_compression_ratio=2.0, smallest_data_bytes=1024, dedup={"good": 2.0, "points_above": 1},
        weights={"trend": 0.10, "anomaly": 0.20},
    ).usual  # fmt: skip
    assert (terms.window_seconds, terms.minimum_sessions, terms.target_ratio) == (30 * DAY, 20, 4.0)
    assert (terms.dead_band_ratio, terms.significance, terms.smallest_data_bytes) == (0.1, 0.01, 1024)
    assert (terms.dedup.fair, terms.dedup.good, terms.dedup.excellent, terms.dedup.points_above) == (1.5, 2.0, 3.5, 1.0)
    assert (terms.weights["dedup"], terms.weights["trend"], terms.weights["anomaly"]) == (0.30, 0.10, 0.20)
    assert terms.compression == EfficiencyTerms().compression


def test_a_class_changes_what_holds_for_all_and_the_first_that_fits_holds() -> None:
    found = grading(
        window="60d",
        classes=[{"jobs": ["VM-*", "Lab"], "dedup": {"fair": 1.02, "good": 1.1, "excellent": 1.3}},
                 {"jobs": ["*"], "minimum_sessions": 12, "window": "200d"}],
    )  # fmt: skip
    assert (found.of("VM-web").dedup.good, found.of("VM-web").window_seconds) == (1.1, 60 * DAY)
    assert found.of("Lab").dedup.good == 1.1
    assert (found.of("vm-web").minimum_sessions, found.of("vm-web").dedup) == (12, EfficiencyTerms().dedup)
    assert found.longest_window_seconds == 200 * DAY


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"weights": {"dedup": 0.5}}, "the weights sum to 1.2, not to 1"),
        ({"dedup": {"good": 4.0}}, "dedup: fair 1.5, good 4 and excellent 3.5 must rise"),
        ({"compression": {"fair": 1.8}}, "compression: fair 1.8, good 1.8 and excellent 2 must rise"),
        ({"classes": [{"jobs": ["A*", "B"], "weights": {"trend": 0.0}}]}, "class A*, B: the weights sum to 0.8"),
        ({"classes": [{"jobs": []}]}, "classes.0.jobs"),
        ({"classes": [{"window": "5d"}]}, "classes.0.jobs"),
        ({"minimum_sessions": 9}, "minimum_sessions"),
        ({"weights": {"dedup": -0.1}}, "weights.dedup"),
        ({"significance": 1}, "significance"),
        ({"target_dedup_ratio": float("nan")}, "target_dedup_ratio"),
        ({"window": 90}, "90 is not a duration"),
        ({"price_per_tb": 100}, "price_per_tb"),
    ],
)
def test_what_does_not_go_together_is_refused_by_name(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as refused:
        EfficiencySettings.model_validate(given)
    assert message in str(refused.value)


def test_a_mistake_in_the_file_is_one_line_that_names_where() -> None:
    text = (
        "sources: [{name: a, kind: veeam, url: 'https://vbr01.example.com', username: u, password_file: /x, "
        "efficiency: {weights: {dedup: 0.5}}}]"
    )
    with pytest.raises(ConfigError, match=r"sources\[0\]\.efficiency: the weights sum to 1\.2, not to 1"):
        parse(text)


def test_a_server_carries_its_terms(telemetry: Telemetry) -> None:
    settings = VeeamSettings.model_validate(
        {"name": "vbr01", "kind": "veeam", "url": "https://vbr01.example.com:9419", "username": "reader",
         "password": {"env": "X"}, "efficiency": {"minimum_sessions": 50}}
    )  # fmt: skip
    source = Veeam(settings, telemetry)
    assert source.efficiency.usual.minimum_sessions == 50
    source.close()
