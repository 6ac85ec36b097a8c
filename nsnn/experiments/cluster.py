"""Cells on the workers of a Dask cluster: the extra nsnn[dask], imported where it is used."""

import multiprocessing
from concurrent.futures import wait

from nsnn import __version__, plugins
from nsnn.data import DATASETS, source
from nsnn.errors import UserError
from nsnn.files import checksum
from nsnn.processes import Processes


class Dask(Processes):
    """Runs each call in a process of its own on a worker, as `Processes` does on this machine.

    When a worker dies, another one makes the call again: a run folder that both see goes on from
    its last checkpoint. `address` is that of the scheduler, such as "dask://localhost:8786"; raises
    UserError where none answers, or a worker has several threads.
    """

    def __init__(self, address: str):
        where = address.removeprefix("dask://")
        try:
            import distributed

            self._client = distributed.Client(f"tcp://{where}", timeout=10)
        except ImportError:
            raise UserError("--executor needs Dask: pip install 'nsnn[dask]'") from None
        except (OSError, ValueError):
            wrong = "no scheduler of Dask answers there; write dask://HOST:PORT"
            raise UserError(f"--executor {address}: {wrong}") from None
        threads = self._client.nthreads()  # by worker
        if {*threads.values()} != {1}:
            self._client.close()
            found = ", ".join(f"{name} has {n}" for name, n in threads.items()) or "none is there"
            wrong = f"--executor {address} needs workers of one thread ({found})"
            command = f"dask worker {where} --nworkers N --nthreads 1"
            raise UserError(f"{wrong}; start them with: {command}")
        self.jobs = len(threads)
        super().__init__(self.jobs)

    def check(self, calls: list[tuple]) -> None:
        """Raise UserError where a worker lacks a data set, this nsnn, plug-ins or runs.

        `calls` are arguments of `runner.run_cell`. Of data only that they are there is seen.
        """
        data = {(options["data.name"], options["data.dir"]) for options, *_ in calls}
        starts = {options["train.start"] for options, *_ in calls} - {""}
        paths = [plugin["file"] for plugin in plugins.loaded()]
        paths += [f"{start}/checkpoint.npz" for start in starts]
        files = {path: checksum(path) for path in paths}
        for worker, found in self._client.run(_look, data, files, on_error="return").items():
            if found != __version__:
                wrong = found if isinstance(found, Exception) else f"it has nsnn {found}"
                raise UserError(f"worker {worker}: {wrong}")

    def stop(self) -> None:
        """Leave the cluster: what is running saves and ends, nobody waits for it."""
        self._stopping = True
        self._client.close()

    def shutdown(self, wait=True, *, cancel_futures=False) -> None:
        self.stop()
        super().shutdown(wait, cancel_futures=cancel_futures)

    def _call(self, function, arguments):
        try:
            return self._client.submit(_task, function, *arguments, pure=False).result()
        except Exception:
            if self._stopping:
                return None
            raise


# On a worker


def _look(data, files) -> str:
    """The version of nsnn here; raises where data, (name, folder), or files, {path: CRC-32}, lack.

    A relative path is one of the folder in which the worker was started.
    """
    for file, wanted in files.items():
        if checksum(file) != wanted:
            raise UserError(f"{file} is missing, or another than where nsnn reproduce was started")
    for name, folder in data:
        if name in DATASETS:  # else it is a plug-in's
            source(name).find(folder or None)
    return __version__


def _task(function, *arguments):
    """A call in a process of its own, stopped when it is cancelled or the worker closes."""
    from distributed import Reschedule, get_worker

    worker, key = get_worker(), get_worker().get_current_task()
    # Python allows no processes to a daemon, as the worker of a nanny is.
    multiprocessing.current_process().daemon = False
    with Processes(1) as processes:
        future = processes.submit(function, *arguments)
        while wait([future], timeout=1.0).not_done:
            task = worker.state.tasks.get(key)
            if task is None or task.state != "executing" or worker.status.name.startswith("clos"):
                processes.stop()
                break
        if future.result() is None:  # it has saved: another worker goes on
            raise Reschedule
        return future.result()
