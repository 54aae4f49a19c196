"""Veeam Backup & Replication: the server about itself, its licence and safety, and the servers that it works with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from exporter.findings import Findings
from exporter.metrics.family import Subject, gauge, gauge_by, info


def _single(collector: str) -> Subject:
    """What a source has one of."""

    def records(findings: Findings) -> Iterable[Any]:
        answer = getattr(findings.inventory, collector)
        return () if answer is None else (answer,)

    return Subject((), (collector,), records, lambda _: ())


SERVER = _single("veeam_server")
LICENSE = _single("license")
CONFIGURATION_BACKUP = _single("configuration_backup")
MALWARE_EVENTS = _single("malware_events")
BEST_PRACTICES = _single("best_practices")
BACKUP_OBJECTS = _single("backup_objects")
PROXY = Subject(("proxy",), ("proxies",), lambda f: f.proxies, lambda p: (p.name,))
MANAGED_SERVER = Subject(("server",), ("managed_servers",), lambda f: f.managed_servers, lambda s: (s.name,))


FAMILIES = (
    info("ebbtide_veeam_server_info", "The backup server; version and platform are empty where the role may not read them.", SERVER, ("server_name", "version", "api_version", "platform"), lambda s: (s.name, s.version, s.api_revision, s.platform)),
    gauge("ebbtide_veeam_server_utc_offset_seconds", "What the server's times without a zone are ahead of UTC at present.", SERVER, lambda s: s.utc_offset_seconds),

    info("ebbtide_veeam_license_info", "The installed licence; status is valid, expired, invalid or unknown.", LICENSE, ("status", "license_type", "edition"), lambda i: (i.status, i.license_type, i.edition)),
    gauge("ebbtide_veeam_license_expiry_timestamp_seconds", "When the licence, or the first part of it, expires; absent for a perpetual one.", LICENSE, lambda i: i.expires_at),
    gauge("ebbtide_veeam_license_support_expiry_timestamp_seconds", "When support for the licence, or for the first part of it, ends.", LICENSE, lambda i: i.support_expires_at),
    gauge_by("ebbtide_veeam_license_used", "Instances or sockets in use, where they are licensed.", LICENSE, "unit", lambda i: i.used),
    gauge_by("ebbtide_veeam_license_licensed", "Instances or sockets that may be used.", LICENSE, "unit", lambda i: i.licensed),
    gauge("ebbtide_veeam_license_used_bytes", "Capacity in use, where capacity is licensed.", LICENSE, lambda i: i.used_bytes),
    gauge("ebbtide_veeam_license_licensed_bytes", "Capacity that may be used.", LICENSE, lambda i: i.licensed_bytes),

    gauge("ebbtide_veeam_configuration_backup_enabled", "1 if the server's configuration is backed up.", CONFIGURATION_BACKUP, lambda c: c.enabled),
    gauge("ebbtide_veeam_configuration_backup_encrypted", "1 if these backups are encrypted.", CONFIGURATION_BACKUP, lambda c: c.encrypted),
    gauge("ebbtide_veeam_configuration_backup_last_success_timestamp_seconds", "When the configuration was last backed up; 0 if it never was.", CONFIGURATION_BACKUP, lambda c: c.last_success_at or 0.0),

    gauge_by("ebbtide_veeam_malware_events", "Detections of malware that are not marked as false, by level: infected, suspicious, other.", MALWARE_EVENTS, "level", lambda m: m.total),
    gauge_by("ebbtide_veeam_malware_events_24h", "Of these, the ones detected in the 24 hours before the poll.", MALWARE_EVENTS, "level", lambda m: m.last_24h),
    gauge("ebbtide_veeam_malware_newest_event_timestamp_seconds", "When the newest of them was detected; 0 if there is none.", MALWARE_EVENTS, lambda m: m.newest_at or 0.0),
    gauge_by("ebbtide_veeam_best_practices", "Best practices of the security analyzer by status: ok, violation, suppressed, unknown; absent when it never ran.", BEST_PRACTICES, "status", lambda b: b.by_status),

    gauge("ebbtide_veeam_backup_objects", "Machines, shares and the like that are in a backup.", BACKUP_OBJECTS, lambda o: o.total),
    gauge("ebbtide_veeam_unprotected_objects", "Of these, the ones without a restore point.", BACKUP_OBJECTS, lambda o: o.unprotected),
    gauge("ebbtide_veeam_failed_objects", "Of these, the ones whose last run failed.", BACKUP_OBJECTS, lambda o: o.last_run_failed),

    info("ebbtide_veeam_proxy_info", "A backup proxy; join on source and proxy.", PROXY, ("proxy_id", "proxy_type"), lambda p: (p.id, p.proxy_type)),
    gauge("ebbtide_veeam_proxy_online", "1 if the proxy can be reached.", PROXY, lambda p: p.online),
    gauge("ebbtide_veeam_proxy_enabled", "0 if the proxy is switched off.", PROXY, lambda p: p.enabled),
    gauge("ebbtide_veeam_proxy_out_of_date", "1 if the proxy's components are older than the server.", PROXY, lambda p: p.out_of_date),
    info("ebbtide_veeam_managed_server_info", "A server that VBR works with; join on source and server.", MANAGED_SERVER, ("server_id", "server_type"), lambda s: (s.id, s.server_type)),
    gauge("ebbtide_veeam_managed_server_available", "1 if VBR reaches the server.", MANAGED_SERVER, lambda s: s.available),
)  # fmt: skip
