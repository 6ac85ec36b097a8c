"""Ctrl-C, SIGTERM and a closed terminal during training: finish the step, save, stop."""

import signal
import threading

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interruption:
    """While its `with` block runs, the first signal only sets `requested`.

    The handlers from before come back with that first signal, so that a second Ctrl-C stops at
    once. Outside the main thread, where Python allows no handlers, nothing is changed.
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
        self._give_back()

    def _note(self, number, frame):
        self.requested = True
        self._give_back()

    def _give_back(self):
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous = {}
