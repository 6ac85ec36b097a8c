"""The experiments that come with nsnn: every cell of every profile is one that can be trained."""

from dataclasses import replace

import pytest

from nsnn.experiments import figure, spec
from nsnn.experiments.cells import cells as cells_of
from nsnn.sparsity.distribution import er_counts
from nsnn.sparsity.prune import ladder_counts

IDS = spec.identifiers()
LARGE = 10_000_000  # weights, about as many as the papers' networks have


@pytest.mark.parametrize("name", IDS)
def test_every_cell_has_a_valid_configuration(name):
    experiment = spec.load(name)
    sizes = [size for size in ("smoke", "small", "long", "full") if size in experiment.profiles]
    assert list(experiment.profiles) == sizes
    assert "smoke" in sizes
    assert len(sizes) > 1
    figure.check(experiment)
    for profile in experiment.profiles:
        cells = cells_of(experiment, profile)
        assert len({cell.slug for cell in cells}) == len(cells)
        for cell in cells:
            method, epochs = cell.config.method, cell.config.train.epochs
            if method.name == "lth":
                options = method.options
                counts = ladder_counts(LARGE, options.prune_fraction, options.final_sparsity)
                rounds, left = len(counts) + 1, epochs - options.rewind_epochs
                length = options.round_epochs or left // rounds
                assert length >= 1, cell.slug
                assert length * rounds <= left, cell.slug


def test_experiments_share_cells():
    """fig5 has cells of table1; left of fig1 is ADMM, of work other numbers of epochs."""

    def digests(name, profile="small"):
        experiment = spec.load(name)
        return {cell.digest: cell for cell in cells_of(experiment, profile)}

    assert digests("sdsnn-fig8").keys() <= digests("sdsnn-fig5").keys()
    assert digests("sdsnn-fig8", "full").keys() <= digests("sdsnn-table1", "full").keys()
    table1 = digests("ndsnn-table1")
    assert digests("ndsnn-fig5").keys() <= table1.keys()
    left = [cell for key, cell in digests("ndsnn-fig1").items() if key not in table1]
    assert left
    assert {cell.labels["method"] for cell in left} == {"admm"}
    own = [cell for key, cell in digests("ndsnn-work").items() if key not in table1]
    assert {cell.labels["epochs"] for cell in own} == {3, 6, 20}


def test_a_static_mask_stands_beside_all_that_evolves():
    """With as many synapses, in the same layers, as long, and nothing else different."""
    for name in IDS:
        experiment = spec.load(name)
        for profile in experiment.profiles if name.startswith("esl") else ():
            configs = [cell.config for cell in cells_of(experiment, profile)]
            static = [c for c in configs if c.method.name == "static"]
            evolved = [c for c in configs if c.method.name == "esl"]
            assert evolved
            for config in evolved:
                assert any(_counterpart(config, other) for other in static), name


def _counterpart(config, other):
    own, its = config.method.options, other.method.options
    same = ["final_sparsity", "epsilon", "dense_layers"]
    same += [] if own.epsilon else ["distribution"]
    alike = all(getattr(own, key) == getattr(its, key) for key in same)
    return alike and replace(config, method=other.method) == other


def test_table_1_of_esl_has_the_connections_of_the_paper():
    experiment = spec.load("esl-table1")
    for profile in ("small", "full"):
        for cell in cells_of(experiment, profile):
            hidden, options = int(cell.labels["layers"]), cell.config.method.options
            shapes = [(hidden, 784), (10, hidden)]
            if "epsilon" in cell.labels:
                total = int(er_counts(options.epsilon, shapes[:1])[0]) + 10 * hidden
                assert options.dense_layers == "linear2"
            else:
                total = 794 * hidden
            wanted = {"800": 103_040 if "epsilon" in cell.labels else 635_200, "130": 103_220}
            assert total == wanted[cell.labels["layers"]]
    paper = {cell.slug: cell.config for cell in cells_of(experiment, "full")}
    config = paper["mnist-800-esl-epsilon60-seed1"]
    assert (config.optim.lr, config.optim.lr_end, config.data.batch) == (0.01, 1e-4, 100)
    assert (config.train.keep, config.data.validation) == ("best", 0.1)
    assert config.method.options.update_every == 1000


def test_full_is_the_setting_of_the_paper():
    experiment = spec.load("ndsnn-table1")
    cells = {cell.slug: cell for cell in cells_of(experiment, "full")}
    assert len(cells) == 3 * 2 * (1 + 4 * 4)
    paper = {frozenset(value.labels.items()) for value in experiment.paper}
    assert paper == {frozenset(cell.labels.items()) for cell in cells.values()}

    def config(slug):
        return cells[slug].config

    ndsnn = config("cifar10-vgg16-ndsnn-sparsity0.95-seed0")
    assert (ndsnn.data.batch, ndsnn.neuron.time_steps, ndsnn.train.epochs) == (128, 5, 300)
    assert (ndsnn.optim.lr, ndsnn.optim.schedule, ndsnn.train.loss) == (0.3, "cosine", "tet")
    assert (ndsnn.optim.momentum, ndsnn.optim.weight_decay) == (0.9, 5e-4)
    assert ndsnn.method.options.initial_sparsity == 0.7
    assert config("tiny-imagenet-vgg16-set-sparsity0.9-seed0").train.epochs == 100
    # 21 epochs, then 280 of each of the n + 1 rounds.
    lth = {s: config(f"cifar100-resnet19-lth-sparsity{s}-seed0") for s in (0.9, 0.95, 0.98, 0.99)}
    rounds = {s: (c.train.epochs - 21) / 280 - 1 for s, c in lth.items()}
    assert rounds == {s: len(ladder_counts(LARGE, 0.25, s)) for s in lth}
