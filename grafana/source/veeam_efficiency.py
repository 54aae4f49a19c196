"""Where do Veeam jobs deduplicate or compress badly, or worse than before, and what does that cost?"""

from __future__ import annotations

from board import dashboard, row, textbox, variable
from estate import leaders
from looks import (
    BLUE,
    GREEN,
    NEUTRAL,
    ORANGE,
    RED,
    TRANSPARENT,
    Json,
    colored,
    drill,
    override,
    prop,
    steps,
    threshold_line,
    unit,
    width,
    words,
)
from panels import bargauge, query, sparse, stat, table, timeseries

JOBS = 'source=~"$source", backup_job=~"$backup_job"'
BY_JOB = "max by (source, backup_job)"
POTENTIAL = f"{BY_JOB} (ebbtide_veeam_job_optimization_potential_bytes{{{JOBS}}})"
# The points of ebbtide_veeam_job_efficiency_grade; below D is F.
GRADES = {"A": 85, "B": 70, "C": 55, "D": 40}
BY_GRADE = steps(RED, (GRADES["D"], ORANGE), (GRADES["C"], BLUE), (GRADES["B"], GREEN))
LETTERS = {"A": ("A", GREEN), "B": ("B", GREEN), "C": ("C", BLUE), "D": ("D", ORANGE), "F": ("F", RED)}
# Of several jobs the one that is worst now, so that its band can be read.
WORST, _ = leaders(
    "worst",
    "bottomk(1",
    "source, backup_job",
    lambda chosen: f"{BY_JOB} (ebbtide_veeam_job_efficiency_score{chosen})",
    JOBS,
    "backup_job",
)
ITS = 'source=~"$worst_source", backup_job=~"$worst_backup_job"'
ONE = f"bottomk(1, {BY_JOB} (ebbtide_veeam_job_efficiency_score{{{JOBS}}} @ end()))"


def build() -> Json:
    return dashboard(
        "ebbtide-veeam-efficiency",
        "Ebbtide / Veeam / Storage efficiency",
        __doc__,
        [
            variable("source", "Source", "label_values(ebbtide_veeam_job_efficiency_info, source)"),
            variable("backup_job", "Job", 'label_values(ebbtide_veeam_job_efficiency_info{source=~"$source"}, backup_job)'),
            textbox("cost_per_tb", "Cost of a TB", "100"),
            *WORST,
        ],
        [
            row("Now", (4, 4, score()), (8, 4, grades()), (4, 4, anomalies()), (4, 4, potential()), (4, 4, cost())),
            row("Jobs", (24, 11, jobs())),
            row("One job: the chosen one, or the worst of several", (16, 11, band()), (8, 11, components())),
            row("Trend", (12, 10, scores()), (12, 10, ratios())),
            row("Repositories", (24, 7, repositories())),
        ],
        tags=["veeam"],
    )  # fmt: skip


def score() -> Json:
    number = stat(
        "Score",
        "Mean of the jobs that have a score, of 100 points: A from 85, B from 70, C from 55, D from 40, else F. A job needs "
        "30 sessions in 90 days. See below which of them pull it down.",
        [query(f"avg({BY_JOB} (ebbtide_veeam_job_efficiency_score{{{JOBS}}}))", "Score", over_time=True)],
        unit="none",
        none="No job has 30 sessions yet",
        colors=BY_GRADE,
        overrides=[override("Score", prop("decimals", 0))],
    )
    return sparse(number)


def grades() -> Json:
    return stat(
        "Jobs by grade",
        "How many jobs have each grade. D and F hardly reduce what they store: see which component is low. Databases that "
        "compress by themselves, media and encrypted data cannot do better.",
        [query(f"sum by (grade) (max by (source, backup_job, grade) (ebbtide_veeam_job_efficiency_grade{{{JOBS}}}))", "{{grade}}")],
        unit="none",
        none="No job has a grade yet",
        colors=steps(NEUTRAL),
        named=True,
        overrides=[override(letter, prop("thresholds", steps(NEUTRAL, (1, color)))) for letter, (_, color) in LETTERS.items()] + [override("none", prop("displayName", "no score"))],
    )  # fmt: skip


def anomalies() -> Json:
    return stat(
        "Critical anomalies",
        "Jobs whose newest session reduced its data beyond three standard deviations and a fifth worse than usual. Much new "
        "or encrypted data looks like this: rule out ransomware first, then ask what was added.",
        [query(f"sum({BY_JOB} (ebbtide_veeam_job_efficiency_critical_anomaly{{{JOBS}}}))")],
        unit="none",
        none="No job has 30 sessions yet",
        colors=steps(NEUTRAL, (0, GREEN), (1, RED)),
    )


def potential() -> Json:
    return stat(
        "Potential a month",
        "What would be stored less in 30 days if every job reduced its data as configured under target ratios. An upper "
        "bound: some data cannot be reduced. The table names the jobs.",
        [query(f"30 * sum({POTENTIAL})")],
        unit="bytes",
        none="No job has 30 sessions yet",
        colors=steps(BLUE),
    )


def cost() -> Json:
    return stat(
        "Potential a year, in money",
        "The potential of a year at the cost of a TB (10^12 bytes) typed above, in its currency. Compare it with what a "
        "change of the job's settings, or other storage, costs.",
        [query(f"365 * sum({POTENTIAL}) / 1e12 * $cost_per_tb")],
        unit="short",
        none="No job has 30 sessions yet",
        colors=steps(BLUE),
    )


def jobs() -> Json:
    def job(family: str, ref: str) -> Json:
        return query(f"{BY_JOB} (ebbtide_veeam_job_{family}{{{JOBS}}})", ref=ref, table=True)

    def state(name: str) -> Json:
        return query(
            f"max by (source, backup_job, {name}) (ebbtide_veeam_job_efficiency_{name}{{{JOBS}}} == 1)",
            ref=name,
            table=True,
        )

    change = "ebbtide_veeam_job_efficiency_trend_ratio"
    sigma = steps(TRANSPARENT, (-1e12, RED), (-3, TRANSPARENT), (3, ORANGE))
    return table(
        "Jobs",
        "Each job with its grade and what reducing its data better would save. Anomalies: sessions beyond three sigma. Sigma: how far the files of the job lie from "
        "the mean of its sessions. Without a score: too few sessions. Click a job to see it alone.",
        [
            ("Source", "source", [width(110)]),
            ("Job", "backup_job", [drill("Only this job", "ebbtide-veeam-efficiency", source="Source", backup_job="Job"), width(190)]),
            ("Grade", "grade", [*words(LETTERS), width(80)]),
            ("Score", "Value #score", [*unit("none", 0), *colored(steps(TRANSPARENT, (0, RED), (GRADES["D"], TRANSPARENT))), width(80)]),
            ("Ratio", "Value #ratio", [*unit("none", 2), width(80)]),
            ("Usual ratio", "Value #mean", [*unit("none", 2), width(100)]),
            ("Sigma", "Value #sigma", [*unit("none", 1), *colored(sigma), width(80)]),
            ("Trend", "trend", words({"improving": ("improving", GREEN), "stable": ("stable", NEUTRAL), "degrading": ("degrading", ORANGE)})),
            ("Change", "Value #change", unit("percentunit", 1)),
            ("Anomalies", "Value #anomalies", [*unit("none"), width(95)]),
            ("Sessions", "Value #sessions", [*unit("none"), width(90)]),
            ("Potential a month", "Value #month", unit("bytes")),
            ("Money a year", "Value #money", unit("none", 0)),
        ],
        [
            job("efficiency_score", "score"),
            state("grade"),
            state("trend"),
            query(f"{BY_JOB} (source_backup_job:ebbtide_veeam_job_combined_ratio:product{{{JOBS}}})", ref="ratio", table=True),
            job("combined_ratio_mean", "mean"),
            query(f"{BY_JOB} (source_backup_job:ebbtide_veeam_job_combined_ratio:zscore{{{JOBS}}})", ref="sigma", table=True),
            query(f"{BY_JOB} ({change}{{{JOBS}}})", ref="change", table=True),
            job("efficiency_anomalous_sessions", "anomalies"),
            job("efficiency_sessions", "sessions"),
            query(f"30 * {POTENTIAL}", ref="month", table=True),
            query(f"365 * {POTENTIAL} / 1e12 * $cost_per_tb", ref="money", table=True),
        ],
        none="No job has sessions that count",
        sort=("Potential a month", True),
    )  # fmt: skip


def band() -> Json:
    mean, sigma = (f"{BY_JOB} (ebbtide_veeam_job_combined_ratio_{what}{{{ITS}}})" for what in ("mean", "stddev"))
    ratio = f"source_backup_job:ebbtide_veeam_job_combined_ratio:product{{{ITS}}}"
    bound = [prop("custom.lineStyle", {"dash": [4, 6], "fill": "dash"})]
    return timeseries(
        "Ratio against its own mean and three sigma",
        "Data against what is stored of it: 4 means 4:1. Outside the dashed band chance does not explain it: ask what was "
        "added to the job, whether it is encrypted, and whether its compression level was changed.",
        [
            query(ratio, "{{backup_job}}", over_time=True),
            query(mean, "mean", ref="mean", over_time=True),
            query(f"{mean} + 3 * {sigma}", "mean + 3 sigma", ref="high", over_time=True),
            query(f"clamp_min({mean} - 3 * {sigma}, 0)", "mean - 3 sigma", ref="low", over_time=True),
        ],
        unit="none",
        none="No job has a ratio yet",
        span=(None, None),
        overrides=[
            override("mean", prop("color", {"mode": "fixed", "fixedColor": NEUTRAL})),
            override("mean + 3 sigma", prop("color", {"mode": "fixed", "fixedColor": ORANGE}), *bound),
            override("mean - 3 sigma", prop("color", {"mode": "fixed", "fixedColor": ORANGE}), *bound),
        ],
    )


def components() -> Json:
    return bargauge(
        "Components of its score",
        "What the score is made of, each of 100 points: deduplication, compression, trend, consistency and anomalies. The "
        "shortest bar says where to begin.",
        [query(f"max by (source, backup_job, component) (ebbtide_veeam_job_efficiency_component_score{{{JOBS}}}) and on (source, backup_job) {ONE}", "{{component}}")],
        unit="none",
        none="No job has a score yet",
        colors=BY_GRADE,
        span=(0, 100),
    )  # fmt: skip


def scores() -> Json:
    graph = timeseries(
        "Score",
        "Points of each job; under the dashed line the grade is an F. A step down is a trend that has become significant, or "
        "an anomaly: the table says which.",
        [
            query(f"{BY_JOB} (ebbtide_veeam_job_efficiency_score{{{JOBS}}})", "{{backup_job}}", over_time=True),
            query("max(alert:ebbtide_veeam_job_efficiency_score:threshold)", "F below", ref="critical", over_time=True),
        ],
        unit="none",
        none="No job has a score yet",
        span=(0, 100),
        overrides=[threshold_line("critical", RED)],
    )
    return sparse(graph)


def ratios() -> Json:
    graph = timeseries(
        "Newest session against the mean",
        "1: the newest session reduced its data as usual. Under the line that is a fifth below 1 it also counts as critical, "
        "where it is beyond three sigma.",
        [
            query(
                f"{BY_JOB} (ebbtide_veeam_job_combined_ratio_last_to_mean{{{JOBS}}})", "{{backup_job}}", over_time=True
            )
        ],
        unit="none",
        none="No job has a ratio yet",
        span=(None, None),
    )
    return sparse(graph)


def repositories() -> Json:
    def repository(family: str, ref: str) -> Json:
        return query(
            f'max by (source, pool) (ebbtide_veeam_repository_{family}{{source=~"$source"}})', ref=ref, table=True
        )

    return table(
        "Repositories",
        "The same over all jobs of a repository, each session compared with those of its own job. A repository that stays "
        "behind the others may lack fast clone, or its jobs their compression.",
        [
            ("Source", "source", [width(110)]),
            ("Repository", "pool", []),
            ("Grade", "grade", words(LETTERS)),
            ("Score", "Value #score", unit("none", 0)),
            ("Sessions", "Value #sessions", unit("none")),
            ("Potential a month", "Value #month", unit("bytes")),
        ],
        [
            repository("efficiency_score", "score"),
            query('max by (source, pool, grade) (ebbtide_veeam_repository_efficiency_grade{source=~"$source"} == 1)', ref="grade", table=True),
            repository("efficiency_sessions", "sessions"),
            query('30 * max by (source, pool) (ebbtide_veeam_repository_optimization_potential_bytes{source=~"$source"})', ref="month", table=True),
        ],
        none="No repository has sessions that count",
        sort=("Score", False),
    )  # fmt: skip
