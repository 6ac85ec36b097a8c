"""How tables and figures call labels and their values."""

from nsnn.experiments.spec import Experiment, Label

# In the order in which tables list them.
_VALUES = {
    "dense": "dense",
    "lth": "LTH",
    "admm": "ADMM",
    "set": "SET",
    "rigl": "RigL",
    "ndsnn": "NDSNN",
    "mnist": "MNIST",
    "fashion-mnist": "Fashion-MNIST",
    "cifar10": "CIFAR-10",
    "cifar100": "CIFAR-100",
    "tiny-imagenet": "Tiny-ImageNet",
    "vgg16": "VGG-16",
    "resnet19": "ResNet-19",
    "vggsnn": "VGGSNN",
    "lenet5": "LeNet-5",
    "sdsnn-mnist": "SDSNN-MNIST",
    "sdsnn-cifar": "SDSNN-CIFAR",
    "mlp": "MLP",
}


def rank(value: Label | None) -> tuple:
    """Where a label's value stands in a table: none, then numbers, then names, known ones first.

    Examples
    --------
    >>> sorted(["ndsnn", 0.98, "mine", "dense", None, 0.9], key=rank)
    [None, 0.9, 0.98, 'dense', 'ndsnn', 'mine']
    """
    if value is None:
        return (0,)
    if not isinstance(value, str):
        return (1, value)
    known = [*_VALUES]
    return (2, known.index(value) if value in known else len(known))


def label_name(label: str) -> str:
    """A label in words, such as "initial sparsity"."""
    return label.replace("_", " ")


def is_sparsity(experiment: Experiment, label: str) -> bool:
    """Whether a label is a fraction that papers print in percent."""
    return experiment.axes.get(label, "").endswith("sparsity")


def value_name(experiment: Experiment, label: str, value: Label | None) -> str:
    """A label's value in the field's spelling; sparsities in percent, None as "–"."""
    if value is None:
        return "–"
    if is_sparsity(experiment, label):
        return f"{100 * value:g} %"
    if label == "time_steps":
        return f"T = {value}"
    return _VALUES.get(value, str(value))
