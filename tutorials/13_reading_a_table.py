# %% [markdown]
# # 13 · Reading a table: seeds, error bars, and what they carry
#
# **You will be able to** rebuild a row of a results table from its training runs · tell the scatter
# of seeds from the scatter of test images · say which of a table's claims its seeds carry, and
# which nobody knows. **Before this**: tutorial 8.
#
# **The question.** NDSNN's Table I: VGG-16 on CIFAR-10, 99 % sparse, RigL 84.08 %, NDSNN 88.13 %.
# Our version of that table has other numbers, and a ± with each. Which sentences may one write
# under it?

# %%
import json
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from nsnn.experiments import spec
from nsnn.experiments.cells import cells as planned
from nsnn.experiments.runner import run_cell
from nsnn.training.config_file import flatten

# %% [markdown]
# ## A cell is a training run
# `nsnn reproduce` keeps a line for each finished run in `cells.jsonl`: all its options, and all
# that was measured. [The table](results/ndsnn-table1/small/table.md) is made of nothing else.
# Beside NDSNN
# stand RigL, SET (the smallest of each sign die, births by chance) and LTH (train, prune the
# smallest weights, rewind the others, train again). **Predict**: how many runs make one number?

# %%
folder = Path("results/ndsnn-table1/small")  # we are in tutorials/
cells = [json.loads(line) for line in (folder / "cells.jsonl").read_text().splitlines()]
table = (folder / "table.md").read_text()
groups = {}
for cell in cells:
    key = cell["data"], cell["method"], cell["labels"].get("sparsity")
    groups.setdefault(key, []).append(100 * cell["test_accuracy"])
for method in ("set", "rigl", "ndsnn"):
    print(method, [f"{a:.2f}" for a in groups["cifar10", method, 0.99]])

# %% [markdown]
# ## The row by hand
# Mean $\bar a$ of $n$ seeds, and their standard deviation $σ = \sqrt{\sum (a − \bar a)²/(n − 1)}$.
# (The mean was made of the same numbers, which lie closer to it than to the truth: hence $n − 1$.)

# %%
for sparsity in (0.98, 0.99):
    for method in ("set", "rigl", "ndsnn"):
        a = np.array(groups["cifar10", method, sparsity])
        mean = a.sum() / a.size
        sd = np.sqrt(((a - mean) ** 2).sum() / (a.size - 1))
        text = f"{mean:.2f} ± {sd:.2f} ({a.size})"
        assert text in table
        print(f"{method:5} at {100 * sparsity:.0f} %: {text}")

# %% [markdown]
# ## Where the scatter comes from
# One cell, live, of the same experiment at its smallest: digits, seconds. **Predict**: the same
# seed again, and another seed: which of the numbers are equal?

# %%
cell = planned(spec.load("ndsnn-table1"), "smoke")[-1]
with tempfile.TemporaryDirectory() as runs:
    accuracy = []
    for i, seed in enumerate((0, 0, 1, 2)):
        options = flatten(cell.config) | {"train.seed": seed, "train.threads": 1}
        accuracy.append(run_cell(options, str(Path(runs) / str(i)))["test_accuracy"])
        print(f"~ {cell.labels['method']}, seed {seed}: {100 * accuracy[-1]:.2f} %")
assert accuracy[0] == accuracy[1] != accuracy[2]

# %% [markdown]
# The same seed is the same run, to the last bit; another seed is another first mask, other weights,
# another order of the digits. So a ± of one seed three times would be 0, and mean nothing.
#
# There is a second scatter: *these* test images. A network that is right with probability $p$ is
# right on a share of $N$ images that scatters by $\sqrt{p(1 − p)/N}$. It is the same images for all
# methods, so it cancels in part where two are compared, but not where ours is compared with the
# world. **Predict**: on MNIST, near 99 % right, which is larger: the seeds' scatter or the images'?

# %%
for data, sparsity in (("mnist", 0.99), ("cifar10", 0.99)):
    a = np.array(groups[data, "ndsnn", sparsity])
    p = a.mean() / 100
    images = 100 * np.sqrt(p * (1 - p) / 10_000)
    print(f"{data:7} seeds {a.std(ddof=1):.2f}, images {images:.2f} points")

# %% [markdown]
# ## Which claims do the seeds carry?
# A difference of two means is uncertain by its **standard error** $\sqrt{σ_1²/n_1 + σ_2²/n_2}$. How
# many of these must a difference be, so that chance alone makes it only once in twenty times? Two,
# with many seeds. With few, $σ$ itself is a guess: Student's $t$, with the cautious $n − 1$ degrees
# of freedom, says 4.3 for $n = 3$ and 12.7 for $n = 2$; for $n = 1$ nothing is enough.
#
# **Predict**: is NDSNN better than LTH on MNIST at 95 %? Than RigL on CIFAR-10 at 98 %?

# %%
bound, differences = {2: 12.7, 3: 4.3}, {}
print("            NDSNN −  points  errors")
for (data, method, sparsity), other in sorted(groups.items(), key=str):
    if method in ("ndsnn", "dense") or (data == "mnist" and sparsity < 0.95):
        continue
    mine = groups[data, "ndsnn", sparsity]
    difference, verdict, n = np.mean(mine) - np.mean(other), "one seed", min(len(mine), len(other))
    if n > 1:
        error = np.sqrt(np.var(mine, ddof=1) / len(mine) + np.var(other, ddof=1) / len(other))
        differences[data, method, sparsity] = difference, error
        carried = abs(difference) / error > bound[n]
        verdict = f"{difference / error:5.1f}  {'carried' if carried else 'open'}"
    print(f"{data:8} {100 * sparsity:.0f} %  {method:4} {difference:7.2f}  {verdict}")

# %% [markdown]
# "NDSNN is better than SET and RigL at 98 and 99 % on CIFAR-10, in this setting" is carried. "It
# equals LTH" is *open*, which is not the same as equal. And bold type on the larger of two numbers
# that differ by 0.01 says nothing.
#
# ## Beside the paper
# The paper prints no ±, and trains longer and wider. Levels cannot be compared; whether the *order*
# is the same can. **Predict**: are the sizes of the differences the same, too?

# %%
paper = {
    (v.labels["method"], v.labels.get("sparsity")): v.value
    for v in spec.load("ndsnn-table1").paper
    if (v.labels["data"], v.labels["model"]) == ("cifar10", "vgg16")
}
assert (paper["rigl", 0.99], paper["ndsnn", 0.99]) == (84.08, 88.13)
for who, profile in (("ours", "small"), ("paper", "full")):
    cell = next(c for c in planned(spec.load("ndsnn-table1"), profile) if "cifar10" in c.slug)
    config = flatten(cell.config)
    print(f"{who}: {config['train.epochs']} epochs, width {config['model.width']}")
shown = [(method, sparsity) for sparsity in (0.98, 0.99) for method in ("set", "rigl")]
ours = np.array([differences["cifar10", *key] for key in shown])
theirs = [paper["ndsnn", sparsity] - paper[method, sparsity] for method, sparsity in shown]
figure, ax = plt.subplots(figsize=(6, 3.2), layout="constrained")
ax.errorbar(range(4), ours[:, 0], ours[:, 1], fmt="o", capsize=4, label="ours, ± standard error")
ax.plot(range(4), theirs, "kx", label="paper, no error given")
ax.axhline(0, color="grey", lw=0.8)
ax.set(xticks=range(4), xticklabels=[f"{m}\n{100 * s:.0f} %" for m, s in shown])
ax.set(title="NDSNN leads in both, by more in ours", ylabel="NDSNN is better by (points)")
ax.set(xlabel="than this method, at this sparsity")
ax.legend()
for (method, sparsity), (a, _), b in zip(shown, ours, theirs, strict=True):
    print(f"NDSNN − {method:4} at {100 * sparsity:.0f} %: ours {a:5.2f}, paper {b:.2f} points")

# %% [markdown]
# NDSNN leads in both, in ours by more points. A likely reason: few epochs punish a method that
# finds its weights slowly more than many do. SET and RigL even change places at 99 %. So our table
# supports "NDSNN before SET and RigL" at this scale, and neither sizes nor who is second.
# ## What goes wrong
# - **The best of several seeds**, or of several settings, set beside the mean of another method.
# - **σ called "error"**: ± in our tables is σ of the seeds; that of the mean is $σ/\sqrt n$.
# - **Many comparisons**: of twenty that mean nothing, one is "carried" (exercise 3).
# - **Tuning one side only**: each of these methods was given five settings on validation images.
#
# **Summary.** A number is a mean of draws. Ask how many, how far they scatter, and whether the
# other side was treated alike. "Open" is an honest result.
# ## Exercises
# 1. With σ = 0.05 for both (MNIST at 95 %), how many seeds would make 0.03 points two errors?
# 2. If the paper's seeds scatter like ours, how many errors is its NDSNN − RigL at 98 %, of
#    one run each?
# 3. Sixty comparisons that mean nothing, each with a chance of 5 %: how likely is at least one win?
#
# <details><summary>Solutions</summary>

# %%
assert next(n for n in range(2, 99) if 2 * np.sqrt(2 * 0.05**2 / n) <= 0.03) == 23  # 1
a, b = groups["cifar10", "ndsnn", 0.98], groups["cifar10", "rigl", 0.98]  # 2
errors = theirs[1] / np.sqrt(np.var(a, ddof=1) + np.var(b, ddof=1))
assert 2.5 < errors < 3  # likely real, if so
assert np.isclose(1 - 0.95**60, 0.95, atol=0.01)  # 3: nearly certain

# %% [markdown]
# </details>
