"""Passive results over the API of Icinga 2: process-check-result, with a time to live."""

from __future__ import annotations

import base64

from exporter.bridge.config import IcingaSettings
from exporter.bridge.delivery import NotNow, Refused, Unreachable
from exporter.bridge.outbox import Message
from exporter.bridge.results import from_json
from exporter.errors import ConfigError, SourceError
from exporter.http import HttpClient, HttpStatus, PermissionMissing
from exporter.telemetry import Telemetry


class IcingaApi:
    """freshness: seconds after which Icinga calls a state UNKNOWN that was not told again."""

    name = "icinga"

    def __init__(self, settings: IcingaSettings, freshness: float) -> None:
        self._settings = settings
        self._freshness = freshness
        self._client = HttpClient(
            "icinga",
            settings.url,
            Telemetry(),
            verify=settings.verify,
            timeout=settings.timeout,
            deadline=2 * settings.timeout,
            concurrency=1,
        )

    def send(self, message: Message) -> None:
        result = from_json(message.body)
        place = f"{result.host}!{result.service}"
        asked = {
            "type": "Service",
            "service": place,
            "exit_status": result.state,
            "plugin_output": result.output,
            "performance_data": [result.performance],
            "check_source": "ebbtide bridge",
            "ttl": self._freshness,
        }
        try:
            self._client.post("/v1/actions/process-check-result", json=asked, headers=self._login(), authorised=False)
        except PermissionMissing as error:
            raise Unreachable(f"{error}; it is actions/process-check-result") from None
        except HttpStatus as error:
            if error.status == 404:
                raise Refused(f"Icinga knows no service {place}") from None
            raise NotNow(f"{place}: {error}") from None
        except (SourceError, ConfigError) as error:
            raise Unreachable(str(error)) from None

    def close(self) -> None:
        self._client.close()

    def _login(self) -> dict[str, str]:
        pair = f"{self._settings.username}:{self._settings.secret.read()}"
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
