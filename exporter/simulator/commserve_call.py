"""What an endpoint of the CommServe gets, and how it says no."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from exporter.simulator.estate import Estate
from exporter.simulator.messages import Answer, Json, Request

if TYPE_CHECKING:
    from exporter.simulator.commserve_login import Sessions

Body = dict[str, Json]


@dataclass(frozen=True)
class Abilities:
    """`generation` v2 is an old release without V4 and V5 paths; v4 a current one; v5 one whose plan list has no
    storage. `ddb_pending_deletes` adds a field to the partitions that no public source confirms. With `xml` every GET
    is answered in XML, whatever the client accepts."""

    generation: str = "v4"
    ddb_pending_deletes: bool = False
    xml: bool = False


@dataclass(frozen=True)
class Call:
    """`words` are the variable parts of the path, `at` is the estate's time."""

    estate: Estate
    sessions: "Sessions"
    request: Request
    at: float
    abilities: Abilities
    words: tuple[str, ...] = ()

    def number(self, index: int = 0) -> int:
        """A variable part of the path as a number, -1 when it is none."""
        return int(self.words[index]) if self.words[index].isdigit() else -1


Respond = Callable[[Call], Body | Answer]


@dataclass(frozen=True)
class Route:
    """`path` is matched in any case; {} stands for one word."""

    method: str
    path: str
    respond: Respond
    public: bool = False
    _pattern: re.Pattern[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        pattern = re.escape(self.path).replace(r"\{\}", "([^/]+)")
        object.__setattr__(self, "_pattern", re.compile(pattern + "/?", re.IGNORECASE))

    def words(self, method: str, path: str) -> tuple[str, ...] | None:
        found = self._pattern.fullmatch(path) if method == self.method else None
        return None if found is None else found.groups()


NOT_FOUND = Answer({"errorMessage": "HTTP 404 Not Found", "errorCode": 404}, 404)
# What a web server says about a path where there is no API.
NO_API = Answer("<!doctype html><html><title>404</title></html>", 404, content_type="text/html")
UNAUTHORIZED = Answer({"errorMessage": "Access denied. Please log in.", "errorCode": 401}, 401)
ACCESS_DENIED = Answer({"errorMessage": "Access denied", "errorCode": 5})
BAD_REQUEST = Answer({"errorMessage": "Bad request", "errorCode": 400}, 400)


def no_such(what: str) -> Body:
    """An error inside HTTP 200, as the older endpoints have it."""
    return {"errorMessage": f"No such {what}", "errorCode": 2}
