"""Veeam Backup & Replication: what backup files come to per job, and the feeds that tell it where REST does not."""

from __future__ import annotations

from exporter.metrics.family import Subject, gauge, gauge_by

BACKUP_FILES = Subject(("backup_job",), ("backups",), lambda f: f.job_reductions, lambda r: (r.job,))
DROP_FILE = Subject((), ("drop_file",), lambda f: f.drop_files, lambda _: ())
ENTERPRISE_MANAGER = Subject((), ("enterprise_manager",), lambda f: f.enterprise_managers, lambda _: ())

FAMILIES = (
    gauge("ebbtide_veeam_job_dedup_ratio", "Logical bytes divided by deduplicated bytes of the job's backup files: 1 means nothing was saved.", BACKUP_FILES, lambda r: r.dedup_ratio),
    gauge("ebbtide_veeam_job_compression_ratio", "Deduplicated bytes divided by stored bytes of the job's backup files.", BACKUP_FILES, lambda r: r.compression_ratio),
    gauge("ebbtide_veeam_job_logical_bytes", "Data in the job's backup files before deduplication and compression.", BACKUP_FILES, lambda r: r.logical_bytes),
    gauge("ebbtide_veeam_job_stored_bytes", "Size of the job's backup files.", BACKUP_FILES, lambda r: r.stored_bytes),
    gauge("ebbtide_veeam_job_backup_files", "Backup files of the job.", BACKUP_FILES, lambda r: r.files),

    gauge("ebbtide_veeam_drop_file_modified_timestamp_seconds", "When the drop file was last written.", DROP_FILE, lambda d: d.modified_at),
    gauge("ebbtide_veeam_drop_file_generated_timestamp_seconds", "When the script wrote the drop file, as it says itself; absent where it does not.", DROP_FILE, lambda d: d.generated_at),
    gauge("ebbtide_veeam_drop_file_sessions", "Finished sessions in the drop file that tell what they stored.", DROP_FILE, lambda d: d.sessions),
    gauge_by("ebbtide_veeam_drop_file_rejected_records", "Records of the drop file that could not be used, by reason.", DROP_FILE, "reason", lambda d: d.rejected),
    gauge("ebbtide_veeam_enterprise_manager_sessions", "Finished sessions of which Enterprise Manager told in the last poll what they stored.", ENTERPRISE_MANAGER, lambda e: e.sessions),
    gauge_by("ebbtide_veeam_enterprise_manager_rejected_records", "Backup files in the last poll whose figures or whose session Enterprise Manager does not tell, by reason.", ENTERPRISE_MANAGER, "reason", lambda e: e.rejected),
)  # fmt: skip
