"""`sources:` entries of kind commvault: the API of a CommServe and the account that reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from exporter.settings import (
    Duration,
    EnvSecret,
    Interval,
    Secret,
    Settings,
    SourceSettings,
    Url,
    Verify,
    parse_duration,
    secret,
)


class Intervals(Settings):
    commcell: Interval = None
    pools: Interval = None
    dedup_savings: Interval = None
    dedup_stores: Interval = None
    media_agents: Interval = None
    libraries: Interval = None
    plans: Interval = None
    schedules: Interval = None
    operation_windows: Interval = None
    jobs: Interval = None


class CommvaultSettings(SourceSettings):
    kind: Literal["commvault"]
    url: Annotated[Url, Field(description="the REST API, such as https://cs01.example.com/webconsole/api")]
    token: EnvSecret | None = None
    token_file: Annotated[Path | None, Field(description="an access token; instead of username and password")] = None
    username: Annotated[
        Annotated[str, Field(min_length=1)] | None, Field(description="an account that may view, as DOMAIN\\user")
    ] = None
    password: EnvSecret | None = None
    password_file: Path | None = None
    verify: Verify = True
    lookback: Annotated[Duration, Field(description="how far back the first poll reads the job history")] = (
        parse_duration("100d")
    )
    job_retention: Annotated[Duration, Field(description="finished jobs are forgotten after this")] = parse_duration(
        "400d"
    )
    cycle_semantics: Annotated[
        Literal["vendor", "inclusive", "strict"],
        Field(description="how cycles of retention are counted; see docs/retention.md"),
    ] = "vendor"
    copy_details: Annotated[
        bool, Field(description="ask for managed disk space copy by copy, one call each, where the plans leave it out")
    ] = False
    intervals: Intervals = Intervals()

    @model_validator(mode="after")
    def _one_way_to_log_in(self) -> CommvaultSettings:
        token, password = self.token_secret, self.password_secret
        if token and (self.username or password):
            raise ValueError("an access token and username or password are both set; keep token_file or the account")
        if self.username and not password:
            raise ValueError("username is set, but password_file or password: {env: NAME} is missing")
        if password and not self.username:
            raise ValueError("password is set, but username is missing")
        if not token and not password:
            raise ValueError("token_file (an access token), or username and password_file, are missing")
        return self

    @property
    def token_secret(self) -> Secret | None:
        return secret("token", self.token, self.token_file)

    @property
    def password_secret(self) -> Secret | None:
        return secret("password", self.password, self.password_file)

    @property
    def secrets(self) -> tuple[Secret, ...]:
        return tuple(found for found in (self.token_secret, self.password_secret) if found)
