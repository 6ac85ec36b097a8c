"""Data tests: a cache of their own, small IDX files, a local server, real MNIST where it is."""

import contextlib
import dataclasses
import functools
import gzip
import hashlib
import http.server
import io
import os
import re
import resource
import struct
import tarfile
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest

from nsnn.data import DATASETS, glyphs
from nsnn.data.idx import MNIST

# Before the fixture below hides it.
_NSNN_DATA = os.environ.get("NSNN_DATA")
_BESIDE_THE_REPOSITORY = Path(__file__).parents[2] / ".." / "shared" / "data"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty user cache, and no `$NSNN_DATA`."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    monkeypatch.delenv("NSNN_DATA", raising=False)
    return folder / "nsnn"


@pytest.fixture(scope="session")
def fields():
    """`glyphs.distance_fields`, which computes those of each face once a session."""
    compute = glyphs.distance_fields
    one = functools.cache(lambda face: compute((face,)))
    return lambda faces: np.concatenate([one(face) for face in faces])


@pytest.fixture
def small_glyphs(fields, monkeypatch):
    """The glyphs, of 40 + 20 pictures."""
    monkeypatch.setattr(glyphs, "distance_fields", fields)
    small = dataclasses.replace(DATASETS["glyphs"], sizes=(40, 20))
    monkeypatch.setitem(DATASETS, "glyphs", small)
    return small


@pytest.fixture(scope="session")
def real_data():
    """The folder of real data sets; skips the test where there is none."""
    folder = Path(_NSNN_DATA) if _NSNN_DATA else _BESIDE_THE_REPOSITORY
    name = "train-images-idx3-ubyte.gz"
    if not any((place / name).is_file() for place in (folder, folder / "mnist")):
        pytest.skip("real MNIST is absent: set NSNN_DATA to its folder")
    return folder


def idx_bytes(array: np.ndarray) -> bytes:
    """The IDX file of an array of bytes."""
    header = struct.pack(f">{1 + array.ndim}I", 0x0800 + array.ndim, *array.shape)
    return header + array.astype(np.uint8).tobytes()


def idx_files(seed: int = 0, train: int = 30, test: int = 20) -> dict[str, bytes]:
    """The four files of a small data set, by their compressed names."""
    rng = np.random.default_rng(seed)
    content = {}
    for prefix, n in (("train", train), ("t10k", test)):
        images = rng.integers(0, 256, size=(n, 6, 5))
        labels = np.arange(n) % 10
        content[f"{prefix}-images-idx3-ubyte.gz"] = gzip.compress(idx_bytes(images), mtime=0)
        content[f"{prefix}-labels-idx1-ubyte.gz"] = gzip.compress(idx_bytes(labels), mtime=0)
    return content


@pytest.fixture
def as_idx():
    """`idx_bytes`, for tests that write files of their own."""
    return idx_bytes


@pytest.fixture
def idx_folder(tmp_path):
    """A folder with the four files of a small data set."""
    folder = tmp_path / "digits"
    folder.mkdir()
    for name, content in idx_files().items():
        (folder / name).write_bytes(content)
    return folder


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


@pytest.fixture
def small_mnist():
    """MNIST that takes the checksums of the small IDX files for the published ones."""
    files = []
    for file, packed in zip(MNIST.files, idx_files().values(), strict=True):
        files.append(file._replace(md5=md5(packed), content_md5=md5(gzip.decompress(packed))))
    return dataclasses.replace(MNIST, files=tuple(files))


@pytest.fixture(scope="session")
def cifar_records():
    """Records (n, label bytes + 3072) of each file of a set, the label the last of its bytes."""

    def records(source):
        rng, (train, test) = np.random.default_rng(0), source.sizes
        counts = dict.fromkeys(source.train_files, train // len(source.train_files))
        content = {}
        for name, n in (counts | {source.test_file: test}).items():
            labels = rng.integers(0, 10, size=(n, source.label_bytes))
            pixels = rng.integers(0, 256, size=(n, 3072))
            content[name] = np.hstack([labels, pixels]).astype(np.uint8)
        return content

    return records


@pytest.fixture(scope="session")
def pack():
    """`pack(path, files)` writes an archive of files, and of the folder that all are in."""

    def pack(path, files):
        folder = next(iter(files)).partition("/")[0]
        if path.suffix == ".zip":
            with zipfile.ZipFile(path, "w") as opened:
                opened.mkdir(folder)
                for name, content in files.items():
                    opened.writestr(name, content)
            return path
        with tarfile.open(path, "w:gz") as opened:
            for name, content in {folder: None, **files}.items():
                info = tarfile.TarInfo(name)
                info.size = len(content or b"")
                info.type = tarfile.DIRTYPE if content is None else tarfile.REGTYPE
                opened.addfile(info, io.BytesIO(content or b""))
        return path

    return pack


@pytest.fixture
def full_disk():
    """`with full_disk():` no file grows beyond 20 bytes, as on a full disk."""

    @contextlib.contextmanager
    def full():
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return full


@pytest.fixture
def same():
    """Whether two data sets have equal training and test splits."""

    def arrays(splits):
        return [array for split in splits[:2] for array in (split.images, split.labels)]

    return lambda first, second: all(map(np.array_equal, arrays(first), arrays(second)))


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves `server.content`; the first folder of the path says how it misbehaves."""

    def do_GET(self):
        mode, name = self.path.strip("/").split("/")
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(wanted[1]) if wanted else 0
        self.server.requests.append((mode, name, start))
        content = self.server.content[name]
        if mode == "missing":
            return self.send_error(404)
        if mode == "hang":
            return self.server.released.wait(20)
        if mode == "wrong":
            content = bytes(len(content))
        if mode == "norange":
            start = 0
        if start >= len(content):
            return self.send_error(416)
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        if mode != "nolength":
            self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        cut = mode == "cut" and name == next(iter(self.server.content))
        self.wfile.write(content[start : start + 40] if cut else content[start:])

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server(monkeypatch):
    """A server on the loopback that is stopped after the test."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.content, server.requests = idx_files(), []
    server.released = threading.Event()
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    server.mirrors = lambda *modes: tuple(f"{server.url}/{mode}/" for mode in modes)
    yield server
    server.released.set()
    server.shutdown()
    thread.join(5)
    server.server_close()


@pytest.fixture
def no_home(monkeypatch):
    """No user cache: there is no home directory."""

    def nobody():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", nobody)
