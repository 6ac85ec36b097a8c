"""Methods that rewire at every step: killed and resumed, with a log of what epochs change."""

import numpy as np
import pytest

from nsnn.errors import UserError
from nsnn.training import loop, session
from nsnn.training.checkpoint import load_topology
from nsnn.training.config_file import load_config
from nsnn.training.progress import Progress
from nsnn.training.run import Run

DEEPR = ["method.name=deepr", "method.final_sparsity=0.8", "optim.lr=0.3"]
GRADR = ["method.name=gradr", "method.alpha=0.05", "optim.momentum=0", "optim.lr=0.3"]
ADAM = ["method.name=gradr", "method.alpha=0.1", "optim.name=adam", "optim.lr=0.01"]
STEPS = 15  # of an epoch


@pytest.fixture(params=[DEEPR, GRADR, ADAM], ids=["deepr", "gradr", "gradr-adam"])
def walking(request, bare):
    """`--set` assignments of a run that rewires at every step."""
    return [*bare, *request.param, "optim.clip=1.0"]


def test_killed_in_every_epoch(walking, train, tmp_path, content):
    """Between two saves; test_resume.py has those in the middle of an epoch."""
    whole = content(train(walking, name="whole"))

    class Killing(Progress):
        def bar(self, epoch, done, batches):
            for step, batch in enumerate(batches, STEPS * epoch + done):
                if step == death:
                    raise KeyboardInterrupt
                yield batch

    config, out = load_config(None, walking), tmp_path / "run"
    for death in (5, 15, 29, 44):
        go, what = (session.start, (config, out)) if death == 5 else (session.resume, (out,))
        with pytest.raises(KeyboardInterrupt):
            go(*what, progress=Killing(3, STEPS))
    assert content(train(walking)) == whole


def test_the_mask_of_every_epoch_can_be_rebuilt(walking, tmp_path, no_sync):
    run, masks = Run(load_config(None, walking)), []

    class Looking(Progress):
        def line(self, record, seconds):
            weights = [p for p in run.network.parameters() if p.topology is not None]
            masks.append({p.name: p.positions() for p in weights})

    assert loop.train(run, tmp_path, Looking(3, STEPS, bars=False))
    log = load_topology(tmp_path / "topology.npz")
    assert len(masks) == 3
    for epoch, layers in enumerate(masks):
        assert [*layers] == log.names
        for name, positions in layers.items():
            last = STEPS * (epoch + 1) - 1
            np.testing.assert_array_equal(log.positions_at(name, last), positions)
    # It grows with epochs, not with steps: at most one event a layer in each.
    events = log.counts()
    assert 3 <= log.events <= 3 * len(log.names)
    assert set(events["step"]) <= {14, 29, 44}
    assert (events["dropped"] > 0).any()
    assert (events["grown"] > 0).any()


def test_grad_r_refuses_a_momentum_in_one_line(bare, train):
    with pytest.raises(UserError, match=r"optim\.momentum from 0\.9 to 0, or optim\.name = adam"):
        train([*bare, "method.name=gradr"])
