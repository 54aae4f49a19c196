from __future__ import annotations

import pytest

from exporter.model import SESSION_TYPES
from exporter.sources.veeam.session_words import _TYPES, is_run, session_type


def test_types_are_of_the_set_that_becomes_a_label():
    assert set(_TYPES) | {"other"} == set(SESSION_TYPES)


def test_no_word_has_two_meanings():
    words = [word for group in _TYPES.values() for word in group]
    assert len(words) == len(set(words))
    assert words == [word.lower() for word in words]


@pytest.mark.parametrize(
    ("word", "meaning"),
    [
        ("job", "backup"), ("backupjob", "backup"), ("agentbackup", "agent_backup"), ("backupcopyjob", "backup_copy"),
        ("replicajob", "replica"), ("fileserversave", "file_backup"), ("sqllogbackup", "log_backup"),
        ("retention", "retention"), ("checkpointremoval", "retention"), ("deletebackup", "delete_backup"),
        ("configurationbackup", "configuration_backup"), ("configurationresynchronize", "other"),
        ("repositoryevacuate", "repository_maintenance"), ("filelevelrestore", "restore"), ("timetravel", "other"),
    ],
)  # fmt: skip
def test_words_of_all_revisions(word, meaning):
    assert session_type(word) == meaning


@pytest.mark.parametrize("word", ["retention", "deletebackup", "sqllogbackup", "repositorymaintenance", "restorevm"])
def test_what_is_done_to_the_files_of_a_job_is_no_run_of_it(word):
    assert not is_run(word)


@pytest.mark.parametrize("word", ["job", "backupjob", "agentbackup", "surebackupcontentscan"])
def test_runs_of_a_job(word):
    assert is_run(word)
