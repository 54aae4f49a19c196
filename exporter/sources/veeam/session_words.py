"""What VBR's types of session mean here: the words of ESessionType from 1.1-rev0 to 1.3-rev2, in lower case."""

from __future__ import annotations

_TYPES: dict[str, frozenset[str]] = {
    # 1.1-rev0 knows one word for all jobs, of which it models those of vSphere only.
    "backup": frozenset({"job", "backupjob", "platformbackupjob", "irisbackup"}),
    "backup_copy": frozenset(
        {"backupcopyjob", "backupcopyjobparent", "unstructureddatabackupcopy", "copybackup", "pervmcopybackup"}
    ),
    "agent_backup": frozenset(
        {"agentbackup", "agentpolicy", "endpointbackup", "agentoperationbackupnow", "agentoperationactivefull"}
    ),
    "file_backup": frozenset({"fileserversave"}),
    "replica": frozenset({"replicajob"}),
    "log_backup": frozenset({"sqllogbackup", "oraclelogbackup", "postgresqllogbackup"}),
    # Object storage is pruned by removing its checkpoints.
    "retention": frozenset({"retention", "checkpointremoval"}),
    "delete_backup": frozenset({"deletebackup"}),
    "configuration_backup": frozenset({"configurationbackup"}),
    "repository_maintenance": frozenset({"repositorymaintenance", "repositoryevacuate", "filebackuphealthcheck"}),
    "restore": frozenset(
        {
            "restorevm", "instantrecovery", "firstclassdiskinstantrestore", "filelevelrestore", "linuxfilelevelrestore",
            "clouddirectorvmrestore", "clouddirectorvapprestore", "entraidrestore", "entraidrestorefromcopy",
            "nasrestore", "publishbackupcontentviamount", "publishbackupcontentvianfs", "azureinstantrecovery",
            "azureinstantrecoverymigration", "azureinstantrecoveryswitchover", "azureinstantrecoverystart",
            "azureinstantrecoverystop", "azureinstantrecoverymigrationundo", "azureinstantrecoverymount",
            "fileinstantrecovery", "fileinstantrecoverymigration", "instantdiskrecovery", "diskrestore",
            "applicationlevelrestore", "adforestrestore", "restorerecoveryappliancevolumes", "restoreagentvolumes",
            "endpointrestore",
        }
    ),
}  # fmt: skip
# Before these the server lists no such sessions, so that none of them means nothing.
FIRST_REVISIONS = {
    "backup_copy": "1.3-rev0", "agent_backup": "1.3-rev0", "log_backup": "1.3-rev0", "retention": "1.3-rev0",
    "replica": "1.2-rev0", "file_backup": "1.2-rev0", "delete_backup": "1.2-rev0",
}  # fmt: skip
_BY_WORD = {word: name for name, words in _TYPES.items() for word in words}

# Runs of a job, as it is scheduled or started by hand; not what else is done in its name: Retention, DeleteBackup,
# RepositoryMaintenance, SqlLogBackup.
_RUNS = frozenset(
    {
        "job", "backupjob", "platformbackupjob", "irisbackup", "backupcopyjob", "backupcopyjobparent",
        "unstructureddatabackupcopy", "agentbackup", "agentpolicy", "endpointbackup", "agentoperationbackupnow",
        "agentoperationactivefull", "fileserversave", "replicajob", "surebackupcontentscan",
    }
)  # fmt: skip


def session_type(word: str) -> str:
    """One of SESSION_TYPES; word: in lower case."""
    return _BY_WORD.get(word, "other")


def is_run(word: str) -> bool:
    return word in _RUNS
