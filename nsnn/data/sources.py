"""The official files of the data sets that can be downloaded: names, checksums, mirrors.

Two kinds: sets of IDX files, which are read as they are, and archives, which are unpacked.
"""

from typing import NamedTuple

IMAGES, LABELS = 3, 1  # dimensions of an IDX file of images and of one of labels


def _how(name: str) -> str:
    """How to get a data set, in a few words."""
    return f"run `nsnn data get {name}` (or data_scripts/get_{name.replace('-', '_')}.py)"


class RemoteFile(NamedTuple):
    """One file of a data set.

    Attributes
    ----------
    name : str
        As on the mirrors.
    md5 : str
        Of the compressed file.
    content_md5 : str or None
        Of the content, where it is published.
    dimensions : int or None
        IMAGES or LABELS; None for an archive.
    """

    name: str
    md5: str
    content_md5: str | None = None
    dimensions: int | None = None

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
        return _how(self.name)

    @property
    def last_step(self) -> str:
        """What follows when the files have been put in their place by hand."""
        return f"nsnn data check {self.name}"


class RemoteArchive(NamedTuple):
    """A data set in one .tar.gz or .zip archive.

    Attributes
    ----------
    name : str
        Of the data set.
    archive : str
        The archive's name, as on the mirrors.
    md5 : str
        Of the archive.
    folder : str
        The folder in the archive that holds everything.
    mirrors : tuple of str
    """

    name: str
    archive: str
    md5: str
    folder: str
    mirrors: tuple[str, ...]

    @property
    def how(self) -> str:
        """How to get the files, in a few words."""
        return _how(self.name)

    @property
    def files(self) -> tuple[RemoteFile]:
        """The archive, as the only file to download."""
        return (RemoteFile(self.archive, self.md5),)

    @property
    def last_step(self) -> str:
        """What follows when the archive has been put in its place by hand: unpacking it."""
        return f"nsnn data get {self.name}"


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

ARCHIVES = {
    "cifar10": RemoteArchive(
        "cifar10",
        "cifar-10-binary.tar.gz",
        "c32a1d4ab5d03f1284b67883e8d87530",
        "cifar-10-batches-bin",
        ("https://www.cs.toronto.edu/~kriz/",),
    ),
    "cifar100": RemoteArchive(
        "cifar100",
        "cifar-100-binary.tar.gz",
        "03b5dce01913d631647c71ecec9e9cb8",
        "cifar-100-binary",
        ("https://www.cs.toronto.edu/~kriz/",),
    ),
    "tiny-imagenet": RemoteArchive(
        "tiny-imagenet",
        "tiny-imagenet-200.zip",
        "90528d7ca1a48142e341f4ef8d21d0de",
        "tiny-imagenet-200",
        ("http://cs231n.stanford.edu/",),
    ),
}
