"""What somebody has who only did `pip install`: the command, and the files that travel with it."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, unpacked far from the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", folder, ROOT],
        check=True, capture_output=True,
    )  # fmt: skip
    [wheel] = folder.glob("ebbtide-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def run(installed: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    # -P: the checkout must not be found by way of the working directory.
    code = f"import sys; sys.path.insert(0, {str(installed)!r}); from exporter.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-P", "-c", code, *arguments], cwd=folder, capture_output=True, text=True, timeout=60
    )


def test_the_wheel_writes_out_its_bundle(installed: Path, tmp_path: Path) -> None:
    result = run(installed, tmp_path, "provision", "--to", "out")
    assert result.returncode == 0, result.stderr
    written = {str(p.relative_to(tmp_path / "out")) for p in (tmp_path / "out").rglob("*") if p.is_file()}
    for folder in ("rules", "alertmanager", "snmp", "veeam", "systemd", "grafana/dashboards", "grafana/provisioning"):
        shipped = {str(p.relative_to(ROOT)) for p in (ROOT / folder).rglob("*") if p.is_file()}
        assert shipped
        assert shipped <= written
    assert "ebbtide.example.yml" in written


def test_the_wheel_holds_its_licence_and_no_tests(installed: Path) -> None:
    names = {str(p.relative_to(installed)) for p in installed.rglob("*")}
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not [name for name in names if name.startswith(("tests", "benchmarks", "scripts"))]


def test_nothing_slow_is_imported_at_start() -> None:
    code = "import sys, exporter.service; print([m for m in ('scipy', 'pandas', 'statsmodels') if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"
