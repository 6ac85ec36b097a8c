"""The official files of the data sets that can be downloaded: names, checksums, mirrors."""

from typing import NamedTuple

IMAGES, LABELS = 3, 1  # dimensions of an IDX file of images and of one of labels


class RemoteFile(NamedTuple):
    """One file of a data set.

    Attributes
    ----------
    name : str
        As on the mirrors; it ends in .gz.
    md5 : str
        Of the compressed file.
    content_md5 : str or None
        Of the content, where it is published.
    dimensions : int
        IMAGES or LABELS.
    """

    name: str
    md5: str
    content_md5: str | None
    dimensions: int

    @property
    def alternatives(self) -> tuple[str, str]:
        """The names under which the file may lie in a folder: compressed and plain."""
        return self.name, self.name.removesuffix(".gz")


class RemoteSet(NamedTuple):
    """A data set in four IDX files: train images and labels, test images and labels."""

    name: str
    files: tuple[RemoteFile, RemoteFile, RemoteFile, RemoteFile]
    mirrors: tuple[str, ...]

    @property
    def how(self) -> str:
        """How to get the files, in a few words."""
        script = self.name.replace("-", "_")
        return f"run `nsnn data get {self.name}` (or data_scripts/get_{script}.py)"


SOURCES = {
    "mnist": RemoteSet(
        "mnist",
        (
            RemoteFile(
                "train-images-idx3-ubyte.gz",
                "f68b3c2dcbeaaa9fbdd348bbdeb94873",
                "6bbc9ace898e44ae57da46a324031adb",
                IMAGES,
            ),
            RemoteFile(
                "train-labels-idx1-ubyte.gz",
                "d53e105ee54ea40749a09fcbcd1e9432",
                "a25bea736e30d166cdddb491f175f624",
                LABELS,
            ),
            RemoteFile(
                "t10k-images-idx3-ubyte.gz",
                "9fb629c4189551a2d022fa330f9573f3",
                "2646ac647ad5339dbf082846283269ea",
                IMAGES,
            ),
            RemoteFile(
                "t10k-labels-idx1-ubyte.gz",
                "ec29112dd5afa0611ce80d1b7f02629c",
                "27ae3e4e09519cfbb04c329615203637",
                LABELS,
            ),
        ),
        (
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ),
    ),
    "fashion-mnist": RemoteSet(
        "fashion-mnist",
        (
            RemoteFile(
                "train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d", None, IMAGES
            ),
            RemoteFile(
                "train-labels-idx1-ubyte.gz", "25c81989df183df01b3e8a0aad5dffbe", None, LABELS
            ),
            RemoteFile(
                "t10k-images-idx3-ubyte.gz", "bef4ecab320f06d8554ea6380940ec79", None, IMAGES
            ),
            RemoteFile(
                "t10k-labels-idx1-ubyte.gz", "bb300cfdad3c16e7a12a480ee83cd310", None, LABELS
            ),
        ),
        (
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        ),
    ),
}
