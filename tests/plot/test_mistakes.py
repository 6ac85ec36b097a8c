"""Confusion matrix and worst mistakes."""

import numpy as np
import pytest

from nsnn.errors import UserError
from nsnn.plot import confusion_matrix, worst_mistakes


def texts(ax):
    return [text.get_text() for text in ax.texts]


def test_confusion_matrix_colours_mistakes_in_percent_of_the_true_class():
    confusion = np.array([[8, 2, 0], [1, 9, 0], [0, 5, 15]])
    ax = confusion_matrix(confusion)
    shown = ax.images[0].get_array()
    np.testing.assert_array_equal(np.ma.getmaskarray(shown), np.eye(3, dtype=bool))
    assert shown[0, 1] == 20.0
    assert shown[2, 1] == 25.0
    assert sorted(texts(ax)) == sorted(["8", "2", "1", "9", "5", "15"])
    assert ax.get_title(loc="left") == "8 mistakes in 40 samples (80.00 % right)"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted class", "true class")


def test_confusion_matrix_numbers_only_as_many_cells_as_can_be_read():
    ax = confusion_matrix(np.random.default_rng(0).integers(0, 9, (101, 101)))
    assert texts(ax) == []
    assert len(ax.get_xticks()) <= 12


def test_confusion_matrix_before_any_sample_and_of_a_wrong_shape():
    assert "0 mistakes in 0" in confusion_matrix(np.zeros((3, 3), int)).get_title(loc="left")
    with pytest.raises(UserError, match="classes × classes"):
        confusion_matrix(np.zeros((3, 4), int))


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_worst_mistakes_come_in_order_of_confidence(channels):
    rng = np.random.default_rng(channels)
    images = rng.integers(0, 256, (5, channels, 6, 4)).astype(np.uint8)
    true = np.array([0, 1, 2, 3, 4])
    predicted = np.array([0, 2, 3, 3, 1])
    figure = worst_mistakes(images, true, predicted, [0.99, 0.5, 0.9, 0.8, 0.7], count=4)
    assert figure.get_suptitle() == "3 mistakes in 5 samples: the 3 surest"
    said = [ax.get_xlabel() for ax in figure.axes]
    assert said == ["said 3 (90 %)\nwas 2", "said 1 (70 %)\nwas 4", "said 2 (50 %)\nwas 1", ""]
    first = images[2] / 255.0 if channels != 2 else images[2].mean(axis=0, keepdims=True) / 255.0
    shown = np.asarray(figure.axes[0].images[0].get_array())
    np.testing.assert_allclose(shown.squeeze(), np.moveaxis(first, 0, -1).squeeze())
    assert not figure.axes[3].images


def test_both_pictures_count_the_mistakes_of_the_whole_split():
    """Also where only its first samples were searched for the worst ones."""
    confusion = np.array([[40, 5], [3, 52]])
    images, true, predicted = np.zeros((3, 1, 2, 2)), [0, 1, 1], [1, 1, 0]
    figure = worst_mistakes(images, true, predicted, [0.9, 0.8, 0.7], confusion=confusion)
    title = "8 mistakes in 100 samples: the 2 surest of the first 3 samples"
    assert figure.get_suptitle() == title
    assert confusion_matrix(confusion).get_title(loc="left").startswith("8 mistakes in 100 samples")
    figure = worst_mistakes(np.zeros((2, 1, 3, 3)), [0, 1], [0, 1], [1.0, 1.0])
    assert figure.get_suptitle() == "0 mistakes in 2 samples"
