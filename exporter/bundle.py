"""Finds the files that travel with the exporter: rules, dashboards, Alertmanager, MIB, scripts, units, the example."""

from __future__ import annotations

import filecmp
import shutil
from pathlib import Path

from exporter.errors import ConfigError

_PACKAGE = Path(__file__).parent
_CHECKOUT = _PACKAGE.parent

CONTENTS = (
    "rules", "grafana/dashboards", "grafana/provisioning", "grafana/smoke.py", "grafana/ldap.toml", "alertmanager",
    "snmp", "veeam", "systemd", "ebbtide.example.yml",
)  # fmt: skip


def path(name: str) -> Path:
    """A shipped file or folder, in a checkout or in the installed wheel."""
    checkout = _CHECKOUT / name
    return checkout if (_CHECKOUT / "pyproject.toml").exists() else _PACKAGE / "_bundle" / name


def write_out(target: Path, *, overwrite: bool = False) -> list[Path]:
    """Copy everything below `target`; which files were written.

    Files that are there with other content are somebody's work: ConfigError names them and nothing is written,
    unless overwrite is set.
    """
    pairs = [pair for name in CONTENTS for pair in _files(path(name), target / name)]
    changed = [to for from_, to in pairs if to.exists() and not filecmp.cmp(from_, to, shallow=False)]
    if changed and not overwrite:
        listed = ", ".join(str(p) for p in changed[:5]) + (" and more" if len(changed) > 5 else "")
        raise ConfigError(f"{len(changed)} files were changed since: {listed}; --overwrite replaces them")
    written = []
    for from_, to in pairs:
        if not to.exists() or to in changed:
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(from_, to)
            written.append(to)
    return written


def _files(from_: Path, to: Path) -> list[tuple[Path, Path]]:
    if from_.is_file():
        return [(from_, to)]
    return [(f, to / f.relative_to(from_)) for f in sorted(from_.rglob("*")) if f.is_file()]
