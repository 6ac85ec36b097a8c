"""The papers' tables and figures: TOML files, the runner of their cells, tables and pictures."""
