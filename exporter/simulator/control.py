"""The paths under /-/sim, by which a person or a test plays with a running simulator. Faults never touch them."""

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
        _act(action, request.json(), control, faults)
    except (ValueError, TypeError, KeyError) as error:
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
            _needed(control).tell(str(body["name"]), body.get("object"), **options)
        case ("DELETE", "story"):
            _needed(control).end(str(body["name"]), body.get("object"))
        case ("POST", "clock"):
            _turn_clock(_needed(control), body)
        case _:
            raise _NoSuchPathError(f"no {action[0]} {PREFIX}/{action[1]}")


class _NoSuchPathError(LookupError):
    pass


def _fault(body: Json) -> Fault:
    count = body.get("count")
    return Fault(
        str(body["kind"]),
        str(body.get("path") or ""),
        None if count is None else int(count),
        float(body.get("seconds", 30.0)),
    )


def _turn_clock(control: Control, body: Json) -> None:
    if "rate" in body:
        control.run(float(body["rate"]))
    if "advance" in body:
        control.advance(float(body["advance"]))


def _needed(control: Control | None) -> Control:
    if control is None:
        raise _NoSuchPathError("this application tells no stories")
    return control


def _state(control: Control | None, faults: Faults) -> dict[str, object]:
    described = dict(control.describe()) if control else {}
    return {**described, "faults": [asdict(fault) for fault in faults.current()]}
