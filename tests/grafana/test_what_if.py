"""The what-if of the board on cycles says what the vendor's rule says, by the worked numbers of docs/retention.md."""

import subprocess
from pathlib import Path

import pytest
import yaml

from tests.grafana.boards import BOARDS, panels
from tests.servers import need

DAY = 86400
OF = '{source="cs", kind="commvault", plan="Gold", copy="Primary", rule="basic"}'


def asked(ref: str, cycles: int, days: int) -> str:
    """The query behind the column, as Prometheus gets it with these numbers typed."""
    [board] = [b for b in BOARDS if b["uid"] == "ebbtide-cv-cycles"]
    [expr] = [t["expr"] for p in panels(board) if p["type"] == "table" for t in p["targets"] if t["refId"] == ref]
    typed = {"$whatif_cycles": str(cycles), "$whatif_days": str(days), "$source": ".*", "$plan": ".*"}
    for variable, value in typed.items():
        expr = expr.replace(variable, value)
    return str(expr)


@pytest.mark.server
@pytest.mark.parametrize(
    ("days", "cycles", "interval", "then"),
    [(14, 2, 7, 20), (30, 1, 7, 36), (0, 2, 7, 20), (0, 3, 7, 21), (0, 1, 30, 43), (0, 2, 30, 60)],
)
def test_days_and_cycles_typed_give_the_age_of_a_full(
    tmp_path: Path, days: int, cycles: int, interval: int, then: int
) -> None:
    """The rule has 14 days and 2 cycles; incrementals run daily. 0 days: as they are."""
    now = max(2 * interval, interval - 1 + 14)
    series = {
        f"ebbtide_retention_configured_seconds{OF}": 14 * DAY,
        f'ebbtide_retention_effective_seconds{OF[:-1]}, bound="latest"}}': now * DAY,
        f'ebbtide_retention_effective_seconds{OF[:-1]}, bound="earliest"}}': max(interval + 1, 14) * DAY,
        'ebbtide_commvault_plan_full_backup_interval_seconds{source="cs", plan="Gold"}': interval * DAY,
        f"ebbtide_commvault_retention_rule_retained_jobs{OF}": now * 10,
    }
    labels = '{source="cs", plan="Gold", copy="Primary", rule="basic"}'
    wanted = {"then": then, "sooner": now - then, "fewer": max(now - then, 0) * 10}
    questions = [
        {
            "expr": f"round({asked(ref, cycles, days)}, 0.001)",
            "eval_time": "1m",
            "exp_samples": [{"labels": labels, "value": value}],
        }
        for ref, value in wanted.items()
    ]
    inputs = [{"series": name, "values": f"{value}x1"} for name, value in series.items()]
    file = tmp_path / "what_if.yaml"
    file.write_text(
        yaml.safe_dump({"tests": [{"interval": "1m", "input_series": inputs, "promql_expr_test": questions}]})
    )
    done = subprocess.run([need("promtool"), "test", "rules", file], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
