"""`sources:` entries of kind veeam: a Backup & Replication server and the account that reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from exporter.model import DAY, HOUR
from exporter.settings import Duration, EnvSecret, Interval, Secret, Settings, SourceSettings, Url, Verify, secret
from exporter.sources.veeam.grading import EfficiencySettings


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{name!r} is not a time zone like Europe/Berlin") from None
    return name


class Intervals(Settings):
    veeam_server: Interval = None
    pools: Interval = None
    repositories: Interval = None
    backup_jobs: Interval = None
    sessions: Interval = None
    backups: Interval = None
    backup_objects: Interval = None
    proxies: Interval = None
    managed_servers: Interval = None
    malware_events: Interval = None
    license: Interval = None
    configuration_backup: Interval = None
    best_practices: Interval = None
    drop_file: Interval = None
    enterprise_manager: Interval = None


class DropFileSettings(Settings):
    path: Annotated[Path, Field(description="the file that the script on the backup server writes")]
    unit: Annotated[
        Literal["percent", "ratio"],
        Field(description="of ratios where neither the file nor the sizes beside them tell: percent left, or x:1"),
    ] = "percent"


class EnterpriseManagerSettings(Settings):
    url: Annotated[Url, Field(description="such as https://em01.example.com:9398")]
    username: Annotated[str, Field(min_length=1)]
    password: EnvSecret | None = None
    password_file: Path | None = None
    verify: Verify = True
    backup_server: Annotated[
        str, Field(description="what it calls this backup server; needed where it has several")
    ] = ""

    @model_validator(mode="after")
    def _needs_one_password(self) -> EnterpriseManagerSettings:
        if secret("password", self.password, self.password_file) is None:
            raise ValueError("password_file or password: {env: NAME} is missing")
        return self

    @property
    def login_secret(self) -> Secret:
        return secret("password", self.password, self.password_file) or Secret()


class VeeamSettings(SourceSettings):
    kind: Literal["veeam"]
    url: Annotated[Url, Field(description="the REST API, such as https://vbr01.example.com:9419")]
    username: Annotated[
        str,
        Field(min_length=1, description="local or domain account; its role is `role`"),
    ]
    password: EnvSecret | None = None
    password_file: Path | None = None
    verify: Verify = True
    api_revision: Annotated[
        str | None,
        Field(pattern=r"^\d+\.\d+-rev\d+$", description="such as 1.2-rev1; the newest the server offers if left out"),
    ] = None
    timezone: Annotated[
        Annotated[str, AfterValidator(_known_zone)] | None,
        Field(description="where the server is, for times without a zone; asked of the server if left out"),
    ] = None
    role: Annotated[
        Literal["backup_viewer", "backup_administrator"],
        Field(description="of the account; what only an administrator may read is not asked for as a viewer"),
    ] = "backup_viewer"
    lookback: Annotated[Duration, Field(description="how far back the first poll reads sessions")] = 32 * DAY
    backup_files_every: Annotated[Duration, Field(description="how often the files of one backup are listed")] = (
        6 * HOUR
    )
    drop_file: Annotated[
        DropFileSettings | None,
        Field(description="sessions as a script on the server writes them, for VBR before 12.3"),
    ] = None
    enterprise_manager: Annotated[
        EnterpriseManagerSettings | None, Field(description="where to read the sessions of a VBR before 12.3 as well")
    ] = None
    efficiency: Annotated[EfficiencySettings, Field(description="what the efficiency score of a job means")] = (
        EfficiencySettings()
    )
    intervals: Intervals = Intervals()

    @model_validator(mode="after")
    def _needs_one_password(self) -> VeeamSettings:
        if secret("password", self.password, self.password_file) is None:
            raise ValueError("password_file or password: {env: NAME} is missing")
        return self

    @property
    def login_secret(self) -> Secret:
        return secret("password", self.password, self.password_file) or Secret()

    @property
    def secrets(self) -> tuple[Secret, ...]:
        manager = self.enterprise_manager
        return (self.login_secret, manager.login_secret) if manager else (self.login_secret,)
