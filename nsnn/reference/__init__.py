"""The NumPy twin of every kernel: slow, obvious, and the oracle of the tests.

Each module has the name of its twin in `nsnn.kernels`, each function too. A twin takes the same
inputs and returns what the kernel writes into its last arguments.
"""
