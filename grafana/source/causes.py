"""The causes that rules/causes.yaml ranks, in words; and a score as what a check says."""

from __future__ import annotations

from looks import GREEN, ORANGE, RED, Json, prop

CAUSES = {
    "mediaagent_offline": "a MediaAgent is offline",
    "mountpath_offline": "a mount path is offline",
    "ddb_unavailable": "the DDB is corrupted or offline",
    "ddb_sealed": "a sealed DDB waits for its last job",
    "ddb_slow": "the DDB is slow",
    "pruning_switched_off": "pruning is switched off on the DDB",
    "mark_and_sweep_overdue": "DDB space is not verified (mark and sweep)",
    "pruning_stalled": "aging works, pruning does not",
    "nothing_aged": "nothing has aged",
    "prune_window": "an operation window forbids pruning",
    "managed_disk_space": "managed disk space: it waits until full",
    "extended_retention": "extended rules keep jobs",
    "worm": "WORM storage",
    "immutable": "immutable backups",
    "aging_not_running": "data aging does not run",
    "aging_stopped": "no data aging has ended",
    "aging_slow": "data aging is slow",
    "aging_disabled": "aging is disabled on copies",
    "cycles_too_many": "cycles keep data beyond its days",
    "retention_infinite": "infinite retention",
    "fulls_failing": "fulls fail, cycles stay open",
    "fulls_too_rare": "fulls are too rare for the days",
    "not_copied": "jobs wait to be copied",
    "license_expired": "the licence has expired",
    "other_jobs_fail": "other jobs fail as well",
    "veeam_retention_fails": "Veeam retention sessions fail",
    "veeam_kept_too_long": "jobs keep more than configured",
    "growth": "more comes in than goes",
}

# The same as the subject of a check, which may pass.
CHECKS = {
    "mediaagent_offline": "MediaAgents online",
    "mountpath_offline": "mount paths online",
    "ddb_unavailable": "DDB neither corrupted nor offline",
    "ddb_sealed": "no sealed DDB",
    "ddb_slow": "speed of the DDB",
    "pruning_switched_off": "pruning switched on, on the DDB",
    "mark_and_sweep_overdue": "DDB space verified (mark and sweep)",
    "pruning_stalled": "pruning follows aging",
    "nothing_aged": "something has aged",
    "prune_window": "operation windows",
    "managed_disk_space": "no managed disk space",
    "extended_retention": "extended rules",
    "worm": "no WORM storage",
    "immutable": "no immutable backups",
    "aging_not_running": "data aging runs",
    "aging_stopped": "data aging ends",
    "aging_slow": "speed of data aging",
    "aging_disabled": "aging enabled on the copies",
    "cycles_too_many": "cycles against days",
    "retention_infinite": "infinite rules",
    "fulls_failing": "fulls succeed, cycles close",
    "fulls_too_rare": "fulls often enough for the days",
    "not_copied": "jobs copied",
    "license_expired": "licence",
    "other_jobs_fail": "other jobs succeed",
    "veeam_retention_fails": "Veeam retention sessions",
    "veeam_kept_too_long": "jobs keep what is configured",
    "growth": "no more comes in than goes",
}

PROBLEMS = {
    "pool_full": "pool fills up",
    "pruning_frees_nothing": "pruning frees nothing",
    "aging_fails": "aging fails",
    "ages_too_slowly": "ages too slowly",
}

# From here on a cause is called likely. Three fifths: a fact, or a majority of the rules, that weighs.
LIKELY = 60
# What stands in a column of scores and is none.
SYMPTOM, ABSENT, UNKNOWN = 1000, 999, -1


def words(names: dict[str, str]) -> Json:
    """Text in place of names."""
    options = {name: {"index": index, "text": text} for index, (name, text) in enumerate(names.items())}
    return prop("mappings", [{"type": "value", "options": options}])


def verdicts() -> Json:
    """PASS, CHECK, LIKELY CAUSE or SYMPTOM in place of a score."""

    def span(start: float, end: float, text: str, color: str, index: int) -> Json:
        return {
            "type": "range",
            "options": {"from": start, "to": end, "result": {"text": text, "color": color, "index": index}},
        }

    return prop(
        "mappings",
        [
            span(UNKNOWN, UNKNOWN, "CHECK BY HAND", "blue", 0),
            span(0, 0, "PASS", GREEN, 1),
            span(1e-9, LIKELY - 1e-9, "CHECK", ORANGE, 2),
            span(LIKELY, 100, "LIKELY CAUSE", RED, 3),
            span(ABSENT, ABSENT, "PASS", GREEN, 4),
            span(SYMPTOM, SYMPTOM, "SYMPTOM", RED, 5),
        ],
    )  # fmt: skip
