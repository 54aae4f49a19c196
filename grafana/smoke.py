"""Asks a live Grafana whether it serves the shipped dashboards and answers every query of every panel.

    GRAFANA_TOKEN=... python grafana/smoke.py http://127.0.0.1:3000
    python grafana/smoke.py https://grafana.example.com --token-file /etc/ebbtide/grafana.token

Needs nothing but Python, and the token of a service account that may read dashboards and query the data source.
Exit code: 0 all well, 1 something is not, 2 it was not asked properly.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote

Json = dict[str, Any]
Line = tuple[bool, str, str]

BOARDS = Path(__file__).parent / "dashboards"


class Refused(Exception):
    """Grafana did not answer, or said no; in its own words."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The token goes to the address that was given and nowhere else."""

    def redirect_request(self, *asked: Any) -> NoReturn:
        raise Refused(f"redirects to {asked[-1]}: give that address, if it is right")


class Grafana:
    def __init__(self, url: str, token: str, timeout: float) -> None:
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._timeout = timeout
        self._opener = urllib.request.build_opener(_NoRedirect)

    def ask(self, path: str, body: Json | None = None) -> Json:
        """The answer to GET, or with a body to POST. Raises Refused."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._url + path, data, self._headers)  # noqa: S310 - main() checks the scheme
        try:
            with self._opener.open(request, timeout=self._timeout) as answer:
                return _object(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                raise Refused(f"{error.code}: {_reason(error.read()) or error.reason}") from None
        except (OSError, ValueError) as error:
            raise Refused(str(error) or type(error).__name__) from error


def _object(text: bytes) -> Json:
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError("answers no JSON object")
    return found


def _reason(text: bytes) -> str:
    """What an error's body says: a message, or the error of a query."""
    try:
        found = _object(text)
    except ValueError:
        return ""
    errors = [result["error"] for result in found.get("results", {}).values() if result.get("error")]
    return "; ".join(errors) or found.get("message", "")


def checks(grafana: Grafana, datasource: str) -> Iterator[Line]:
    """Each thing that was asked for: whether it is well, its name, and what there is to say."""
    try:
        told = grafana.ask("/api/health")
        yield told.get("database") == "ok", "health", f"Grafana {told.get('version')}, database {told.get('database')}"
    except Refused as refused:
        yield False, "health", str(refused)
        return
    try:
        told = grafana.ask(f"/api/datasources/uid/{quote(datasource)}/health")
        yield told.get("status") == "OK", "datasource", f"{datasource}: {told.get('message')}"
    except Refused as refused:
        yield False, "datasource", f"{datasource}: {refused}"
    for file in sorted(BOARDS.glob("*/*.json")):
        yield from _board(grafana, json.loads(file.read_text()), datasource)


def _board(grafana: Grafana, board: Json, datasource: str) -> Iterator[Line]:
    uid = board["uid"]
    try:
        served = grafana.ask(f"/api/dashboards/uid/{quote(uid)}")["dashboard"]
    except (Refused, KeyError) as refused:
        yield False, uid, f"not there: {refused}"
        return
    if _queries(served) != _queries(board):
        yield False, uid, "is there with other queries than the shipped file: provisioned from an older one?"
    answered = empty = 0
    wrong = []
    for panel in board["panels"]:
        if targets := panel.get("targets"):
            try:
                results = grafana.ask("/api/ds/query", _question(board, targets, datasource)).get("results", {})
            except Refused as refused:
                wrong.append((False, uid, f"{panel['title']}: {refused}"))
                continue
            for target in targets:
                result = results.get(target["refId"], {"error": "no answer"})
                if "error" in result:
                    wrong.append((False, uid, f"{panel['title']}, {target['refId']}: {result['error']}"))
                else:
                    answered += 1
                    empty += not _has_values(result)
    yield not wrong, uid, f"{answered} queries answered, {empty} of them with nothing"
    yield from wrong


def _queries(board: Json) -> list[str]:
    return sorted(target["expr"] for panel in board["panels"] for target in panel.get("targets", ()))


def _question(board: Json, targets: Sequence[Json], datasource: str) -> Json:
    """As Grafana's page asks: variables at what they are at first, those that the data source answers at any value.

    $__rate_interval and the like the server puts in.
    """
    values = {
        variable["name"]: ".*" if variable["type"] == "query" else variable["current"]["value"]
        for variable in board["templating"]["list"]
    }

    def filled(expr: str) -> str:
        expr = re.sub(r'(?<=\w)="\$(\w+)"', r'=~"$\1"', expr)
        return re.sub(r"\$\{?([a-z]\w*)(?::\w+)?\}?", lambda m: values.get(m[1], m[0]), expr)

    asked = {"datasource": {"type": "prometheus", "uid": datasource}, "intervalMs": 60_000, "maxDataPoints": 500}
    queries = [target | asked | {"expr": filled(target["expr"])} for target in targets]
    return {"queries": queries, "from": board["time"]["from"], "to": board["time"]["to"]}


def _has_values(result: Json) -> bool:
    return any(column for frame in result.get("frames", ()) for column in frame.get("data", {}).get("values", ()))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("url", metavar="URL", help="of Grafana, with its sub-path if it has one")
    parser.add_argument("--token-file", type=Path, metavar="FILE", help="default: the variable GRAFANA_TOKEN")
    parser.add_argument("--datasource", default="ebbtide-prometheus", metavar="UID", help="default: %(default)s")
    parser.add_argument("--timeout", type=float, default=30, metavar="SECONDS", help="default: %(default)s")
    given = parser.parse_args(arguments)
    if not re.match(r"https?://", given.url):
        parser.error("URL begins with http:// or https://")
    try:
        token = (
            given.token_file.read_text().strip() if given.token_file else os.environ.get("GRAFANA_TOKEN", "").strip()
        )
    except OSError as error:
        parser.error(f"--token-file: {error.strerror}")
    if not re.fullmatch(r"[\x21-\x7e]+", token):
        parser.error("no token, or none that a header takes: give --token-file, or set GRAFANA_TOKEN")
    well = True
    for fine, name, words in checks(Grafana(given.url, token, given.timeout), given.datasource):
        print(f"{'ok' if fine else 'FAIL':4}  {name:26}  {words}", flush=True)
        well = well and fine
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
