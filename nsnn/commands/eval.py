"""Test the network of a run.

examples:
  nsnn eval runs/ndsnn-glyphs-001
  nsnn eval runs/ndsnn-mnist-001 --data-dir DIR
"""

from nsnn.commands import add_plugin
from nsnn.errors import UserError


def add_arguments(parser) -> None:
    """The options of `nsnn eval`."""
    parser.add_argument("dir", metavar="DIR", help="run folder")
    parser.add_argument("--data-dir", metavar="DIR", help="where the data set is, if it has moved")
    add_plugin(parser)


def run(options) -> int:
    """Print the accuracy of a run's network on the test split, and its worst mistakes."""
    from nsnn import metrics, parallel
    from nsnn.data import load
    from nsnn.text import percent
    from nsnn.training import run_folder

    config = run_folder.read_config(options.dir)
    network = run_folder.load(options.dir)
    parallel.set_threads(config.train.threads)
    where, seed = options.data_dir or config.data.dir, config.train.seed
    data = load(config.data.name, where, config.data.validation, seed, config.time_steps)
    if data.classes != network.classes:
        raise UserError(
            f"{data.name} has {data.classes} classes, the network of {options.dir} "
            f"{network.classes}: give its own data set with --data-dir"
        )
    test = data.test
    predicted = network.predict(test.images)
    held = metrics.density(network.parameters())
    print(f"test accuracy  {percent(metrics.accuracy(predicted, test.labels))}")
    print(f"samples        {len(test.labels):,} of {data.name}")
    print(f"density        {percent(held.density)} ({held.active:,} of {held.size:,} weights)")
    confusion = metrics.confusion_matrix(predicted, test.labels, network.classes)
    for line in _worst_mistakes(confusion):
        print(line)
    return 0


def _worst_mistakes(confusion) -> list[str]:
    """The three most frequent confusions, a line each; true classes are the rows."""
    counts = [
        (int(confusion[true, taken]), true, taken)
        for true in range(len(confusion))
        for taken in range(len(confusion))
        if true != taken and confusion[true, taken]
    ]
    counts.sort(key=lambda each: each[0])
    return [
        f"mistake        class {true} taken for {taken}: {count} of {confusion[true].sum()}"
        for count, true, taken in counts[::-1][:3]
    ]
