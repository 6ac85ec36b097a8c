# %% [markdown]
# # 9 · First spikes: a network with an exact gradient
#
# **You will be able to** compute when a neuron fires, in closed form · differentiate that time
# without any surrogate · train a network of spike times by hand (XOR), then on digits · say where
# even an exact gradient is blind. **Before this**: tutorials 1 (a neuron), 2 (why a spike count has
# no gradient), 4 (finite differences).
#
# **The question.** A small change of a weight never changes *how many* spikes there are, until it
# suddenly does: hence the surrogates. But it always changes *when* a spike comes. Can we compute
# with times instead? (Mostafa 2018; ESL, tutorial 10: [formulas](../nsnn/reference/firstspike.py).)

# %%
import matplotlib.pyplot as plt
import numpy as np

from nsnn.data import Batch
from nsnn.firstspike import FirstSpikeNetwork
from nsnn.layers.firstspike import FirstSpike
from nsnn.plot import race
from nsnn.reference import firstspike as reference
from nsnn.training.config_file import load_config
from nsnn.training.run import Run

# %% [markdown]
# ## When does it fire?
# This neuron does not leak. Input $i$ fires once, at time $t_i$, and starts a current that decays
# with time constant 1; the potential collects it (ESL Eq. 3):
# $$V(t) = \sum_i Θ(t − t_i) w_i (1 − e^{−(t − t_i)}),$$
# where $Θ(x)$ is 1 for $x > 0$, else 0. It fires when $V = 1$, once. Let $C$, the **causal set**,
# be the inputs that come before that. Write $z = e^t$ for every time, so $e^{−(t − t_i)} = z_i/z$
# (ESL Eqs. 4, 5), and $V = 1$ is
# $$\sum_C w_i − \frac{1}{z} \sum_C w_i z_i = 1 ⟹ z = \frac{\sum_C w_i z_i}{\sum_C w_i − 1}$$
# **Predict**: inputs come at times 0, 0.5 and 1.5 with weights 0.8, 1 and 0.6. Which are in $C$?

# %%
t_in, w = np.array([0, 0.5, 1.5]), np.array([0.8, 1.0, 0.6])
z_in, C = np.exp(t_in), [0, 1]
z = w[C] @ z_in[C] / (w[C].sum() - 1)
t = np.linspace(0, 3, 30_001)
V = np.maximum(0, 1 - np.exp(t_in - t[:, None])) @ w  # before t_i the bracket is negative: no Θ
print(f"formula: t = {np.log(z):.4f}; V passes 1 at t = {t[V >= 1][0]:.4f}; third input at 1.5")

# %%
figure, ax = plt.subplots(figsize=(6, 3.2), layout="constrained")
ax.plot(t, V, color="lightgrey", label="without the spike")
ax.plot(t[t <= np.log(z)], V[t <= np.log(z)], color="#0072B2", label="potential V")
ax.vlines(t_in, 0, 0.12, color=["#009E73", "#009E73", "#D55E00"], lw=3)
ax.plot(np.log(z), 1, "^", color="#0072B2", ms=9)
ax.axhline(1, color="black", ls="--", lw=0.8)
ax.set(xlabel="time t (time constants of the current)", ylabel="V (thresholds)", ylim=(0, 1.8))
ax.set_title("The third input (orange) comes too late to matter")
ax.legend(frameon=False)

# %% [markdown]
# ## Whom does it wait for?
# We guessed $C$. In general: take the inputs in the order of their times, one more at a time, until
# their $w$ sum to more than 1 and the formula's spike is *before* the next input; else $z = ∞$.


# %%
def spike_time(w, z_in):
    order = np.argsort(z_in, kind="stable")
    for n in range(1, len(order) + 1):
        first = order[:n]
        following = z_in[order[n]] if n < len(order) else np.inf
        if w[first].sum() > 1:
            z = w[first] @ z_in[first] / (w[first].sum() - 1)
            if z <= following:
                return z
    return np.inf


rng = np.random.default_rng(0)
layer = FirstSpike(8, 200, rng, initial_sum=4, dtype=np.float64)  # the engine: 200 neurons
layer.weight.data[...] = rng.normal(0.3, 0.5, (200, 8))
times = np.exp(rng.uniform(0, 2, (8, 1)))
by_hand = np.array([[spike_time(w_j, times[:, 0])] for w_j in layer.weight.data])
np.testing.assert_allclose(layer.forward(times), by_hand, rtol=1e-12)
np.testing.assert_allclose(reference.spike_times(layer.weight.data, times), by_hand, rtol=1e-12)
print(f"{np.isinf(by_hand).sum()} of 200 neurons with random weights never fire")

# %% [markdown]
# ## The exact gradient
# Differentiate $z$; for $i ∈ C$, with $S = \sum_C w − 1$:
# $$∂z/∂w_i = (z_i − z)/S, \qquad ∂z/∂z_i = w_i/S$$
# and 0 for all others. **Predict**: which sign has $∂z/∂w$? What is it for the third input?

# %%
h, z = 1e-6, spike_time(w, z_in)
S = w[z_in < z].sum() - 1
dz_dw, dz_dz = np.where(z_in < z, ((z_in - z) / S, w / S), 0)
print("input   ∂z/∂w  difference   ∂z/∂z_i  difference")
for i, e in enumerate(h * np.eye(3)):
    in_w = (spike_time(w + e, z_in) - spike_time(w - e, z_in)) / (2 * h)
    in_z = (spike_time(w, z_in + e) - spike_time(w, z_in - e)) / (2 * h)
    print(f"{i:5} {dz_dw[i]:7.4f}     {in_w:7.4f}   {dz_dz[i]:7.4f}     {in_z:7.4f}")
    np.testing.assert_allclose([in_w, in_z], [dz_dw[i], dz_dz[i]], atol=1e-7)

# %% [markdown]
# More weight, an earlier spike; an input after the spike changes nothing. No surrogate anywhere.
# ## XOR with spike times
# Two bits: 0 is a spike at $t = 0$, 1 one at $t = 2$; a third input always fires at 0. Four hidden
# neurons, two outputs; the output that fires *first* names the class. So $−z$ is a score, and the
# loss for the true class $g$ is that of any classifier (ESL Eq. 6); $1[k = g]$ is 1 for it, else 0:
# $$L = −\ln p_g, \qquad p_k = e^{−z_k} / \sum_l e^{−z_l}, \qquad ∂L/∂z_k = 1[k = g] − p_k$$
# A neuron that never fires has no gradient at all. So a second term, the **K-term**
# $K \sum_j \max(0, 1 − \sum_i w_{ji})$, lifts weights whose sum is too small for a spike.

# %%
rng, bits, late = np.random.default_rng(4), np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.exp(2)
labels = bits[:, 0] ^ bits[:, 1]
z_0 = np.vstack([np.where(bits.T, late, 1), np.ones(4)])  # (3 inputs, 4 samples)
W_1, W_2 = rng.uniform(0.2, 1.2, (4, 3)), rng.uniform(0.2, 0.9, (2, 4))
options = FirstSpikeNetwork.Config(dark=late, largest_gradient=1e9)  # we make them smaller below
engine = FirstSpikeNetwork([4], (1, 1, 3), 2, options, rng, np.float64)
for p, W in zip(engine.parameters(), (W_1, W_2), strict=True):
    p.data[...] = W
images = 255 * (z_0.T == 1).astype(np.uint8).reshape(4, 1, 1, 3)  # bright pixels fire first
for step in range(201):
    z_1 = reference.spike_times(W_1, z_0)  # our `spike_time` for each neuron and sample
    z_2 = reference.spike_times(W_2, z_1)
    L, back_2 = reference.loss(z_2, labels, cap=20)
    grad_2 = reference.weight_gradient(back_2, W_2, z_1, z_2)  # Σ over samples of ∂L/∂z_j ∂z_j/∂w
    back_1 = reference.input_gradient(back_2, W_2, z_1, z_2)  # Σ over outputs of ∂L/∂z_j ∂z_j/∂z_i
    grad_1 = reference.weight_gradient(back_1, W_1, z_0, z_1)
    if step == 0:
        assert np.isclose(engine.loss_and_backward(Batch(images, labels))[0], L, rtol=1e-12)
        for p, grad in zip(engine.parameters(), (grad_1, grad_2), strict=True):
            np.testing.assert_allclose(p.gradient, grad, rtol=1e-12, atol=1e-12)
    for W, grad in ((W_1, grad_1), (W_2, grad_2)):
        grad -= 10 * (W.sum(axis=1) < 1)[:, None]  # the K-term, K = 10
        W -= 0.1 * grad / max(1, np.linalg.norm(grad) / W.shape[1])  # large gradients made smaller
    if step % 50 == 0:
        print(f"~ step {step}: loss {L:.4f}, right: {(z_2.argmin(axis=0) == labels).sum()} of 4")
assert np.array_equal(z_2.argmin(axis=0), labels)
for (a, b), t_out in zip(bits, np.log(z_2.T), strict=True):
    print(f"~ {a} xor {b}: output 0 fires at {t_out[0]:.2f}, output 1 at {t_out[1]:.2f}")

# %% [markdown]
# ## On digits
# Each pixel fires once: white at $z = 1$, black at $z = 20$, grey between. ([Adam](papers/esl.md)
# rescales gradients, so K is small.) **Predict**: do all hidden neurons fire before the decision?

# %%
words = ["model.name=firstspike", "model.layers=100", "model.input=grey", "model.dark=20"]
words += ["model.k_term=0.01", "method.name=dense", "optim.name=adam", "optim.lr=3e-3"]
run = Run(load_config(None, words))
for step, batch in enumerate(b for epoch in range(5) for b in run.batches(epoch)):
    run.network.loss_and_backward(batch)
    run.method.update(step, run.optimiser, run.learning_rate(step))
test, (hidden, output) = run.data.test, run.network.layers()
right = run.network.predict(test.images) == test.labels
print(f"~ {100 * right.mean():.1f} % of the test digits are right")
run.network.forward(test.take(slice(0, 200)))
early = 100 * np.mean(hidden.z < output.z.min(axis=0))
print(f"~ {early:.0f} % of the hidden neurons fire before the decision")
i = np.flatnonzero(right)[0]  # the first digit that it knows
ax = race(output.weight.data, output.x[:, i], output.z[:, i], test.labels[i])
ax.set_title(f"A {test.labels[i]}: its output fires first", loc="left", fontsize=10)
ax.set_ylabel("potential V (thresholds)")
ax.figure

# %% [markdown]
# Fewer digits are right than in tutorial 8's dense network: one spike a neuron, a short training.
# But the answer is there at the first output spike, and what comes after that need not be computed.
# ## What goes wrong
# - **Silence**: no spike, $z = ∞$, gradient 0. The K-term is the only way back; where the target's
#   neuron is silent the loss is a constant (`cap`).
# - **Cliffs.** The gradient is exact, but local. Below, an inhibitory input comes at $t = 1$: too
#   late if the neuron has fired by then; if not, it never will. No gradient warns of that.

# %%
for w_0 in (1.62, 1.60, 1.59, 1.58):
    z_j = spike_time(np.array([w_0, -0.6]), np.exp([0.0, 1.0]))
    print(f"first weight {w_0:.2f}: it fires at t = {np.log(z_j):.3f}")

# %% [markdown]
# **Summary.** Times instead of counts; in $z = e^t$ a spike time is a ratio of two sums over the
# causal set, and so are its derivatives. Exact where $C$ stays the same, blind to cliffs.
# ## Exercises
# 1. One input at $t = 0$: which weight makes the neuron fire at exactly $t = 1$?
# 2. All inputs later by $d$: so is the spike. Show with it that $\sum_i z_i ∂z/∂z_i = z$.
# 3. Show that $\sum_k ∂L/∂z_k = 0$. Which change of all $z_k$ together leaves $L$ as it is?
#
# <details><summary>Solutions</summary>

# %%
w_0 = np.e / (np.e - 1)  # 1: w (1 − 1/e) = 1
assert np.isclose(np.log(spike_time(np.array([w_0]), np.ones(1))), 1)
assert np.isclose(spike_time(w, z_in * np.exp(0.3)), z * np.exp(0.3))  # 2: differentiate by d
assert np.isclose(z_in @ dz_dz, z)
z_k = 1 + rng.random((2, 4))
L, slope = reference.loss(z_k, labels, cap=20)  # 3: 1 − Σ p_k = 0
np.testing.assert_allclose(slope.sum(axis=0), 0, atol=1e-15)
assert np.isclose(reference.loss(z_k + 5, labels, cap=20)[0], L)  # adding the same number

# %% [markdown]
# </details>
