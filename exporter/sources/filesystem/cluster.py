"""The workers of a dask cluster, which walk parts of a root that all of them mount at the same path."""

from __future__ import annotations

import dataclasses
import errno
import functools
import os
import re
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import TYPE_CHECKING, Any

from exporter import __version__
from exporter.errors import ConfigError, SourceUnreachable
from exporter.sources.filesystem.subtree import Part, Rules, Walker

if TYPE_CHECKING:
    from exporter.sources.filesystem.scan import How

_ADDRESS = re.compile(r"dask://(\[[0-9a-fA-F:]+\]|[^:/\s\[\]]+):\d{1,5}")
_CONNECT_SECONDS = 10


def executor_address(text: str) -> str:
    """The same text. Raises ValueError unless it is like "dask://scheduler:8786"."""
    if not _ADDRESS.fullmatch(text):
        raise ValueError(f'{text!r} is no executor like "dask://scheduler.example.com:8786"')
    return text


def on_cluster(how: How, address: str) -> How:
    """The same scan on the workers of the cluster, as many parts at a time as they have threads.

    Raises ConfigError where dask is not installed, SourceUnreachable when the scheduler does not answer or a worker has
    another release of ebbtide.
    """
    cluster = _Cluster(address)
    with cluster.executor() as executor:
        size = executor.size()
    return dataclasses.replace(
        how,
        workers=how.workers or size,
        executor=cluster.executor,
        lost=(cluster.killed,),
        walker=functools.partial(elsewhere, how.walker),
    )


class _Cluster:
    def __init__(self, address: str) -> None:
        try:
            import distributed
        except ImportError as error:
            raise ConfigError(f"{address}: dask is not installed: pip install ebbtide[dask]") from error
        self._client: Callable[..., Any] = distributed.Client
        self.killed: type[Exception] = distributed.KilledWorker
        self._address = address

    def executor(self) -> _ClusterExecutor:
        # Without a scheme: whether TLS is spoken, and with which certificates, is in the configuration of dask.
        scheduler = executor_address(self._address).removeprefix("dask://")
        try:
            client = self._client(scheduler, timeout=_CONNECT_SECONDS, set_as_default=False)
        except OSError as error:
            raise SourceUnreachable(f"{self._address}: the scheduler does not answer") from error
        return _ClusterExecutor(client, self._address)


class _ClusterExecutor(Executor):
    def __init__(self, client: Any, address: str) -> None:
        self._client = client
        self._address = address
        # Not pure: a part that is walked again is looked at again.
        self._executor = client.get_executor(pure=False)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = self._executor.submit(fn, *args, **kwargs)
        return future

    def size(self) -> int:
        """Threads of all workers."""
        releases = self._client.run(_release, on_error="return")
        if not releases:
            raise SourceUnreachable(f"{self._address}: the scheduler has no workers")
        for worker, release in releases.items():
            if release != __version__:
                has = f"ebbtide {release}" if isinstance(release, str) else f"no ebbtide ({release})"
                raise SourceUnreachable(f"{self._address}: worker {worker} has {has}, this is {__version__}")
        return sum(self._client.nthreads().values())

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002 - as every executor
        self._executor.shutdown(wait=wait)
        self._client.close()


def _release() -> str:
    return __version__


def elsewhere(walker: Walker, rules: Rules, *arguments: Any, **keys: Any) -> Part:
    """A Walker on another machine, where the root is the same and its device has another number."""
    here = os.stat(rules.root)
    if here.st_ino != rules.inode:
        raise OSError(errno.ESTALE, "not the directory it is where the scan began", rules.root)
    part = walker(dataclasses.replace(rules, device=here.st_dev), *arguments, **keys)
    if here.st_dev != rules.device:
        _renumber(part, here.st_dev, rules.device)
    return part


def _renumber(part: Part, here: int, there: int) -> None:
    """The device in the identity of each file of several names, as it is where the scan began."""

    def of(identity: tuple[int, int]) -> tuple[int, int]:
        return (there, identity[1]) if identity[0] == here else identity

    part.tally.links = {of(identity): link for identity, link in part.tally.links.items()}
    part.records = [
        dataclasses.replace(record, links=tuple((of(identity), link) for identity, link in record.links))
        for record in part.records
    ]
