"""Ctrl-C, SIGTERM and a closed terminal during training: finish the step, save, stop."""

import signal
import threading

_SIGNALS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}


class Interruption:
    """While its `with` block runs, the first signal only sets `requested`.

    The handlers from before come back with that first signal, so that a second Ctrl-C stops at
    once. Not that of SIGTERM: who stops a whole job, as systemd and Slurm do, reaches a training
    beside the runner that passes it on. Outside the main thread it changes nothing.
    """

    def __init__(self):
        self.requested, self._previous = False, {}

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                # nohup has SIGHUP ignored, which has to stay so.
                if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                    self._previous[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *exception):
        self._give_back(_SIGNALS)

    def _note(self, number, frame):
        self.requested = True
        self._give_back(_SIGNALS - {signal.SIGTERM})

    def _give_back(self, numbers):
        for number in self._previous.keys() & numbers:
            signal.signal(number, self._previous.pop(number))
