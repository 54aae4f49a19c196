"""Which MediaAgents or mount paths are down, what do they block, and what hangs on a single one?"""

from __future__ import annotations

from board import dashboard, row, variable
from commvault import (
    AGE,
    BYTES,
    FAULTS,
    SOURCE,
    SOURCES,
    column,
    each,
    faults,
)
from looks import (
    GREEN,
    NEUTRAL,
    ORANGE,
    RED,
    TRANSPARENT,
    Json,
    colored,
    drill,
    steps,
    unit,
    width,
    words,
    yes_no,
)
from panels import nodegraph, query, sparse, statetimeline, table

AGENT = variable(
    "mediaagent", "MediaAgent", 'label_values(ebbtide_commvault_mediaagent_info{source=~"$source"}, mediaagent)'
)
AGENTS = 'source=~"$source", mediaagent=~"$mediaagent"'
# Pools in which a MediaAgent has a part, and the plans that write there.
CARRIES = f"group by (source, pool, mediaagent) (ebbtide_commvault_pool_mediaagent_info{{{AGENTS}}})"
ALONE = f"source_pool:ebbtide_commvault_mediaagent:count{{{SOURCES}}} == 1"
WRITES = f'group by (source, plan, pool) (ebbtide_commvault_retention_rule_info{{rule="basic", {SOURCES}}})'


def build() -> Json:
    return dashboard(
        "ebbtide-cv-infrastructure",
        "Commvault / Infrastructure",
        "Which MediaAgents or mount paths are down, what do they block, and what hangs on a single one?",
        [SOURCE, AGENT],
        [
            row("Now", (5, 4, offline()), (5, 4, maintenance()), (5, 4, paths()), (5, 4, blocked()), (4, 4, alone())),
            row("MediaAgents", (24, 10, agents()), (24, 7, outages())),
            row("Data flow", (24, 16, graph())),
            row("Single points of failure", (24, 8, single_points())),
            row("Mount paths", (24, 9, mount_paths())),
        ],
        tags=["commvault"],
    )


def agent(family: str) -> str:
    return each("source, mediaagent", f"ebbtide_commvault_mediaagent_{family}", AGENTS)


def offline() -> Json:
    return faults(
        "MediaAgents offline",
        "Nothing is written to or pruned from their pools. Check the host and its Commvault services, then the firewall.",
        f"sum({agent('online')} == bool 0)",
        "No MediaAgent says",
    )


def maintenance() -> Json:
    return faults(
        "In maintenance",
        "MediaAgents that someone took out on purpose. Pruning waits until maintenance mode is switched off again.",
        f"sum({agent('maintenance')})",
        "No MediaAgent says",
        (1, ORANGE),
    )


def paths() -> Json:
    online = each("source, library, mountpath", "ebbtide_commvault_mountpath_online", SOURCES)
    return faults(
        "Mount paths offline",
        "Disks that no MediaAgent reaches: what lies there is neither restored nor freed. Check the mount and its access rights.",
        f"sum({online} == bool 0)",
        "No mount path is known",
    )


def blocked() -> Json:
    pools = "source_pool:ebbtide_commvault_mediaagent_offline:sum"
    return faults(
        "Pools with an agent out",
        "At least one MediaAgent of the pool is offline: part of it is neither written nor pruned. The table says which agent.",
        f"sum({pools}{{{SOURCES}}} > bool 0)",
        "No pool is known",
    )


def alone() -> Json:
    return faults(
        "On a single agent",
        "Pools that one MediaAgent carries alone. If it fails, nothing reaches them: share their disks with a second one.",
        f"count({ALONE}) or 0 * count(source_pool:ebbtide_commvault_mediaagent:count{{{SOURCES}}})",
        "No pool is known",
        (1, ORANGE),
    )


def agents() -> Json:
    share = f"avg_over_time(ebbtide_commvault_mediaagent_online{{{AGENTS}}}[30d])"
    return table(
        "MediaAgents and what they block",
        "Offline ones first. Pools is how many have a part on the agent, blocked how many of them lie still because of it: "
        "repair the one that blocks most. Available: of the last 30 days, or as long as it is known.",
        [
            ("Source", "source", [width(110)]),
            ("MediaAgent", "mediaagent", [drill("Only this MediaAgent", "ebbtide-cv-infrastructure", source="Source", mediaagent="MediaAgent")]),
            ("State", "Value #online", yes_no("online", "offline")),
            ("Offline for", "Value #since", AGE),
            ("Maintenance", "Value #maintenance", words({"1": ("yes", ORANGE), "0": ("no", NEUTRAL)})),
            ("Pools", "Value #pools", unit("none")),
            ("Pools blocked", "Value #blocked", FAULTS),
            ("Version", "version", []),
            ("Available", "Value #share", [*unit("percentunit", 1), *colored(steps(TRANSPARENT, (0, RED), (0.9, ORANGE), (0.99, TRANSPARENT)))]),
        ],
        [
            column("online", agent("online")),
            column("since", f"time() - {agent('offline_since_timestamp_seconds')}"),
            column("maintenance", agent("maintenance")),
            column("pools", f"count by (source, mediaagent) ({CARRIES})"),
            column("blocked", each("source, mediaagent", "source_mediaagent:ebbtide_commvault_pool_blocked:sum", AGENTS)),
            column("info", f"group by (source, mediaagent, version) (ebbtide_commvault_mediaagent_info{{{AGENTS}}})"),
            column("share", f"max by (source, mediaagent) ({share})"),
        ],
        none="No MediaAgent is known",
        sort=("State", False),
    )  # fmt: skip


def outages() -> Json:
    lowest = f"max by (source, mediaagent) (min_over_time(ebbtide_commvault_mediaagent_online{{{AGENTS}}}[$__rate_interval]))"
    graph = statetimeline(
        "Outages",
        "When each MediaAgent was offline. Short gaps that return at the same hour point to a restart or a backup of the "
        "host itself; a gap in all at once points to the network.",
        [query(lowest, "{{source}} / {{mediaagent}}", over_time=True)],
        states=[(1, "online", GREEN), (0, "offline", RED)],
        none="No MediaAgent says",
    )
    return sparse(graph)


def node(kind: str, bad: str) -> str:
    """Nodes of a kind: 0 where all is well up to 1, from a vector with the labels source and that kind."""
    named = f'label_replace(label_replace({bad}, "subtitle", "{kind}", "", ""), "title", "$1", "{kind}", "(.+)")'
    return f'max by (id, title, subtitle) (label_join({named}, "id", "/", "source", "subtitle", "title"))'


def edge(start: str, end: str, info: str) -> str:
    """Arrows between nodes of two kinds, from a vector with the labels source and both kinds."""
    kinds = f'label_replace(label_replace({info}, "start", "{start}", "", ""), "end", "{end}", "", "")'
    to = f'label_join({kinds}, "target", "/", "source", "end", "{end}")'
    both = f'label_join({to}, "source", "/", "source", "start", "{start}")'
    return f'max by (id, source, target) (label_join({both}, "id", " > ", "source", "target"))'


def graph() -> Json:
    policies = each("source, plan, policy", "ebbtide_commvault_plan_policy_info", SOURCES)
    pools = each("source, policy, pool", "ebbtide_commvault_policy_pool_info", SOURCES)
    fulls = f"source_plan:ebbtide_commvault_plan_successful_full_jobs_per_full_jobs:ratio30d{{{SOURCES}}}"
    out = f"source_pool:ebbtide_commvault_mediaagent_offline:sum{{{SOURCES}}}"
    nodes = [
        node("plan", f"(1 - {fulls} or 0 * group by (source, plan) ({policies}))"),
        node("policy", f"0 * group by (source, policy) ({policies} or {pools})"),
        node("pool", f"({out} / source_pool:ebbtide_commvault_mediaagent:count or 0 * group by (source, pool) ({pools} or {CARRIES}))"),
        node("mediaagent", f"(1 - {agent('online')} or 0 * group by (source, mediaagent) ({CARRIES}))"),
    ]  # fmt: skip
    edges = [edge("plan", "policy", policies), edge("policy", "pool", pools), edge("pool", "mediaagent", CARRIES)]
    panel = nodegraph(
        "From plan to policy, pool and MediaAgent",
        "The red arc is the share that is out of order: fulls that failed in 30 days, MediaAgents of a pool that are offline. "
        "Follow the arrows back from a red MediaAgent to the plans it holds up. Choose a source if there are too many.",
        query(" or ".join(nodes), table=True),
        query(" or ".join(edges), table=True),
        none="No way from a plan to a pool is known",
    )
    panel["fieldConfig"]["defaults"] |= {"thresholds": steps(GREEN), "unit": "percentunit"}
    panel["options"]["nodes"] = {"arcs": [{"field": "arc__bad", "color": RED}, {"field": "arc__ok", "color": GREEN}]}
    panel["transformations"] = [_named("arc__bad", "Value #nodes", "*", "1"), _named("arc__ok", "1", "-", "arc__bad")]
    return panel


def _named(name: str, left: str, operator: str, right: str) -> Json:
    """A new field: a rename would change what is displayed, and the graph goes by the name itself."""
    binary = {"left": left, "operator": operator, "right": right, "reducer": "sum"}
    return {"id": "calculateField", "options": {"alias": name, "mode": "binary", "binary": binary, "timeSeries": False}}


def single_points() -> Json:
    only = f"({CARRIES}) and on (source, pool) ({ALONE})"
    kept = (
        f"sum by (source, pool) ({each('source, pool, plan', 'ebbtide_commvault_plan_pool_retained_bytes', SOURCES)})"
    )

    def of_pool(expr: str) -> str:
        return f"({only}) * on (source, pool) group_left () ({expr})"

    return table(
        "Pools on a single MediaAgent",
        "If this MediaAgent fails, these plans can neither be backed up to nor restored from the pool. Share the disks with "
        "a second one, first where most is kept.",
        [
            ("Source", "source", [width(110)]),
            ("Pool", "pool", [drill("Pruning of this pool", "ebbtide-cv-pruning", source="Source", pool="Pool")]),
            ("MediaAgent", "mediaagent", []),
            ("Plans", "Value #plans", unit("none")),
            ("Kept there", "Value #kept", BYTES),
            ("State", "Value #online", yes_no("online", "offline")),
        ],
        [
            column("only", only),
            column("plans", of_pool(f"count by (source, pool) ({WRITES})")),
            column("kept", of_pool(kept)),
            column("online", f"({only}) * on (source, mediaagent) group_left () {agent('online')}"),
        ],
        none="Every pool has a second MediaAgent",
        sort=("Kept there", True),
    )


def mount_paths() -> Json:
    def path(family: str) -> str:
        return each("source, library, mountpath", f"ebbtide_commvault_mountpath_{family}", SOURCES)

    return table(
        "Mount paths",
        "Offline or disabled: nothing on it is freed. Written far above freed: it fills; see whether its pool is pruned. "
        "Read-only is what an administrator sets before emptying one.",
        [
            ("Source", "source", [width(90)]),
            ("Library", "library", []),
            ("Mount path", "mountpath", [width(210)]),
            ("Reached", "Value #online", yes_no("online", "offline")),
            ("Enabled", "Value #enabled", yes_no("yes", "no")),
            ("Writable", "Value #writable", words({"1": ("yes", GREEN), "0": ("no", ORANGE)})),
            ("Capacity", "Value #capacity", BYTES),
            ("Free", "Value #free", [*unit("percentunit", 1), *colored(steps(TRANSPARENT, (0, RED), (0.1, ORANGE), (0.2, TRANSPARENT)))]),
            ("Written per s", "Value #written", BYTES),
            ("Freed per s", "Value #freed", BYTES),
        ],
        [
            column("online", path("online")),
            column("enabled", path("enabled")),
            column("writable", path("writable")),
            column("capacity", path("capacity_bytes")),
            column("free", f"{path('free_bytes')} / ({path('capacity_bytes')} > 0)"),
            column("written", path("written_bytes_per_second")),
            column("freed", path("freed_bytes_per_second")),
        ],
        none="No mount path is known",
        sort=("Reached", False),
    )  # fmt: skip
