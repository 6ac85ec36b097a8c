"""How tables and figures call labels and their values."""

from nsnn.experiments.spec import Experiment, Label

_VALUES = {
    "ndsnn": "NDSNN",
    "set": "SET",
    "rigl": "RigL",
    "lth": "LTH",
    "admm": "ADMM",
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
