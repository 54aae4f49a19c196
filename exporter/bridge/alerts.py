"""Alertmanager's webhook, version 4, read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel, ValidationError

from exporter.errors import EbbtideError


class Unreadable(EbbtideError):
    """Not what Alertmanager sends; sending it again would not help."""


class Alert(BaseModel):
    """One alert of a notification. fingerprint: the same for the same labels, firing or resolved."""

    status: str
    labels: dict[str, str]
    annotations: dict[str, str] = {}
    startsAt: datetime  # noqa: N815 (Alertmanager's name)
    fingerprint: str

    @property
    def name(self) -> str:
        return self.labels.get("alertname", "")

    @property
    def firing(self) -> bool:
        return self.status == "firing"

    @property
    def severity(self) -> str:
        return self.labels.get("severity", "")

    @property
    def summary(self) -> str:
        return self.annotations.get("summary") or self.name


class Notification(BaseModel):
    version: str
    alerts: tuple[Alert, ...]


def parse(body: bytes) -> Sequence[Alert]:
    """Raises Unreadable."""
    try:
        return Notification.model_validate_json(body).alerts
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise Unreadable(f"not a notification of Alertmanager: {place}: {first['msg']}") from None
