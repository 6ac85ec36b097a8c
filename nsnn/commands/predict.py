"""Classify images in a file with the network of a run.

examples:
  nsnn predict runs/ndsnn-glyphs-001 digit.png
  nsnn predict runs/ndsnn-mnist-001 images.npy > classes.csv

FILE is one PNG picture, or an array as NumPy saves it: images (n, H, W) or (n, C, H, W), or one of
them, uint8 or float in [0, 1]; events (n, T, C, H, W). Of an .npz file it is the only array, or the
one called images or test_images. Size and channels are those that the network was trained on.

Printed as CSV: the number of the sample, from 0, its class (none if the network has no answer), and
the score of each class; the largest is that of the class.
"""

from nsnn.commands import PLUGIN

ARGUMENTS = {
    "dir": {"metavar": "DIR", "help": "run folder"},
    "file": {"metavar": "FILE", "help": "images: .npy, .npz or .png"},
    "--plugin": PLUGIN,
}


def run(options) -> int:
    """Print class and scores of each image as CSV."""
    import csv
    import sys

    from nsnn import parallel
    from nsnn.data.arrays import read_images
    from nsnn.training import run_folder

    network = run_folder.load(options.dir)
    parallel.set_threads(run_folder.read_config(options.dir).train.threads)
    scores = network.scores(read_images(options.file, network.input_shape))
    lines = csv.writer(sys.stdout, lineterminator="\n")
    lines.writerow(["sample", "class", *(f"score{k}" for k in range(network.classes))])
    for sample, row in enumerate(scores):
        found = "" if network.undecided(row[None]) else int(row.argmax())
        lines.writerow([sample, found, *(f"{score:.6g}" for score in row)])
    return 0
