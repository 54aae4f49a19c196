"""One call of the REST API: its revision, who asks, and how this revision spells times, enums and errors."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from exporter.simulator.messages import Answer, Request
from exporter.simulator.vbr_estate import VbrEstate

# No specification of 1.0 is public: it answers like 1.1-rev0.
BUILDS = {
    "1.0-rev1": "11.0.0.837",
    "1.0-rev2": "11.0.1.1261",
    "1.1-rev0": "12.0.0.1420",
    "1.1-rev1": "12.1.0.2131",
    "1.1-rev2": "12.2.0.334",
    "1.2-rev0": "12.3.0.310",
    "1.2-rev1": "12.3.1.1139",
    "1.3-rev0": "13.0.0.4967",
    "1.3-rev1": "13.0.1.180",
    "1.3-rev2": "13.1.0.411",
}
REVISIONS = tuple(BUILDS)
CAPITALISED_FROM = "1.3-rev1"


class RefusedError(Exception):
    """Ends a call with an error body."""

    def __init__(self, status: int, code: str, message: str, resource: str | None = None) -> None:
        super().__init__(message)
        body = {"errorCode": code, "message": message}
        self.answer = Answer(body if resource is None else {**body, "resourceId": resource}, status)


def unexpected(message: str = "One or more request parameters are not valid.") -> RefusedError:
    return RefusedError(400, "UnexpectedContent", message)


def unauthorized(message: str = "Unauthorized. Get bearer JWT token at /api/login") -> RefusedError:
    return RefusedError(401, "AccessDenied", message)


def not_found(resource: str) -> RefusedError:
    return RefusedError(404, "NotFound", "Resource does not exist", resource)


def known_revision(request: Request, newest: str) -> str:
    """The revision asked for; 400 where the header is missing or the server is older."""
    asked = request.headers.get("x-api-version", "")
    if asked not in REVISIONS[: REVISIONS.index(newest) + 1]:
        raise RefusedError(400, "NotImplemented", "The specified API version is not supported.")
    return asked


@dataclass(frozen=True)
class Call:
    """`ids` are the variable parts of the path by name; `newest` is the revision the server was built for."""

    estate: VbrEstate
    request: Request
    revision: str
    newest: str
    now: float
    ids: Mapping[str, str] = field(default_factory=dict)

    def since(self, revision: str) -> bool:
        """Whether the client speaks this revision or a later one."""
        return REVISIONS.index(self.revision) >= REVISIONS.index(revision)

    def spelled(self, word: str) -> str:
        """Enums of state began small and got a capital in 1.3-rev1."""
        return word if self.since(CAPITALISED_FROM) else word[0].lower() + word[1:]

    def zoned(self, t: float) -> str:
        """2025-07-28T10:44:39.694588+02:00"""
        return datetime.fromtimestamp(t, self.estate.zone).isoformat()

    def zoneless(self, t: float) -> str:
        """The server's wall clock, and no word about its zone: 2024-11-06T00:30:20"""
        return datetime.fromtimestamp(t, self.estate.zone).replace(tzinfo=None).isoformat()

    def instant(self, text: str) -> float:
        """What a filter means; without zone it is the server's."""
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise unexpected(f"The value '{text}' is not a valid date-time.") from None
        return (moment if moment.tzinfo else moment.replace(tzinfo=self.estate.zone)).timestamp()


def utc(t: float) -> str:
    """2024-11-06T00:30:20Z"""
    return datetime.fromtimestamp(t, UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"
