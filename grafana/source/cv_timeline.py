"""Did pruning run after aging, did space come back, and what was changed meanwhile?"""

from __future__ import annotations

from board import annotation, dashboard, row
from commvault import (
    AGE,
    CYCLES,
    DAYS,
    MOST_WAITING,
    PLAN,
    PLANS,
    POOL,
    POOLS,
    POOLS_OF_ANY_KIND,
    RULE,
    SOURCE,
    SOURCES,
    column,
    days,
    each,
)
from looks import BLUE, GREEN, ORANGE, RED, Json, drill, threshold_line, width
from panels import query, sparse, statetimeline, table, timeseries

FREE = "ebbtide_pool_free_ratio"
PENDING = "source_pool:ebbtide_commvault_ddb_pending_deletes:sum"
COMPLETION = "ebbtide_commvault_operation_last_completion_timestamp_seconds"
CHANGE = "ebbtide_commvault_retention_rule_last_change_timestamp_seconds"
STAGES = "data_aging|ddb_space_reclamation|ddb_verification"


def build() -> Json:
    return dashboard(
        "ebbtide-cv-timeline",
        "Commvault / Timeline",
        "Did pruning run after aging, did space come back, and what was changed meanwhile?",
        [SOURCE, POOL, PLAN],
        [
            row("What ran, what stood in the way", (24, 5, runs()), (24, 11, states())),
            row("What came back", (24, 8, free()), (12, 8, reclaimed()), (12, 8, pending())),
            row("What was changed", (10, 6, changes()), (14, 6, changed())),
        ],
        tags=["commvault"],
        annotations=[
            annotation(
                "Data aging ended",
                f'max by (source) ({COMPLETION}{{operation="data_aging", {SOURCES}}})',
                BLUE,
                "{{source}}",
            ),
            annotation(
                "Retention rule changed",
                f"max by ({RULE}) ({CHANGE}{{{PLANS}}})",
                ORANGE,
                "{{source}}: {{plan}} / {{copy}} / {{rule}}",
            ),
        ],
    )


def runs() -> Json:
    ended = f'{COMPLETION}{{operation=~"{STAGES}", {SOURCES}}}'
    return statetimeline(
        "Aging, space reclamation and verification",
        "Coloured where a run ended within the hour before. Each row should repeat every day; a row that stops is the first "
        "stage to look at, and what follows below is its effect.",
        [query(f"sum by (source, operation) (changes({ended}[1h]) > bool 0) > bool 0", "{{source}} / {{operation}}", over_time=True)],
        states=[(1, "ended", BLUE), (0, "none", "transparent")],
        none="No run of these is known",
    )  # fmt: skip


def states() -> Json:
    ddbs = f"group by (source, ddb, pool) (ebbtide_commvault_ddb_info{{{POOLS}}})"
    bad = each("source, ddb", "ebbtide_commvault_ddb_status", f'status=~"sealed|offline|corrupted", {SOURCES}')
    agents = f"source_pool:ebbtide_commvault_mediaagent_offline:sum{{{POOLS}}} > bool 0"
    freed = f"max by (source, pool) (source_kind_pool:ebbtide_pool_reclaimed_bytes:increase1d{{{POOLS_OF_ANY_KIND}}}) > bool 0"
    timeline = statetimeline(
        "Pools: freed, or in whose way",
        "Green: something was freed in the day before. Orange: nothing. Red: nothing, while a DDB is not active or a MediaAgent "
        "is offline. Orange without any red: look at the operation window and at whether anything has aged.",
        [
            query(
                f"{freed} == 1 or 2 * group by (source, pool) ({ddbs} * on (source, ddb) group_left () {bad} > 0 or {agents} == 1) or {freed}",
                "{{source}} / {{pool}}",
                over_time=True,
            )
        ],
        states=[(1, "freed", GREEN), (0, "nothing freed", ORANGE), (2, "blocked", RED)],
        none="No pool is known",
    )
    return sparse(timeline)


def free() -> Json:
    def threshold(severity: str) -> Json:
        series = f'source_kind_pool:{FREE}:threshold{{severity="{severity}", {POOLS_OF_ANY_KIND}}}'
        return query(f"max by (severity) ({series})", "{{severity}}", ref=severity, over_time=True)

    free = each("source, pool", FREE, POOLS_OF_ANY_KIND)
    return timeseries(
        "Free space of the eight fullest",
        "It should rise after the runs above. Marks are ends of aging and changes of rules: a slope that begins at a mark "
        "has found its reason.",
        [
            query(
                f"{free} and on (source, pool) bottomk(8, {each('source, pool', FREE, POOLS_OF_ANY_KIND, ' @ end()')})",
                "{{source}} / {{pool}}",
                over_time=True,
            ),
            threshold("warning"),
            threshold("critical"),
        ],
        unit="percentunit",
        none="No pool is known",
        overrides=[threshold_line("warning", ORANGE), threshold_line("critical", RED)],
    )


def reclaimed() -> Json:
    return timeseries(
        "Freed in the day before",
        "Falls of used space of the eight pools with most to prune. A pool that falls to 0 while others go on has a fault of its own: see its DDB "
        "and MediaAgents.",
        [
            query(
                f"max by (source, pool) (source_kind_pool:ebbtide_pool_reclaimed_bytes:increase1d{{{POOLS_OF_ANY_KIND}}}) {MOST_WAITING}",
                "{{source}} / {{pool}}",
                over_time=True,
            )
        ],
        unit="bytes",
        none="No pool has been watched for a day",
    )


def pending() -> Json:
    queue = f"max by (source, pool) ({PENDING}{{{POOLS}}}"
    return timeseries(
        "Pending deletes of the eight longest queues",
        "It rises when aging has run and falls while pruning does. Rising at every mark and never falling: aging works, "
        "pruning does not; go on at the pruning board.",
        [query(f"{queue}) and on (source, pool) topk(8, {queue} @ end()))", "{{source}} / {{pool}}", over_time=True)],
        unit="short",
        none="No DDB is known",
    )


def changes() -> Json:
    counted = f"increase(ebbtide_commvault_retention_rule_changes_total{{{SOURCES}}}[1d])"
    return timeseries(
        "Changes of rules in the day before",
        "By what was changed and whether it made retention longer. Longer ones fill pools weeks later: ask who changed them, "
        "and why.",
        [query(f"sum by (field, direction) (max by (source, field, direction) ({counted})) > 0", "{{field}} {{direction}}", over_time=True)],
        unit="none",
        none="Nothing was changed in this time",
    )  # fmt: skip


def changed() -> Json:
    rule = "ebbtide_commvault_retention_rule"
    changed_once = f"and on ({RULE}) {each(RULE, CHANGE, PLANS)}"
    return table(
        "Rules that were changed, the latest first",
        "What they are now; what they were is in the graphs of the cycles board. Click a plan to see what the change costs.",
        [
            ("Source", "source", [width(110)]),
            ("Plan", "plan", [drill("Cycles of this plan", "ebbtide-cv-cycles", source="Source", plan="Plan")]),
            ("Copy", "copy", []),
            ("Rule", "rule", [width(90)]),
            ("Changed", "Value #changed", AGE),
            ("Days", "Value #days", DAYS),
            ("Cycles", "Value #cycles", CYCLES),
        ],
        [
            column("changed", f"time() - {each(RULE, CHANGE, PLANS)}"),
            column("days", f"{days(each(RULE, f'{rule}_retention_seconds', PLANS))} {changed_once}"),
            column("cycles", f"{each(RULE, f'{rule}_retention_cycles', PLANS)} {changed_once}"),
        ],
        none="No change was seen",
        sort=("Changed", False),
    )
