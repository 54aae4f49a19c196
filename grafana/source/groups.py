"""Which business unit, application or source uses how much, grows how fast, and is full when?"""

from __future__ import annotations

import math

from board import choice, dashboard, row, variable
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
    drill,
    limit,
    link,
    says,
    steps,
    unit,
    width,
)
from panels import query, stat, table, timeseries

GROUPS = 'group_by=~"$group_by", group=~"$group"'
BY_GROUP = "max by (group)"
TO_FULL = "ebbtide_pool_time_to_full_seconds"
# As the rules count it every minute, so that both tables agree: the exporter's own figure is as old as its forecast.
USED, CAPACITY = (
    f"{BY_GROUP} (group_by_group:ebbtide_pool_{what}_bytes:sum{{{GROUPS}}})" for what in ("used", "capacity")
)
FREE = "ebbtide_pool_free_ratio"
FULL = steps(TRANSPARENT, (1 - limit(FREE, "warning"), ORANGE), (1 - limit(FREE, "critical"), RED))
ONLY = "/d/ebbtide-groups?${ds:queryparam}&${__url_time_range}&${group_by:queryparam}&var-group=${__value.raw:percentencode}"
SOON = steps(TRANSPARENT, (0, RED), (limit(TO_FULL, "critical"), ORANGE), (limit(TO_FULL, "warning"), TRANSPARENT))


def build() -> Json:
    return dashboard(
        "ebbtide-groups",
        "Ebbtide / Business units, applications and sources",
        __doc__,
        [
            choice("group_by", "By", "business_unit", "application", "source", "kind"),
            variable("group", "Group", 'label_values(ebbtide_group_pools{group_by=~"$group_by"}, group)'),
        ],
        [
            row("Now", (4, 4, groups()), (5, 4, used()), (5, 4, growth()), (5, 4, soonest()), (5, 4, to_buy())),
            row("Groups", (24, 8, by_group())),
            row("Who is in them", (24, 8, members())),
            row("Trends", (12, 9, used_over_time()), (12, 9, growth_over_time())),
        ],
        tags=["overview"],
    )


def groups() -> Json:
    return stat(
        "Groups",
        "How many groups there are of the kind chosen above. What has no business unit or application is in none of them: "
        "give sources theirs in the configuration.",
        [query(f"count({USED})")],
        unit="none",
        none="No pool has such a label",
        colors=steps(BLUE),
    )


def used() -> Json:
    return stat(
        "Used and capacity",
        "What the groups chosen use together and what fits, disks that pools share counted once. Pools of two groups may "
        "share a disk: then the sum over groups counts it in both.",
        [query(f"sum({USED})", "used"), query(f"sum({CAPACITY})", "capacity")],
        unit="bytes",
        none="No pool has such a label",
        colors=steps(BLUE),
        named=True,
    )


def growth() -> Json:
    return stat(
        "Growth a day",
        "How fast the groups chosen grow together at present; pools that joined or left are no growth. Look in the table for "
        "the group that most of it comes from.",
        [query(f"86400 * sum({BY_GROUP} (ebbtide_group_fill_bytes_per_second{{{GROUPS}}}))")],
        unit="bytes",
        none="No group has a forecast yet",
        colors=steps(BLUE),
    )


def soonest() -> Json:
    return stat(
        "Soonest full",
        "The group whose space is used up next, wherever in it. Single pools of it are full before: click the group in the "
        "table to see them.",
        [query(f"bottomk(1, {BY_GROUP} (ebbtide_group_time_to_full_seconds{{{GROUPS}}}) < +Inf)", "{{group}}")],
        unit="s",
        none="None within a year",
        colors=steps(NEUTRAL, (0, RED), (limit(TO_FULL, "critical"), ORANGE), (limit(TO_FULL, "warning"), GREEN)),
        named=True,
    )


def to_buy() -> Json:
    wanted = f"{BY_GROUP} (ebbtide_group_forecast_recommended_capacity_bytes{{{GROUPS}}})"
    return stat(
        "To buy",
        "Space the groups chosen lack to stay under the target of the forecast in nine times of ten. Before it is bought, "
        "see what pruning would give back.",
        [query(f"sum(clamp_min({wanted} - {CAPACITY}, 0))")],
        unit="bytes",
        none="No group has a forecast yet",
        colors=steps(NEUTRAL, (0, GREEN), (1, ORANGE)),
    )


def by_group() -> Json:
    def group(family: str, ref: str, more: str = "") -> Json:
        return query(f"{BY_GROUP} (ebbtide_group_{family}{{{GROUPS}{more}}})", ref=ref, table=True)

    duration = [*unit("s", 1), says({math.inf: "> 1 year"})]
    order = f"1000 * {BY_GROUP} (ebbtide_group_forecast_order_by_timestamp_seconds{{{GROUPS}}} < +Inf)"
    wanted = f"{BY_GROUP} (ebbtide_group_forecast_recommended_capacity_bytes{{{GROUPS}}})"
    return table(
        "Groups",
        "Used space and forecast of each group; earliest and latest hold four of five futures. A group that is full soon and "
        "hardly grows needs pruning, one that grows needs disks. Click its name to see it alone.",
        [
            ("Group", "group", [link("Only this group", ONLY)]),
            ("Pools", "Value #pools", [*unit("none"), width(80)]),
            ("Used", "Value #used", [*unit("bytes"), width(110)]),
            ("Capacity", "Value #capacity", [*unit("bytes"), width(110)]),
            ("Used share", "Value #share", [*unit("percentunit", 1), *colored(FULL)]),
            ("Growth a day", "Value #growth", [*unit("bytes"), width(120)]),
            ("Earliest", "Value #low", duration),
            ("Full in", "Value #mid", [*duration, *colored(SOON)]),
            ("Latest", "Value #high", duration),
            ("In 90 days", "Value #ahead", [*unit("bytes"), width(110)]),
            ("To buy", "Value #buy", [*unit("bytes"), width(110)]),
            ("Order by", "Value #order", [*unit(DATE), width(120)]),
        ],
        [
            group("pools", "pools"),
            query(USED, ref="used", table=True),
            query(CAPACITY, ref="capacity", table=True),
            query(f"{USED} / ({CAPACITY} > 0)", ref="share", table=True),
            query(f"86400 * {BY_GROUP} (ebbtide_group_fill_bytes_per_second{{{GROUPS}}})", ref="growth", table=True),
            group("time_to_full_low_seconds", "low"),
            group("time_to_full_seconds", "mid"),
            group("time_to_full_high_seconds", "high"),
            group("forecast_used_bytes", "ahead", ', horizon="90d"'),
            query(f"clamp_min({wanted} - {CAPACITY}, 0)", ref="buy", table=True),
            query(order, ref="order", table=True),
        ],
        none="No pool has such a label",
        sort=("Full in", False),
    )  # fmt: skip


def members() -> Json:
    def pools(what: str) -> str:
        series = f"source_kind_disk_business_unit_application:ebbtide_pool_{what}_bytes:max"
        chosen = f"ebbtide_group_pools{{{GROUPS}}}"
        grouped = f'label_replace({series}, "group", "$1", "$group_by", "(.+)") and on (group) {chosen}'
        return f"sum by (business_unit, application, source, kind) ({grouped})"

    return table(
        "Business unit, application, source",
        "What the chosen groups consist of, the largest first. An empty business unit or application is not configured for "
        "that source or pool. Click a source for its pools.",
        [
            ("Business unit", "business_unit", []),
            ("Application", "application", []),
            ("Source", "source", [drill("Its pools", "ebbtide-pools", source="Source")]),
            ("Kind", "kind", []),
            ("Used", "Value #used", unit("bytes")),
            ("Capacity", "Value #capacity", unit("bytes")),
            ("Used share", "Value #share", [*unit("percentunit", 1), *colored(FULL)]),
        ],
        [
            query(pools("used"), ref="used", table=True),
            query(pools("capacity"), ref="capacity", table=True),
            query(f"{pools('used')} / ({pools('capacity')} > 0)", ref="share", table=True),
        ],
        none="No pool has such a label",
        sort=("Used", True),
    )  # fmt: skip


def used_over_time() -> Json:
    return timeseries(
        "Used space",
        "A step is a pool or a large backup that came; a slope is growth. Compare its beginning with what was changed at "
        "the time: a new client, another retention.",
        [query(USED, "{{group}}", over_time=True)],
        unit="bytes",
        none="No pool has such a label",
    )


def growth_over_time() -> Json:
    return timeseries(
        "Growth a day",
        "How fast the used space of each group grew, as the forecast saw it at the time. A group that begins to grow has a "
        "new client, or pruning has stopped in it.",
        [query(f"86400 * {BY_GROUP} (ebbtide_group_fill_bytes_per_second{{{GROUPS}}})", "{{group}}", over_time=True)],
        unit="bytes",
        none="No group has a forecast yet",
        span=(None, None),
    )
