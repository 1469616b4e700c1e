"""Distributed training: every device takes its shard of each batch, and all hold the same weights.

The engine is ``keras.distribution`` on JAX. A batch's loss and gradient are means over the whole batch on all devices,
and so are the statistics of batch normalisation: many devices train as one does, but for rounding. Only the first host
writes the run directory.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar

import keras
import numpy as np

from edge_agent.errors import AgentError, InputError

T = TypeVar("T")

_JOIN_TIMEOUT_S = 120


@dataclass(frozen=True)
class Placement:
    """One process's place in a process group.

    Attributes:
        devices: Devices on this host, the same number on every host.
        hosts: Processes that train together, usually one a machine.
        host: This one's number, from 0.
        coordinator: ``ADDRESS:PORT`` of host 0, which all hosts can reach; a port on it must be free.
    """

    devices: int = 1
    hosts: int = 1
    host: int = 0
    coordinator: str = ""


class ProcessGroup:
    """The processes and devices of a training, as seen by one of the processes.

    Attributes:
        host: This process's number.
        hosts: How many there are.
        size: Devices in all.
        is_leader: Whether this process writes files and reports to people.
    """

    def __init__(self, place: Placement, distribution: Any = None) -> None:
        self.host, self.hosts = place.host, place.hosts
        self.size = place.hosts * place.devices
        self.is_leader = place.host == 0
        self._distribution = distribution

    def distributed(self) -> AbstractContextManager[Any]:
        """While open, networks are built on all devices and batches are divided among them."""
        return nullcontext() if self._distribution is None else self._distribution.scope()

    @contextmanager
    def local(self) -> Iterator[None]:
        """While open, this process works for itself again."""
        before = keras.distribution.distribution() if self._distribution is not None else None
        if before is not None:
            keras.distribution.set_distribution(None)
        try:
            yield
        finally:
            if before is not None:
                keras.distribution.set_distribution(before)

    def broadcast(self, make: Callable[[], T]) -> T:
        """Call ``make`` on the first host and return its result on every host.

        Raises:
            AgentError: ``make`` raised it. The first host raises its error, the others say that the first host failed.
        """
        if self.hosts == 1:
            return make()
        from jax.experimental import multihost_utils

        made, failure = b"", None
        if self.is_leader:
            try:
                made = pickle.dumps(make())
            except AgentError as error:
                failure = error
        length = int(multihost_utils.broadcast_one_to_all(np.int32(len(made))))
        if failure is not None:
            raise failure
        if length == 0:
            raise InputError("host 0 gave up", remedy="See its message")
        content = np.frombuffer(made, np.uint8) if self.is_leader else np.zeros(length, np.uint8)
        received: T = pickle.loads(np.asarray(multihost_utils.broadcast_one_to_all(content)).tobytes())
        return received

    def require_same(self, what: str, content: bytes) -> None:
        """Check that all hosts were given the same content.

        Raises:
            InputError: A host's content differs; every host raises it.
        """
        if self.hosts == 1:
            return
        from jax.experimental import multihost_utils

        own = np.frombuffer(hashlib.sha256(content).digest(), np.uint8)
        found = np.asarray(multihost_utils.process_allgather(own))
        differing = [str(host) for host in range(self.hosts) if (found[host] != found[0]).any()]
        if differing:
            raise InputError(
                f"{what} on host {', '.join(differing)}",
                received="others than on host 0",
                expected="the same on every host",
            )


SINGLE_PROCESS = ProcessGroup(Placement())
"""One process with one device: no distribution."""


@contextmanager
def join_process_group(place: Placement) -> Iterator[ProcessGroup]:
    """Take this process's place in a process group.

    Call it before anything else uses the backend.

    Raises:
        InputError: The backend is not JAX, there are fewer devices than asked for, or the other hosts did not join.
    """
    _check(place)
    if place.devices == 1 and place.hosts == 1:
        yield SINGLE_PROCESS
        return
    if keras.backend.backend() != "jax":
        raise InputError(
            f"{place.devices} devices, {place.hosts} hosts",
            received=keras.backend.backend(),
            expected="the backend jax",
            remedy="Set KERAS_BACKEND=jax and install the extra train-jax",
        )
    import jax

    if place.hosts > 1:
        _connect(place)
    try:
        here = len(jax.local_devices())
        if here < place.devices:
            raise InputError("--devices", received=place.devices, expected=f"at most {here}, which this host has")
        chosen = [
            f"{device.platform}:{device.id}"
            for host in range(place.hosts)
            for device in [one for one in jax.devices() if one.process_index == host][: place.devices]
        ]
        if len(chosen) != place.hosts * place.devices:
            raise InputError(
                "--devices",
                received=f"{len(chosen)} devices in all",
                expected=f"{place.devices} on each of {place.hosts} hosts",
            )
        yield ProcessGroup(place, keras.distribution.DataParallel(devices=chosen, auto_shard_dataset=False))
    finally:
        if place.hosts > 1:
            jax.distributed.shutdown()


def check_batch(batch_size: int, images: int, group: ProcessGroup) -> None:
    """Refuse a batch that cannot be divided evenly.

    Raises:
        InputError: The batch size is no multiple of the number of devices, or there are fewer images than one batch.
    """
    if group.size > 1 and batch_size % group.size:
        raise InputError(
            "batch_size",
            received=batch_size,
            expected=f"a multiple of {group.size}, the number of devices",
            remedy="Change the recipe or the number of devices",
        )
    if group.size > 1 and images < batch_size:
        raise InputError(
            "training images",
            received=images,
            expected=f"at least {batch_size}, one batch",
            remedy="Train on one device",
        )


def _check(place: Placement) -> None:
    if place.hosts > 1 and not place.coordinator:
        raise InputError("--coordinator", received="none", expected="ADDRESS:PORT of host 0 for several hosts")
    if not 0 <= place.host < place.hosts:
        raise InputError(
            "--host",
            received=place.host,
            expected=f"less than --hosts, which is {place.hosts}",
            remedy="Name the number of all hosts with --hosts on each of them",
        )


def _connect(place: Placement) -> None:
    import jax

    try:
        jax.distributed.initialize(
            coordinator_address=place.coordinator,
            num_processes=place.hosts,
            process_id=place.host,
            initialization_timeout=_JOIN_TIMEOUT_S,
        )
    except (RuntimeError, ValueError) as error:
        where = f"host {place.host} of {place.hosts} at {place.coordinator}"
        raise InputError(
            f"{where}: {str(error).splitlines()[0]}",
            remedy="Start every host within two minutes, with the same --hosts and --coordinator",
        ) from None
