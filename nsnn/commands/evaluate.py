"""`nsnn eval`."""

import numpy as np


def evaluate(options) -> int:
    """Print the accuracy of a run's network on the test split, and its worst mistakes."""
    from nsnn import metrics, parallel
    from nsnn.data import load
    from nsnn.errors import UserError
    from nsnn.training import run_folder

    config = run_folder.read_config(options.dir)
    network = run_folder.load(options.dir)
    parallel.set_threads(config.train.threads)
    data = config.data
    where = options.data_dir or data.dir or None
    test = load(data.name, where, data.validation, config.train.seed).test
    if test.labels.max() >= network.classes:
        raise UserError(
            f"{data.name} has labels up to {test.labels.max()}, the network of {options.dir} knows "
            f"the classes 0 to {network.classes - 1}: give its own data set with --data-dir"
        )
    predicted = network.predict(test.images)
    held = metrics.density(network.parameters())
    print(f"test accuracy  {100 * metrics.accuracy(predicted, test.labels):.2f} %")
    print(f"samples        {len(test.labels):,} of {data.name}")
    print(f"density        {100 * held.density:.2f} % ({held.active:,} of {held.size:,} weights)")
    confusion = metrics.confusion_matrix(predicted, test.labels, network.classes)
    for line in worst_mistakes(confusion):
        print(line)
    return 0


def worst_mistakes(confusion, count: int = 3) -> list[str]:
    """The most frequent confusions, a line each.

    Parameters
    ----------
    confusion : ndarray of int64, shape (classes, classes)
        Row: true class; column: predicted class.
    count : int
    """
    mistakes = confusion - np.diag(np.diag(confusion))
    order = np.argsort(mistakes, axis=None, kind="stable")[::-1][:count]
    pairs = [np.unravel_index(index, mistakes.shape) for index in order]
    return [
        f"mistake        class {true} taken for {taken}: {mistakes[true, taken]} of "
        f"{confusion[true].sum()}"
        for true, taken in pairs
        if mistakes[true, taken]
    ]
