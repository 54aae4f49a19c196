"""`sources:` entries of kind veeam: a Backup & Replication server and the account that reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from exporter.settings import EnvSecret, Interval, Secret, Settings, SourceSettings, Url, Verify, secret


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{name!r} is not a time zone like Europe/Berlin") from None
    return name


class Intervals(Settings):
    pools: Interval = None
    backup_jobs: Interval = None
    backup_files: Interval = None


class VeeamSettings(SourceSettings):
    kind: Literal["veeam"]
    url: Annotated[Url, Field(description="the REST API, such as https://vbr01.example.com:9419")]
    username: Annotated[str, Field(min_length=1, description="local or domain account with the role Backup Viewer")]
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
        return (self.login_secret,)
