"""Which Veeam jobs fail or run late, which repositories fill, and is the backup server itself in order?"""

from __future__ import annotations

import math

from board import dashboard, row, variable
from looks import (
    GREEN,
    NEUTRAL,
    ORANGE,
    RED,
    TRANSPARENT,
    Json,
    colored,
    drill,
    limit,
    limit_of,
    override,
    prop,
    says,
    steps,
    unit,
    width,
    words,
    yes_no,
)
from panels import query, sparse, stat, statetimeline, table, timeseries

JOBS = 'source=~"$source", backup_job=~"$backup_job"'
BY_JOB = "max by (source, backup_job)"
SERVER = 'source=~"$source"'
SUCCESS_AGE = "ebbtide_veeam_job_last_success_age_seconds"
FREE = "ebbtide_pool_free_ratio"
RESULTS = {"success": ("Success", GREEN), "warning": ("Warning", ORANGE), "failed": ("Failed", RED), "none": ("No run", NEUTRAL)}  # fmt: skip


def build() -> Json:
    return dashboard(
        "ebbtide-veeam-jobs",
        "Ebbtide / Veeam / Jobs and repositories",
        __doc__,
        [
            variable("source", "Source", "label_values(ebbtide_veeam_job_info, source)"),
            variable("backup_job", "Job", 'label_values(ebbtide_veeam_job_info{source=~"$source"}, backup_job)'),
        ],
        [
            row("Now", (8, 4, results()), (4, 4, overdue()), (4, 4, kept_too_long()), (4, 4, slow()), (4, 4, unprotected())),
            row("Jobs", (24, 12, jobs())),
            row("Trends", (8, 11, history()), (8, 11, durations()), (8, 11, transferred())),
            row("Repositories", (24, 9, repositories())),
            row("Backup servers", (24, 5, servers())),
        ],
        tags=["veeam"],
    )  # fmt: skip


def results() -> Json:
    return stat(
        "Jobs by last result",
        "How the last finished session of each job ended; no run: it never ran. Failed jobs are at the top of the table "
        "below; the session in the Veeam console says why.",
        [query(f"sum by (result) (max by (source, backup_job, result) (ebbtide_veeam_job_last_result{{{JOBS}}}))", "{{result}}")],
        unit="none",
        none="No Veeam job is known",
        colors=steps(NEUTRAL),
        named=True,
        overrides=[override(name, prop("displayName", title), prop("thresholds", steps(NEUTRAL, (1, color)))) for name, (title, color) in RESULTS.items()],
    )  # fmt: skip


def overdue() -> Json:
    age = f"time() - {BY_JOB} (ebbtide_veeam_job_last_success_timestamp_seconds{{{JOBS}}})"
    return stat(
        "No recent success",
        "Jobs whose last success is older than their own threshold. Their newest restore point is as old: run them, or "
        "see what stops them, before anybody needs a restore.",
        [query(f'sum(({age}) > bool on (source, backup_job) source_backup_job:{SUCCESS_AGE}:threshold{{severity="critical", {JOBS}}})')],
        unit="none",
        none="No job has a threshold",
        colors=steps(NEUTRAL, (0, GREEN), (1, RED)),
    )  # fmt: skip


def kept_too_long() -> Json:
    series = "source_backup_job:ebbtide_veeam_job_excess_seconds"
    return stat(
        "Kept too long",
        "Jobs whose oldest restore point is older than configured by more than the threshold, without immutability or GFS "
        "to explain it. See whether the retention job runs, and whether the chain waits for a full backup.",
        [query(f'sum({series}:delta{{{JOBS}}} > bool on (source, backup_job) {series}:threshold{{severity="warning"}})')],
        unit="none",
        none="No job counts days",
        colors=steps(NEUTRAL, (0, GREEN), (1, ORANGE)),
    )  # fmt: skip


def slow() -> Json:
    return stat(
        "Unusually slow",
        "Jobs whose last day took longer than is usual for them, beyond chance. Look at the network, the proxy and the "
        "repository they share; the table says which.",
        [query(f'sum({BY_JOB} (ebbtide_veeam_job_duration_deviation{{{JOBS}}}) > bool on () group_left () alert:ebbtide_veeam_job_duration_deviation:threshold)')],
        unit="none",
        none="No usual duration yet",
        colors=steps(NEUTRAL, (0, GREEN), (1, ORANGE)),
    )  # fmt: skip


def unprotected() -> Json:
    return stat(
        "Unprotected objects",
        "Machines and shares that are in a backup and have no restore point. Find them in the Veeam console under "
        "Inventory, and ask whether their job still runs.",
        [query(f"sum(max by (source) (ebbtide_veeam_unprotected_objects{{{SERVER}}}))")],
        unit="none",
        none="Not told by the server",
        colors=steps(NEUTRAL, (0, GREEN), (1, ORANGE)),
    )


def jobs() -> Json:
    def job(family: str, ref: str) -> Json:
        return query(f"{BY_JOB} (ebbtide_veeam_job_{family}{{{JOBS}}})", ref=ref, table=True)

    def age(family: str, ref: str) -> Json:
        last = f"{BY_JOB} (ebbtide_veeam_job_{family}_timestamp_seconds{{{JOBS}}})"
        return query(f"time() - {last}", ref=ref, table=True)

    late = steps(TRANSPARENT, (limit(SUCCESS_AGE, "critical"), RED))
    never = says({math.inf: "never"}, RED)
    duration = unit("s", 1)
    return table(
        "Jobs",
        "Each job, failed and late ones first. Deviation: how far its last day lies from what is usual, in robust standard "
        "deviations. Too old by: beyond the retention that is configured. Click a job for its storage efficiency.",
        [
            ("Source", "source", [width(100)]),
            ("Job", "backup_job", [drill("Storage efficiency", "ebbtide-veeam-efficiency", source="Source", backup_job="Job"), width(190)]),
            ("Last result", "result", [*words(RESULTS), width(110)]),
            ("Last success", "Value #success", [*duration, never, *colored(late), width(120)]),
            ("Last run", "Value #run", [*duration, width(110)]),
            ("Next run", "Value #next", [*unit("dateTimeFromNow"), width(120)]),
            ("Duration", "Value #duration", [*duration, width(110)]),
            ("Usual", "Value #usual", [*duration, width(110)]),
            ("Deviation", "Value #deviation", [width(110), *unit("none", 1), *colored(steps(TRANSPARENT, (limit_of("EbbtideVeeamJobSlow", "ebbtide_veeam_job_duration_deviation"), ORANGE)))]),
            ("Transferred", "Value #transferred", [*unit("bytes"), width(120)]),
            ("Too old by", "Value #excess", [*duration, *colored(steps(TRANSPARENT, (limit("ebbtide_veeam_job_excess_seconds", "warning"), ORANGE)))]),
        ],
        [
            query(f"max by (source, backup_job, result) (ebbtide_veeam_job_last_result{{{JOBS}}} == 1)", ref="result", table=True),
            age("last_success", "success"),
            age("last_run", "run"),
            query(f"1000 * {BY_JOB} (ebbtide_veeam_job_next_run_timestamp_seconds{{{JOBS}}})", ref="next", table=True),
            job("last_session_duration_seconds", "duration"),
            job("duration_baseline_seconds", "usual"),
            job("duration_deviation", "deviation"),
            job("last_session_transferred_bytes", "transferred"),
            query(f"{BY_JOB} (source_backup_job:ebbtide_veeam_job_excess_seconds:delta{{{JOBS}}}) > 0", ref="excess", table=True),
        ],
        none="No Veeam job is known",
        sort=("Last success", True),
    )  # fmt: skip


def history() -> Json:
    graph = statetimeline(
        "Last result",
        "How the last session of each job had ended at each moment. One red line after another is a job that needs its "
        "configuration looked at; all red at once is the server, the network or a repository.",
        [query(f"source_backup_job:ebbtide_veeam_job_last_result:max{{{JOBS}}}", "{{backup_job}}", over_time=True)],
        states=[(number, text, color) for number, (text, color) in enumerate(RESULTS.values())],
        none="No Veeam job is known",
    )
    return sparse(graph)


def durations() -> Json:
    graph = timeseries(
        "Duration of the last session",
        "A job that takes longer every week outgrows its window; all of them at once share a proxy or a repository.",
        [query(f"{BY_JOB} (ebbtide_veeam_job_last_session_duration_seconds{{{JOBS}}})", "{{backup_job}}", over_time=True)],
        unit="s",
        none="No session is known",
    )  # fmt: skip
    return sparse(graph)


def transferred() -> Json:
    graph = timeseries(
        "Transferred by the last session",
        "What each job sent to its target. A sudden rise: a full backup, a lost change tracking, encryption in the guest, "
        "or data that was added; a fall to nothing: the job backs up an empty selection.",
        [query(f"{BY_JOB} (ebbtide_veeam_job_last_session_transferred_bytes{{{JOBS}}})", "{{backup_job}}", over_time=True)],
        unit="bytes",
        none="No session is known",
    )  # fmt: skip
    return sparse(graph)


def repositories() -> Json:
    pools = 'kind="veeam", source=~"$source"'

    def pool(family: str, ref: str) -> Json:
        return query(f"max by (source, pool) (ebbtide_pool_{family}{{{pools}}})", ref=ref, table=True)

    def own(family: str, ref: str) -> Json:
        return query(f"max by (source, pool) (ebbtide_veeam_repository_{family}{{{SERVER}}})", ref=ref, table=True)

    few = steps(TRANSPARENT, (0, RED), (limit(FREE, "critical"), ORANGE), (limit(FREE, "warning"), TRANSPARENT))
    return table(
        "Repositories and extents",
        "Repositories and extents of scale-out repositories, fullest first. Backups may exceed the capacity where fast clone "
        "shares blocks. A sealed or evacuating extent takes no new backups: the others fill sooner.",
        [
            ("Source", "source", [width(100)]),
            ("Repository", "pool", []),
            ("Scale-out", "scale_out_repository", []),
            ("Tier", "tier", [width(105)]),
            ("Extent is", "status", [width(100)]),
            ("Free", "Value #free", [*unit("percentunit", 1), *colored(few), width(90)]),
            ("Capacity", "Value #capacity", unit("bytes")),
            ("Backups", "Value #backups", unit("bytes")),
            ("Full in", "Value #full", [*unit("s", 1), says({math.inf: "> 1 year"})]),
            ("Immutable for", "Value #immutable", [*unit("s", 0), says({0: "no"})]),
            ("Up to date", "Value #old", [*yes_no("no", "yes", good=0), width(95)]),
        ],
        [
            pool("free_ratio", "free"),
            pool("capacity_bytes", "capacity"),
            own("backup_bytes", "backups"),
            pool("time_to_full_seconds", "full"),
            own("immutable_seconds", "immutable"),
            own("out_of_date", "old"),
            query(f"max by (source, pool, scale_out_repository, tier, status) (ebbtide_veeam_scale_out_extent_info{{{SERVER}}})", ref="extent", table=True),
        ],
        none="No repository is known",
        sort=("Free", False),
    )  # fmt: skip


def servers() -> Json:
    def server(family: str, ref: str) -> Json:
        return query(f"max by (source) (ebbtide_veeam_{family}{{{SERVER}}})", ref=ref, table=True)

    def since(family: str, ref: str) -> Json:
        return query(
            f"time() - max by (source) (ebbtide_veeam_{family}_timestamp_seconds{{{SERVER}}})", ref=ref, table=True
        )

    def dark(family: str, member: str, ref: str) -> Json:
        return query(
            f"sum by (source) (max by (source, {member}) (ebbtide_veeam_{family}{{{SERVER}}}) == bool 0)",
            ref=ref,
            table=True,
        )

    left = "ebbtide_license_remaining_seconds"
    some = colored(steps(TRANSPARENT, (1, RED)))
    return table(
        "Backup servers",
        "Licence, backup of the configuration, and what each server works with. Without a configuration backup outside the "
        "server a lost server means a rebuild by hand. Retention: the last run that succeeded of what deletes old backups.",
        [
            ("Source", "source", [width(100)]),
            ("Version", "version", []),
            ("Licence", "status", []),
            ("Ends in", "Value #expiry", [*unit("s", 0), *colored(steps(TRANSPARENT, (-1e12, RED), (limit(left, "critical"), ORANGE), (limit(left, "warning"), TRANSPARENT)))]),
            ("Licence used", "Value #used", [*unit("percentunit", 0), *colored(steps(TRANSPARENT, (1.0000001, RED)))]),
            ("Configuration saved", "Value #config", [*unit("s", 0), *colored(steps(TRANSPARENT, (limit_of("EbbtideVeeamConfigurationBackupOld", "ebbtide_veeam_configuration_backup_age_seconds"), RED)))]),
            ("Encrypted", "Value #encrypted", yes_no("yes", "no")),
            ("Retention ran", "Value #retention", unit("s", 0)),
            ("Proxies offline", "Value #proxies", some),
            ("Servers unavailable", "Value #managed", some),
            ("Malware, 24 h", "Value #malware", some),
        ],
        [
            query(f"max by (source, version) (ebbtide_veeam_server_info{{{SERVER}}})", ref="version", table=True),
            query(f"max by (source, status) (ebbtide_veeam_license_info{{{SERVER}}})", ref="license", table=True),
            query(f"min by (source) (ebbtide_veeam_license_expiry_timestamp_seconds{{{SERVER}}}) - time()", ref="expiry", table=True),
            query(f"max by (source) (max by (source, unit) (ebbtide_veeam_license_used{{{SERVER}}}) / (max by (source, unit) (ebbtide_veeam_license_licensed{{{SERVER}}}) > 0))", ref="used", table=True),
            since("configuration_backup_last_success", "config"),
            server("configuration_backup_encrypted", "encrypted"),
            query(f'time() - max by (source) (ebbtide_veeam_session_type_last_success_timestamp_seconds{{session_type="retention", {SERVER}}})', ref="retention", table=True),
            dark("proxy_online", "proxy", "proxies"),
            dark("managed_server_available", "server", "managed"),
            query(f'sum by (source) (max by (source, level) (ebbtide_veeam_malware_events_24h{{{SERVER}}}))', ref="malware", table=True),
        ],
        none="No backup server is known",
        sort=("Ends in", False),
    )  # fmt: skip
