"""The files that travel with the exporter: found, and written out without spoiling anybody's work."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter import bundle
from exporter.errors import ConfigError


def test_everything_that_travels_is_there() -> None:
    for name in bundle.CONTENTS:
        assert bundle.path(name).exists(), name


def test_an_installed_wheel_has_them_beside_its_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "_CHECKOUT", tmp_path)
    monkeypatch.setattr(bundle, "_PACKAGE", tmp_path / "exporter")
    assert bundle.path("rules") == tmp_path / "exporter" / "_bundle" / "rules"


def test_what_was_written_once_is_not_written_again(tmp_path: Path) -> None:
    written = bundle.write_out(tmp_path / "new")
    assert tmp_path / "new" / "ebbtide.example.yml" in written
    assert tmp_path / "new" / "rules" / "thresholds.yaml" in written
    assert all(path.is_file() for path in written)
    assert bundle.write_out(tmp_path / "new") == []


def test_somebodys_work_is_not_overwritten_unless_told(tmp_path: Path) -> None:
    bundle.write_out(tmp_path)
    mine, lost = tmp_path / "rules" / "thresholds.yaml", tmp_path / "ebbtide.example.yml"
    original = mine.read_bytes()
    mine.write_text("mine")
    lost.unlink()
    with pytest.raises(
        ConfigError, match=r"^1 files were changed since: .*thresholds\.yaml; --overwrite replaces them$"
    ):
        bundle.write_out(tmp_path)
    assert mine.read_text() == "mine"
    assert not lost.exists()
    assert sorted(bundle.write_out(tmp_path, overwrite=True)) == sorted([mine, lost])
    assert mine.read_bytes() == original


def test_not_more_than_five_files_are_listed(tmp_path: Path) -> None:
    for path in bundle.write_out(tmp_path):
        path.write_text("mine")
    with pytest.raises(ConfigError, match=" and more; --overwrite") as caught:
        bundle.write_out(tmp_path)
    assert str(caught.value).count(str(tmp_path)) == 5
