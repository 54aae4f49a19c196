"""What fires and since when, and which alerts fire so often that nobody reads them any more?"""

from __future__ import annotations

from board import dashboard, row, variable
from looks import BLUE, GREEN, NEUTRAL, ORANGE, RED, Json, override, prop, steps, unit, width, words
from panels import query, stat, statetimeline, table, timeseries

# The watchdog always fires: it says that alerts arrive.
OURS = 'alertname=~"Ebbtide.+", alertname!="EbbtideWatchdog"'
CHOSEN = f'{OURS}, severity=~"$severity", category=~"$category", source=~"$source"'
FIRING = f'ALERTS{{alertstate="firing", {CHOSEN}}}'
SINCE = f"ALERTS_FOR_STATE{{{CHOSEN}}}"
SEVERITIES = {"critical": RED, "warning": ORANGE, "info": BLUE}
PARTS = (
    "pool",
    "ddb",
    "mediaagent",
    "backup_job",
    "plan",
    "copy",
    "rule",
    "operation",
    "root",
    "mountpath",
    "collector",
)
COLORS = {severity: (severity, color) for severity, color in SEVERITIES.items()}


def build() -> Json:
    return dashboard(
        "ebbtide-alerts",
        "Ebbtide / Alerts",
        __doc__,
        [
            variable("severity", "Severity", f"label_values(ALERTS{{{OURS}}}, severity)"),
            variable("category", "Category", f"label_values(ALERTS{{{OURS}}}, category)"),
            variable("source", "Source", f"label_values(ALERTS{{{OURS}}}, source)"),
        ],
        [
            row("Now", (12, 4, firing()), (6, 4, pending()), (6, 4, oldest())),
            row("Firing and pending", (24, 11, present())),
            row("Over time", (24, 14, timeline())),
            row("The last 30 days", (15, 9, noise()), (9, 9, by_category())),
        ],
        tags=["operations"],
    )


def _object(series: str, *labels: str) -> str:
    """The series by its alert, and by what it is about: the labels that say so, in one."""
    parts = ", ".join(f'"{part}"' for part in PARTS)
    joined = f'label_replace(label_join({series}, "object", " ", {parts}), "object", "$1", "object", " *(.*?) *")'
    return (
        f"max by (alertname, severity, category, source, object{''.join(f', {label}' for label in labels)}) ({joined})"
    )


def firing() -> Json:
    def count(severity: str) -> Json:
        return query(f'count({FIRING} and on (severity) ALERTS{{severity="{severity}"}}) or vector(0)', severity)

    return stat(
        "Firing",
        "Alerts that fire now. Critical: data or the next backup is at risk today. Warning: this week. Info: know it. Begin "
        "with the critical ones that are oldest.",
        [count(severity) for severity in SEVERITIES],
        unit="none",
        none="Prometheus does not answer",
        colors=steps(GREEN),
        named=True,
        overrides=[override(severity, prop("thresholds", steps(GREEN, (1, color)))) for severity, color in SEVERITIES.items()],
    )  # fmt: skip


def pending() -> Json:
    return stat(
        "Pending",
        "Conditions that hold and have not held long enough to fire. They clear by themselves or "
        "soon fire; the table below has them too. Nothing is sent yet.",
        [query(f'count(ALERTS{{alertstate="pending", {CHOSEN}}}) or vector(0)')],
        unit="none",
        none="Prometheus does not answer",
        colors=steps(NEUTRAL),
    )


def oldest() -> Json:
    return stat(
        "Oldest critical",
        "How long the oldest critical alert has been there. One that is older than a week is either a decision to be made "
        "or a threshold to be changed: rules/thresholds.yaml takes exceptions.",
        [query(f'time() - min({SINCE} and ignoring (alertstate) {FIRING} and on (severity) ALERTS{{severity="critical"}})')],
        unit="s",
        none="None",
        colors=steps(NEUTRAL, (0, ORANGE), (7 * 86400, RED)),
    )  # fmt: skip


def present() -> Json:
    state = _object(f"ALERTS{{{CHOSEN}}}", "alertstate")
    return table(
        "Alerts",
        "What fires or is about to, the longest first. What to do is in the runbook of the alert, rules/runbooks/NAME.md, "
        "and its cause often in another line of the same source: read those together.",
        [
            ("Severity", "severity", [*words(COLORS), width(90)]),
            ("State", "alertstate", [*words({"firing": ("firing", RED), "pending": ("pending", NEUTRAL)}), width(90)]),
            ("Alert", "alertname", []),
            ("Source", "source", [width(140)]),
            ("Object", "object", []),
            ("Category", "category", [width(130)]),
            ("Since", "Value #since", [*unit("s", 1), width(120)]),
        ],
        [query(state, ref="state", table=True), query(f"time() - {_object(SINCE)}", ref="since", table=True)],
        none="Nothing fires and nothing is pending",
        sort=("Since", True),
    )


def timeline() -> Json:
    return statetimeline(
        "Firing over time",
        "When each alert fired for any object. Those that begin together have one cause; one that comes and goes every "
        "night needs a longer wait or another threshold.",
        [query(f'label_replace(2 * max by (alertname) ({FIRING}) or max by (alertname) (ALERTS{{{CHOSEN}}}), "alertname", "$1", "alertname", "Ebbtide(.*)")', "{{alertname}}", over_time=True)],
        states=[(1, "pending", ORANGE), (2, "firing", RED)],
        none="Nothing fired",
    )  # fmt: skip


def by_category() -> Json:
    return timeseries(
        "Firing by category",
        "How many alerts fire, by what they are about. A rise in all categories at once is a source that is down or was "
        "just added.",
        [query(f"count by (category) ({FIRING})", "{{category}}", over_time=True)],
        unit="none",
        none="Nothing fired",
    )


def noise() -> Json:
    by = "by (alertname, severity, category)"
    fired = f'count_over_time(ALERTS{{alertstate="firing", {CHOSEN}}}[30d])'
    began = f"1 + changes(ALERTS_FOR_STATE{{{CHOSEN}}}[30d])"
    return table(
        "What fired in 30 days",
        "How often each alert began, of those that fired at all, and for how many objects. Often and for many objects: noise. "
        "Raise its threshold for those objects, or remove the cause; do not silence it for ever.",
        [
            ("Severity", "severity", [*words(COLORS), width(90)]),
            ("Alert", "alertname", []),
            ("Category", "category", [width(120)]),
            ("Times", "Value #times", [*unit("none"), width(80)]),
            ("Objects", "Value #objects", [*unit("none"), width(90)]),
            ("Each", "Value #each", [*unit("none", 1), width(80)]),
            ("Last began", "Value #last", [*unit("dateTimeFromNow"), width(150)]),
        ],
        [
            query(f"sum {by} ({began} and ignoring (alertstate) {fired})", ref="times", table=True),
            query(f"count {by} (count without (alertstate) ({fired}))", ref="objects", table=True),
            query(f"avg {by} ({began} and ignoring (alertstate) {fired})", ref="each", table=True),
            query(f"1000 * max {by} (last_over_time(ALERTS_FOR_STATE{{{CHOSEN}}}[30d]) and ignoring (alertstate) {fired})", ref="last", table=True),
        ],
        none="Nothing fired in 30 days",
        sort=("Times", True),
    )  # fmt: skip
