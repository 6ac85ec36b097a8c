# %% [markdown]
# # 11 · SD-SNN: a network that prunes and repairs itself
#
# **You will be able to** move the bounds of a synapse by hand · say which neurons go, how many ·
# say why a pruned neuron has no gradient, and what stands in its place · watch a network that has
# lost too much repair itself. **Before this**: tutorials 3 (δ, φ, ε), 7, 8.
#
# **The question.** NDSNN and ESL are told how sparse to be. Can a network find out itself which of
# its *neurons* it needs, and undo it where too many went? (Han et al., *Adaptive Sparse Structure
# Development with Pruning and Regeneration for Spiking Neural Networks*.)

# %%
import matplotlib.pyplot as plt
import numpy as np

from nsnn.neuron import from_preset
from nsnn.reference.lif import lif_backward, lif_forward
from nsnn.sparsity import spines
from nsnn.training.config_file import load_config
from nsnn.training.run import Run

# %% [markdown]
# ## The bounds of one dendrite
# A synapse sits on a *spine*, which grows with use and shrinks without. Here that is two bounds,
# $R^- ≤ w ≤ R^+$, at first $±\max|W|$ of the layer. Once an epoch (SD-SNN Algorithm 1) a weight
# above $R^+$ is set back; $N^+$ counts for how many epochs *running*, $C^+$ by how much in all, and
# $N^d$ for how many $|w|$ fell. Past $T_{num}$: $R^+$ out by $C^+/T_{num}$; or both bounds in to ¾.


# %%
def constrain(w, s, T_num):
    """Algorithm 1 for one synapse: its weight after it; its state s changes."""
    above = max(0, w - s["R+"])  # with R-, N- and C- the same, mirrored
    s["N+"], s["C+"] = (s["N+"] + 1, s["C+"] + above) if above else (0, 0)
    w = min(w, s["R+"])
    s["Nd"] = s["Nd"] + 1 if abs(w) < abs(s["before"]) else 0
    if s["N+"] > T_num:  # a rule that has acted counts from 0 again
        s["R+"], s["N+"], s["C+"] = s["R+"] + s["C+"] / T_num, 0, 0
    if s["Nd"] > T_num:
        s["R+"], s["R-"], s["Nd"] = 0.75 * s["R+"], 0.75 * s["R-"], 0
    s["before"] = w
    return w


# %% [markdown]
# Three synapses, $T_{num} = 2$. Training pushes the first up by 0.1 an epoch, lets the second decay
# by 3 %, turns the third's sign. **Predict**: when does the first's $R^+$ leave 1, and to where?

# %%
w, start, T_num = np.array([1.0, 0.5, 0.3]), {"R+": 1.0, "R-": -1.0}, 2
states = [start | {"before": x} | dict.fromkeys(["N+", "Nd", "C+"], 0) for x in w]
engine = {"upper": np.ones(3), "lower": -np.ones(3), "previous": np.abs(w)}
engine, history = engine | {key: np.zeros(3) for key in ("beyond", "excess", "decays")}, []
for epoch in range(1, 25):
    trained = np.array([w[0] + 0.1, 0.97 * w[1], -w[2]])
    w = np.array([constrain(x, s, T_num) for x, s in zip(trained, states, strict=True)])
    np.testing.assert_allclose(spines.constrain(trained, engine, T_num), w, rtol=1e-12)
    np.testing.assert_allclose(engine["upper"], [s["R+"] for s in states], rtol=1e-12)
    history.append((w, engine["lower"].copy(), engine["upper"].copy()))
    if epoch in (1, 2, 3, 4, 12, 24):
        print(f"epoch {epoch:2}: w =", w.round(3), "  R⁺ =", engine["upper"].round(3))

# %%
figure, axes = plt.subplots(1, 3, figsize=(9, 2.8), layout="constrained", sharey=True)
titles = ("pushed: its bound gives way", "fading: its bounds close in", "turning: nothing happens")
for ax, title, (x, low, up) in zip(axes, titles, np.array(history).transpose(2, 1, 0), strict=True):
    ax.fill_between(range(1, 25), low, up, alpha=0.15, label="from R⁻ to R⁺")
    ax.plot(range(1, 25), x, "o-", color="C1", markersize=3, label="weight")
    ax.set(title=title, xlabel="epoch", ylabel="weight")
axes[0].legend(loc="lower right")

# %% [markdown]
# The third time above 1 is more than $T_{num}$: out by 0.3/2. The fading synapse meets its own
# bounds after a dozen epochs, and fades faster. A narrow range tells of a synapse not needed.
# ## Which neurons go, and how many?
# A neuron's **importance** is the range of all its inputs, $D_i = \sum_j (R^+_{ij} - R^-_{ij})$
# (SD-SNN Eqs. 4, 5). The $ρ$ % of a layer with the smallest $D$ lose *all* inputs. **Predict**: who
# of these five goes at $ρ = 50$? (Neuron 4 went earlier: its $D$ is 0, and it counts.)

# %%
R = np.array([[1.1, 0.4, 1.0], [0.6, 0.5, 0.7], [1.0, 1.0, 1.0], [0.2, 0.9, 0.3], [0, 0, 0]])
D, gone, at, rho = (R - -R).sum(axis=1), R.sum(axis=1) == 0, np.flatnonzero(R), 50
new = np.setdiff1d(np.argsort(D)[: int(5 * rho / 100)], np.flatnonzero(gone))
print("D =", D.round(1), " go now:", new)
np.testing.assert_allclose(spines.importance(at, R.flat[at], -R.flat[at], (5, 3)), D)
assert np.array_equal(np.flatnonzero(spines.least_important(D, rho, gone)), np.sort(new))

# %% [markdown]
# After each epoch $E$ > START = 36, $ρ$ grows by $a\,N^l/N^{l+1}$ (SD-SNN Eq. 6), $N^l$ neurons in
# layer $l$: they compete for the next layer's. $a = e^{-(E - 36)}$ up to epoch 60, then 0.00075
# (SD-SNN Eq. 7). **Predict**: from $ρ = 50$, how many of 300 neurons that feed 10 are gone after
# 150 epochs? Does it matter if $N$ counts all of them, or those that are left?

# %%
for live, rho in ((False, 50), (True, 50)):
    for E in range(37, 150):
        pruned = int(300 * rho / 100)
        a = np.exp(-(E - 36 - live)) if E <= 60 else 0.00075  # public code: live, and from e⁰ on
        step = a * (300 - live * pruned) / 10
        assert np.isclose(step, spines.rate_step(E, 36 + live, 1, 0.00075, 30 - live * pruned / 10))
        rho += step
    share = 100 * pruned * 1960 / 596_535  # 1960 inputs each, 596,535 weights in the network
    print("those left:" if live else "all:       ", f"ρ = {rho:.1f}, {pruned} gone: {share:.2f} %")

# %% [markdown]
# The % are weights. It slows, as $a$ fades. The paper has 70.40 %: so it counts those left.
# ## A silent neuron has no gradient
# A pruned synapse may come back if it "obtains a large gradient update several times". **Predict**:
# two neurons, both with errors $δ$ = dL/do, the second without inputs. What is its row of dL/dW?

# %%
rng, neuron = np.random.default_rng(0), from_preset("sdsnn")  # threshold 1, decay 0.2, reset to 0
s, W = rng.integers(0, 2, (4, 6)).astype(float), np.array([[0.4, 0.3, 0.5, 0.2], [0, 0, 0, 0]])
delta, epsilon, later = rng.normal(size=(2, 6, 1)), np.zeros((2, 6, 1)), 0
v, o = lif_forward((W @ s)[..., None], neuron)  # (neurons, T, 1 sample)
phi = np.abs(v - neuron.threshold) < 1 / 2  # the rectangle
for t in reversed(range(6)):
    epsilon[:, t] = later = delta[:, t] * phi[:, t] + neuron.decay * (1.0 - o[:, t]) * later
np.testing.assert_allclose(epsilon, lif_backward(delta, v, o, neuron), rtol=1e-12)
print("Σ ε sᵀ\n", (epsilon[..., 0] @ s.T).round(2), "\nΣ δ sᵀ\n", (delta[..., 0] @ s.T).round(2))

# %% [markdown]
# dL/dW = Σ ε sᵀ (SD-SNN Eq. 3). No input: $v = 0$, a whole threshold away, outside the rectangle:
# $φ = 0$, nothing to rank. Without $φ$ something is left: what a spike *would* do to the loss. So
# the **score** is $|\sum δ s^T|$ over an epoch's last batches. A synapse grows back whose score
# is above the $ρ_g$-th percentile of its layer for more than $T_{num}$ epochs running, with
# its mean $|w|$ and the sign that lowers the loss: its neuron can fire. $ρ_g$ rises (SD-SNN Eq. 8).
# ## SD-SNN Algorithm 2 on digits, with far too much pruned
# 60 neurons, ρ = 85: nine shall stay. 150 epochs become 20, so $T_{num}$ = 2, START = 4. Beside it:
# no regeneration; a random mask, `static`, as large; a dense network. **Predict** the final order.


# %%
def train(*more):
    """A run at its end; share of synapses and validation accuracy after each epoch, in %."""
    words = ["model.name=custom", "model.layers=60", "neuron.preset=sdsnn", "neuron.time_steps=2"]
    words += ["model.norm=none", "data.validation=0.1", "data.batch=50", "train.epochs=20"]
    words += ["optim.name=adam", "optim.lr=2e-3", "optim.weight_decay=0"]
    run, found = Run(load_config(None, [*words, *more])), []
    n, p, held = run.length.steps_per_epoch, run.network.parameters()[0], run.data.validation
    for epoch in range(run.length.epochs):
        for step, batch in enumerate(run.batches(epoch), n * epoch):
            run.method.before_backward(step)  # late in an epoch: observe Σ δ sᵀ
            run.network.loss_and_backward(batch)
            run.method.update(step, run.optimiser, run.learning_rate(step))
            run.method.after_update(step)
        run.method.end_epoch(epoch)  # constrain, prune, regenerate
        right = run.network.predict(held.images) == held.labels
        found.append((100 * p.active / p.size, 100 * right.mean()))
    return run, np.array(found)


sdsnn = ["method.name=sdsnn", "method.linear_rate=85"]
runs = {"SD-SNN": train(*sdsnn), "no regeneration": train(*sdsnn, "method.regenerate=false")}
mask = f"method.final_sparsity={1 - runs['SD-SNN'][1][-1, 0] / 100}"
runs["static"] = train("method.name=static", mask, "method.dense_layers=linear2")
runs["dense"] = train("method.name=dense")
for name, (run, found) in runs.items():
    right = 100 * np.mean(run.network.predict(run.data.test.images) == run.data.test.labels)
    spikes = run.network.measures().spike_rate  # per neuron and time step
    print(f"~ {name:15} {found[-1, 0]:5.1f} % of synapses, {right:.1f} % right, rate {spikes:.3f}")

# %%
figure, ax = plt.subplots(figsize=(6.5, 3.2), layout="constrained")
for name, (_, found) in runs.items():
    ax.plot(range(1, 1 + len(found)), found[:, 1], ".-", label=name)
ax.set(xlabel="epoch", ylabel="validation accuracy (%)", xticks=range(0, 21, 5))
ax.set_title("What grows back repairs the network")
ax.legend()

# %% [markdown]
# In the run above SD-SNN ends level with the dense network, on a third of the synapses; `static` is
# not far behind. Without regeneration the nine that stay never fire: $D$ has kept the wrong ones.
# ## What goes wrong
# - **$D$ takes the silent for important**: no gradient, so no $|w|$ falls, unless weights decay.
# - **Pruned, yet alive**: a bias above the threshold fires without input. So it is 0 meanwhile.
#
# **Summary.** Bounds remember what became of a synapse; neurons with narrow ones go, at a rate that
# settles; $\sum δ s^T$ speaks for them where the gradient is silent.
# ## Exercises
# 1. $|w|$ falls in all 149 epochs after the first, $T_{num} = 18$. How often do its bounds shrink?
# 2. Public code has $ρ_g = 60 + 1.1^{E - 37}$, at most 99. From which epoch on is it 99?
# 3. Let synapses grow back at 0 (`method.regrown=zero`). Why is that no repair?
#
# <details><summary>Solutions</summary>

# %%
s = {key: np.zeros(1) for key in ("excess", "beyond", "decays")}  # 1: every 19 epochs
s |= {"upper": np.ones(1), "lower": -np.ones(1), "previous": np.ones(1)}
for e in range(1, 150):
    spines.constrain(np.array([0.5**e]), s, 18)
assert s["upper"] == 0.75 ** (149 // 19)
assert [spines.growth_rate(60, E, 36, 60, False) == 99 for E in (75, 76)] == [False, True]  # 2
run, _ = train(*sdsnn, "method.regrown=zero")  # 3: v is the bias alone, so φ = 0, for ever
p, listed = run.network.parameters()[0], run.method.hidden[0].listed
assert np.abs(p.values()[listed[p.positions() // 784]]).max() == 0

# %% [markdown]
# </details>
