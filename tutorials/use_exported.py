"""Classes by NumPy alone, from the two files of `nsnn export`: use_exported.py NAME IMAGES.npy"""

import json
import sys
from pathlib import Path

import numpy as np


def weight(arrays, name):
    """A weight, (out, in) or (out, in, kh, kw), from compressed rows or, of --dense, as it is."""
    if name in arrays:
        return arrays[name]
    W = np.zeros(arrays[f"{name}.shape"], np.float32)
    rows = np.repeat(np.arange(len(W)), np.diff(arrays[f"{name}.indptr"]))
    W[rows, arrays[f"{name}.indices"]] = arrays[f"{name}.data"]
    return W.reshape(arrays[f"{name}.dims"])


def run(layer, arrays, x):
    """The output of a layer for its input, (C, H, W, T, B) or (N, T, B)."""
    kind, name, each = layer["kind"], layer["name"], (-1, *[1] * (x.ndim - 1))  # each: by channel
    if "window" in layer:  # a convolution or a pool
        p = 2 * (layer["padding"],)
        x = np.pad(x, ((0, 0), p, p, (0, 0), (0, 0)))
        x = np.lib.stride_tricks.sliding_window_view(x, layer["window"], axis=(1, 2))
        x = x[:, :: layer["stride"], :: layer["stride"]]  # (C, H', W', T, B, kh, kw)
    if kind in ("AvgPool2d", "MaxPool2d"):
        return x.mean(axis=(5, 6)) if kind == "AvgPool2d" else x.max(axis=(5, 6))
    if kind == "Flatten":
        return x.reshape(-1, *x.shape[3:])
    if kind in ("Conv2d", "Linear", "Integrator"):
        axes = ((1, 2, 3), (0, 5, 6)) if kind == "Conv2d" else 1
        y = np.tensordot(weight(arrays, f"{name}.weight"), x, axes)
        return y + arrays[f"{name}.bias"].reshape(each) if layer["bias"] else y
    if kind == "BatchNorm":
        keys = ("gamma", "beta", "running_mean", "running_variance")
        g, b, mean, var = (arrays[f"{name}.{key}"].astype(x.dtype).reshape(each) for key in keys)
        return g * (x - mean) / np.sqrt(var + np.float32(layer["epsilon"])) + b
    if kind != "LIF":
        raise SystemExit(f"{name} is a {kind}: this program does not read it")
    v, s, soft = 0, [np.float32(0)], layer["reset"] == "subtract"
    for t in range(layer["time_steps"]):  # an input of one time step drives all of them
        v = layer["decay"] * v * (1 if soft else 1 - s[-1]) - soft * layer["threshold"] * s[-1]
        v = v + layer["gain"] * x[..., min(t, x.shape[-2] - 1), :]
        s.append((v >= layer["threshold"]).astype(x.dtype))
    return np.stack(s[1:], axis=-2)


try:
    name, file = sys.argv[1].removesuffix(".npz"), sys.argv[2]
    network = json.loads(Path(f"{name}.network.json").read_text())
    arrays, images = np.load(f"{name}.npz"), np.load(file)
except (IndexError, OSError, ValueError) as error:
    raise SystemExit(__doc__ if len(sys.argv) < 3 else f"{error}\n{__doc__}") from None
for first in range(0, len(images), 100):  # a whole test set at once needs gigabytes
    x = images[first : first + 100].astype(np.float32)
    if images.ndim < 5:  # (n, H, W) or (n, C, H, W); events, (n, T, C, H, W), go in as they are
        x = x.reshape(-1, 1, *network["input"]["shape"]) / (255 if images.dtype == np.uint8 else 1)
        mean, std = (network["input"][key] for key in ("mean", "std"))
        x = (x - np.float32(mean)[:, None, None]) / np.float32(std)[:, None, None]
    x = x.transpose(2, 3, 4, 1, 0)
    for layer in network["layers"]:
        x = run(layer, arrays, x)
    print(*x.mean(axis=1).argmax(axis=0), sep="\n")
