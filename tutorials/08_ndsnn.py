# %% [markdown]
# # 8 · NDSNN: a network that finds its few weights while it learns
#
# **You will be able to** do a round of *drop and grow* by hand and say why a weight that does not
# exist has a gradient · read Algorithm 1 of the paper line by line and write it in twenty lines ·
# train with NDSNN, and ask its log which synapse came and went when. **Before this**: tutorials 3
# (ε, Eq. 2c), 5 (training on digits), 7 (sparse weights, ERK).
#
# **The question.** Most weights of a trained network can be removed without harm, but to learn
# *which*, one usually trains all of them first. Can a network find its few weights while it learns?
# (Huang et al., *Neurogenesis Dynamics-inspired Spiking Neural Network Training Acceleration*.)

# %%
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap

from nsnn.reference import ndsnn
from nsnn.sparsity.schedule import drop_and_grow_counts, drop_fraction_at, plan_rounds, sparsity_at
from nsnn.training.config_file import load_config
from nsnn.training.run import Run

# %% [markdown]
# ## One round by hand
# A layer has $N$ positions. Its **mask** $M$ is 1 where a weight is *active* and 0 where there is
# none; its **sparsity** $θ$ is the fraction of zeros. Our toy, in the manner of the paper's Fig. 3,
# has 3 neurons (rows) and 4 inputs (columns); positions are numbered row by row.
#
# **Drop.** The $D$ active weights nearest to zero die: they add least to any current. **Predict**:
# with $D = 3$, which go? Does the sign count?

# %%
W = np.array([[0.9, 0.0, -0.1, 0.0], [0.0, 0.4, 0.0, -0.7], [0.2, 0.0, 0.0, 0.5]])
M, D, G = (W != 0).astype(int), 3, 2  # die, are born
print(f"N = {M.size}, active = {M.sum()}, θ = {1 - M.mean():.2f}")
at = np.arange(M.size).reshape(M.shape)  # numbers of the positions
dead = at[M == 1][np.argsort(np.abs(W[M == 1]), kind="stable")[:D]]
print("positions", dead, "with weights", W.flat[dead])
assert np.array_equal(dead, ndsnn.arg_drop(W, M, D))  # the engine's
M_post = M - np.isin(at, dead)

# %% [markdown]
# **Grow.** New weights shall appear where they would lower the loss fastest. **Predict**: a weight
# that does not exist is 0. Is its gradient 0 too? Look at NDSNN Eq. 2c, with $ε$ the error at each
# neuron's membrane and $s$ the spikes of its inputs:
# $$\frac{∂L}{∂W} = \sum_t ε[t] s[t]^T .$$

# %%
rng = np.random.default_rng(3)
s = rng.integers(0, 2, (4, 6)).astype(float)  # spikes of 4 inputs; columns: time steps of samples
epsilon = rng.normal(size=(3, 6)).round(1)  # errors of 3 neurons
gradient = epsilon @ s.T
inactive = np.flatnonzero(M_post == 0)
born = inactive[np.argsort(-np.abs(gradient.flat[inactive]), kind="stable")[:G]]
print("gradient at positions", inactive, "\n", gradient.flat[inactive].round(1), "\nborn:", born)
assert np.array_equal(born, ndsnn.arg_grow(gradient, M_post, G))

# %% [markdown]
# There is no $W$ on the right of Eq. 2c. A position without a weight still has a neuron and an
# input, so it has a gradient: it says what a weight there *would* do. A new weight starts at 0: the
# network computes what it did before, and the next gradient step moves it. Three died, two were
# born, so one fewer is left: that is the whole idea.

# %%
figure, axes = plt.subplots(1, 3, figsize=(9, 3.1), layout="constrained")
colours = ListedColormap(["white", "lightgrey", "#F0A070", "#80C8A0"])
titles = ("before", "3 die: smallest |w|", "2 are born: largest |∂L/∂w|")
pictures = (M, M + np.isin(at, dead), M_post + 3 * np.isin(at, born))
for ax, title, kinds in zip(axes, titles, pictures, strict=True):
    ax.imshow(kinds, cmap=colours, vmin=0, vmax=3)
    for (r, c), kind in np.ndenumerate(kinds):
        ax.text(c, r, f"{W[r, c] if kind < 3 else 0:.1f}" if kind else "", ha="center", va="center")
    ax.set(title=title, xlabel="input", ylabel="neuron", xticks=range(4), yticks=range(3))
figure.suptitle("One round: one weight fewer, and two are elsewhere")

# %% [markdown]
# ## How many die, how many are born?
# Rounds $q = 1 … n$ come every $ΔT$ steps, at $t = qΔT < T_{end}$. Sparsity rises from $θ_i$
# to $θ_f$, fast at first (NDSNN Eq. 4); the fraction that dies falls from $d_0$ to $d_{min}$:
# $$θ_t = θ_f + (θ_i − θ_f)(1 − t/nΔT)^3 \qquad
#   d_t = d_{min} + ½ (d_0 − d_{min})(1 + \cos(πt/nΔT)) \quad \text{(NDSNN Eq. 5)}$$
# Of $N_{pre}$ weights, $D = ⌊d_t N_{pre}⌋$ die (NDSNN Eqs. 6, 7) and $G$ are born, so that a round
# ends at $N(1 − θ_t)$ weights (NDSNN Eqs. 8, 9): $G = N(1 − θ_t) − (N_{pre} − D)$. **Predict**:
# could $G$ come out negative? In early rounds or in late ones?

# %%
N, n, theta_i, theta_f, d_0, d_min = 1000, 8, 0.6, 0.95, 0.5, 0.005
N_pre = round(N * (1 - theta_i))
print("round   θ_t   d_t  N_pre    D    G  after")
for q in range(1, n + 1):
    theta_t = theta_f + (theta_i - theta_f) * (1 - q / n) ** 3
    d_t = d_min + 0.5 * (d_0 - d_min) * (1 + np.cos(np.pi * q / n))
    target, by_ratio = round(N * (1 - theta_t)), int(d_t * N_pre)
    D = max(by_ratio, N_pre - target)  # at least as many as have to go
    G = target - (N_pre - D)
    note = f"  Eq. 9: {target - N_pre + by_ratio}, so D is raised" if by_ratio < D else ""
    print(f"{q:5} {theta_t:5.3f} {d_t:5.3f} {N_pre:6} {D:4} {G:4} {target:6}{note}")
    assert np.isclose(theta_t, sparsity_at(q, n, theta_i, theta_f), rtol=1e-12)
    assert np.isclose(d_t, drop_fraction_at(q, n, d_0, d_min), rtol=1e-12)
    assert (D, G, bool(note)) == drop_and_grow_counts(N_pre, target, d_t)
    N_pre = target

# %% [markdown]
# ## NDSNN Algorithm 1, where we know the answer
# A hidden *teacher* has 30 weights at 600 positions. A linear layer with 60 weights at random
# places, 30 at the end, shall imitate it ([one page](../nsnn/reference/ndsnn.py)); for $K$ random
# inputs $s$, $∂L/∂W = (W − W_{teacher}) s s^T / K$. **Predict**: how many are right after 2 rounds?

# %%
shape, rng, lr, theta = (20, 30), np.random.default_rng(0), 0.3, (0.9, 0.95)
teacher, places = np.zeros(shape), rng.choice(600, 30, replace=False)
teacher.flat[places] = rng.choice([-1, 1], 30) * rng.uniform(0.5, 1.5, 30)
W, M, active = rng.normal(0, 0.1, shape), np.zeros(shape), round(600 * (1 - theta[0]))
M.flat[np.random.default_rng(1).choice(600, active, replace=False, shuffle=False)] = 1
batch = [(np.random.default_rng(t).random((30, 40)) < 0.3).astype(float) for t in range(400)]
page = ndsnn.algorithm_1(  # the engine's page, on the same batches
    W_page := [W.copy()], [shape], lambda W, t: [(W[0] - teacher) @ batch[t] @ batch[t].T / 40],
    np.random.default_rng(1), 400, 10, 300, *theta, lr=lr, momentum=0.0, weight_decay=0.0,
)  # fmt: skip
W *= M
for t in range(400):
    gradient = (W - teacher) @ batch[t] @ batch[t].T / 40
    if t % 10 == 0 and 0 < t < 300:  # ΔT = 10, T_end = 300: the last of 29 rounds is at 290
        target = round(600 * (1 - sparsity_at(t, 290, *theta)))
        d_t = drop_fraction_at(t, 290, 0.5, 0.005)
        D, G, _ = drop_and_grow_counts(np.count_nonzero(M), target, d_t)
        M.flat[ndsnn.arg_drop(W, M, D)] = 0
        W *= M
        M.flat[ndsnn.arg_grow(gradient, M, G)] = 1
    else:  # Algorithm 1 updates no weight in a round
        W -= lr * gradient * M
    assert np.array_equal(M, next(page)[1][0])  # the same mask after every step
    if t in (0, 10, 20, 30, 100, 399):
        right = f"{M.flat[places].sum():2.0f} right (by chance {M.sum() * 30 / 600:.1f})"
        print(f"step {t:3}: {M.sum():2.0f} weights, {right}")
np.testing.assert_allclose(W, W_page[0], rtol=0, atol=1e-12)

# %% [markdown]
# ## On digits
# 784 pixels, 100 neurons, 10 classes; 97 % of the weights shall go. Beside NDSNN stand `static`, a
# random mask that stays, `rigl` (Evci et al. 2020), which drops and grows alike but has its few
# weights from the start, and the dense network. **Predict** the order, and which pixels lose most.

# %%
runs = {}
for name in ("static", "rigl", "ndsnn", "dense"):
    words = ["model.name=custom", "model.layers=100", "train.epochs=6", f"method.name={name}"]
    words += [] if name == "dense" else ["method.final_sparsity=0.97"]
    run = runs[name] = Run(load_config(None, words))  # on glyph digits
    for step, batch in enumerate(b for epoch in range(6) for b in run.batches(epoch)):
        run.method.before_backward(step)  # NDSNN: choose what dies, watch the gradient
        run.network.loss_and_backward(batch)
        run.method.update(step, run.optimiser, run.learning_rate(step))  # a round, or SGD
        run.method.after_update(step)
    correct = run.network.predict(run.data.test.images) == run.data.test.labels
    print(f"~ {name:6} {100 * correct.mean():.1f} % of {correct.size} digits in unseen fonts right")

# %%
log, moments = runs["ndsnn"].log, [0, 40, 90, 160, 250, 415]
figure, axes = plt.subplots(1, 6, figsize=(9, 2.3), layout="constrained")
for ax, t in zip(axes, moments, strict=True):
    mask = np.zeros((100, 784))
    mask.flat[log.positions_at("linear1.weight", t)] = 1  # the log knows the mask of every step
    picture = ax.imshow(mask.mean(axis=0).reshape(28, 28), cmap="Blues", vmin=0, vmax=0.6)
    ax.set_title(f"step {t}\n{mask.sum():,.0f} synapses", fontsize=9)
    ax.set(xticks=[], yticks=[], xlabel="28 × 28 pixels")
figure.suptitle("NDSNN's synapses leave the rim and gather where digits differ", fontsize=10)
figure.colorbar(picture, ax=axes, label="share of neurons\nthat see a pixel")

# %% [markdown]
# Synapses leave the rim, where no ink ever is; a static mask keeps asking it. NDSNN began with 20 %
# of the weights and could look around more than RigL, which costs time (exercise 3).
# ## What goes wrong
# - **Too few rounds.** Where $D$ is raised nothing is born: the end of the table above is plain
#   pruning. With a hundred rounds each has little to remove, and births go on (exercise 1).
# - **A last round that never comes.** All are *before* $T_{end}$: $n = ⌈T_{end}/ΔT⌉ − 1$ (ex. 2).
# - **Inherited momentum.** A weight born where one died must start with momentum 0.
#
# **Summary.** Small weights die; new ones are born where $|∂L/∂w|$ is large, which Eq. 2c gives
# even where there is no weight; Eqs. 4 to 9 say how many. The dense network was never there.
# ## Exercises
# 1. In which share of the rounds is $D$ raised for $n = 8$ and for $n = 200$ (numbers as above)?
# 2. $T_{end} = 40$, $ΔT = 10$: with $n = T_{end}/ΔT = 4$, at which sparsity would $.6 → .95$ stop?
# 3. How sparse is a layer *on average* over the rounds? (Integrate Eq. 4.)
#
# <details><summary>Solutions</summary>

# %%
for n, share in ((8, 5 / 8), (200, 0)):  # 1
    count = 1000 * (1 - sparsity_at(np.arange(n + 1), n, 0.6, 0.95))
    by_ratio = drop_fraction_at(np.arange(1, n + 1), n, 0.5, 0.005) * count[:-1]
    assert np.mean(by_ratio < count[:-1] - count[1:]) == share
assert plan_rounds(40, 1.0, every=10).count == 3  # 2: there are rounds at 10, 20 and 30 only
assert np.isclose(sparsity_at(30, 40, 0.6, 0.95), 0.95 - 0.35 / 4**3)
mean = np.mean(sparsity_at(np.arange(10_000), 10_000, 0.6, 0.95))  # 3: ∫(1 − x)³ dx = ¼
assert np.isclose(mean, 0.95 - 0.35 / 4, atol=1e-4)

# %% [markdown]
# </details>
