"""Calls in processes of their own, and signals that let what runs be saved before it stops."""

import contextlib
import multiprocessing
import os
import signal
import threading
from concurrent.futures import Executor, Future, ThreadPoolExecutor

from nsnn.errors import RunError, UserError


class Processes(Executor):
    """Runs each call in a new process, `jobs` at a time.

    `concurrent.futures.ProcessPoolExecutor` gives up all calls when one process dies, for want of
    memory for example. Here that call alone fails. A process is asked to stop by SIGTERM: by
    `stop`, and when the process that made it dies in whatever way.
    """

    def __init__(self, jobs: int):
        # Each thread looks after one process. What it blocks the process inherits: Ctrl-C and a
        # closed terminal are for the process that waits, which decides what to do.
        block = signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP}
        self._threads = ThreadPoolExecutor(jobs, "process", signal.pthread_sigmask, block)
        self._context = multiprocessing.get_context("spawn")
        self._running = set()
        self._stopping = False

    def submit(self, function, /, *arguments) -> Future:
        """Call `function(*arguments)`, all of it plain data, when a process may start.

        The future gives what it returns, or raises its UserError, RunError or MemoryError; RunError
        for any other, and for a death; None after SIGTERM.
        """
        return self._threads.submit(self._call, function, arguments)

    def stop(self) -> None:
        """Send SIGTERM to every process, once; those that come later end at once."""
        self._stopping = True
        for process in [*self._running]:
            process.terminate()

    def shutdown(self, wait=True, *, cancel_futures=False) -> None:
        """Kill what is still running."""
        self._stopping = True
        for process in [*self._running]:
            process.kill()
        self._threads.shutdown(wait, cancel_futures=cancel_futures)

    def _call(self, function, arguments):
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_serve, args=(theirs, function, arguments))
        with ours:
            process.start()
            theirs.close()
            self._running.add(process)
            if self._stopping:
                process.terminate()
            try:
                value, error = ours.recv()
            except EOFError:
                process.join()
                value, error = None, _death(process.exitcode)
            process.join()
            self._running.discard(process)
        if error is not None:
            raise error
        return value


def _death(code: int) -> RunError | None:
    """The error of a process that has ended without an answer; None where SIGTERM ended it."""
    if code >= 0:
        return RunError(f"its process ended with exit code {code}")
    maybe = " (out of memory?)" if code == -signal.SIGKILL else ""
    return None if code == -signal.SIGTERM else RunError(f"killed by signal {-code}{maybe}")


def _serve(pipe, function, arguments) -> None:
    """In the new process: call the function, send back what it returns or raises."""
    # A SIGTERM for the whole group, as `timeout` sends it, would come twice: by `stop` as well.
    os.setsid()
    threading.Thread(target=_stop_with_the_maker, daemon=True).start()
    try:
        answer = function(*arguments), None
    except (UserError, RunError, MemoryError) as error:
        answer = None, error
    except Exception as error:  # maybe of a library that the other process has not
        answer = None, RunError(f"{type(error).__name__}: {error}")
    with contextlib.suppress(BrokenPipeError):  # nobody waits any more
        pipe.send(answer)


def _stop_with_the_maker() -> None:
    multiprocessing.parent_process().join()
    os.kill(os.getpid(), signal.SIGTERM)


class Interruption:
    """Ctrl-C, SIGTERM and a closed terminal: the first of them only sets `requested`.

    So it is while its `with` block runs, in the main thread. The handlers from before come back
    with that first signal, so that a second Ctrl-C stops at once. Not that of SIGTERM: who stops a
    whole job, as systemd and Slurm do, reaches a training beside the runner that passes it on.
    """

    _SIGNALS = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})

    def __init__(self):
        self.requested, self._previous = False, {}

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():
            for number in self._SIGNALS:
                # nohup has SIGHUP ignored, which has to stay so.
                if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                    self._previous[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *exception):
        self._give_back(self._SIGNALS)

    def _note(self, number, frame):
        self.requested = True
        self._give_back(self._SIGNALS - {signal.SIGTERM})

    def _give_back(self, numbers):
        for number in self._previous.keys() & numbers:
            signal.signal(number, self._previous.pop(number))
