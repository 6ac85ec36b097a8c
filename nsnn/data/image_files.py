"""Images without labels in a file of the user's: .npy, .npz or PNG."""

from pathlib import Path

import numpy as np

from nsnn.encoding import check_pixels
from nsnn.errors import UserError
from nsnn.files import read_arrays

# Of an .npz file with more than one array; the second is that of the data set "arrays".
_NAMES = ("images", "test_images")


def read_images(path, shape) -> np.ndarray:
    """The images in a file, or the one image, as a network for `shape` (C, H, W) takes them.

    They are uint8, or float in [0, 1]: (n, C, H, W) or (n, H, W), events (n, T, C, H, W). Raises
    UserError for a file that cannot be read, and for values that are no pixels.
    """
    try:
        images = _read(Path(path), shape[0])
    except (UserError, MemoryError):
        raise
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from None
    except Exception as error:  # a damaged file can make NumPy and Pillow raise anything
        raise UserError(f"{path}: damaged, or no images as nsnn reads them ({error})") from None
    if images.size:
        check_pixels(images, f"{path}: the array")
    return images[None] if images.shape in (shape, shape[1:]) else images


def _read(path: Path, channels: int) -> np.ndarray:
    suffix = path.suffix.lower()
    if suffix == ".png":
        return _read_png(path, channels)
    if suffix not in (".npy", ".npz"):
        raise UserError(f"{path}: images are read from .npy, .npz or .png, by the end of the name")
    arrays = read_arrays(path)
    wanted = [*_NAMES, *arrays] if len(arrays) == 1 else _NAMES
    name = next((name for name in wanted if name in arrays), None)
    if name is None:
        held = ", ".join(arrays) or "nothing"
        raise UserError(f"{path}: holds {held}; call the array of the images {_NAMES[0]}")
    return arrays[name]


def _read_png(path: Path, channels: int) -> np.ndarray:
    """A picture (C, H, W): opaque, and with one channel where it is grey and that is wanted."""
    from matplotlib.image import imread

    pixels = np.atleast_3d(imread(path, format="png"))
    if pixels.shape[2] == 4:
        if not np.all(pixels[:, :, 3] == 1):
            raise UserError(f"{path}: has transparent pixels; save it on a background")
        pixels = pixels[:, :, :3]
    if channels == 1 and np.all(pixels == pixels[:, :, :1]):
        pixels = pixels[:, :, :1]
    return np.moveaxis(pixels, 2, 0)
