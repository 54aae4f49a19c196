"""`ebbtide demo`: the exporter on real filesystems and two simulated backup systems, with Prometheus and Alertmanager.

It begins with a made-up past: the simulated systems are polled as of moments that lie behind us, so that forecasts
and rules that look back a day have something to say in the first minute.
"""

from __future__ import annotations

import signal
import socket
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import yaml

from exporter import config
from exporter.demo.past import DAY, Past
from exporter.demo.servers import start_alerting
from exporter.service import Service
from exporter.simulator.stage import PASSWORD, USERNAME, Demo

_OFTEN = "15s"


def run(*, port: int, days: int) -> int:
    """Run until Ctrl-C or SIGTERM; everything that was started ends with it. The exit status."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with ExitStack() as stack:
        try:
            service, listening = _start(stack, port, days)
            service.serve(listening)
        except KeyboardInterrupt:
            pass
        except OSError as error:
            print(f"ebbtide: {error}", file=sys.stderr)
            return 1
        # uvicorn has ended by Ctrl-C; a second one must not interrupt the clearing up.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        _say("stopping")
    return 0


def _start(stack: ExitStack, port: int, days: int) -> tuple[Service, socket.socket]:
    listening = stack.enter_context(socket.create_server(("127.0.0.1", port)))
    port = listening.getsockname()[1]
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ebbtide-demo-", ignore_cleanup_errors=True)))
    now = time.time()
    simulated = Demo(now, past=days * DAY)
    for server in (simulated.commserve, simulated.vbr):
        server.start()
        stack.callback(server.stop)
    path = write_config(folder, port, simulated)
    service = Service(config.load(path), path)
    stack.callback(service.close)

    _say(f"living through {days} days of made-up past")
    past = Past()
    past.live(service.watches, service.board, simulated, now, days)
    simulated.go_live()

    urls = {
        "status page": f"http://127.0.0.1:{port}/",
        "metrics": f"http://127.0.0.1:{port}/metrics",
        **start_alerting(stack, folder, port, past, _say),
        "configuration": str(path),
        "simulated CommServe": f"{simulated.commserve.url}/-/sim",
        "simulated VBR server": f"{simulated.vbr.url}/-/sim",
    }
    service.start()
    _say("running; Ctrl-C ends all of it")
    for name, url in urls.items():
        print(f"    {name:<22}{url}")
    fault = 'curl -d \'{"kind": "hang", "seconds": 300}\' ' + f"{simulated.commserve.url}/-/sim/fault"
    print(f"    break the CommServe:  {fault}")
    print(f"    mend it:              curl -X DELETE {simulated.commserve.url}/-/sim/fault", flush=True)
    return service, listening


def write_config(folder: Path, port: int, simulated: Demo) -> Path:
    """The configuration of the demo as a user would write it, and the password file it names."""
    password = folder / "password"
    password.touch(mode=0o600)
    password.write_text(PASSWORD)
    account = {"username": USERNAME, "password_file": str(password)}
    content = {
        "web": {"listen": f"127.0.0.1:{port}", "lifecycle": True},
        "history": {"url": f"sqlite:///{folder}/history.db", "resolution": "10s"},
        "groups": [
            {"match": {"source": "cs01", "pool": "Apex*"}, "business_unit": "Apex", "importance": "high"},
            {"match": {"source": "*"}, "business_unit": "IT"},
        ],
        "sources": [
            {"name": socket.gethostname(), "kind": "filesystem", "intervals": {"mounts": _OFTEN}},
            {
                "name": "cs01", "kind": "commvault", "url": f"{simulated.commserve.url}/webconsole/api", **account,
                "retained_jobs": True,
                "intervals": dict.fromkeys(("pools", "dedup_stores", "media_agents", "jobs"), _OFTEN)
                | dict.fromkeys(("plans", "dedup_savings"), "10m"),
            },
            {
                "name": "vbr01", "kind": "veeam", "url": simulated.vbr.url, **account,
                "intervals": dict.fromkeys(("pools", "backup_jobs", "backups"), _OFTEN), "backup_files_every": "10m",
            },
        ],
    }  # fmt: skip
    path = folder / "ebbtide.yml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


def _say(text: str) -> None:
    print(f"==> {text}", flush=True)
