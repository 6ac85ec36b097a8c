"""What tests call in processes of their own, which import this file by its name."""

import os
import signal
import time

from nsnn.errors import UserError
from nsnn.processes import Interruption

PATIENCE = 60  # seconds


def double(number):
    return 2 * number, os.getpid()


def refuse(text):
    raise UserError(text)


def die(number):
    os.kill(os.getpid(), number)


def leave(code):
    os._exit(code)


def sleep(path):
    """Until SIGTERM, which is taken for a wish: it returns what it has."""
    asked = []
    signal.signal(signal.SIGTERM, lambda *of: asked.append("saved"))
    path.touch()
    deadline = time.monotonic() + PATIENCE
    while not asked and time.monotonic() < deadline:
        time.sleep(0.01)
    return asked


def save_slowly(path):
    """Until SIGTERM, then for some seconds, as the last step of a training may take."""
    with Interruption() as interruption:
        path.touch()
        deadline = time.monotonic() + PATIENCE
        while not interruption.requested and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(2.5)
        path.write_text("saved")
