"""Data sets: `load` one, cut it into `batches`."""

from nsnn.data.batches import Batch, DataSet, Split, batches
from nsnn.data.registry import DATASETS, load

__all__ = ["DATASETS", "Batch", "DataSet", "Split", "batches", "load"]
