"""The training loop: every method, every network, one visible loop."""

import contextlib
import itertools
import math
import warnings

from nsnn import metrics
from nsnn.errors import RunError
from nsnn.files import append_line
from nsnn.training.interrupt import Interruption
from nsnn.training.stopwatch import Stopwatch

# A long epoch is saved this often (seconds), so that a kill costs no more.
CHECKPOINT_EVERY = 60.0


def train(run, folder, progress) -> bool:
    """Train from where the run stands to its last epoch.

    Parameters
    ----------
    run : Run
        Network, method, optimiser and position; changed in place.
    folder : Path
        Run folder, claimed and locked.
    progress : Progress
        Shows bars and lines.

    Returns
    -------
    bool
        False when a signal stopped it: the state is saved, `--resume` goes on from there.

    Raises
    ------
    RunError
        For a loss that is not finite, naming step and layer, and for a full disk. The last good
        checkpoint is kept.
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
                run.book_forward()
                method.update(step, run.optimiser, run.learning_rate(step))
                method.after_update(step)

                run.book_step(loss, predictions, batch.labels)
                if interruption.requested or watch.running() > CHECKPOINT_EVERY:
                    run.save(folder)
                    append_line(folder / "timing.jsonl", run.timing(watch.lap()))
                if interruption.requested:
                    return False
            method.end_epoch(epoch)
            close_epoch(run, folder, progress, watch)
    return True


def check_finite(loss: float, run, folder) -> None:
    """Stop before a loss that is not a number reaches a weight.

    Raises
    ------
    RunError
        Naming the step and the first layer with a value that is not finite.
    """
    if not math.isfinite(loss):
        layer = run.network.first_non_finite()
        where = f"first in {layer}" if layer else "in the loss itself"
        raise RunError(f"loss is {loss} at step {run.step}, {where}; {run.advice(folder)}")


@contextlib.contextmanager
def quiet_overflow():
    """No warnings of NumPy while weights grow beyond bounds: `check_finite` says it in one line."""
    with warnings.catch_warnings():
        # Not np.errstate, which does not reach the threads that share the work.
        warnings.filterwarnings("ignore", "(overflow|invalid value|divide by zero)", RuntimeWarning)
        yield


def close_epoch(run, folder, progress, watch) -> None:
    """Write the epoch's line, then the checkpoint that counts it.

    A kill between the two leaves a line too many, which `--resume` takes back; the other order
    could leave one too few.
    """
    record = epoch_record(run)
    run.keep_if_best(folder, record["validation_accuracy"])
    run.book_epoch(record)
    append_line(folder / "metrics.jsonl", record)
    run.save(folder)
    append_line(folder / "timing.jsonl", run.timing(watch.lap()))
    progress.line(record, watch.total())


def epoch_record(run) -> dict:
    """The epoch's line of `metrics.jsonl`: means over its steps, counts at its end."""
    means = run.totals.means()
    now = metrics.density(run.network.parameters())
    dense_rate = run.dense_rate(means["spike_rate"])
    return {
        "epoch": run.epoch,
        "step": run.step,
        "train_loss": means["train_loss"],
        "train_accuracy": means["train_accuracy"],
        "validation_accuracy": run.validation_accuracy(),
        "learning_rate": run.learning_rate(run.step - 1),
        "density": now.density,
        "mean_density": means["mean_density"],
        "active_weights": now.active,
        "spike_rate": means["spike_rate"],
        "relative_cost": metrics.relative_cost(
            means["spike_rate"], means["mean_density"], dense_rate
        ),
        "layers": {n: {"active": a, "size": s} for n, (a, s) in now.layers.items()},
        "spike_rates": means["spike_rates"],
        "synaptic_operations": means["synaptic_operations"],
    }
