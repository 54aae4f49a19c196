"""GET /backupInfrastructure/repositories: where a repository is and how it is set up, a different record per type."""

from exporter.simulator.messages import Answer, Json
from exporter.simulator.vbr_call import Call
from exporter.simulator.vbr_listing import Listing, by_name, equal, named
from exporter.simulator.vbr_records import Repository, identity
from exporter.simulator.vbr_repositories import kind_of, repositories_asked_for
from exporter.simulator.vbr_servers import BACKUP_SERVER, host_id

APPLIANCES_SHOWN_FROM = "1.3-rev2"


def repositories(call: Call) -> Answer:
    return Listing(
        by_name(repositories_asked_for(call), lambda repository: repository.name),
        lambda repository: _settings(call, repository),
        {"Name": lambda repository: repository.name, "Type": lambda repository: kind_of(call, repository)},
        {
            "nameFilter": named(lambda repository: repository.name),
            "typeFilter": equal(lambda repository: kind_of(call, repository)),
        },
    ).answer(call)


def _settings(call: Call, repository: Repository) -> Json:
    shown = {
        "id": repository.id,
        "name": repository.name,
        "description": "Created by EXAMPLE\\Administrator",
        ("uniqueId" if call.since("1.2-rev0") else "tag"): repository.id.replace("-", ""),
        "type": kind_of(call, repository),
    }
    limits = {("taskLimitEnabled" if call.since("1.2-rev0") else "enableTaskLimit"): True, "maxTaskCount": 4}
    mount = {"mountServer": _mount_server(call)}
    if repository.kind == "S3Compatible":
        return shown | limits | mount | _bucket(call, repository)
    advanced = {"alignDataBlocks": True, "decompressBeforeStoring": False, "rotatedDrives": False, "perVmBackup": True}
    settings = {"path": repository.path, **limits, "advancedSettings": advanced}
    if repository.kind == "Nfs":
        gateway = {("autoSelectEnabled" if call.since("1.2-rev0") else "autoSelect"): True, "gatewayServerIds": []}
        share = {"sharePath": repository.path, "gatewayServer": gateway}
        return shown | mount | {"share": share, "repository": {**limits, "advancedSettings": advanced}}
    if repository.kind == "DDBoost":
        return shown | (_data_domain(call, repository) if call.since(APPLIANCES_SHOWN_FROM) else {})
    if repository.kind.startswith("Linux"):
        settings["useFastCloningOnXFSVolumes"] = repository.fast_clone
    if repository.kind == "LinuxHardened":
        settings["makeRecentBackupsImmutableDays"] = repository.immutable_days
    return shown | mount | {"hostId": host_id(call, repository.host), "repository": settings}


def _mount_server(call: Call) -> Json:
    server = {
        "mountServerId": host_id(call, BACKUP_SERVER),
        "writeCacheFolder": "C:\\ProgramData\\Veeam\\Backup\\IRCache\\",
        "vPowerNFSEnabled": True,
    }
    return {"mountServerSettingsType": "Windows", "windows": server} if call.since("1.3-rev0") else server


def _bucket(call: Call, repository: Repository) -> dict[str, Json]:
    account = {
        "servicePoint": f"https://{repository.host}",
        "regionId": "eu-central",
        "credentialsId": identity(call.estate.seed, "credentials", repository.name),
    }
    immutability = {"isEnabled": True, "daysCount": 30}
    return {
        "account": account,
        "bucket": {"bucketName": repository.path, "folderName": "vbr", "immutability": immutability},
    }


def _data_domain(call: Call, repository: Repository) -> dict[str, Json]:
    return {
        "dellDataDomain": {
            "ddServername": repository.host,
            "credentialsId": identity(call.estate.seed, "credentials", repository.name),
        },
        "repository": {"path": repository.path, "enableTaskLimit": True, "maxTaskCount": 8},
    }
