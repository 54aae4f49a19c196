"""What the Commvault boards share: variables, selectors, columns and links."""

from __future__ import annotations

import math

from board import variable
from looks import (
    GREEN,
    NEUTRAL,
    ORANGE,
    RED,
    TRANSPARENT,
    Json,
    colored,
    prop,
    says,
    steps,
    target,
    unit,
)
from panels import query, stat

SOURCES = 'source=~"$source"'
PLANS = 'source=~"$source", plan=~"$plan"'
POOLS = 'source=~"$source", pool=~"$pool"'
POOLS_OF_ANY_KIND = 'kind="commvault", source=~"$source", pool=~"$pool"'

RULE = "source, plan, copy, rule"

SOURCE = variable("source", "Source", 'label_values(ebbtide_source_info{kind="commvault"}, source)')
PLAN = variable("plan", "Plan", 'label_values(ebbtide_commvault_plan_info{source=~"$source"}, plan)')
POOL = variable("pool", "Pool", 'label_values(ebbtide_pool_info{kind="commvault", source=~"$source"}, pool)')

AGE = [*unit("s", 1)]
# Retention is spoken of in days; Grafana would make weeks of seconds.
DAYS = [*unit("none", 0), says({math.inf: "for ever"})]
TO_FULL = [*unit("s", 1), says({math.inf: "> 1 year"})]
CYCLES = [*unit("none"), says({math.inf: "for ever"})]
RATIO = unit("percentunit", 0)
BYTES = unit("bytes")
FAULTS = [*unit("none"), *colored(steps(TRANSPARENT, (1, RED)))]
# 1 is as configured; above, the cycles make it longer.
EXCESS = [
    *RATIO,
    prop("thresholds", steps(NEUTRAL, (1 + target("aging_delta"), ORANGE), (2, RED))),
    prop("custom.cellOptions", {"type": "color-text"}),
]


def each(labels: str, family: str, where: str, at: str = "") -> str:
    """One value for each combination of labels, through however many exporters it is scraped."""
    return f"max by ({labels}) ({family}{{{where}}}{at})"


# Narrows to the eight pools that now hold most aged data: more lines cannot be told apart.
MOST_WAITING = f"and on (source, pool) topk(8, max by (source, pool) (ebbtide_pool_aged_unpruned_bytes{{{POOLS_OF_ANY_KIND}}} @ end()))"


def days(seconds: str) -> str:
    return f"({seconds}) / 86400"


def column(ref: str, expr: str) -> Json:
    """The query behind the column of field `Value #ref`."""
    return query(expr, ref=ref, table=True)


def faults(title: str, description: str, expr: str, none: str, *more: tuple[float, str], name: str = "") -> Json:
    """A count that should be 0."""
    return stat(
        title,
        description,
        [query(expr, name)],
        unit="none",
        none=none,
        colors=steps(NEUTRAL, (0, GREEN), *(more or [(1, RED)])),
    )


def effective(bound: str, where: str = PLANS) -> str:
    return each(
        RULE, "ebbtide_retention_effective_seconds", f'kind="commvault", rule="basic", bound="{bound}", {where}'
    )


def configured(where: str = PLANS) -> str:
    return each(RULE, "ebbtide_retention_configured_seconds", f'kind="commvault", rule="basic", {where}')
