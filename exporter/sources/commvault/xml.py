"""XML from a release that ignores `Accept: application/json`, in the shape that its JSON has.

Attributes and children become fields, all values text. A list is an element that comes several times, so that one of
a single element does not show: those that parsers read are known here by name. A document type, by which entities
expand without end, is refused.
"""

from __future__ import annotations

from typing import Any
from xml.parsers import expat

_LISTS = {
    "MountPathList", "alertList", "alertsTriggered", "associations", "cloudStorage", "commservEvents",
    "dayOfWeek", "dayTime", "diskStorage", "engines", "errList", "feedsList", "hyperScaleStorage", "jobs",
    "libraryList", "mediaAgentList", "mediaAgents", "operationWindow", "operations", "plans", "policies",
    "response", "schedules", "storagePoolList", "subStoreList", "subTasks", "taskDetail", "weekOfTheMonth",
    "weeklyDays",
}  # fmt: skip
# GET /Plan and GET /V2/StoragePolicy list copies; one copy that is asked for is an object of the same name.
_LISTS_BELOW = {("storage", "copy"), ("policies", "copy")}
_DEEPEST = 100


class _Builder:
    """What has been read so far: the open elements from the root down, as (tag, fields, text)."""

    def __init__(self) -> None:
        self.root: Any = None
        self._open: list[tuple[str, dict[str, Any], list[str]]] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if len(self._open) == _DEEPEST:
            raise ValueError("nested too deeply")
        self._open.append((tag, dict(attributes), []))

    def text(self, data: str) -> None:
        self._open[-1][2].append(data)

    def end(self, _: str) -> None:
        tag, fields, texts = self._open.pop()
        # A value in a list of values is <tag val="1"/>, or <tag>1</tag>.
        value: Any = fields["val"] if set(fields) == {"val"} else fields or "".join(texts).strip() or {}
        if not self._open:
            self.root = value
            return
        above, siblings, _texts = self._open[-1]
        if tag not in siblings:
            siblings[tag] = [value] if tag in _LISTS or (above, tag) in _LISTS_BELOW else value
        elif isinstance(siblings[tag], list):
            siblings[tag].append(value)
        else:
            siblings[tag] = [siblings[tag], value]


def parse(body: bytes) -> Any:
    """The fields of the root element. Raises ValueError when the body is not XML, or not such as a CommServe sends."""
    builder = _Builder()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.CharacterDataHandler = builder.text
    parser.EndElementHandler = builder.end
    parser.StartDoctypeDeclHandler = _refuse
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, LookupError):
        raise ValueError("not valid XML") from None
    return builder.root


def _refuse(*_: object) -> None:
    raise ValueError("a document type is not taken")
