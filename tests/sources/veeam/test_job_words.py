from __future__ import annotations

import pytest

from exporter.sources.veeam.job_words import job_type


@pytest.mark.parametrize(
    ("word", "label"),
    [
        ("Backup", "VSphereBackup"), ("VSphereBackup", "VSphereBackup"), ("vsphereBackup", "VSphereBackup"),
        ("FileBackupCopy", "FileBackupCopy"), ("windowsAgentBackup", "WindowsAgentBackup"), ("", ""),
        ("HologramBackup", "HologramBackup"),
    ],
)  # fmt: skip
def test_a_job_keeps_its_label_over_an_upgrade(word, label):
    assert job_type(word) == label
