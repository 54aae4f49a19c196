"""The key `history:` of the configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, model_validator

from exporter.settings import Duration, EnvSecret, Secret, Settings, Verify, base_url, secret

_HTTP = ("http://", "https://")


class HistorySettings(Settings):
    # A PostgreSQL URL may hold a password.
    url: Annotated[
        SecretStr | None, Field(description="sqlite:///…, postgresql+psycopg://… or the http(s):// URL of a Prometheus")
    ] = None
    resolution: Annotated[Duration, Field(description="closest distance of two stored samples")] = 300.0
    raw: Annotated[Duration, Field(description="older samples become one close, low and high a day")] = 14 * 86400.0
    keep: Annotated[Duration, Field(description="older days are deleted")] = 3 * 365 * 86400.0

    # What follows is for an http(s):// URL.
    token: EnvSecret | None = None
    token_file: Annotated[Path | None, Field(description="bearer token")] = None
    username: str | None = None
    password: EnvSecret | None = None
    password_file: Path | None = None
    tenant: Annotated[str | None, Field(description="X-Scope-OrgID of Mimir or Cortex")] = None
    verify: Verify = True
    selector: dict[str, str] = Field(default_factory=dict, description="labels that every query asks for, such as job")

    @model_validator(mode="after")
    def _of_one_kind(self) -> HistorySettings:
        if not self.is_promql:
            given = [key for key in ("tenant", "username", "selector") if getattr(self, key)]
            if given or self.secrets:
                raise ValueError(
                    f"{given[0] if given else 'a token or password'} is for the http(s):// URL of a Prometheus"
                )
            return self
        base_url(self.url_text)
        token = secret("token", self.token, self.token_file)
        password = secret("password", self.password, self.password_file)
        if token and (password or self.username):
            raise ValueError("a token and a username or password are both set; keep one")
        if (password is None) != (self.username is None):
            raise ValueError("username and password belong together")
        return self

    @property
    def url_text(self) -> str:
        return self.url.get_secret_value() if self.url else ""

    @property
    def is_promql(self) -> bool:
        return self.url_text.startswith(_HTTP)

    @property
    def login(self) -> Secret | None:
        """The token or the password."""
        return secret("token", self.token, self.token_file) or secret("password", self.password, self.password_file)

    @property
    def secrets(self) -> tuple[Secret, ...]:
        return (self.login,) if self.login else ()
