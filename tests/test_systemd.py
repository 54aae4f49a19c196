"""The unit that is shipped: systemd takes it, and it leaves the exporter the mounts it is to watch."""

from __future__ import annotations

import configparser
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.servers import need

ROOT = Path(__file__).parent.parent
UNIT = ROOT / "systemd" / "ebbtide.service"


@pytest.fixture
def unit() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, strict=True)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(UNIT.read_text())
    return parser


@pytest.mark.server
def test_systemd_takes_the_unit_without_a_remark(tmp_path: Path) -> None:
    installed = tmp_path / "ebbtide.service"
    installed.write_text(UNIT.read_text().replace("/opt/ebbtide/bin/ebbtide", "/bin/true"))
    run = subprocess.run(
        [need("systemd-analyze"), "verify", "--man=no", installed], capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_the_exporter_keeps_the_mounts_of_the_server(unit: configparser.ConfigParser) -> None:
    own_mounts = "Protect|Private|Read|Inaccessible|Bind|Root|Dynamic|Temporary"
    assert not [key for key in unit["Service"] if re.match(own_mounts, key)]


def test_a_scan_is_kept_small_and_may_read_but_not_write(unit: configparser.ConfigParser) -> None:
    service = unit["Service"]
    assert service["CapabilityBoundingSet"] == service["AmbientCapabilities"] == "CAP_DAC_READ_SEARCH"
    assert {"MemoryHigh", "IOWeight", "CPUWeight"} <= set(service)
    assert service["User"] != "root"


def test_the_unit_and_the_image_look_for_the_configuration_in_the_same_place(unit: configparser.ConfigParser) -> None:
    [command] = re.findall(r"^CMD (.+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert unit["Service"]["ExecStart"].split()[1:] == yaml.safe_load(command)
