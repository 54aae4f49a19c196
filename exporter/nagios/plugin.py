"""check_ebbtide: the plugin that Nagios and Icinga run. One line, performance data, details; exit 0, 1, 2 or 3."""

from __future__ import annotations

import argparse
import re
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

from nagiosplugin import Range

from exporter import __version__, bundle
from exporter.errors import EbbtideError
from exporter.nagios import alert, thresholds
from exporter.nagios.check import Check, Data, Selection
from exporter.nagios.checks import CHECKS
from exporter.nagios.fetch import Access, NoAnswer, Prometheus
from exporter.nagios.samples import from_page
from exporter.nagios.verdict import State, Verdict, unknown

# Asked of Prometheus beside the samples: the numbers it compares with, and why space is not freed.
_THRESHOLDS = '{__name__=~"(severity|alert|issue)[a-z_]*:.+:threshold"}'


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """The console script."""
    name = "ebbtide"
    try:
        options = _parser().parse_args(arguments)
        name = options.name or options.check
        try:
            _alarm(options.timeout)
            verdict = _judge(options)
            text, state = verdict.render(), verdict.state
        finally:
            # In here: an alarm in the last moment is caught as well, and not taken for a WARNING.
            signal.setitimer(signal.ITIMER_REAL, 0.0)
    except NoAnswer as error:
        text, state = unknown(name, str(error)), State.UNKNOWN
        if name == "exporter" and options.exporter and error.silent:
            text, state = f"EXPORTER CRITICAL: {error}", State.CRITICAL
    except (EbbtideError, alert.NoSuchAlert) as error:
        text, state = unknown(name, str(error)), State.UNKNOWN
    except Exception as error:  # noqa: BLE001 (whatever it is, Nagios must not take it for a verdict)
        text, state = unknown(name, f"{type(error).__name__}: {error}"), State.UNKNOWN
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
    raise SystemExit(int(state))


def _judge(options: argparse.Namespace) -> Verdict:
    access = Access(options.timeout, options.ca_file, not options.insecure, options.auth_file)
    if options.check == "alert":
        if options.alertmanager:
            return alert.from_alertmanager(options.alertmanager, access, options.name, options.source, options.object)
        prometheus = Prometheus(options.prometheus, access)
        return alert.from_prometheus(prometheus, options.name, options.source, options.object, time.time())
    check = CHECKS[options.check]
    chosen = Selection(options.source, options.object, options.warning, options.critical)
    if options.prometheus:
        return _from_prometheus(check, Prometheus(options.prometheus, access), chosen, options.thresholds)
    page = access.get(f"{options.exporter.rstrip('/')}/metrics").decode("utf-8", "replace")
    try:
        samples = from_page(page, check.metrics)
    except ValueError:
        raise NoAnswer(f"{options.exporter}/metrics: not a page of metrics") from None
    return check.run(Data(samples, _numbers(options.thresholds), time.time(), chosen))


def _from_prometheus(check: Check, prometheus: Prometheus, chosen: Selection, file: Path | None) -> Verdict:
    samples = prometheus.metrics(check.metrics)
    for name, expression in check.asks.items():
        samples |= prometheus.query(expression, name)
    numbers = thresholds.from_file(file) if file else thresholds.from_samples(prometheus.query(_THRESHOLDS))
    return check.run(Data(samples, numbers, time.time(), chosen))


def _numbers(file: Path | None) -> thresholds.Thresholds:
    return thresholds.from_file(file or bundle.path("rules") / "thresholds.yaml")


def _alarm(seconds: float) -> None:
    """Whatever hangs, a name that is not resolved or an answer that drips: the plugin ends before Nagios kills it."""

    def ring(*_: Any) -> None:
        raise NoAnswer("no answer in time", silent=True)

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)


class _Parser(argparse.ArgumentParser):
    """Wrong arguments, help and version are UNKNOWN, as the guidelines have it."""

    def error(self, message: str) -> NoReturn:
        sys.stdout.write(f"{unknown('ebbtide', message)}\n")
        raise SystemExit(int(State.UNKNOWN))

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:  # noqa: ARG002
        raise SystemExit(int(State.UNKNOWN))

    def parse_args(self, *args: Any, **kwargs: Any) -> Any:
        options = super().parse_args(*args, **kwargs)
        asked = [options.exporter, options.prometheus, options.alertmanager]
        if (options.check == "alert") != bool(options.name):
            self.error("alert needs the NAME of an alert, and no other check has one")
        if options.name and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", options.name):
            self.error(f"{options.name!r} is no name of an alert")
        if options.check == "alert" and options.exporter:
            self.error("alert is asked of --prometheus or --alertmanager: the exporter knows no alerts")
        if options.check != "alert" and options.alertmanager:
            self.error("--alertmanager is only for alert NAME")
        if sum(map(bool, asked)) != 1:
            self.error("say whom to ask: one of --exporter, --prometheus and --alertmanager")
        return options


def _range(text: str) -> Range:
    try:
        return Range(text)
    except (ValueError, TypeError):
        raise argparse.ArgumentTypeError(f"{text!r} is no range like 10, 10:, ~:10, 10:20 or @10:20") from None


def _timeout(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 3600:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds")
    return seconds


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = urlsplit("")
    # Never repeated: output is shown to everybody.
    if "@" in text:
        raise argparse.ArgumentTypeError("user and password belong into the file of --auth-file")
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise argparse.ArgumentTypeError(f"{text!r} is no URL like http://host:port")
    return text


def _parser() -> _Parser:
    listed = "\n".join(f"  {name:17} {check.help}" for name, check in CHECKS.items())
    parser = _Parser(
        prog="check_ebbtide", formatter_class=argparse.RawDescriptionHelpFormatter, add_help=False, allow_abbrev=False,
        description="Judges what ebbtide exports, by the thresholds of its rules.",
        epilog=f"checks:\n{listed}\n  alert NAME        Whether that alert fires.\n\n"
        "Without --warning and --critical the thresholds of the rules hold, each object's own.\n"
        "exit: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN",
    )  # fmt: skip
    parser.add_argument("check", metavar="CHECK", choices=[*CHECKS, "alert"], help="one of those below")
    parser.add_argument("name", metavar="NAME", nargs="?", help="of an alert")
    asked = parser.add_argument_group("whom to ask")
    asked.add_argument(
        "-u", "--exporter", metavar="URL", type=_url, help="the exporter, e.g. http://ebbtide.example.com:9877"
    )
    asked.add_argument("-p", "--prometheus", metavar="URL", type=_url, help="Prometheus, which also knows the past")
    asked.add_argument("-A", "--alertmanager", metavar="URL", type=_url, help="Alertmanager, which also knows silences")
    asked.add_argument("-a", "--auth-file", metavar="FILE", type=Path, help="holds user:password in its first line")
    asked.add_argument("--ca-file", metavar="FILE", type=Path, help="CA certificates to trust, PEM")
    asked.add_argument("--insecure", action="store_true", help="do not verify TLS certificates")
    asked.add_argument("-t", "--timeout", metavar="SECONDS", type=_timeout, default=10.0, help="default 10")
    what = parser.add_argument_group("what")
    what.add_argument("-s", "--source", metavar="GLOB", default="*", help="only this source; * and ? as in a shell")
    what.add_argument("-o", "--object", metavar="GLOB", default="*", help="only this pool, DDB, plan, job, ...")
    what.add_argument("-w", "--warning", metavar="RANGE", type=_range, help="instead of the thresholds of the rules")
    what.add_argument("-c", "--critical", metavar="RANGE", type=_range, help="likewise")
    what.add_argument("--thresholds", metavar="FILE", type=Path, help="a thresholds.yaml other than the shipped one")
    parser.add_argument("-v", "--verbose", action="count", default=0, help="accepted; details are always there")
    parser.add_argument("-h", "--help", action="help", help="this text")
    parser.add_argument("-V", "--version", action="version", version=f"check_ebbtide {__version__}")
    return parser
