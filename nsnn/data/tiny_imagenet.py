"""Tiny-ImageNet in its official folder layout: 200 classes of 64 × 64 photographs as JPEG files.

    wnids.txt                          names of the classes, a line each; the label is its number
    train/<class>/images/*.JPEG        500 images of each class
    val/images/*.JPEG                  10,000 images
    val/val_annotations.txt            their file names and classes, and boxes, which are not used

The official test images have no labels. As in the papers, the official *validation* split is the
test split here; for a validation split take a part of the training data (`data.validation`).
Source: http://cs231n.stanford.edu/tiny-imagenet-200.zip (Stanford's course CS231n).
"""

import os
from pathlib import Path

import numpy as np

from nsnn.data.dataset import Splits
from nsnn.data.download import ArchiveSource, RemoteFile

CLASS_FILE, TEST_FILE = "wnids.txt", "val/val_annotations.txt"

Images = list[tuple[Path, int]]
"""Path and label of each image of a split."""


class TinyImageNetSource(ArchiveSource):
    """The folder, whose `shape`, `sizes` and `classes` say how much of everything it holds."""

    wanted = ((CLASS_FILE,), (TEST_FILE,))

    def read_files(self, paths: list[Path], time_steps: int | None = None) -> Splits:
        """Training and test split, uint8 images (n, 3, 64, 64).

        Decoding 110,000 files takes a minute or so. The result, 1.35 GB, is kept in the user's
        cache; RuntimeWarning when that fails.
        """
        samples = self._list_images(paths[0].parent)
        return self.gathered("decoded", samples, self.shape, self._read_image)

    def _list_images(self, folder: Path) -> tuple[Images, Images]:
        """Path and label of each training and of each test image, in a fixed order."""
        lines = self.lines(folder / CLASS_FILE)
        labels = {wnid: label for label, wnid in enumerate(lines)}
        if not len(lines) == len(labels) == self.classes:
            found = f"found {len(labels)} in {len(lines)} lines"
            what = f"expected {self.classes} different classes, {found}"
            raise self.damaged(folder / CLASS_FILE, what)
        train, expected = [], self.sizes[0] // self.classes
        for wnid, label in labels.items():
            images = folder / "train" / wnid / "images"
            found = sorted(images.glob("*.JPEG"))
            if len(found) != expected:
                raise self.damaged(images, f"expected {expected} .JPEG files, found {len(found)}")
            train += [(path, label) for path in found]
        return train, self._test_images(folder, labels)

    def _test_images(self, folder: Path, labels: dict[str, int]) -> Images:
        """The images of the official validation split."""
        path, expected = folder / TEST_FILE, self.sizes[1]
        lines = self.lines(path)
        if len(lines) != expected:
            raise self.damaged(path, f"expected {expected} lines, found {len(lines)}")
        found = {}
        for number, line in enumerate(lines, 1):
            name, wnid, *_ = [*line.split("\t"), ""]
            # A name is that of a file, not a path to anywhere.
            if wnid not in labels or name in found or name != os.path.basename(name):
                what = f"expected an image not named before and a class of {CLASS_FILE}"
                raise self.damaged(path, f"line {number}: {what}, found {line[:80]!r}")
            found[name] = labels[wnid]
        return [(folder / "val" / "images" / name, label) for name, label in found.items()]

    def _read_image(self, sample: tuple[Path, int]) -> np.ndarray:
        """The JPEG file of a sample as uint8 (3, side, side), through matplotlib's reader.

        A grey image has three equal channels; of RGBA (matplotlib's reading of CMYK) the alpha
        channel is left out.
        """
        from matplotlib.image import imread

        path, _ = sample
        try:
            with open(path, "rb") as file:
                image = imread(file)
        except MemoryError:
            raise
        except Exception as error:  # a decoder raises whatever damaged bytes lead it to
            first = (str(error).splitlines() or [type(error).__name__])[0]
            raise self.damaged(path, f"cannot be read as an image ({first})") from None
        if image.ndim == 2:
            image = np.repeat(image[:, :, None], 3, axis=2)
        image = image[:, :, :3]
        _, height, width = self.shape
        if image.shape != (height, width, 3) or image.dtype != np.uint8:
            what = f"expected {height} × {width} pixels, grey or RGB of 8 bits"
            raise self.damaged(path, f"{what}, found {image.shape} {image.dtype}")
        return image.transpose(2, 0, 1)


TINY_IMAGENET = TinyImageNetSource(
    name="tiny-imagenet",
    title="Tiny-ImageNet",
    description="photographs of 200 kinds of things",
    shape=(3, 64, 64),
    sizes=(100_000, 10_000),
    classes=200,
    files=(RemoteFile("tiny-imagenet-200.zip", "90528d7ca1a48142e341f4ef8d21d0de"),),
    mirrors=("http://cs231n.stanford.edu/",),
    folder="tiny-imagenet-200",
)
