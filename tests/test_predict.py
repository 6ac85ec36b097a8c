"""`nsnn predict`: classes and scores as CSV, from every kind of file."""

import csv
import io

import numpy as np
import pytest
from PIL import Image

import nsnn
from nsnn import cli
from nsnn.data.arrays import read_images
from nsnn.errors import UserError

SHAPE = (1, 6, 6)


@pytest.fixture
def images(tiny_data):
    """Test images of the data that the run was trained on, uint8 (60, 6, 6)."""
    with np.load(tiny_data) as file:
        return file["test_images"]


@pytest.fixture
def printed(finished, said):
    """The table that the command prints of a file."""
    return lambda path: list(csv.DictReader(io.StringIO(said("predict", finished, path))))


def test_each_sample_has_its_class_and_scores(finished, images, printed, tmp_path):
    np.save(tmp_path / "a.npy", images)
    rows, scores = printed(tmp_path / "a.npy"), nsnn.load(finished).scores(images)
    assert list(rows[0]) == ["sample", "class", "score0", "score1", "score2"]
    assert [int(row["sample"]) for row in rows] == list(range(60))
    assert [int(row["class"]) for row in rows] == scores.argmax(axis=1).tolist()
    found = [[float(row[f"score{k}"]) for k in range(3)] for row in rows]
    np.testing.assert_allclose(found, scores, rtol=1e-5)


def test_one_image_is_the_same_in_every_kind_of_file(images, printed, tmp_path):
    one = images[7]
    np.save(tmp_path / "flat.npy", one)
    np.save(tmp_path / "channel.NPY", one[None])
    np.save(tmp_path / "float.npy", one[None, None] / np.float32(255))
    np.savez(tmp_path / "only.npz", anything=one)
    np.savez(tmp_path / "named.npz", other=np.zeros(3), images=images[7:8])
    np.savez(tmp_path / "ours.npz", test_labels=np.zeros(1), test_images=images[7:8])
    Image.fromarray(one).save(tmp_path / "grey.png")
    Image.fromarray(one).convert("RGB").save(tmp_path / "rgb.png")
    Image.fromarray(one).convert("RGBA").save(tmp_path / "rgba.PNG")
    tables = [printed(path) for path in sorted(tmp_path.iterdir())]
    assert len(tables) == 9
    assert len(tables[0]) == 1
    assert all(table == tables[0] for table in tables)


def test_a_colour_picture_keeps_its_channels_first(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (5, 4, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    found = read_images(tmp_path / "a.png", (3, 5, 4))
    assert found.shape == (1, 3, 5, 4)
    np.testing.assert_allclose(found[0], np.moveaxis(pixels, 2, 0) / 255, atol=1e-7)


def saved(save, *arguments, **arrays):
    """The bytes of a file that `save` writes."""
    file = io.BytesIO()
    save(file, *arguments, **arrays)
    return file.getvalue()


def png(array):
    return saved(Image.fromarray(array).save, "png")


GOOD = np.zeros((2, 6, 6), np.uint8)
BAD = [
    ("a.jpg", b"x", "read from .npy, .npz or .png"),
    ("a.npy", None, "No such file"),
    ("a.npy", b"", "damaged"),
    ("a.npy", saved(np.save, GOOD)[:-9], "damaged"),
    ("a.npy", saved(np.save, np.array([{}])), "damaged, or no images"),
    ("a.npy", saved(np.save, GOOD.astype(np.int64)), "has type int64, expected uint8 or float"),
    ("a.npy", saved(np.save, np.full((6, 6), np.nan)), "has values from nan"),
    ("a.npy", saved(np.save, np.full((6, 6), 255.0)), "has values from 255 to 255, expected"),
    ("a.npy", saved(np.save, np.array("text")), "has type <U4, expected uint8"),
    ("a.npz", saved(np.savez), "holds nothing; call the array of the images images"),
    ("a.npz", saved(np.savez, a=GOOD, b=GOOD), "holds a, b; call the array of the images images"),
    ("a.png", b"\x89PNG", "damaged"),
    ("a.png", png(GOOD[0])[:-30], "damaged"),
    ("a.png", png(np.zeros((6, 6, 4), np.uint8)), "has transparent pixels"),
]


@pytest.mark.parametrize(("name", "content", "message"), BAD)
def test_a_file_that_is_no_good_is_one_line(name, content, message, tmp_path):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=message) as caught:
        read_images(tmp_path / name, SHAPE)
    assert str(caught.value).startswith(f"{tmp_path / name}: ")


def test_mistakes_are_told_by_the_command(finished, tmp_path, capsys):
    np.save(tmp_path / "wide.npy", np.zeros((2, 7, 6), np.uint8))
    for words, message in [
        ([str(finished), str(tmp_path / "wide.npy")], "(samples, 1, 6, 6)"),
        ([str(tmp_path), str(tmp_path / "wide.npy")], "holds no run"),
        ([str(finished), "nowhere.npy"], "nowhere.npy: cannot be read"),
    ]:
        assert cli.main(["predict", *words]) == 2
        out, err = capsys.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        assert message in err


def test_a_sample_without_an_answer_has_no_class(finished, images, tmp_path, monkeypatch, said):
    monkeypatch.setattr("nsnn.network.Network.undecided", lambda self, scores: 1)
    np.save(tmp_path / "a.npy", images[:1])
    assert said("predict", finished, tmp_path / "a.npy").splitlines()[1].startswith("0,,")
