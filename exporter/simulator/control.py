"""The paths under /-/sim, by which a person or a test plays with a running simulator. Faults never touch them."""

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Protocol

from exporter.simulator.faults import Fault, Faults
from exporter.simulator.messages import Answer, Application, Json, Request

PREFIX = "/-/sim"


class Control(Protocol):
    """What an application offers as its attribute `control`, if it has a life that can be steered."""

    def describe(self) -> Mapping[str, object]:
        """What is simulated, its time, its stories."""

    def tell(self, story: str, object: str | None = None, **options: float) -> None:  # noqa: A002
        """Starts a story; ValueError when there is no such story or object."""

    def end(self, story: str, object: str | None = None) -> None: ...  # noqa: A002

    def advance(self, seconds: float) -> None: ...

    def run(self, rate: float) -> None:
        """Lets the time pass `rate` times as fast as on the wall."""


def answer_control(request: Request, application: Application, faults: Faults) -> Answer:
    """GET /-/sim, POST and DELETE /-/sim/fault and /-/sim/story, POST /-/sim/clock; each answers the state after it."""
    control: Control | None = getattr(application, "control", None)
    action = (request.method, request.path.removeprefix(PREFIX).strip("/").lower())
    try:
        _act(action, _object(request.json()), control, faults)
    except KeyError as error:
        return Answer({"error": f"{error} is missing"}, 400)
    except (ValueError, TypeError) as error:
        return Answer({"error": str(error)}, 400)
    except LookupError as error:
        return Answer({"error": str(error)}, 404)
    return Answer(_state(control, faults))


def _act(action: tuple[str, str], body: Json, control: Control | None, faults: Faults) -> None:
    match action:
        case ("GET", ""):
            return
        case ("POST", "fault"):
            faults.add(_fault(body))
        case ("DELETE", "fault"):
            faults.clear()
        case ("POST", "story"):
            options = {key: float(value) for key, value in body.items() if key not in ("name", "object")}
            _needed(control).tell(str(body["name"]), _named(body), **options)
        case ("DELETE", "story"):
            _needed(control).end(str(body["name"]), _named(body))
        case ("POST", "clock"):
            _turn_clock(_needed(control), body)
        case _:
            raise _NoSuchPathError(f"no {action[0]} {PREFIX}/{action[1]}")


class _NoSuchPathError(LookupError):
    pass


def _object(body: Json) -> dict[str, Json]:
    if not isinstance(body, dict):
        raise ValueError("the body is no JSON object")
    return body


def _named(body: Json) -> str | None:
    return None if body.get("object") is None else str(body["object"])


def _fault(body: Json) -> Fault:
    count = body.get("count")
    return Fault(
        str(body["kind"]),
        str(body.get("path") or ""),
        None if count is None else int(_forward(body, "count")),
        _forward(body, "seconds") if "seconds" in body else 30.0,
    )


def _turn_clock(control: Control, body: Json) -> None:
    """Both are read before either takes effect."""
    turns = {key: _forward(body, key) for key in ("rate", "advance") if key in body}
    if not turns:
        raise ValueError("neither rate nor advance is given")
    if "rate" in turns:
        control.run(turns["rate"])
    if "advance" in turns:
        control.advance(turns["advance"])


def _forward(body: Json, key: str) -> float:
    """Time goes forward only, and JSON as Python reads it knows NaN and Infinity."""
    number = float(body[key])
    if not math.isfinite(number) or number < 0:
        raise ValueError(f"{key} must be a number from 0 on, not {body[key]!r}")
    return number


def _needed(control: Control | None) -> Control:
    if control is None:
        raise _NoSuchPathError("this application tells no stories")
    return control


def _state(control: Control | None, faults: Faults) -> dict[str, object]:
    described = dict(control.describe()) if control else {}
    return {**described, "faults": [asdict(fault) for fault in faults.current()]}
