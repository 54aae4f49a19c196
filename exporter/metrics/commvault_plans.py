"""Commvault: the CommCell, plans, where they lead, and their retention rules."""

from __future__ import annotations

from typing import Any

from exporter.findings.plans import RuleFinding
from exporter.metrics.family import Subject, counter, counters, gauge, gauge_by, info

COMMCELL = Subject((), ("commcell",), lambda f: f.commcells, lambda _: ())
PLAN = Subject(("plan",), ("plans", "cycles", "schedules"), lambda f: f.plans, lambda p: (p.plan.name,))
PLAN_POLICY = Subject(
    ("plan", "policy"),
    ("plans",),
    lambda f: [p for p in f.plans if p.plan.policy],
    lambda p: (p.plan.name, p.plan.policy),
)
POLICY_POOL = Subject(
    ("policy", "copy", "pool"),
    ("plans", "pools"),
    lambda f: [r for r in f.rules if r.rule.rule == "basic" and r.pool and r.plan.policy],
    lambda r: (r.plan.policy, r.copy, r.pool),
)
RULE = Subject(
    ("plan", "copy", "rule"),
    ("plans", "schedules", "pools"),
    lambda f: f.rules,
    lambda r: (r.plan.name, r.copy, r.rule.rule),
)
REPLAY = Subject(
    ("plan", "copy", "rule"),
    ("plans", "cycles"),
    lambda f: [r for r in f.rules if r.replay],
    lambda r: (r.plan.name, r.copy, r.rule.rule),
)
RETAINED = Subject(
    ("plan", "copy"),
    ("plans", "retained_jobs"),
    lambda f: [r for r in f.rules if r.rule.rule == "basic" and r.retained],
    lambda r: (r.plan.name, r.copy),
)
RULE_CHANGES = Subject((), ("plans",), lambda f: f.rule_changes, lambda _: ())


def _what_if(field: str) -> Any:
    def values(found: RuleFinding) -> dict[str, float | None]:
        changes = {
            "one_cycle": found.replay and found.replay.one_cycle,
            "recommended": found.replay and found.replay.recommended,
        }
        return {change: getattr(effect, field) for change, effect in changes.items() if effect}

    return values


FAMILIES = (
    info("ebbtide_commvault_commcell_info", "The CommCell and the release of its CommServe.", COMMCELL, ("commcell", "version", "edition"), lambda c: (c.name, c.version, c.license_edition)),
    gauge("ebbtide_commvault_license_expiry_timestamp_seconds", "When the licence of the CommCell expires.", COMMCELL, lambda c: c.license_expires_at),

    info("ebbtide_commvault_plan_info", "A plan; join on source and plan.", PLAN, ("plan_id", "plan_type", "company"), lambda p: (p.plan.id, p.plan.plan_type, p.plan.company)),
    gauge("ebbtide_commvault_plan_clients", "Clients that the plan protects.", PLAN, lambda p: p.plan.clients),
    gauge("ebbtide_commvault_plan_rpo_seconds", "Recovery point objective of the plan.", PLAN, lambda p: p.plan.rpo_seconds),
    gauge("ebbtide_commvault_plan_full_backup_interval_seconds", "Median time between successful fulls (real or synthetic) of a subclient of the plan.", PLAN, lambda p: p.fulls and p.fulls.full_interval_seconds),
    gauge_by("ebbtide_commvault_plan_full_backup_interval_spread_seconds", "The same for the quickest and the slowest tenth of the subclients.", PLAN, "percentile", lambda p: {"10": p.fulls.full_interval_p10_seconds, "90": p.fulls.full_interval_p90_seconds} if p.fulls else {}),
    gauge("ebbtide_commvault_plan_full_backup_schedule_interval_seconds", "Time between fulls as scheduled; absent when none is, or not at fixed times.", PLAN, lambda p: p.schedule and p.schedule.full_interval_seconds),
    gauge("ebbtide_commvault_plan_synthetic_full_enabled", "1 if synthetic fulls are scheduled.", PLAN, lambda p: p.schedule and p.schedule.synthetic_full),
    gauge("ebbtide_commvault_plan_last_synthetic_full_timestamp_seconds", "End of the last good synthetic full; absent when the job history has none.", PLAN, lambda p: p.fulls and p.fulls.last_synthetic_full_at),
    gauge("ebbtide_commvault_plan_full_jobs_30d", "Fulls that ended in the 30 days before the poll.", PLAN, lambda p: p.fulls and p.fulls.fulls_30d),
    gauge("ebbtide_commvault_plan_failed_full_jobs_30d", "Of these, the ones that failed or were killed.", PLAN, lambda p: p.fulls and p.fulls.failed_fulls_30d),
    gauge("ebbtide_commvault_plan_partial_full_jobs_30d", "Of these, the ones that completed with errors or warnings.", PLAN, lambda p: p.fulls and p.fulls.partial_fulls_30d),
    gauge("ebbtide_commvault_plan_backed_up_clients", "Clients with a backup of the plan in the job history.", PLAN, lambda p: p.fulls and p.fulls.clients),
    gauge("ebbtide_commvault_plan_full_overdue_clients", "Of these, the ones without a good full within two intervals: their cycles cannot close.", PLAN, lambda p: p.fulls and p.fulls.overdue_clients),
    gauge_by("ebbtide_commvault_plan_retained_jobs", "Jobs that the copy keeps, by the vendor's reason.", RETAINED, "reason", lambda r: r.retained.jobs),
    gauge_by("ebbtide_commvault_plan_retained_bytes", "Size on media of those jobs when they were written.", RETAINED, "reason", lambda r: r.retained.bytes),
    counter("ebbtide_commvault_plan_aged_jobs_total", "Jobs that the copy kept when it was asked before and keeps no more, since it was first asked.", RETAINED, lambda r: r.retained.aged_total_jobs),
    counter("ebbtide_commvault_plan_aged_bytes_total", "Size on media, when written, of those jobs.", RETAINED, lambda r: r.retained.aged_total_bytes),
    info("ebbtide_commvault_plan_policy_info", "The plan writes by this storage policy.", PLAN_POLICY, (), lambda _: ()),
    info("ebbtide_commvault_policy_pool_info", "The copy of the policy writes to this pool.", POLICY_POOL, (), lambda _: ()),

    info("ebbtide_commvault_retention_rule_info", "A retention rule of a copy of a plan; rule=basic or extended_1 and so on, intent by its days and name.", RULE, ("rule_kind", "intent", "pool", "policy"), lambda r: (r.rule.kind, r.intent, r.pool, r.plan.policy)),
    gauge("ebbtide_commvault_retention_rule_aging_enabled", "1 if data aging is enabled on the copy.", RULE, lambda r: r.rule.aging_enabled),
    gauge("ebbtide_commvault_retention_rule_retention_seconds", "Configured days of retention; +Inf: for ever.", RULE, lambda r: r.rule.retention_seconds),
    gauge("ebbtide_commvault_retention_rule_retention_cycles", "Configured cycles of retention; +Inf: for ever.", RULE, lambda r: r.rule.cycles),
    gauge("ebbtide_commvault_retention_rule_recommended_retention_seconds", "Recommended days of retention; equal to the configured ones where nothing should change.", RULE, lambda r: r.recommended_seconds),
    gauge("ebbtide_commvault_retention_rule_recommended_cycles", "Recommended cycles of retention; equal to the configured ones where nothing should change.", RULE, lambda r: r.recommended_cycles),
    gauge("ebbtide_commvault_retention_rule_scheduled_retention_seconds", "The age a cycle's full reaches at least with fulls as they are scheduled, whatever the jobs do.", RULE, lambda r: r.scheduled_seconds),
    gauge("ebbtide_commvault_retention_rule_last_change_timestamp_seconds", "When the rule was last seen to change; absent when it never was.", RULE, lambda r: r.rule.changed_at),
    gauge("ebbtide_commvault_retention_rule_retained_jobs", "Jobs of the last 100 days that the rule keeps at present.", REPLAY, lambda r: r.replay.retained_jobs),
    gauge("ebbtide_commvault_retention_rule_retained_bytes", "Size on media, when written, of the jobs of the last 100 days that the rule keeps at present.", REPLAY, lambda r: r.replay.retained_bytes),
    gauge("ebbtide_commvault_retention_rule_waiting_subclients", "Subclients whose oldest kept cycle is past its days and waits for newer cycles.", REPLAY, lambda r: r.replay.waiting_for_cycles),
    gauge("ebbtide_commvault_retention_rule_blocked_subclients", "Subclients whose oldest kept full is past its days while newer fulls fail or are missing, so that its cycle does not close.", REPLAY, lambda r: r.replay.blocked_by_missing_fulls),
    gauge_by("ebbtide_commvault_retention_rule_what_if_jobs", "Jobs of the last 100 days that could age at once with one cycle, or as recommended.", REPLAY, "change", _what_if("jobs")),
    gauge_by("ebbtide_commvault_retention_rule_what_if_bytes", "Size on media of those jobs when they were written; shared blocks free less.", REPLAY, "change", _what_if("bytes")),
    gauge_by("ebbtide_commvault_retention_rule_what_if_sooner_seconds", "How much sooner a full may age with that change; 0 where the days bind and not the cycles.", REPLAY, "change", _what_if("full_sooner_seconds")),
    counters("ebbtide_commvault_retention_rule_changes_total", "Changes of rules seen, by field, to a longer or a shorter retention.", RULE_CHANGES, ("field", "direction"), lambda p: p.changes),
    counter("ebbtide_commvault_retention_rules_created_total", "Rules that appeared after the first look.", RULE_CHANGES, lambda p: p.created_rules),
    counter("ebbtide_commvault_infinite_retention_rules_created_total", "Of these, the ones that keep for ever.", RULE_CHANGES, lambda p: p.created_infinite_rules),
)  # fmt: skip
