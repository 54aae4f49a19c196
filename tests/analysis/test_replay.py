"""Real backups replayed against days and cycles."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.analysis.replay import Terms, replay
from exporter.analysis.retention import INCLUSIVE, STRICT, VENDOR, effective_retention
from exporter.model import DAY, RuleReplay
from tests.analysis.backups import Run, backups, regular

RULE = Terms(copy_id="c", policy_id="p", retention_seconds=14 * DAY, cycles=2.0)


def replayed(runs: Iterable[Run], at: float, semantics: str = VENDOR, **changed: object) -> RuleReplay:
    """14 days and 2 cycles, unless changed; days are in days."""
    if "days" in changed:
        changed["retention_seconds"] = changed.pop("days") * DAY  # type: ignore[operator]
    [found] = replay(backups(runs), [replace(RULE, **changed)], at * DAY, semantics=semantics)  # type: ignore[arg-type]
    return found


def bounds(found: RuleReplay) -> tuple[float, float]:
    """Earliest and latest, in days."""
    assert found.earliest_seconds is not None
    assert found.latest_seconds is not None
    return found.earliest_seconds / DAY, found.latest_seconds / DAY


@pytest.mark.parametrize(
    ("semantics", "days", "cycles", "full_every", "expected"),
    [
        (VENDOR, 14, 2, 7, (14, 20)),
        (VENDOR, 14, 1, 7, (14, 20)),
        (VENDOR, 15, 2, 7, (15, 21)),
        (VENDOR, 30, 1, 7, (30, 36)),
        (VENDOR, 14, 2, 30, (31, 60)),
        (INCLUSIVE, 14, 2, 7, (14, 14)),
        (INCLUSIVE, 14, 1, 7, (14, 14)),
        (INCLUSIVE, 15, 2, 7, (15, 15)),
        (INCLUSIVE, 14, 2, 30, (60, 60)),
        (STRICT, 15, 2, 7, (21, 21)),
        (STRICT, 14, 2, 7, (21, 21)),
        (STRICT, 14, 1, 7, (14, 14)),
        (STRICT, 14, 2, 30, (90, 90)),
    ],
)
def test_worked_examples_of_regular_fulls_and_daily_incrementals(
    semantics: str, days: float, cycles: float, full_every: float, expected: tuple[float, float]
) -> None:
    found = replayed(regular(150, full_every=full_every), 150, semantics, days=days, cycles=cycles)
    assert bounds(found) == expected


@given(
    st.sampled_from([VENDOR, INCLUSIVE, STRICT]),
    st.integers(1, 60),
    st.integers(0, 4),
    st.integers(1, 31),
    st.integers(0, 5),
    st.floats(0, 12),
)
def test_regular_schedules_give_what_the_closed_form_says_up_to_the_run_time(
    semantics: str, days: int, cycles: int, full_every: int, incremental_every: int, hours: float
) -> None:
    runs = list(regular(7 * full_every, full_every=full_every, incremental_every=incremental_every, hours=hours))
    last = max((r.started for r in runs if r.started < full_every), default=0.0)
    formula = effective_retention(
        retention_seconds=days * DAY, cycles=cycles, aging_enabled=True, full_interval_seconds=full_every * DAY,
        last_incremental_gap_seconds=(full_every - last) * DAY, semantics=semantics,
    )  # fmt: skip
    assert formula
    found = replayed(runs, 7 * full_every, semantics, days=days, cycles=float(cycles))
    assert bounds(found) == pytest.approx([b / DAY for b in formula], abs=hours / 24 + 1e-6)


histories = st.lists(
    st.builds(
        Run,
        started=st.integers(0, 60).map(float),
        kind=st.sampled_from(["full", "synthetic", "incremental"]),
        result=st.sampled_from(["success", "partial", "failed", "killed", "other"]),
        hours=st.sampled_from([0.0, 5.0, 30.0]),
        aged=st.sampled_from([-1, 0, 1]),
        client=st.sampled_from("ab"),
    ),
    max_size=40,
    unique_by=lambda run: (run.client, run.started),
)
some_rule = (st.sampled_from([VENDOR, INCLUSIVE, STRICT]), st.integers(0, 60), st.integers(0, 4))


def kept_one_by_one(runs: list[Run], at: float, semantics: str, days: float, cycles: int) -> int:
    """How many jobs are retained, told the slow way: cycle by cycle, job by job."""
    good = [r for r in runs if r.result in ("success", "partial") and r.started + r.hours / 24 <= at]
    kept = 0
    for client in {r.client for r in good}:
        split: list[list[Run]] = []
        for run in sorted((r for r in good if r.client == client), key=lambda r: r.started):
            if not split or run.kind != "incremental":
                split.append([])
            split[-1].append(run)
        for i, cycle in enumerate(split):
            newer = i + cycles + (semantics == STRICT)
            full = split[newer][0] if newer < len(split) else None
            finished = full.started + full.hours / 24 if full else math.inf
            finished = -math.inf if newer == i else finished
            if semantics == VENDOR:
                ends = [max(finished, cycle[-1].started + days)] * len(cycle)
            else:
                ends = [run.started + max(days, finished - cycle[0].started) for run in cycle]
            kept += sum(run.aged != 1 and not end < at for run, end in zip(cycle, ends, strict=True))
    return kept


@given(histories, *some_rule)
def test_what_is_retained_is_what_counting_one_by_one_says(
    runs: list[Run], semantics: str, days: int, cycles: int
) -> None:
    # Off every whole hour, so that no rounding of seconds decides.
    found = replayed(runs, 61.03, semantics, days=days, cycles=float(cycles))
    assert found.retained_jobs == kept_one_by_one(runs, 61.03, semantics, days, cycles)
    if found.one_cycle:
        freed = found.retained_jobs - kept_one_by_one(runs, 61.03, semantics, days, 1)
        assert found.one_cycle.jobs == found.one_cycle.bytes == freed


@given(histories, *some_rule)
def test_whatever_ran_nothing_ages_before_its_days_and_stricter_terms_keep_no_less(
    runs: list[Run], semantics: str, days: int, cycles: int
) -> None:
    found = replayed(runs, 61, semantics, days=days, cycles=float(cycles))
    more = replayed(runs, 61, semantics, days=days + 1, cycles=float(cycles + 1))
    assert more.retained_jobs >= found.retained_jobs
    assert max(found.blocked_by_missing_fulls, found.waiting_for_cycles) <= 2
    if found.latest_seconds is not None:
        earliest, latest = bounds(found)
        assert days <= earliest <= latest
    if found.one_cycle:
        assert found.one_cycle.jobs <= found.retained_jobs
        assert found.one_cycle.full_sooner_seconds is None or found.one_cycle.full_sooner_seconds >= 0


def test_a_failed_full_neither_closes_a_cycle_nor_opens_one() -> None:
    runs = [r if r.started != 14 else replace(r, result="failed") for r in regular(64)]
    # The cycle of day 0 may age when the full of day 21 is there; that of day 7 lasts until day 20, and 14 days more.
    assert bounds(replayed([r for r in runs if r.started <= 28], 35)) == ((15 + 14) / 2, (21 + 27) / 2)
    assert replayed(runs, 64).latest_seconds == 20 * DAY


def test_a_full_that_completed_with_errors_and_a_synthetic_one_close_a_cycle() -> None:
    runs = [r if r.kind != "full" else replace(r, kind="synthetic", result="partial") for r in regular(70)]
    assert bounds(replayed(runs, 70)) == (14, 20)


@pytest.mark.parametrize("result", ["failed", "killed"])
def test_where_fulls_fail_the_number_grows_day_by_day(result: str) -> None:
    runs = [r if r.kind != "full" or r.started < 28 else replace(r, result=result) for r in regular(90)]

    def latest(at: float) -> float:
        return bounds(replayed([r for r in runs if r.started < at], at))[1]

    # The cycle of day 14 never ages: only one newer full has finished.
    assert [latest(at) for at in (28, 34, 35, 40, 89)] == [20, 20, 21, 26, 75]


def test_a_plan_whose_fulls_fail_longer_than_anyone_remembers_is_as_old_as_what_is_seen_of_it() -> None:
    runs = [r for r in regular(90) if r.kind != "full"]
    found = replayed(runs, 90)
    assert found.latest_seconds == 89 * DAY
    assert found.retained_jobs == len(runs)


def test_fulls_that_never_came_again_block_and_are_told_from_those_that_are_only_waited_for() -> None:
    stopped = list(regular(22, incremental_every=0))
    waiting = replayed(stopped, 30, cycles=3.0)
    assert (waiting.waiting_for_cycles, waiting.blocked_by_missing_fulls) == (1, 0)
    blocked = replayed(stopped, 40, cycles=3.0)
    assert (blocked.waiting_for_cycles, blocked.blocked_by_missing_fulls) == (1, 1)
    healthy = replayed(regular(40, incremental_every=0), 40)
    assert (healthy.waiting_for_cycles, healthy.blocked_by_missing_fulls) == (0, 0)


def test_incrementals_that_go_on_while_fulls_fail_are_blocked_once_the_full_is_past_its_days() -> None:
    failing = [r for r in regular(60) if r.kind != "full" or r.started < 22]
    one_cycle = replayed(failing, 60, cycles=1.0)
    assert (one_cycle.waiting_for_cycles, one_cycle.blocked_by_missing_fulls) == (0, 1)
    soon = replayed([r for r in failing if r.started < 34], 34, cycles=1.0)
    assert soon.blocked_by_missing_fulls == 0


def test_a_subclient_that_never_had_a_full_is_blocked_by_the_interval_of_its_neighbours() -> None:
    runs = [*regular(60), Run(10, client="b"), Run(20, client="b")]
    found = replayed(runs, 60)
    assert (found.waiting_for_cycles, found.blocked_by_missing_fulls) == (1, 1)


def test_a_short_history_makes_no_statement_and_leaves_it_to_the_closed_form() -> None:
    found = replayed(regular(9), 9)
    assert (found.earliest_seconds, found.latest_seconds) == (None, None)
    assert found.retained_jobs == 9


def test_long_days_need_no_long_history() -> None:
    """Once a cycle is closed and enough newer ones are complete, when it may age is settled."""
    assert bounds(replayed(regular(30), 30, days=365)) == (365, 371)


def test_jobs_before_the_first_full_say_nothing_of_ages_but_are_retained() -> None:
    runs = [r for r in regular(70) if r.started > 1]
    assert bounds(replayed(runs, 70)) == (14, 20)
    early = replayed([Run(0), Run(1), *(replace(r, started=r.started + 2) for r in regular(5))], 7)
    assert early.latest_seconds is None
    assert early.retained_jobs == 7


def test_each_subclient_counts_once_however_many_cycles_it_has() -> None:
    often = regular(90, full_every=7)
    seldom = (r for client in "bc" for r in regular(90, full_every=30, client=client))
    assert replayed([*often, *seldom], 90).latest_seconds == 60 * DAY


def test_what_is_kept_is_what_may_not_age_yet_and_is_not_aged_already() -> None:
    runs = list(regular(35))
    # The last job of the cycle of day 14 ran on day 20: it is kept for 14 days more, whole.
    assert [replayed(runs, at).retained_jobs for at in (33.5, 34, 34.5)] == [20, 21, 14]
    assert replayed(runs, 34.5).retained_bytes == 14
    aged = [replace(r, aged=1 if r.started < 25 else 0) for r in runs]
    assert replayed(aged, 34.5).retained_jobs == 10
    unknown = [replace(r, media_bytes=math.nan) if r.started > 30 else r for r in runs]
    assert replayed(unknown, 34.5).retained_bytes == 10


def test_a_cycle_that_is_aged_already_makes_nothing_older() -> None:
    blocked = [Run(0, "full"), Run(7, "full"), Run(14, "full"), *(Run(day, aged=0) for day in range(15, 80))]
    assert replayed(blocked, 80).latest_seconds == 73 * DAY
    assert replayed([replace(r, aged=1 if r.kind == "full" else 0) for r in blocked], 80).latest_seconds == 14 * DAY


def test_one_cycle_less_changes_nothing_where_the_days_bind() -> None:
    one = replayed(regular(150), 150).one_cycle
    assert one is not None
    assert (one.retention_seconds, one.cycles) == (14 * DAY, 1.0)
    assert (one.jobs, one.bytes, one.full_sooner_seconds) == (0, 0.0, 0.0)


def test_one_cycle_less_ages_a_month_sooner_where_fulls_are_monthly() -> None:
    before, after = (replayed(regular(150, full_every=30), at).one_cycle for at in (133, 134))
    assert before is not None
    assert after is not None
    # With two the full is kept 60 days, with one 43: its last incremental's 29 and its 14 days.
    assert before.full_sooner_seconds == after.full_sooner_seconds == 17 * DAY
    # The cycle of day 90 had its last job on day 119.
    assert (before.jobs, before.bytes) == (0, 0.0)
    assert (after.jobs, after.bytes) == (30, 30.0)


def test_a_what_if_of_too_short_a_history_reckons_by_the_closed_form() -> None:
    found = replayed(regular(35, full_every=30), 35)
    assert found.latest_seconds is None
    assert found.one_cycle is not None
    assert found.one_cycle.full_sooner_seconds == 17 * DAY
    nothing = replayed(regular(5), 5).one_cycle
    assert nothing is not None
    assert nothing.full_sooner_seconds is None


def test_recommended_terms_are_replayed_like_one_cycle() -> None:
    found = replayed(regular(150, full_every=30), 140, recommended=(14 * DAY, 1.0))
    assert found.recommended == found.one_cycle
    assert replayed(regular(150), 140).recommended is None


def test_days_alone_need_no_newer_full_and_have_no_cycle_to_save() -> None:
    found = replayed([Run(0, "full"), Run(1)], 20, cycles=0.0)
    assert bounds(found) == (14, 15)
    assert found.retained_jobs == 0
    assert found.one_cycle is None


@pytest.mark.parametrize(
    ("changed", "sooner"),
    [({"aging_enabled": False}, 0.0), ({"days": math.inf}, 0.0), ({"cycles": math.inf}, math.inf)],
)
def test_what_never_ages_is_kept_whole_for_ever(changed: dict[str, object], sooner: float) -> None:
    found = replayed(regular(70), 70, **changed)
    assert (found.earliest_seconds, found.latest_seconds) == (math.inf, math.inf)
    assert found.retained_jobs == 70
    assert found.one_cycle is not None
    assert found.one_cycle.full_sooner_seconds == sooner
    nowhere = replayed([], 70, **changed)
    assert nowhere.latest_seconds == math.inf


def test_a_policy_without_a_backup_has_nothing_to_say() -> None:
    assert replayed(regular(70), 70, policy_id="other") == RuleReplay(copy_id="c")
    assert replayed([Run(1, "full", "failed")], 70) == RuleReplay(copy_id="c")


def test_what_ends_later_has_not_happened_yet() -> None:
    runs = list(regular(100))
    assert replayed(runs, 50) == replayed([r for r in runs if r.started <= 50], 50)


def test_policies_do_not_mix() -> None:
    runs = [
        *regular(90, policy="p"),
        *regular(90, policy="q", full_every=30, client="b"),
        *regular(90, policy="p", client="c"),
    ]
    rules = [replace(RULE, policy_id=policy, copy_id=policy) for policy in ("q", "p")]
    found = replay(backups(runs), rules, 90 * DAY)
    assert [(r.copy_id, r.latest_seconds) for r in found] == [("q", 60 * DAY), ("p", 20 * DAY)]


def test_an_unknown_way_to_count_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="unknown cycle semantics 'guess'"):
        replayed([], 0, "guess")
