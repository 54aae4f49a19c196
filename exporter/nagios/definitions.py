"""The objects as Nagios 4 and as Icinga 2 want them written."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from exporter.nagios.checks import CHECKS
from exporter.nagios.objects import OWN_HOST, Active, Passive, host_name

_SILENCE = "nothing was heard from Alertmanager and the bridge"


@dataclass(frozen=True)
class Site:
    """sources: (name, kind); plugin: path of check_ebbtide; asking: its arguments that say whom to ask.

    freshness: seconds after which an alert's service whose state was not told again is UNKNOWN.
    """

    sources: tuple[tuple[str, str], ...]
    active: tuple[Active, ...]
    passive: tuple[Passive, ...]
    plugin: str
    asking: tuple[str, ...]
    freshness: float
    contact_group: str = "admins"


def nagios(site: Site) -> str:
    return "\n".join(_nagios(site)) + "\n"


def icinga2(site: Site) -> str:
    return "\n".join(_icinga2(site)) + "\n"


def _nagios(site: Site) -> Iterator[str]:
    yield "# Made by `ebbtide nagios-config`; make it anew when sources or rules change. Intervals are in minutes."
    command = " ".join([site.plugin, "$ARG1$", "--source '$ARG2$'", *site.asking])
    yield _define("command", command_name="check_ebbtide", command_line=command)
    # Behind an unescaped semicolon Nagios sees a comment.
    unheard = f"/bin/sh -c 'echo \"UNKNOWN: {_SILENCE}\"\\; exit 3'"
    always = {
        "check_period": "24x7",
        "notification_interval": "720",
        "notification_period": "24x7",
        "contact_groups": site.contact_group,
    }
    yield _define("command", command_name="ebbtide_unheard", command_line=unheard)
    yield _define(
        "host", name="ebbtide-host", register="0", max_check_attempts="1", active_checks_enabled="0",
        passive_checks_enabled="0", **always,
    )  # fmt: skip
    yield _define(
        "service", name="ebbtide-check", register="0", check_interval="5", retry_interval="5", max_check_attempts="3",
        **always,
    )  # fmt: skip
    yield _define(
        "service", name="ebbtide-alert", register="0", active_checks_enabled="0", passive_checks_enabled="1",
        check_command="ebbtide_unheard", check_interval="5", retry_interval="1", max_check_attempts="1",
        check_freshness="1", freshness_threshold=f"{site.freshness:.0f}", **always,
    )  # fmt: skip
    for host, alias in _hosts(site.sources):
        yield _define("host", use="ebbtide-host", host_name=host, alias=alias)
    for one in site.active:
        yield _define(
            "service", use="ebbtide-check", host_name=one.host, service_description=one.check,
            check_command=f"check_ebbtide!{one.check}!{one.source}", notes=_one_line(CHECKS[one.check].help),
        )  # fmt: skip
    for told in site.passive:
        yield _define(
            "service", use="ebbtide-alert", host_name=told.host, service_description=told.alert,
            notes_url=told.runbook,
        )  # fmt: skip


def _icinga2(site: Site) -> Iterator[str]:
    yield "// Made by `ebbtide nagios-config --icinga2`; make it anew when sources or rules change."
    arguments = "".join(f", {json.dumps(one)}" for one in site.asking)
    yield (
        'object CheckCommand "ebbtide" {\n'
        f'  command = [ {json.dumps(site.plugin)}, "$ebbtide_check$", "--source", "$ebbtide_source$"{arguments} ]\n}}'
    )
    yield 'template Host "ebbtide-host" {\n  check_command = "dummy"\n  max_check_attempts = 1\n}'
    yield (
        'template Service "ebbtide-check" {\n  check_command = "ebbtide"\n'
        "  check_interval = 5m\n  retry_interval = 5m\n  max_check_attempts = 3\n}"
    )
    # Heard in time, the bridge's result puts off the next check; unheard, the check says so.
    yield (
        'template Service "ebbtide-alert" {\n  check_command = "dummy"\n'
        f"  check_interval = {site.freshness:.0f}s\n  retry_interval = {site.freshness:.0f}s\n"
        "  max_check_attempts = 1\n  enable_passive_checks = true\n"
        f"  vars.dummy_state = 3\n  vars.dummy_text = {json.dumps(_SILENCE)}\n}}"
    )
    for host, alias in _hosts(site.sources):
        yield f'object Host {json.dumps(host)} {{\n  import "ebbtide-host"\n  display_name = {_quoted(alias)}\n}}'
    for one in site.active:
        yield (
            f'object Service {json.dumps(one.check)} {{\n  import "ebbtide-check"\n'
            f"  host_name = {json.dumps(one.host)}\n"
            f"  vars.ebbtide_check = {json.dumps(one.check)}\n  vars.ebbtide_source = {_quoted(one.source)}\n"
            f"  notes = {_quoted(CHECKS[one.check].help)}\n}}"
        )
    for told in site.passive:
        yield (
            f'object Service {json.dumps(told.alert)} {{\n  import "ebbtide-alert"\n'
            f"  host_name = {json.dumps(told.host)}\n  notes_url = {_quoted(told.runbook)}\n}}"
        )


def _hosts(sources: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    yield OWN_HOST, "ebbtide: exporter, rules and pipeline"
    for name, kind in sources:
        yield host_name(name), f"{name} ({kind})"


def _define(what: str, **directives: str) -> str:
    lines = "".join(f"    {key:24}{value}\n" for key, value in directives.items())
    return f"define {what} {{\n{lines}}}"


def _one_line(text: str) -> str:
    """; begins a comment in Nagios."""
    return " ".join(text.replace(";", ",").split())


def _quoted(text: str) -> str:
    """A string of Icinga's language; $ begins a macro."""
    return json.dumps(text.replace("$", "$$"), ensure_ascii=False)
