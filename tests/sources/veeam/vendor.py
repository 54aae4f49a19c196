"""Mock servers made from the vendor's own OpenAPI documents, where these are at hand.

The documents belong to Veeam and are not in this repository: EBBTIDE_VENDOR_SPECS names a folder with
vbr-<revision>.trimmed.json files. The mock answers with the examples of the document and refuses what its schemas of
requests do not allow. It knows no state: every page is the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.servers import free_port, need, running, vendor_specs, wait_until

REVISIONS = ("1.1-rev0", "1.2-rev1", "1.3-rev1", "1.3-rev2")
# What a VBR says to a request that it does not take; not every document has an example of it.
_UNEXPECTED = {"errorCode": "UnexpectedContent", "message": "Unexpected content"}


@contextmanager
def vendor_mocks(folder: Path) -> Iterator[dict[str, str]]:
    """The URLs of running mocks by revision; folder: for their documents and logs."""
    specs = vendor_specs()
    prism = need("prism")
    with ExitStack() as stack:
        urls, logs = {}, []
        for revision in REVISIONS:
            document = folder / f"vbr-{revision}.json"
            document.write_text(
                json.dumps(light(json.loads((Path(specs) / f"vbr-{revision}.trimmed.json").read_bytes())))
            )
            port, log = free_port(), document.with_suffix(".log")
            stack.enter_context(running([prism, "mock", "-h", "127.0.0.1", "-p", str(port), str(document)], log))
            urls[revision] = f"http://127.0.0.1:{port}"
            logs.append(log)
        wait_until(lambda: all("Prism is listening" in log.read_text() for log in logs), "the mocks listen", 120.0)
        yield urls


def light(document: dict[str, Any]) -> dict[str, Any]:
    """The same without schemas of answers that have an example: these schemas cost the mock half a minute to read."""
    document["components"]["responses"]["BadRequest"]["content"] = {"application/json": {"example": _UNEXPECTED}}
    for item in document["paths"].values():
        for operation in item.values():
            for answer in operation["responses"].values():
                for content in answer.get("content", {}).values():
                    if "example" in content or "examples" in content:
                        content.pop("schema", None)
    needed: set[str] = set()
    ahead = [*_references(document["paths"])]
    while ahead:
        reference = ahead.pop()
        if reference not in needed:
            needed.add(reference)
            kind, name = reference.split("/")[-2:]
            ahead += _references(document["components"][kind][name])
    for kind, parts in document["components"].items():
        if kind != "securitySchemes":
            unused = [name for name in parts if f"#/components/{kind}/{name}" not in needed]
            for name in unused:
                del parts[name]
    return document


def _references(part: object) -> Iterator[str]:
    if isinstance(part, list):
        for item in part:
            yield from _references(item)
    elif isinstance(part, dict):
        for key, value in part.items():
            if key == "$ref":
                yield value
            else:
                yield from _references(value)
