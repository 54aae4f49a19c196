"""Forecast and procurement: when is each pool full, how sure is that, what must be bought, and what would pruning give?"""

from __future__ import annotations

import math

from board import dashboard, row, textbox
from estate import TO_FULL, choices, duration, little, once, pool, time_to_full, to_pool, used
from looks import (
    BLUE,
    DATE,
    GREEN,
    NEUTRAL,
    ORANGE,
    RED,
    TRANSPARENT,
    Json,
    colored,
    override,
    prop,
    says,
    steps,
    unit,
    width,
)
from panels import query, stat, table

# Nobody buys for less history than the alert wants.
LONG_ENOUGH = f"""and on (source, kind, pool) {pool("forecast_history_seconds")} > on () group_left () alert:ebbtide_pool_forecast_history_seconds:threshold{{alert="EbbtidePoolOrderDue"}}"""
WANTED = f"({pool('forecast_recommended_capacity_bytes')} {LONG_ENOUGH})"
TO_BUY = f"clamp_min({WANTED} - {pool('capacity_bytes')}, 0)"
ORDER_BY = f"({pool('forecast_order_by_timestamp_seconds')} {LONG_ENOUGH})"
# Bytes per second: what was typed, else what is measured and grows.
RATE = f"(0 * {pool('capacity_bytes')} + $fill_gb_day * 1e9 / 86400 > 0 or {pool('fill_bytes_per_second')} > 0)"
HORIZONS = {"30d": "30 days", "90d": "90 days", "365d": "1 year"}


def build() -> Json:
    return dashboard(
        "ebbtide-capacity",
        "Capacity / Forecast and procurement",
        "When is each pool full, how sure is that, what must be bought and by when, and what would pruning give back?",
        [
            *choices(),
            textbox("fill_gb_day", "What if: fill, GB a day (0: as measured)", "0"),
            textbox("free_target", "What if: to stay free, %", "20"),
        ],
        [
            row("Now", (6, 4, orders()), (6, 4, to_buy()), (6, 4, given_back()), (6, 4, trust())),
            row("Order", (24, 10, procurement())),
            row("Forecast", (24, 10, band())),
            row("What if it fills by $fill_gb_day GB a day, and $free_target % are to stay free?", (24, 9, what_if())),
            row("Before anything is bought", (24, 9, pruned())),
        ],
        tags=["capacity"],
    )  # fmt: skip


def orders() -> Json:
    return stat(
        "Orders",
        "Pools for which disks must be ordered so that they arrive before the pool passes its target: already too late, or within "
        "30 days. Pools watched for less than four weeks are left out. See first what pruning would give back.",
        [query(f"sum({ORDER_BY} < bool time())", "overdue"), query(f"sum({ORDER_BY} < bool time() + 30 * 86400) - sum({ORDER_BY} < bool time())", "within 30 days")],
        unit="none",
        none="No pool has been watched for four weeks",
        colors=steps(GREEN, (1, ORANGE)),
        named=True,
        overrides=[override("overdue", prop("thresholds", steps(GREEN, (1, RED))))],
    )  # fmt: skip


def to_buy() -> Json:
    return stat(
        "To buy",
        "What the recommended capacities exceed the present ones by, over all pools chosen; a shared disk is counted once. "
        "The table says where. Less of it is needed if pruning or retention is mended first.",
        [query(once(TO_BUY))],
        unit="bytes",
        none="No pool has been watched for four weeks",
        colors=steps(BLUE),
    )


def given_back() -> Json:
    return stat(
        "Pruning and cycles would give back",
        "At most, if pruning worked and rules had the recommended cycles; blocks shared with younger jobs stay. "
        "It is shown apart and not taken off what is to be bought.",
        [query(f"""sum({pool("reclaimable_bytes", ', scenario="both"')})""")],
        unit="bytes",
        none="Nothing is known to be freed",
        colors=steps(BLUE),
    )


def trust() -> Json:
    return stat(
        "Error of past forecasts",
        "How far forecasts of a fortnight were off, divided by what was used: the middle pool and the worst. "
        "Above a tenth, plan by the latest bounds and look for steps in the growth.",
        [
            query(f"quantile(0.5, {pool('forecast_error_ratio')})", "middle"),
            query(f"max({pool('forecast_error_ratio')})", "worst"),
        ],
        unit="percentunit",
        none="Too little history to measure it",
        colors=steps(NEUTRAL, (0, GREEN), (0.1, ORANGE), (0.3, RED)),
        named=True,
    )


def procurement() -> Json:
    date = unit(DATE)
    return table(
        "What to order, the soonest full first",
        "Order by is when to order at the latest; to buy is what the recommended capacity exceeds the present one by, so that in nine "
        "times of ten the pool stays under its target; both are left out for pools watched for less than four weeks. Growth holds since the day beside it: look there for what began.",
        [
            ("Source", "source", [width(100)]),
            ("Pool", "pool", [to_pool()]),
            ("Order by", "Value #order", [*date, width(140)]),
            ("To buy", "Value #buy", [*unit("bytes"), width(100)]),
            ("Recommended", "Value #wanted", [*unit("bytes"), width(130)]),
            ("Capacity", "Value #capacity", [*unit("bytes"), width(100)]),
            ("Earliest full", "Value #low", [*duration(), width(110)]),
            ("Full in", "Value #mid", [*duration(), *colored(little(TO_FULL)), width(110)]),
            ("Latest full", "Value #high", [*duration(), width(110)]),
            ("Growth a day", "Value #growth", [*unit("bytes"), width(110)]),
            ("Growing so since", "Value #since", [*date, width(140)]),
            ("Past error", "Value #error", [*unit("percentunit", 1), width(100)]),
        ],
        [
            query(f"1000 * ({ORDER_BY} < +Inf)", ref="order", table=True),
            query(TO_BUY, ref="buy", table=True),
            query(WANTED, ref="wanted", table=True),
            query(pool("capacity_bytes"), ref="capacity", table=True),
            query(pool("time_to_full_low_seconds"), ref="low", table=True),
            query(time_to_full(), ref="mid", table=True),
            query(pool("time_to_full_high_seconds"), ref="high", table=True),
            query(f"86400 * {pool('fill_bytes_per_second')}", ref="growth", table=True),
            query(f"1000 * {pool('forecast_regime_start_timestamp_seconds')}", ref="since", table=True),
            query(pool("forecast_error_ratio"), ref="error", table=True),
        ],
        none="No pool has a forecast",
        sort=("Full in", False),
    )  # fmt: skip


def band() -> Json:
    share = [*unit("percentunit", 0), *colored(steps(TRANSPARENT, (0.8, ORANGE), (1, RED)))]
    ends = {"low": "_low", "mid": "", "high": "_high"}
    titles = {"low": "low", "mid": "mid", "high": "high"}
    return table(
        "Used, of the capacity",
        "The median and the band that holds four of five futures. Above 100 % is space that will be missing; a wide band is a pool "
        "whose past says little: see its error above. Plan for the high end.",
        [
            ("Source", "source", [width(100)]),
            ("Pool", "pool", [to_pool()]),
            ("Now", "Value #now", [*share, width(80)]),
            *(
                (f"{words}, {titles[end]}", f"Value #{end}{horizon}", [*share, width(125)])
                for horizon, words in HORIZONS.items()
                for end in ends
            ),
        ],
        [
            query(f"{used()} / {pool('capacity_bytes')}", ref="now", table=True),
            *(
                query(
                    "{} / {}".format(
                        pool(f"forecast_used{infix}_bytes", f', horizon="{horizon}"'), pool("capacity_bytes")
                    ),
                    ref=f"{end}{horizon}",
                    table=True,
                )
                for horizon in HORIZONS
                for end, infix in ends.items()
            ),
        ],
        none="No pool has a forecast",
        sort=("90 days, high", True),
    )


def what_if() -> Json:
    capacity = pool("capacity_bytes")

    def missing(later: str) -> str:
        return f"clamp_min(({used()}{later}) / (1 - $free_target / 100) - {capacity}, 0)"

    grown = f" + on (source, kind, pool) {RATE} * 90 * 86400"
    return table(
        "By the rate above instead of the forecast",
        "A straight line at the rate that was typed, or at the measured one while it is 0, and what must be added so that the wanted "
        "share stays free. Type the rate of a new client, or half the present one, and see what changes.",
        [
            ("Source", "source", [width(100)]),
            ("Pool", "pool", [to_pool()]),
            ("Fill a day", "Value #rate", [*unit("bytes"), width(120)]),
            ("Free", "Value #free", [*unit("bytes"), width(120)]),
            ("Full in", "Value #full", [*unit("s", 1), says({math.inf: "> 1 year, or never"}), *colored(little(TO_FULL)), width(140)]),
            ("To add now", "Value #now", [*unit("bytes"), width(120)]),
            ("To add for 90 days", "Value #later", [*unit("bytes"), width(160)]),
        ],
        [
            query(f"86400 * {RATE}", ref="rate", table=True),
            query(pool("free_bytes"), ref="free", table=True),
            query(f"{pool('free_bytes')} / {RATE} < 365 * 86400 or {capacity} * Inf", ref="full", table=True),
            query(missing(""), ref="now", table=True),
            query(missing(grown), ref="later", table=True),
        ],
        none="No pool is known",
        sort=("Full in", False),
    )  # fmt: skip


def pruned() -> Json:
    def gain(scenario: str) -> str:
        return pool("reclaimable_bytes", f', scenario="{scenario}"')

    after = f"({pool('free_bytes')} + {gain('both')})"
    return table(
        "What mended pruning and retention would give back",
        "At most: blocks shared with younger jobs stay, so deduplicated pools free less. A pool that is well after it needs no disks: "
        "mend pruning first, by the troubleshooting board.",
        [
            ("Source", "source", [width(100)]),
            ("Pool", "pool", [to_pool()]),
            ("Pruning works", "Value #pruning", [*unit("bytes"), width(140)]),
            ("Cycles as recommended", "Value #cycles", [*unit("bytes"), width(210)]),
            ("Both", "Value #both", [*unit("bytes"), width(120)]),
            ("Free now", "Value #free", [*unit("percentunit", 1), *colored(little("ebbtide_pool_free_ratio")), width(110)]),
            ("Free then", "Value #then", [*unit("percentunit", 1), *colored(little("ebbtide_pool_free_ratio")), width(110)]),
        ],
        [
            query(gain("pruning_fixed"), ref="pruning", table=True),
            query(gain("cycles_optimised"), ref="cycles", table=True),
            query(f"{gain('both')} > 0", ref="both", table=True),
            query(f"{pool('free_ratio')} and on (source, kind, pool) {gain('both')}", ref="free", table=True),
            query(f"{after} / {pool('capacity_bytes')}", ref="then", table=True),
        ],
        none="Nothing is known to be freed",
        sort=("Both", True),
    )  # fmt: skip
