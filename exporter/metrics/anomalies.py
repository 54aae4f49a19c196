"""What the newest day was, what is usual on such a day, and how far apart they are: for rules to judge."""

from __future__ import annotations

from exporter.metrics.family import Subject, baseline, deviation, gauge, newest

OPERATION = Subject(
    ("kind", "operation"), ("anomalies",), lambda f: f.operation_anomalies, lambda o: (o.kind, o.operation)
)
BACKUP_JOB = Subject(("backup_job",), ("anomalies", "backup_jobs"), lambda f: f.job_anomalies, lambda j: (j[0],))

FAMILIES = (
    gauge("ebbtide_operation_duration_last_day_seconds", "Median duration of the jobs of a kind that succeeded in the last 24 hours.", OPERATION, lambda o: newest(o.duration)),
    gauge("ebbtide_operation_duration_baseline_seconds", "What is usual for that on such a day.", OPERATION, lambda o: baseline(o.duration)),
    gauge("ebbtide_operation_duration_deviation", "How far that lies from what is usual, in robust standard deviations; above 0: they took longer. Absent with under 21 days of history or 8 days with jobs.", OPERATION, lambda o: deviation(o.duration)),
    gauge("ebbtide_operation_failures_last_day", "Jobs of a kind that failed or were killed in the last 24 hours.", OPERATION, lambda o: newest(o.failures)),
    gauge("ebbtide_operation_failures_baseline", "How many usually fail on such a day.", OPERATION, lambda o: baseline(o.failures)),
    gauge("ebbtide_operation_failures_deviation", "How far that lies from what is usual, in robust standard deviations; above 0: more failed. Absent with under 21 days of history.", OPERATION, lambda o: deviation(o.failures)),
)  # fmt: skip
VEEAM_FAMILIES = (
    gauge("ebbtide_veeam_job_duration_last_day_seconds", "Median duration of the sessions of the job that succeeded in the last 24 hours.", BACKUP_JOB, lambda j: newest(j[1].duration)),
    gauge("ebbtide_veeam_job_duration_baseline_seconds", "What is usual for that on such a day.", BACKUP_JOB, lambda j: baseline(j[1].duration)),
    gauge("ebbtide_veeam_job_duration_deviation", "How far that lies from what is usual, in robust standard deviations; above 0: the job took longer. Absent with under 21 days of history or 8 days with sessions.", BACKUP_JOB, lambda j: deviation(j[1].duration)),
)  # fmt: skip
