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
    service_level: Interval = None
    alerts: Interval = None
    events: Interval = None
    retained_jobs: Interval = None
    commserve_database: Interval = None
    media_agent_logs: Interval = None


class DatabaseSettings(Settings):
    url: EnvSecret | None = None
    url_file: Annotated[
        Path | None, Field(description="a file with mssql+pymssql://user:password@host/CommServ; see the docs")
    ] = None
    timeout: Annotated[Duration, Field(description="for the login and for each statement")] = parse_duration("30s")
    row_limit: Annotated[int, Field(gt=0, description="an answer with more rows is an error")] = 100_000

    @model_validator(mode="after")
    def _one_url(self) -> DatabaseSettings:
        if not secret("url", self.url, self.url_file):
            raise ValueError("url_file, or url: {env: NAME}, is missing")
        return self

    @property
    def url_secret(self) -> Secret:
        return Secret(env=self.url.env) if self.url else Secret(file=self.url_file)


class LogSettings(Settings):
    directory: Annotated[Path, Field(description="with the logs, or with a folder of logs per MediaAgent")]
    time_zone: Annotated[str, Field(description="of the MediaAgents, such as Europe/Berlin")] = "UTC"


class CommvaultSettings(SourceSettings):
    kind: Literal["commvault"]
    url: Annotated[
        Url, Field(description="the REST API, such as https://cs01.example.com/commandcenter/api, or just its host")
    ]
    token: EnvSecret | None = None
    token_file: Annotated[Path | None, Field(description="an access token; instead of username and password")] = None
    token_pair_file: Annotated[
        Path | None,
        Field(description='{"accessToken": …, "refreshToken": …}: read, renewed and rewritten by this exporter alone'),
    ] = None
    username: Annotated[
        Annotated[str, Field(min_length=1)] | None, Field(description="an account that may view, as DOMAIN\\user")
    ] = None
    password: EnvSecret | None = None
    password_file: Path | None = None
    verify: Verify = True
    concurrency: Annotated[int, Field(ge=1, le=8, description="requests at a time")] = 4
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
    retained_jobs: Annotated[
        bool, Field(description="ask each copy once a day which jobs it keeps and why: one long answer per copy")
    ] = False
    sla_dataset: Annotated[str, Field(description="id of the report dataset with the SLA; releases differ")] = (
        "getslacounts"
    )
    pruning_backlog_event_codes: Annotated[
        tuple[str, ...], Field(description='event codes such as "64:1097" to count as criterion pruning_backlog')
    ] = ()
    database: Annotated[
        DatabaseSettings | None, Field(description="the CommServe database, for what the REST API does not say")
    ] = None
    media_agent_logs: Annotated[
        LogSettings | None, Field(description="logs of the MediaAgents, for when pruning last did what")
    ] = None
    intervals: Intervals = Intervals()

    @model_validator(mode="after")
    def _one_way_to_log_in(self) -> CommvaultSettings:
        token, password = self.token_secret, self.password_secret
        if token and self.token_pair_file:
            raise ValueError("an access token and token_pair_file are both set; keep one")
        if (token or self.token_pair_file) and (self.username or password):
            raise ValueError("an access token and username or password are both set; keep token_file or the account")
        if self.username and not password:
            raise ValueError("username is set, but password_file or password: {env: NAME} is missing")
        if password and not self.username:
            raise ValueError("password is set, but username is missing")
        if not token and not password and not self.token_pair_file:
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
        database = self.database.url_secret if self.database else None
        pair = secret("token_pair", None, self.token_pair_file)
        return tuple(found for found in (self.token_secret, pair, self.password_secret, database) if found)
