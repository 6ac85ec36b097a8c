"""Tutorials as pages and notebooks, and the index of the papers' equations."""
