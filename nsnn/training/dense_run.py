"""The dense run that a run's training cost is measured against (`train.dense_run`)."""

from nsnn.errors import UserError
from nsnn.training.config_file import flatten
from nsnn.training.run_folder import read_config, read_metrics

# Runs that agree in these can be compared in what they cost.
COMPARABLE = ("data.name", "model.name", "model.layers", "model.width", "neuron.time_steps")


def dense_spike_rates(config) -> list[float]:
    """R_d of NDSNN IV-C: the spike rate of each epoch of the dense run, [] without one.

    Raises
    ------
    UserError
        When the folder holds no run, one that is not dense or has another network or data set, or
        fewer epochs.
    """
    folder, epochs = config.train.dense_run, config.train.epochs
    if not folder:
        return []
    ours, theirs = flatten(config), flatten(read_config(folder))
    _require(folder, "method.name", theirs["method.name"], "dense")
    for key in COMPARABLE:
        _require(folder, key, theirs[key], ours[key])
    rates = [record.get("spike_rate") for record in read_metrics(folder)]
    if not all(isinstance(rate, float) and rate >= 0 for rate in rates):
        raise UserError(f"train.dense_run = {folder!r}: its metrics.jsonl has no spike rates")
    if len(rates) < epochs:
        raise UserError(
            f"train.dense_run = {folder!r} has {len(rates)} finished epochs, this run {epochs}: "
            "the cost compares epoch with epoch, so train it for as long"
        )
    return rates[:epochs]


def _require(folder: str, key: str, found, wanted) -> None:
    if found != wanted:
        raise UserError(
            f"train.dense_run = {folder!r} has {key} = {found!r}, not {wanted!r}: give a dense run "
            "of the same network on the same data"
        )
