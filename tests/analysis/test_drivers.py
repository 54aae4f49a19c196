"""What is said to have moved a pool's used space."""

from __future__ import annotations

import numpy as np
import pytest

from exporter.analysis.drivers import drivers
from exporter.analysis.forecast import DAY

TIB = 1024.0**4
HOURS = np.arange(0, 60 * 24 + 1) / 24


def test_the_long_run_of_a_line_is_its_slope_and_nothing_is_freed() -> None:
    found = drivers(HOURS * DAY, 3 * TIB + 0.1 * TIB * HOURS)
    assert found is not None
    assert found.long_run == pytest.approx(0.1 * TIB)
    assert found.ingested == pytest.approx(0.1 * TIB)
    assert found.reclaimed == 0
    assert found.steps == ()


def test_a_client_that_was_onboarded_is_a_step_with_its_day_and_size() -> None:
    found = drivers(1.7e9 + HOURS * DAY, 3 * TIB + 0.1 * TIB * HOURS + 2 * TIB * (HOURS > 40))
    assert found is not None
    [step] = found.steps
    assert step.bytes == pytest.approx(2 * TIB, rel=0.05)
    assert step.at == pytest.approx(1.7e9 + 41 * DAY, abs=DAY)


def test_what_weekly_pruning_frees_is_told_from_what_came() -> None:
    found = drivers(HOURS * DAY, 10 * TIB + 0.5 * TIB * (HOURS % 7))
    assert found is not None
    assert found.ingested == pytest.approx(0.5 * TIB, rel=0.02)
    assert found.reclaimed == pytest.approx(0.5 * TIB, rel=0.02)
    assert found.long_run == pytest.approx(0, abs=0.02 * TIB)


def test_days_on_which_a_pool_sat_full_are_no_step() -> None:
    used = np.where(HOURS < 30, 4 + 0.2 * HOURS, np.where(HOURS < 40, 10.0, 10 + 0.2 * (HOURS - 40)))
    found = drivers(HOURS * DAY, used * TIB)
    assert found is not None
    assert found.steps == ()


@pytest.mark.parametrize("readings", [0, 1, 48])
def test_of_less_than_three_days_nothing_is_said(readings: int) -> None:
    assert drivers(HOURS[:readings] * DAY, np.full(readings, TIB)) is None
