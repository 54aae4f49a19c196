"""Home: what needs attention now, which pool is next, and where to look further?"""

from __future__ import annotations

import re
from pathlib import Path

from board import dashboard, row
from causes import CAUSES, LIKELY, words
from estate import (
    BY_POOL,
    POOLS,
    SCORE,
    TO_FULL,
    WORST,
    choices,
    duration,
    little,
    nearly_full,
    pool,
    to_pool,
    worst,
)
from looks import (
    GREEN,
    NEUTRAL,
    ORANGE,
    RED,
    TRANSPARENT,
    Json,
    colored,
    left,
    limit,
    override,
    prop,
    says,
    steps,
    unit,
    width,
)
from panels import query, stat, table, text

FIRING = 'ALERTS{{alertname=~"Ebbtide.+", alertstate="firing", severity="{}", source=~"$source", pool=~"$pool"}}'

# Which ranking explains which alerts.
PROBLEM_OF = (
    ("category", "capacity", "pool_full"),
    ("category", "pruning", "pruning_frees_nothing"),
    ("alertname", "EbbtidePoolOffline", "pool_full"),
    ("category", "aging", "ages_too_slowly"),
    ("alertname", "EbbtideCommvaultAgingFailing", "aging_fails"),
)

BOARDS = (
    ("ebbtide-troubleshoot", "Troubleshoot", "why is it so, and what do I do?"),
    ("ebbtide-pools", "Pools", "which are next?"),
    ("ebbtide-capacity", "Forecast", "what must be bought, and when?"),
    ("ebbtide-cv-retention", "Retention", "which rules keep data too long?"),
    ("ebbtide-cv-pruning", "Pruning", "is aged data really deleted?"),
    ("ebbtide-cv-jobs", "Commvault jobs", "which fulls fail and block cycles?"),
    ("ebbtide-veeam-jobs", "Veeam", "which jobs fail, which repositories fill?"),
    ("ebbtide-filesystems", "Filesystems", "which fill, and with what?"),
    ("ebbtide-groups", "Business units", "who uses and grows the most?"),
    ("ebbtide-executive", "Executive", "are we well, what could be saved?"),
    ("ebbtide-alerts", "Alerts", "what fired, and how long?"),
    ("ebbtide-exporter", "Exporter", "can the numbers be trusted?"),
)


def build() -> Json:
    return dashboard(
        "ebbtide-overview",
        "Ebbtide / Overview",
        "What needs attention now, which pool is full next, and where to look further?",
        choices(),
        [
            row("Now", (4, 4, sources_down()), (5, 4, alerts()), (5, 4, low()), (5, 4, nothing_freed()), (5, 4, soonest())),
            row("What needs attention", (24, 12, attention())),
            row("What fills first", (16, 10, next_full()), (8, 10, further())),
        ],
        tags=["overview"],
    )  # fmt: skip


def sources_down() -> Json:
    return stat(
        "Sources down",
        "Configured systems that do not answer or refuse the exporter. Look at the exporter's status page for the reason; "
        "what such a source shows below is old, and ends after three intervals.",
        [query('sum(max by (source) (ebbtide_source_up{source=~"$source"}) == bool 0)')],
        unit="none",
        none="No source is configured",
        colors=steps(NEUTRAL, (0, GREEN), (1, RED)),
    )


def alerts() -> Json:
    def firing(severity: str) -> Json:
        return query(f"count({FIRING.format(severity)}) or vector(0)", severity)

    return stat(
        "Alerts",
        "What fires now. Begin with what is critical in the table below: it names the object and its likeliest cause.",
        [firing("critical"), firing("warning")],
        unit="none",
        none="No alert",
        colors=steps(GREEN, (1, ORANGE)),
        named=True,
        overrides=[override("critical", prop("thresholds", steps(GREEN, (1, RED))))],
    )


def low() -> Json:
    def below(severity: str, but: str = "") -> Json:
        return query(f"count({nearly_full(severity)}{but}) or 0 * count({pool('free_ratio')})", severity)

    return stat(
        "Pools nearly full",
        "Pools with less free space than their own threshold, each counted once; read-only filesystems are left out. "
        "Find them in the tables below, and see first whether anything is freed in them at all.",
        [below("critical"), below("warning", f" unless on (source, kind, pool) ({nearly_full('critical')})")],
        unit="none",
        none="No pool is known",
        colors=steps(NEUTRAL, (0, GREEN), (1, ORANGE)),
        named=True,
        overrides=[override("critical", prop("thresholds", steps(NEUTRAL, (0, GREEN), (1, RED))))],
    )


def nothing_freed() -> Json:
    stalled = (
        'source_kind_pool_cause:ebbtide_cause_evidence:ratio{cause="pruning_stalled", source=~"$source", pool=~"$pool"}'
    )
    overdue = 'source:ebbtide_commvault_aging_overdue:bool{source=~"$source"}'
    return stat(
        "Aging succeeds, nothing freed",
        "Commvault pools in which data aging marks while pruning has freed nothing for a day and deletes pile up. "
        "No job fails, so nothing else says it. Begin with the MediaAgents of the pool.",
        [query(f"count({stalled} == 1 unless on (source) ({overdue} == 1)) or 0 * count({stalled})")],
        unit="none",
        none="No deduplication database is known",
        colors=steps(NEUTRAL, (0, GREEN), (1, RED)),
    )


def soonest() -> Json:
    return stat(
        "Soonest full",
        "The pool that is full next, by the median of its forecast. Less than an order and a delivery take is too little.",
        [query(f"bottomk(1, {pool('time_to_full_seconds')} < +Inf)", "{{source}} / {{pool}}")],
        unit="s",
        none="None within a year, or no forecast yet",
        colors=steps(NEUTRAL, (0, RED), (limit(TO_FULL, "critical"), ORANGE), (limit(TO_FULL, "warning"), GREEN)),
        named=True,
    )


def attention() -> Json:
    firing = f"{FIRING.format('critical')} or 2 * {FIRING.format('warning')}"
    for label, value, problem in PROBLEM_OF:
        firing = f'label_replace({firing}, "problem", "{problem}", "{label}", "{value}")'
    firing = f'label_join({firing}, "object", "", "mediaagent", "backup_job", "plan", "operation", "root", "collector")'
    firing = f"min by (alertname, problem, source, pool, object) ({firing})"
    scores = f'{SCORE}{{source=~"$source", pool=~"$pool"}}'
    cause = f"topk by (source, pool, problem) (1, {scores} >= {LIKELY}) ^ 0"
    return table(
        "Alerts by severity, with their likely cause",
        "Each alert that fires, and its cause where one is likely: 60 points or more. The troubleshooting board has the others and "
        "the steps. Take the critical ones first, and click a pool to see what happens in it.",
        [
            ("Severity", "Value", [says({1: "critical", 2: "warning"}), *colored(steps(TRANSPARENT, (1, RED), (2, ORANGE))), left(), width(80)]),
            ("What", "alertname", [words(names_of_alerts()), width(330)]),
            ("Pool", "pool", [to_pool()]),
            ("Object", "object", [width(200)]),
            ("Likely cause", "cause", [words(CAUSES), width(320)]),
            ("Source", "source", [width(130)]),
        ],
        [
            query(
                f"{firing} * on (source, pool, problem) group_left (cause) ({cause}) or on (alertname, source, pool, object) {firing}",
                table=True,
            )
        ],
        none="Nothing needs attention: no alert fires",
        sort=("Severity", False),
    )  # fmt: skip


def names_of_alerts() -> dict[str, str]:
    """EbbtidePoolNearlyFull: Pool nearly full."""
    files = sorted((Path(__file__).parents[2] / "rules" / "alerts").glob("*.yaml"))
    names = re.findall(r"- alert: Ebbtide(\w+)", "\n".join(file.read_text() for file in files))
    return {f"Ebbtide{name}": re.sub(r"(?<=[a-z])[A-Z]", lambda m: f" {m[0].lower()}", name) for name in names}


def next_full() -> Json:
    first = f"and on (source, kind, pool) bottomk(8, {pool('time_to_full_seconds')} < +Inf)"
    return table(
        "The eight pools that fill first",
        "By the median of the forecast; nearly full: below its own threshold. A pool in which nothing was freed in 24 hours "
        "needs pruning, not disks. Click its name to see why.",
        [
            ("Pool", "pool", [to_pool()]),
            ("Full in", "Value #mid", [*duration(), *colored(little(TO_FULL)), width(120)]),
            ("Free", "Value #free", [*unit("percentunit", 1), width(90)]),
            ("Nearly full", "Value #worst", [*WORST, width(110)]),
            ("Freed in 24 h", "Value #freed", [*unit("bytes"), width(120)]),
            ("Source", "source", [width(110)]),
        ],
        [
            query(f"{pool('time_to_full_seconds')} {first}", ref="mid", table=True),
            query(f"({worst()}) {first}", ref="worst", table=True),
            query(f"{pool('free_ratio')} {first}", ref="free", table=True),
            query(f"{BY_POOL} (source_kind_pool:ebbtide_pool_freed_bytes:sum1d{{{POOLS}}}) {first}", ref="freed", table=True),
        ],
        none="No pool fills within a year, or there is no forecast yet",
        sort=("Full in", False),
    )  # fmt: skip


def further() -> Json:
    choice = "${ds:queryparam}&${source:queryparam}&${__url_time_range}"
    return text(
        "Where to look further",
        "\n".join(f"- [**{title}**](/d/{uid}?{choice}): {question}" for uid, title, question in BOARDS),
    )
