"""Who may import whom; the contracts are in pyproject.toml."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [
        str(Path(sys.executable).with_name("lint-imports")),
        "--no-cache",
        "--config",
        str(ROOT / "pyproject.toml"),
    ]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_every_room_imports_only_those_below_it() -> None:
    checked = lint(ROOT)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "6 kept, 0 broken" in checked.stdout


def imported(file: Path) -> set[str]:
    """The packages that a file imports, inside functions too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            found.add(node.module or "")
    return found


FILES = sorted((ROOT / "exporter").rglob("*.py"))


def test_nothing_shipped_needs_what_is_not_shipped() -> None:
    assert len(FILES) > 50
    for file in FILES:
        assert not [name for name in imported(file) if name.split(".")[0] in ("tests", "grafana", "benchmarks")], file


@pytest.mark.parametrize("room", ["simulator", "analysis", "sources"])
def test_a_room_below_imports_nothing_of_those_above(room: str) -> None:
    """Looked at once more without the linter, in case its contracts are loosened."""
    allowed = {
        "simulator": {"simulator"},
        "analysis": {"analysis", "model"},
        "sources": {
            "sources",
            "asking",
            "fill",
            "rounds",
            "http",
            "tokens",
            "model",
            "settings",
            "telemetry",
            "errors",
        },
    }[room]
    files = [file for file in FILES if f"/exporter/{room}/" in file.as_posix()]
    assert files
    for file in files:
        rooms = {name.split(".")[1] for name in imported(file) if name.startswith("exporter.")}
        assert rooms <= allowed, file
