"""Many devices and hosts train as one does. All on the CPU, which JAX divides into as many devices as asked for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edge_agent.errors import InputError
from tests.support.broker import free_port
from tests.train.faces import bright_halves
from train.fit.augment import Augmentation
from train.fit.batches import EpochBatches, Examples, Throughput, Variation, one_hot
from train.fit.distributed import SINGLE_PROCESS, Placement, ProcessGroup, check_batch, join_process_group
from train.fit.run_dir import RunDir

SCRIPT = """
import sys
from pathlib import Path
from msgspec.structs import replace
from tests.train.faces import bright_halves, two_to_one
from tests.train.fit.test_trainer import RECIPE
from train.fit.recipe import Phase
from train.fit.run_dir import RunDir
from train.fit.distributed import Placement, join_process_group
from train.fit.inputs import TrainingInputs
from train.fit.trainer import fit
folder, devices, hosts, host, coordinator = sys.argv[1:]
faces = bright_halves()
with join_process_group(Placement(int(devices), int(hosts), int(host), coordinator)) as group:
    recipe = replace(RECIPE, phases=(Phase(epochs=2),))
    for resume in (False, True):  # the second time the run is finished
        fit(TrainingInputs(recipe, faces, two_to_one(faces)), RunDir(Path(folder)), group=group, resume=resume)
"""


def start(
    folder: Path, *, devices: int = 1, hosts: int = 1, host: int = 0, coordinator: str = "", on_this_host: int = 1
) -> subprocess.Popen[bytes]:
    flags = f"--xla_force_host_platform_device_count={on_this_host}"
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "XLA_FLAGS": flags}
    words = [str(folder), str(devices), str(hosts), str(host), coordinator]
    return subprocess.Popen([sys.executable, "-c", SCRIPT, *words], env=environment, stderr=subprocess.PIPE)


def finish(process: subprocess.Popen[bytes]) -> None:
    _, said = process.communicate(timeout=500)
    assert process.returncode == 0, said.decode()


def losses(folder: Path) -> list[tuple[float, float]]:
    return [(row.loss, row.val_loss) for row in RunDir(folder).metrics()]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("jax", reason="JAX is not installed: pip install 'classroom-edge-agent[train-jax]'")
    folder = tmp_path_factory.mktemp("runs") / "alone"
    finish(start(folder))
    return folder


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_devices_give_the_losses_of_one(alone: Path, tmp_path: Path) -> None:
    finish(start(tmp_path / "run", devices=2, on_this_host=2))
    assert losses(tmp_path / "run") == [pytest.approx(row, rel=1e-3) for row in losses(alone)]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_hosts_give_the_losses_of_one(alone: Path, tmp_path: Path) -> None:
    coordinator = f"127.0.0.1:{free_port()}"
    pair = [start(tmp_path / f"host{host}", hosts=2, host=host, coordinator=coordinator) for host in range(2)]
    for process in pair:
        finish(process)
    assert losses(tmp_path / "host0") == [pytest.approx(row, rel=1e-3) for row in losses(alone)]
    assert RunDir(tmp_path / "host0").model_path.is_file()
    assert not (tmp_path / "host1").exists()


@pytest.mark.parametrize("hosts", [2, 4])
def test_the_shards_of_all_hosts_put_together_are_the_batch(hosts: int) -> None:
    faces = bright_halves(120)
    how = Augmentation(flip=True, shift_px=4, noise=0.2, erase=0.5)

    def batches(shard: tuple[int, int]) -> EpochBatches:
        return EpochBatches(
            Examples(faces.images, one_hot(faces.labels, 2)),
            Variation(how),
            epoch=3,
            seed=1,
            batch_size=40,
            shard=shard,
        )

    whole = batches((0, 1))[1]
    parts = [batches((host, hosts))[1] for host in range(hosts)]
    for index in range(2):
        np.testing.assert_array_equal(np.concatenate([part[index] for part in parts]), whole[index])


def test_another_backend_than_jax_trains_on_one_device_alone() -> None:
    with (
        pytest.raises(
            InputError, match=r"2 devices, 1 hosts: got tensorflow, expected the backend jax. Set KERAS_BACKEND"
        ),
        join_process_group(Placement(devices=2)),
    ):
        pass
    with join_process_group(Placement()) as group:
        assert group is SINGLE_PROCESS


def test_a_hosts_number_without_the_number_of_hosts_is_refused() -> None:
    with (
        pytest.raises(InputError, match="--host: got 1, expected less than --hosts, which is 1"),
        join_process_group(Placement(host=1)),
    ):
        pass


def test_batches_that_cannot_be_divided_evenly_are_refused() -> None:
    group = ProcessGroup(Placement(devices=3, hosts=2))
    check_batch(12, 100, group)
    with pytest.raises(InputError, match="batch_size: got 16, expected a multiple of 6"):
        check_batch(16, 100, group)
    with pytest.raises(InputError, match="training images: got 10, expected at least 12, one batch"):
        check_batch(12, 10, group)
    check_batch(7, 3, SINGLE_PROCESS)


def test_a_step_waits_from_the_end_of_the_last_one_until_its_batch_is_ready() -> None:
    throughput = Throughput(100.0)
    throughput.step(started_at=101.0, ready_at=102.0, ended=103.0)  # was traced for a second, then waited one
    throughput.step(started_at=101.0, ready_at=102.5, ended=105.0)  # was ready before it was wanted
    throughput.step(started_at=102.0, ready_at=108.0, ended=110.0)  # waited three
    assert (throughput.seconds, throughput.waiting) == (10.0, 0.4)
