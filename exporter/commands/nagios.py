"""`ebbtide nagios-config`: hosts, services and commands for Nagios and Icinga, from the configuration."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from exporter.commands.common import USAGE, fail, load, plain_errors


def nagios_config(
    exporter: Annotated[str | None, typer.Option("--exporter", metavar="URL", help="Whom the checks ask.")] = None,
    prometheus: Annotated[
        str | None, typer.Option("--prometheus", metavar="URL", help="Instead: the checks then know the past too.")
    ] = None,
    icinga2: Annotated[bool, typer.Option("--icinga2", help="For Icinga 2 instead of Nagios 4.")] = False,
    passive: Annotated[
        bool, typer.Option("--passive/--no-passive", help="Also a service per alert, for `ebbtide bridge`.")
    ] = True,
    contact_group: Annotated[str, typer.Option(help="Whom Nagios notifies.")] = "admins",
    plugin: Annotated[str | None, typer.Option(help="Path of check_ebbtide on the monitoring host.")] = None,
    config: Annotated[Path | None, typer.Option("--config", "--config.file", help="YAML file.")] = None,
) -> None:
    """Print the definitions of hosts, services and commands for Nagios 4 or Icinga 2."""
    from exporter import bundle
    from exporter.nagios import definitions, objects
    from exporter.settings import base_url

    if (exporter is None) == (prometheus is None):
        fail(USAGE, "say whom the checks are to ask: --exporter URL or --prometheus URL")
    try:
        url = base_url(str(exporter or prometheus))
    except ValueError as error:
        fail(USAGE, f"--{'prometheus' if prometheus else 'exporter'}: {error}")
    with plain_errors():
        loaded = load(config)
    sources = tuple((source.name, source.kind) for source in loaded.sources)
    asking: tuple[str, ...] = ("--prometheus" if prometheus else "--exporter", url)
    if loaded.nagios.thresholds:
        asking = (*asking, "--thresholds", str(loaded.nagios.thresholds))
    told = objects.passive(sources, bundle.path("rules")) if passive else ()
    site = definitions.Site(
        sources,
        tuple(objects.active(sources)),
        tuple(told),
        plugin or str(Path(sys.executable).with_name("check_ebbtide")),
        asking,
        loaded.nagios.freshness,
        contact_group,
    )
    print(definitions.icinga2(site) if icinga2 else definitions.nagios(site), end="")
