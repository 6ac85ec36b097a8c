"""The training loop: every method, every network, one visible loop."""

import contextlib
import itertools
import math
import threading
import warnings

from tqdm import tqdm

from nsnn import metrics
from nsnn.files import append_line
from nsnn.operations import training_work
from nsnn.processes import Interruption
from nsnn.text import percent
from nsnn.training.run import diverged
from nsnn.training.stopwatch import Stopwatch
from nsnn.training.totals import EpochTotals

# A long epoch is saved this often (seconds), so that a kill costs no more.
CHECKPOINT_EVERY = 60.0

# tqdm's own lock is for several processes too; one that is killed leaves a semaphore behind.
tqdm.set_lock(threading.RLock())


def train(run, folder, progress) -> bool:
    """Train from where a `Run` stands to its last epoch, in its folder, claimed and locked.

    The run, that is network, method, optimiser and position, changes in place; `progress` shows
    bars and lines. False when a signal stopped it: the state is saved, `--resume` goes on from
    there. Raises RunError for a loss that is not finite and a full disk; the checkpoint is kept.
    """
    network, method = run.network, run.method
    with Interruption() as interruption, quiet_overflow():
        for epoch in range(run.epoch, run.config.train.epochs):
            watch = Stopwatch()
            done = run.step - epoch * run.length.steps_per_epoch  # by the run that this resumes
            if not done and method.begin_epoch(epoch):
                run.new_optimiser()
            left = itertools.islice(run.batches(epoch), done, None)
            for batch in progress.bar(epoch, done, left):
                step = run.step

                method.before_backward(step)
                loss, predictions = network.loss_and_backward(batch)
                check_finite(loss, run, folder)
                measures = network.measures()  # now: the step may end with other synapses
                work = training_work(network, measures.operations)
                method.update(step, run.optimiser, run.learning_rate(step))
                method.after_update(step)

                run.book_step(loss, predictions, batch.labels, measures, work)
                if interruption.requested or watch.running() > CHECKPOINT_EVERY:
                    run.save(folder, watch)
                if interruption.requested:
                    return False
            method.end_epoch(epoch)
            close_epoch(run, folder, progress, watch)
    return True


def check_finite(loss: float, run, folder) -> None:
    """Raise RunError before a loss that is not a number reaches a weight, naming the layer."""
    if not math.isfinite(loss):
        layer = run.network.first_non_finite()
        where = f"first in {layer}" if layer else "in the loss itself"
        raise diverged(f"loss is {loss} at step {run.step}, {where}", folder)


@contextlib.contextmanager
def quiet_overflow():
    """No warnings of NumPy while weights grow beyond bounds: `check_finite` says it in one line."""
    with warnings.catch_warnings():
        # Not np.errstate, which does not reach the threads that share the work.
        warnings.filterwarnings("ignore", "(overflow|invalid value|divide by zero)", RuntimeWarning)
        yield


def close_epoch(run, folder, progress, watch) -> None:
    """Write the epoch's line, then the checkpoint that counts it.

    A kill between the two leaves a line too many, which `--resume` takes back; not one too few.
    """
    record = epoch_record(run)
    run.keep_if_best(folder, record["validation_accuracy"])
    run.epoch, run.totals = run.epoch + 1, EpochTotals()
    append_line(folder / "metrics.jsonl", record)
    run.save(folder, watch)
    progress.line(record, watch.total())


def epoch_record(run) -> dict:
    """The epoch's line of `metrics.jsonl`: means over its steps, counts at its end."""
    sums, steps, samples = run.totals, run.totals.steps, run.totals.samples
    now, split = metrics.density(run.network.parameters()), run.data.validation
    spike_rate, density = sums.rate / steps, sums.density / steps
    own = run.method.measures()
    cost = None  # it is relative to a dense run
    if run.dense_rates:
        cost = metrics.relative_cost(spike_rate, density, run.dense_rates[run.epoch])
    validation = None
    if split is not None:
        predicted = run.network.predict(split.images, run.config.data.batch)
        validation = metrics.accuracy(predicted, split.labels)
    return {
        "epoch": run.epoch,
        "step": run.step,
        "train_loss": sums.loss / steps,
        "train_accuracy": sums.correct / samples,
        "validation_accuracy": validation,
        "learning_rate": run.learning_rate(run.step - 1),
        "density": now.density,
        "mean_density": density,
        "active_weights": now.active,
        "spike_rate": spike_rate,
        "relative_cost": cost,
        "layers": {n: {"active": a, "size": s} for n, (a, s) in now.layers.items()},
        "spike_rates": {name: rate / steps for name, rate in sums.rates.items()},
        "synaptic_operations": {
            "total": (sum(sums.operations.values()) - sums.static) / samples,
            "static": sums.static / samples,
            "layers": {name: count / samples for name, count in sums.operations.items()},
        },
        "work": sums.work,
        "currents": run.network.currents(),
        **({"method": own} if own else {}),
    }


class Progress:
    """What a run shows: a bar on standard error, an epoch's results on standard output.

    The bar is shown on a terminal only, so that no log file fills with it.
    """

    def __init__(self, epochs: int, steps: int):
        self.epochs, self.steps = epochs, steps  # `steps` of the optimiser in an epoch

    def bar(self, epoch: int, done: int, batches):
        """Pass batches on, counting them in a bar that goes when the epoch ends."""
        look = {"desc": f"epoch {epoch + 1}/{self.epochs}", "unit": "step", "leave": False}
        return tqdm(batches, total=self.steps, initial=done, disable=None, **look)

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
