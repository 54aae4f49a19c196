"""Nagios 4 and Icinga 2 with the definitions of a test, in a folder of their own, as whoever runs the tests."""

from __future__ import annotations

import os
import pwd
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests
import trustme

from tests.servers import free_port, need, running, wait_until

_NAGIOS = """\
cfg_file={folder}/objects.cfg
status_file={folder}/status.dat
status_update_interval=1
object_cache_file={folder}/objects.cache
precached_object_file={folder}/objects.precache
command_file={folder}/rw/nagios.cmd
check_external_commands=1
lock_file={folder}/nagios.lock
temp_file={folder}/nagios.tmp
temp_path={folder}
check_result_path={folder}/results
check_result_reaper_frequency=1
log_file={folder}/nagios.log
log_archive_path={folder}
log_rotation_method=n
use_syslog=0
state_retention_file={folder}/retention.dat
use_retained_program_state=0
query_socket={folder}/query
interval_length=1
service_freshness_check_interval=1
additional_freshness_latency=0
host_inter_check_delay_method=n
service_inter_check_delay_method=n
illegal_macro_output_chars=`~$&|'"<>
nagios_user={user}
nagios_group={user}
"""

# What a site has anyway.
_SITE = """\
define timeperiod {
    timeperiod_name 24x7
    alias always
    sunday 00:00-24:00
    monday 00:00-24:00
    tuesday 00:00-24:00
    wednesday 00:00-24:00
    thursday 00:00-24:00
    friday 00:00-24:00
    saturday 00:00-24:00
}
define command {
    command_name notify
    command_line /bin/true
}
define contact {
    contact_name admin
    host_notification_period 24x7
    service_notification_period 24x7
    host_notification_options d,r
    service_notification_options w,u,c,r
    host_notification_commands notify
    service_notification_commands notify
}
define contactgroup {
    contactgroup_name admins
    alias admins
    members admin
}
"""

_ICINGA = """\
include <itl>
const NodeName = "test"
const ZoneName = "main"
include "{folder}/objects.conf"
object CheckerComponent "checker" {{ }}
{api}
"""

_API = """\
object Endpoint NodeName {{ }}
object Zone "main" {{
  endpoints = [ NodeName ]
}}
object ApiListener "api" {{
  bind_host = "127.0.0.1"
  bind_port = {port}
}}
object ApiUser "ebbtide" {{
  password = "s3cret"
  permissions = [ "actions/process-check-result", "actions/reschedule-check", "objects/query/*" ]
}}
"""


def _me() -> str:
    return pwd.getpwuid(os.geteuid()).pw_name


@dataclass
class Nagios:
    folder: Path

    @property
    def pipe(self) -> Path:
        return self.folder / "rw/nagios.cmd"

    def service(self, host: str, name: str) -> dict[str, str]:
        """What status.dat says of a service; empty while it says nothing."""
        try:
            text = (self.folder / "status.dat").read_text()
        except FileNotFoundError:
            return {}
        for block in re.findall(r"servicestatus \{\n(.*?)\n\t\}", text, re.S):
            found = dict(line.strip().split("=", 1) for line in block.splitlines())
            if (found["host_name"], found["service_description"]) == (host, name):
                return found
        return {}


def nagios_config(folder: Path, objects: str) -> Path:
    for made in ("rw", "results"):
        (folder / made).mkdir(exist_ok=True)
    (folder / "objects.cfg").write_text(_SITE + objects)
    config = folder / "nagios.cfg"
    config.write_text(_NAGIOS.format(folder=folder, user=_me()))
    return config


def verify_nagios(folder: Path, objects: str) -> subprocess.CompletedProcess[str]:
    command = [need("nagios4"), "-v", str(nagios_config(folder, objects))]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@contextmanager
def nagios(folder: Path, objects: str) -> Iterator[Nagios]:
    config = nagios_config(folder, objects)
    with running([need("nagios4"), str(config)], folder / "output"):
        site = Nagios(folder)
        wait_until(lambda: site.pipe.exists() and (folder / "status.dat").exists(), "Nagios runs")
        yield site


@dataclass
class Icinga:
    """With an API behind a certificate of its own."""

    url: str
    ca: Path

    def service(self, host: str, name: str) -> dict[str, Any]:
        """The attributes of a service as the API gives them."""
        answer = requests.get(
            f"{self.url}/v1/objects/services/{quote(f'{host}!{name}', safe='')}", auth=("ebbtide", "s3cret"),
            verify=str(self.ca), timeout=5,
        )  # fmt: skip
        answer.raise_for_status()
        [found] = answer.json()["results"]
        attributes: dict[str, Any] = found["attrs"]
        return attributes

    def check(self, host: str, name: str) -> None:
        """Now, and not at some moment of the first minute."""
        requests.post(
            f"{self.url}/v1/actions/reschedule-check",
            auth=("ebbtide", "s3cret"),
            verify=str(self.ca),
            timeout=5,
            headers={"Accept": "application/json"},
            json={
                "type": "Service",
                "filter": "host.name == h && service.name == s",
                "force": True,
                "filter_vars": {"h": host, "s": name},
            },
        ).raise_for_status()


def icinga_command(folder: Path, objects: str, port: int | None = None) -> list[str]:
    (folder / "objects.conf").write_text(objects)
    config = folder / "icinga2.conf"
    config.write_text(_ICINGA.format(folder=folder, api=_API.format(port=port) if port else ""))
    for made in ("run", "cache", "data", "log", "spool"):
        (folder / made).mkdir(exist_ok=True)
    return [
        need("icinga2"), "daemon", "-c", str(config), f"-DInitRunDir={folder}/run", f"-DCacheDir={folder}/cache",
        f"-DDataDir={folder}/data", f"-DLogDir={folder}/log", f"-DSpoolDir={folder}/spool",
        f"-DRunAsUser={_me()}", f"-DRunAsGroup={_me()}",
    ]  # fmt: skip


def verify_icinga(folder: Path, objects: str) -> subprocess.CompletedProcess[str]:
    command = [*icinga_command(folder, objects), "-C"]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@contextmanager
def icinga(folder: Path, objects: str) -> Iterator[Icinga]:
    port = free_port()
    command = icinga_command(folder, objects, port)
    certificates = folder / "data/certs"
    certificates.mkdir(parents=True)
    ca = trustme.CA()
    ours = ca.issue_cert("127.0.0.1", common_name="test")
    ours.private_key_pem.write_to_path(certificates / "test.key")
    ours.cert_chain_pems[0].write_to_path(certificates / "test.crt")
    ca.cert_pem.write_to_path(certificates / "ca.crt")
    site = Icinga(f"https://127.0.0.1:{port}", certificates / "ca.crt")
    with running(command, folder / "output"):
        wait_until(lambda: _answers(site), "Icinga's API answers")
        yield site


def _answers(site: Icinga) -> bool:
    try:
        return requests.get(f"{site.url}/v1", verify=str(site.ca), timeout=5).status_code == 401
    except requests.ConnectionError:
        return False
