"""What the boards about pools share: the choice of pools, their series, their columns, the way to one of them."""

from __future__ import annotations

import math
from collections.abc import Callable

from board import from_series, one, variable
from looks import NEUTRAL, ORANGE, RED, TRANSPARENT, Json, limit, link, says, steps, unit, words

POOLS = 'source=~"$source", kind=~"$kind", pool=~"$pool"'
# Where the variable has exactly one value Grafana does not write it as a regular expression.
ONE_POOL = 'source=~"$source", kind=~"$kind", pool="$pool"'
BY_POOL = "max by (source, kind, pool)"

FREE, TO_FULL = "ebbtide_pool_free_ratio", "ebbtide_pool_time_to_full_seconds"
SCORE = "source_kind_pool_problem_cause:ebbtide_cause:score"
PENDING = "source_pool:ebbtide_commvault_ddb_pending_deletes:sum"

# Stands in for a time to full that nobody knows: sorts behind every known one and before "not within a year".
NO_FORECAST = 1e10


def choices(*, single: bool = False) -> list[Json]:
    """The variables source, kind and pool; single: of exactly one pool."""
    pick = one if single else variable
    return [
        variable("source", "Source", "label_values(ebbtide_source_info, source)"),
        variable("kind", "Kind", 'label_values(ebbtide_source_info{source=~"$source"}, kind)'),
        pick("pool", "Pool", 'label_values(ebbtide_pool_info{source=~"$source", kind=~"$kind"}, pool)'),
    ]


def pool(family: str, more: str = "", *, of: str = POOLS) -> str:
    """The family of each chosen pool, once, through however many exporters it is seen."""
    return f"{BY_POOL} (ebbtide_pool_{family}{{{of}{more}}})"


def leaders(
    name: str, first: str, by: str, ranked: Callable[[str], str], selector: str = POOLS, what: str = "pool"
) -> tuple[list[Json], str]:
    """Variables and query for a graph of the pools that lead a ranking at the end of the time range.

    name: begins those of the variables; first: "bottomk(8" or the like; by: the labels of what is ranked; ranked: its
    expression, given what is to stand after the name of a family; what: the label and variable, if it is no pool.
    """
    few = selector.replace("$source", f"${name}_source").replace(f"${what}", f"${name}_{what}")
    leading = f"{first}, {ranked(f'{{{selector}}}')})"
    variables = [
        from_series(f"{name}_source", leading, r'/source="(.*)"\} /'),
        from_series(f"{name}_{what}", leading, f'/{what}="(.*)",source=/'),
    ]
    return variables, f"{ranked(f'{{{few}}}')} and on ({by}) {first}, {ranked(f'{{{few}}} @ end()')})"


def used(*, of: str = POOLS) -> str:
    return f"({pool('capacity_bytes', of=of)} - {pool('free_bytes', of=of)})"


def threshold(severity: str) -> str:
    return f'source_kind_pool:{FREE}:threshold{{severity="{severity}", {POOLS}}}'


def nearly_full(severity: str) -> str:
    """The free share of the pools below their threshold; read-only filesystems have none to keep."""
    return f"({pool('free_ratio')} < on (source, kind, pool) {threshold(severity)}) unless on (source, pool) (ebbtide_filesystem_readonly == 1)"


def worst() -> str:
    """2 for each pool below its critical threshold, 1 below its warning alone, else 0: a colour of its free share, whose
    thresholds differ by kind and pool, cannot say it."""
    return f"0 * ({nearly_full('critical')}) + 2 or 0 * ({nearly_full('warning')}) + 1 or 0 * {pool('free_ratio')}"


WORST = words({"2": ("critical", RED), "1": ("warning", ORANGE), "0": ("no", NEUTRAL)})


def once(expr: str) -> str:
    """The sum of `expr` over pools, of those that share a disk only the largest."""
    info = 'ebbtide_pool_info{shared!=""}'
    shared = f"max by (source, kind, shared) (group by (source, kind, pool, shared) ({info}) * on (source, kind, pool) group_left () {expr})"
    return f"sum({shared} or {expr} unless on (source, kind, pool) {info})"


def time_to_full() -> str:
    """In seconds; every pool has a value, NO_FORECAST where there is none."""
    return f"{pool('time_to_full_seconds')} or 0 * {pool('info')} + {NO_FORECAST:.0f}"


def duration() -> list[Json]:
    return [*unit("s", 1), says({math.inf: "> 1 year", NO_FORECAST: "no forecast"})]


def little(quantity: str) -> Json:
    """Red below the critical default, orange below that of the warning."""
    return steps(
        TRANSPARENT, (0, RED), (limit(quantity, "critical"), ORANGE), (limit(quantity, "warning"), TRANSPARENT)
    )


def to_pool() -> Json:
    """From a column of pools beside one called Source."""
    return link(
        "This pool",
        "/d/ebbtide-pool?${ds:queryparam}&var-source=${__data.fields.Source:percentencode}&var-pool=${__value.raw:percentencode}&${__url_time_range}",
    )


def to_plan() -> Json:
    """From a column of Commvault plans beside one called Source."""
    return link(
        "This plan",
        "/d/ebbtide-cv-plan?${ds:queryparam}&var-source=${__data.fields.Source:percentencode}&var-plan=${__value.raw:percentencode}&${__url_time_range}",
    )
