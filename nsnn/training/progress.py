"""What a run shows while it trains: a bar where someone watches, else a line an epoch."""

import sys
import threading

from tqdm import tqdm

from nsnn.text import percent

# tqdm's own lock is for several processes too; one that is killed leaves a semaphore behind.
tqdm.set_lock(threading.RLock())


class Progress:
    """Bars on standard error, of `steps` optimiser steps an epoch; lines on standard output.

    Without `bars` given they are shown on a terminal only, so that no log file fills with them.
    """

    def __init__(self, epochs: int, steps: int, bars: bool | None = None):
        self.epochs, self.steps = epochs, steps
        self.bars = sys.stderr.isatty() if bars is None else bars

    def bar(self, epoch: int, done: int, batches):
        """Pass batches on, counting them in a bar that goes when the epoch ends."""
        look = {"desc": f"epoch {epoch + 1}/{self.epochs}", "unit": "step", "leave": False}
        return tqdm(batches, total=self.steps, initial=done, disable=not self.bars, **look)

    def line(self, record: dict, seconds: float) -> None:
        """Print an epoch's result."""
        validation = record["validation_accuracy"]
        parts = [
            f"epoch {record['epoch'] + 1:>{len(str(self.epochs))}}/{self.epochs}",
            f"loss {record['train_loss']:.4f}",
            f"train {percent(record['train_accuracy'])}",
            *([] if validation is None else [f"validation {percent(validation)}"]),
            f"density {percent(record['density'])}",
            f"spike rate {record['spike_rate']:.3f}",
            f"{seconds:.1f} s",
        ]
        print("  ".join(parts), flush=True)
