"""The same jobs in other libraries: what they have to build, and that they are there.

Nothing here imports a peer; `nsnn.bench.peer_training` does, in a child process.
"""

import importlib.util

from nsnn.bench.job import Job
from nsnn.errors import UserError

# What has to be importable for each value of --against.
PEERS = {
    "spikingjelly": ("torch", "spikingjelly"),
    "snntorch": ("torch", "snntorch"),
    "torch": ("torch",),
}


def require(library: str) -> None:
    """Check that a peer is installed, without importing it.

    Raises
    ------
    UserError
    """
    missing = [name for name in PEERS[library] if importlib.util.find_spec(name) is None]
    if missing:
        raise UserError(
            f"--against {library} needs {' and '.join(missing)}, not installed here: "
            "pip install 'nsnn[peers]'"
        )


def plan(job: Job) -> list[dict]:
    """The layers of a job's network, as plain data that a peer builds the same network from.

    Parameters
    ----------
    job : Job

    Returns
    -------
    list of dict
        In order of execution: "kind" ("conv", "linear", "norm", "lif", "max_pool",
        "average_pool" or "flatten") and what that kind needs; for a weight also "active", the
        number of its positions that a mask keeps, None where it is dense.

    Raises
    ------
    UserError
        For a network with a layer that has no counterpart there.
    """
    # Here and not above: a process that trains a peer has no use for the engine.
    from nsnn.bench.step import build_network

    return describe(build_network(job)[0])


def describe(network) -> list[dict]:
    """The plan of a network, see `plan`."""
    from nsnn.layers import Residual

    if any(isinstance(part, Residual) for part in network.body.parts):
        raise UserError("--against takes networks that are one chain of layers")
    plan = []
    for layer in network.layers():
        # A norm or a neuron sees what the last layer with weights has put out.
        image = next((item["kind"] == "conv" for item in reversed(plan) if "active" in item), True)
        plan.append(_item(layer, image))
    return plan


def _item(layer, image: bool) -> dict:
    """One layer's line of a plan; `image`: its input has pixels."""
    from nsnn import layers

    match layer:
        case layers.Conv2d():
            return {"kind": "conv", "geometry": layer.geometry, **_weight(layer)}
        case layers.Linear():
            return {"kind": "linear", **_weight(layer)}
        case layers.BatchNorm():
            return {"kind": "norm", "channels": layer.gamma.size, "image": image}
        case layers.MaxPool2d():
            return {"kind": "max_pool", "k": layer.k}
        case layers.AvgPool2d():
            return {"kind": "average_pool", "k": layer.k}
        case layers.LIF():
            return {"kind": "lif"}
        case layers.Flatten():
            return {"kind": "flatten"}
    raise UserError(f"--against: {layer.name} has no counterpart in the other libraries")


def _weight(layer) -> dict:
    """Sizes of a layer with weights."""
    outputs, inputs = layer.weight.dims[:2]
    active = None if layer.weight.topology is None else layer.weight.active
    return {"inputs": inputs, "outputs": outputs, "active": active}
