"""Managed servers and backup proxies."""

from collections.abc import Callable

from exporter.simulator.messages import Answer, Json
from exporter.simulator.vbr_call import Call
from exporter.simulator.vbr_listing import Listing, equal, named
from exporter.simulator.vbr_records import Repository, identity

BACKUP_SERVER = "vbr01.example.com"


def managed_servers(call: Call) -> Answer:
    hosts: dict[str, str] = {"vcenter01.example.com": "ViHost", "proxy01.example.com": "WindowsHost"}
    for repository in call.estate.repositories.values():
        if _host_kind(repository):
            hosts[repository.host] = _host_kind(repository)
    return Listing(
        sorted(hosts.items()),
        lambda host: _server(call, *host),
        {"Name": lambda host: host[0], "Type": lambda host: host[1]},
        {"nameFilter": named(lambda host: host[0]), "typeFilter": equal(lambda host: host[1])},
    ).answer(call)


def proxies(call: Call) -> Answer:
    return _proxies(call, lambda name: _proxy(call, name))


def proxy_states(call: Call) -> Answer:
    return _proxies(call, lambda name: _proxy_state(call, name))


def host_id(call: Call, host: str) -> str:
    return identity(call.estate.seed, "host", host)


def _host_kind(repository: Repository) -> str:
    if repository.kind == "WinLocal":
        return "WindowsHost"
    return "LinuxHost" if repository.kind.startswith("Linux") else ""


def _server(call: Call, name: str, kind: str) -> Json:
    server: dict[str, Json] = {
        "id": host_id(call, name),
        "name": name,
        "description": "Created by EXAMPLE\\Administrator",
        "type": kind,
        "credentialsId": identity(call.estate.seed, "credentials", name),
    }
    if call.since("1.2-rev0"):
        server["status"] = "Available"
    if kind == "ViHost":
        server |= {"viHostType": "VC", "port": 443}
    elif call.since("1.3-rev0") or kind == "LinuxHost":
        server["credentialsStorageType"] = "Permanent"
    return server


def _proxies(call: Call, show: Callable[[str], Json]) -> Answer:
    names = ["VMware Backup Proxy", "proxy01.example.com"]
    return Listing(names, show, {"Name": str}, {"nameFilter": named(str)}).answer(call)


def _proxy_host(name: str) -> str:
    return name if name.endswith(".example.com") else BACKUP_SERVER


def _proxy(call: Call, name: str) -> Json:
    server = {
        "hostId": host_id(call, _proxy_host(name)),
        "transportMode": call.spelled("Auto"),
        "failoverToNetwork": True,
        "maxTaskCount": 4,
    }
    return _proxy_head(call, name) | {"server": server}


def _proxy_state(call: Call, name: str) -> Json:
    where = {"hostId": host_id(call, _proxy_host(name)), "hostName": _proxy_host(name)}
    return _proxy_head(call, name) | where | {"isDisabled": False, "isOnline": True, "isOutOfDate": False}


def _proxy_head(call: Call, name: str) -> dict[str, Json]:
    return {
        "id": identity(call.estate.seed, "proxy", name),
        "name": name,
        "description": "Created by Veeam Backup & Replication",
        "type": "ViProxy",
    }
