"""The papers' equations in NumPy: slow, obvious, and what the tests compare the kernels with.

Read these files beside the papers. They know nothing of how the engine stores a weight (but for the
rows of rewiring.py) or fuses steps; a test that compares a kernel with them translates. Letters are
NDSNN's: s input spikes, o output spikes, v membrane, I current, δ = dL/do, ε = dL/dv, φ = do/dv.

Activations are (N, T, B), or (C, H, W, T, B); where T and B play the same part, K = T·B columns.
"""
