"""The official binary files of CIFAR-10 and CIFAR-100, in small."""

from dataclasses import replace

import numpy as np
import pytest

from nsnn.data.cifar import CIFAR10, CIFAR100

SMALL = {each.name: replace(each, sizes=(20, 6)) for each in (CIFAR10, CIFAR100)}
NAMES = list(SMALL)


@pytest.fixture
def write(tmp_path, cifar_records):
    """Write the files of a set into `tmp_path` and give their records."""

    def write(name):
        content = cifar_records(SMALL[name])
        for file, records in content.items():
            (tmp_path / file).write_bytes(records.tobytes())
        return content

    return write


@pytest.mark.parametrize("name", NAMES)
def test_what_is_read(name, write, tmp_path):
    content = write(name)
    train, test, _ = SMALL[name].read(tmp_path)
    skip = SMALL[name].label_bytes
    files = SMALL[name].train_files, [SMALL[name].test_file]
    for split, names in zip((train, test), files, strict=True):
        records = np.concatenate([content[file] for file in names])
        assert split.images.dtype == np.uint8
        assert split.images.shape == (len(records), 3, 32, 32)
        assert split.images.flags.c_contiguous
        assert split.labels.dtype == np.int64
        # The last label byte: of CIFAR-100 the fine one.
        assert np.array_equal(split.labels, records[:, skip - 1])
        # Red first, then row by row.
        assert np.array_equal(split.images[:, 0, 0], records[:, skip : skip + 32])
        assert np.array_equal(split.images[:, 2, 31], records[:, skip + 3072 - 32 :])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("change", [lambda c: c[:-1], lambda c: c + b"x", lambda c: b""])
def test_a_file_of_a_wrong_size(name, change, write, tmp_path, refused):
    write(name)
    file, count = SMALL[name].test_file, 6
    path = tmp_path / file
    before = path.read_bytes()
    path.write_bytes(change(before))
    expected, found = len(before), len(change(before))
    words = (f"expected {expected} bytes", count, f"found {found}", f"nsnn data get {name}")
    with refused(path, *words):
        SMALL[name].read(tmp_path)
