"""Types of job in one vocabulary, that of 1.3: the same job must not change its label when the server is upgraded."""

from __future__ import annotations

from exporter.sources.veeam.fields import enum

_TYPES = (
    "VSphereBackup", "HyperVBackup", "VSphereReplica", "CloudDirectorBackup", "EntraIDTenantBackup",
    "EntraIDAuditLogBackup", "EntraIDTenantBackupCopy", "FileBackup", "FileBackupCopy", "ObjectStorageBackup",
    "BackupCopy", "LegacyBackupCopy", "WindowsAgentBackup", "LinuxAgentBackup", "WindowsAgentBackupWorkstationPolicy",
    "LinuxAgentBackupWorkstationPolicy", "WindowsAgentBackupServerPolicy", "LinuxAgentBackupServerPolicy",
    "WindowsAgentBackupFailoverCluster", "SureBackupContentScan", "CloudBackupAzure", "CloudBackupAWS",
    "CloudBackupGoogle", "NutanixAHVBackupJob", "ProxmoxBackupJob", "IrisBackup",
)  # fmt: skip
# Up to 1.2 this was the word for backups of vSphere, the only ones that were modelled.
_RENAMED = {"backup": "VSphereBackup"}
_BY_WORD = {enum(name): name for name in _TYPES} | _RENAMED


def job_type(word: str) -> str:
    """As 1.3 writes it; a type of which we know nothing stays as it is.

    >>> job_type("Backup"), job_type("vsphereBackup"), job_type("HologramBackup")
    ('VSphereBackup', 'VSphereBackup', 'HologramBackup')
    """
    return _BY_WORD.get(enum(word), word)
