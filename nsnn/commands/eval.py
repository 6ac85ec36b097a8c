"""Test the network of a run.

examples:
  nsnn eval runs/ndsnn-glyphs-001
  nsnn eval runs/ndsnn-mnist-001 --data-dir DIR
"""

from nsnn.commands import PLUGIN, folder
from nsnn.errors import UserError

ARGUMENTS = {
    "dir": {"metavar": "DIR", "help": "run folder"},
    "--data-dir": {"type": folder, "metavar": "DIR",
                   "help": "where the data set is, if it has moved"},
    "--plugin": PLUGIN,
}  # fmt: skip


def run(options) -> int:
    """Print the accuracy of a run's network on the test split."""
    from pathlib import Path

    from nsnn import metrics, parallel
    from nsnn.experiments.fingerprints import of_data, of_folder
    from nsnn.text import percent
    from nsnn.training import run_folder
    from nsnn.training.build import load_data

    config = run_folder.read_config(options.dir)
    network = run_folder.load(options.dir)
    parallel.set_threads(config.train.threads)
    data = load_data(config, options.data_dir)
    if data.classes != network.classes:
        what = f"{data.name} has {data.classes} classes, the network of {options.dir}"
        raise UserError(f"{what} {network.classes}: give its own data set with --data-dir")
    if not of_folder(Path(options.dir), config).agrees(of_data(data)):
        where = options.data_dir or config.data.dir or "its usual place"
        note = f"note: {data.name} in {where} is not the data that this run was trained on"
        print(f"{note} (another checksum): give the old files with --data-dir, or train anew")
    scores, labels = network.scores(data.test.images), data.test.labels
    predicted, undecided = scores.argmax(axis=1), network.undecided(scores)
    held = metrics.density(network.parameters())
    print(f"test accuracy  {percent(metrics.accuracy(predicted, labels))}")
    print(f"samples        {len(labels):,} of {data.name}")
    if undecided is not None:
        print(f"undecided      {undecided:,}, without an output spike")
    print(f"density        {percent(held.density)} ({held.active:,} of {held.size:,} weights)")
    return 0
