"""The page about filesystems says what the code does: keys, metrics, examples, commands."""

from __future__ import annotations

import re

import pytest
import yaml

from exporter.cli import app
from exporter.config import parse
from exporter.sources.filesystem.config import EXCLUDED_TYPES, ScanSettings
from tests.promql import ROOT, known

TEXT = (ROOT / "docs" / "filesystems.md").read_text(encoding="utf-8")
ROWS = [[cell.strip() for cell in line.split("|")] for line in re.findall(r"^\| `\w+` \|.*", TEXT, re.MULTILINE)]
KEYS = {row[1].strip("`"): row[2] for row in ROWS}


def test_every_key_of_a_scan_is_explained() -> None:
    assert set(KEYS) == set(ScanSettings.model_fields)


@pytest.mark.parametrize("key", sorted(key for key, default in KEYS.items() if "`" in default))
def test_a_default_is_what_it_says(key: str) -> None:
    given = yaml.safe_load(KEYS[key].strip("`"))
    told = ScanSettings.model_validate({"path": "/srv", key: given})
    assert getattr(told, key) == getattr(ScanSettings(path="/srv"), key)


def test_metrics_that_are_named_exist() -> None:
    named = set(re.findall(r"\bebbtide_\w+", TEXT))
    assert len(named) > 10
    assert named <= set(known())


@pytest.mark.parametrize("example", re.findall(r"```yaml\n(.+?)```", TEXT, re.DOTALL))
def test_examples_are_valid(example: str) -> None:
    assert parse(example).sources


def test_types_that_are_left_out_are_named() -> None:
    assert {name for name in EXCLUDED_TYPES if f"`{name}`" not in TEXT} == set()


def test_commands_have_the_options_they_are_shown_with() -> None:
    [scan] = [c.callback for c in app.registered_commands if c.callback and c.callback.__name__ == "scan"]
    shown = set(re.findall(r"ebbtide scan .*?--(\w+)", TEXT)) | {"depth", "index"}
    assert {name.replace("-", "_") for name in shown} <= set(scan.__annotations__)
