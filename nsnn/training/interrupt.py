"""Ctrl-C and SIGTERM during training: finish the step, save, stop."""

import signal
import threading

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """While its `with` block runs, the first signal only sets `requested`.

    The handlers from before come back with that first signal, so that a second Ctrl-C stops at
    once. Outside the main thread, where Python allows no handlers, nothing is changed.
    """

    def __init__(self):
        self.requested, self._previous = False, {}

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():
            self._previous = {number: signal.signal(number, self._note) for number in _SIGNALS}
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
