"""What a rule is meant for, and which days and cycles serve it."""

from __future__ import annotations

import doctest
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.analysis import recommendation
from exporter.analysis.recommendation import INTENTS, intent, recommended
from exporter.model import DAY


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(recommendation).failed == 0


@pytest.mark.parametrize(
    ("days", "expected"), [(14, "short"), (29.9, "short"), (30, "standard"), (90, "standard"), (91, "long")]
)
def test_the_days_tell_the_intent(days: float, expected: str) -> None:
    assert intent("Gold", "Primary", "Server", days * DAY) == expected


def test_for_ever_is_long_and_what_is_not_known_is_unknown() -> None:
    assert intent("Gold", "Primary", "", math.inf) == "long"
    assert intent("Gold", "Primary", "", None) == "unknown"


@pytest.mark.parametrize(
    ("plan", "copy", "plan_type", "expected"),
    [
        ("Gold DR", "Primary", "", "disaster_recovery"),
        ("Gold", "02_dr-site", "", "disaster_recovery"),
        ("Gold", "Disaster recovery", "", "disaster_recovery"),
        ("DR archive", "Primary", "", "disaster_recovery"),
        ("Drive letters", "Primary", "", "short"),
        ("Hydra", "Primary", "", "short"),
        ("Mail archive", "Primary", "", "archive"),
        ("Gold", "Compliance", "", "archive"),
        ("LEGAL hold", "Primary", "", "archive"),
        ("Gold", "Primary", "Archiver", "archive"),
    ],
)
def test_a_name_goes_before_the_days(plan: str, copy: str, plan_type: str, expected: str) -> None:
    assert intent(plan, copy, plan_type, 14 * DAY) == expected


def test_the_names_are_a_matter_of_the_house() -> None:
    names = {"disaster_recovery": re.compile("Fallback"), "archive": re.compile("Vault")}
    assert intent("Fallback", "", "", DAY, **names) == "disaster_recovery"
    assert intent("Vault", "", "", DAY, **names) == "archive"
    assert intent("DR archive", "", "", DAY, **names) == "short"


@pytest.mark.parametrize(
    ("meant", "days", "cycles", "better"),
    [
        ("short", 14, 2, 1),
        ("short", 14, 0, 1),
        ("standard", 60, 4, 2),
        ("standard", 60, 0, 1),
        ("long", 365, 1, 2),
        ("long", 365, 5, 2),
        ("disaster_recovery", 30, 1, 2),
        ("archive", 365, 2, 0),
    ],
)
def test_cycles_go_to_the_nearest_that_serve_and_days_stay(meant: str, days: int, cycles: int, better: int) -> None:
    assert recommended(meant, days * DAY, float(cycles)) == (days * DAY, better)


@pytest.mark.parametrize(
    ("meant", "days", "cycles"),
    [
        ("short", 14, 1),
        ("standard", 60, 1),
        ("standard", 60, 2),
        ("long", 365, 2),
        ("disaster_recovery", 30, 5),
        ("archive", 365, 0),
        ("short", None, 2),
        ("short", 14, None),
        ("long", math.inf, 2),
        ("short", 14, math.inf),
        ("unknown", 14, 2),
    ],
)
def test_nothing_is_recommended_where_nothing_should_change_or_too_little_is_known(
    meant: str, days: float | None, cycles: float | None
) -> None:
    assert recommended(meant, None if days is None else days * DAY, cycles) is None


@given(st.sampled_from(INTENTS), st.floats(0, 4000 * DAY), st.integers(0, 60))
def test_a_recommendation_never_shortens_the_days_nor_drops_the_last_cycle_and_is_its_own(
    meant: str, seconds: float, cycles: int
) -> None:
    better = recommended(meant, seconds, float(cycles))
    if better:
        assert better[0] >= seconds
        assert better[1] >= 1 or meant == "archive"
        assert recommended(meant, *better) is None
