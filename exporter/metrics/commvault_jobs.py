"""Commvault: jobs, service level, alerts and events."""

from __future__ import annotations

from exporter.metrics.family import Subject, counters, gauge, gauge_by

OPERATION = Subject(("operation",), ("jobs",), lambda f: f.operations, lambda o: (o.operation,))
SERVICE_LEVEL = Subject((), ("service_level",), lambda f: f.service_levels, lambda _: ())
HISTORY = Subject((), ("jobs",), lambda f: f.job_histories, lambda _: ())
ALERT = Subject(("level", "criterion"), ("alerts",), lambda f: f.alerts, lambda a: (a.severity, a.criterion))
EVENT = Subject(("level", "criterion"), ("events",), lambda f: f.events, lambda e: (e.severity, e.criterion))

FAMILIES = (
    gauge("ebbtide_commvault_jobs_fill_ratio", "How much of the job history has been read into the ledger; until it is 1, some counts are absent.", HISTORY, lambda j: j.fill_ratio),
    gauge("ebbtide_commvault_jobs_running", "Jobs that have not ended.", OPERATION, lambda o: o.running),
    counters("ebbtide_commvault_jobs_completed_total", "Finished jobs, each counted once, across restarts.", OPERATION, ("result",), lambda o: {(result,): n for result, n in o.finished_total.items()}),
    gauge("ebbtide_commvault_operation_jobs_24h", "Jobs that ended in the 24 hours before the poll.", OPERATION, lambda o: o.finished_24h),
    gauge("ebbtide_commvault_operation_failed_jobs_24h", "Jobs that failed or were killed in the 24 hours before the poll.", OPERATION, lambda o: o.failed_24h),
    gauge("ebbtide_commvault_operation_jobs_30d", "Jobs that ended in the 30 days before the poll.", OPERATION, lambda o: o.finished_30d),
    gauge("ebbtide_commvault_operation_failed_jobs_30d", "Jobs that failed or were killed in the 30 days before the poll.", OPERATION, lambda o: o.failed_30d),
    gauge("ebbtide_commvault_operation_last_success_timestamp_seconds", "End of the last successful job; absent when there is none in the look-back.", OPERATION, lambda o: o.last_success_at),
    gauge("ebbtide_commvault_operation_last_completion_timestamp_seconds", "End of the last job of any result.", OPERATION, lambda o: o.last_completion_at),
    gauge("ebbtide_commvault_operation_last_duration_seconds", "Duration of the last job of any result.", OPERATION, lambda o: o.last_duration_seconds),
    gauge_by("ebbtide_commvault_sla_clients", "Clients that met and missed the vendor's service level.", SERVICE_LEVEL, "status", lambda s: {"met": s.met, "missed": s.missed}),
    gauge("ebbtide_commvault_alerts", "Alerts raised in the CommCell at present.", ALERT, lambda a: a.count),
    counters("ebbtide_commvault_events_total", "Events of the CommCell since ebbtide first looked.", EVENT, (), lambda e: {(): e.count}),
)  # fmt: skip
