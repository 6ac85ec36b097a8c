"""Where data is looked for."""

from dataclasses import dataclass

import pytest

from nsnn.data.source import DataSource


@dataclass(frozen=True, kw_only=True)
class Digits(DataSource):
    name: str = "digits"
    description: str = "for these tests"
    how = "run this"
    wanted = (("a.gz", "a"), ("b.gz", "b"))


def fill(folder, *names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"")
    return folder


find = Digits().find


def test_each_place_is_searched_in_its_order(tmp_path, monkeypatch):
    monkeypatch.setenv("NSNN_DATA", str(tmp_path / "env"))
    fill(tmp_path / "dir")
    # From the last to the first: each new one wins.
    for place in ("cache/nsnn/digits", "env", "env/digits", "dir", "dir/digits"):
        folder = fill(tmp_path / place, "a.gz", "b.gz")
        assert find(tmp_path / "dir") == [folder / "a.gz", folder / "b.gz"]


def test_the_official_folder_comes_before_the_place_that_holds_it(tmp_path):
    for place in ("dir", "dir/official", "dir/digits", "dir/digits/official"):
        folder = fill(tmp_path / place, "a", "b")
        assert Digits(folder="official").find(tmp_path / "dir") == [folder / "a", folder / "b"]
        assert find(tmp_path / "dir")[0].parent.name != "official"


def test_nothing_found_names_file_places_and_remedy(tmp_path, monkeypatch, cache, refused):
    monkeypatch.setenv("NSNN_DATA", str(tmp_path / "env"))
    places = [tmp_path / "dir", tmp_path / "dir" / "digits", tmp_path / "env", cache / "digits"]
    fill(tmp_path / "dir")
    with refused("digits: a.gz", *places, "run this", "data.dir"):
        find(tmp_path / "dir")


def test_a_set_that_lacks_a_file_is_refused_and_a_plain_one_serves(tmp_path, refused):
    folder = fill(tmp_path / "dir", "a.gz")
    with refused(folder, "has no b.gz", "run this"):
        find(folder)
    fill(folder, "b")
    assert find(folder) == [folder / "a.gz", folder / "b"]
    with refused("data.dir", tmp_path / "nowhere", "no such file or folder"):
        find(tmp_path / "nowhere")


@pytest.mark.usefixtures("no_home")
def test_no_home_and_no_data(refused):
    with refused("no folder", "run this"):
        find()


@pytest.mark.parametrize("value", ["", "relative/cache"])
def test_the_cache_without_xdg(monkeypatch, tmp_path, value):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", value)
    folder = fill(tmp_path / ".cache" / "nsnn" / "digits", "a", "b")
    assert find() == find("") == [folder / "a", folder / "b"]  # "" means not given


def test_a_tilde_is_replaced(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = fill(tmp_path / "mine", "a", "b")
    assert find("~/mine")[0] == folder / "a"


def test_a_place_named_twice_is_searched_once(monkeypatch, tmp_path, cache, refused):
    monkeypatch.setenv("NSNN_DATA", str(tmp_path))
    with refused(f"looked in {tmp_path / 'digits'}, {tmp_path}, {cache / 'digits'};"):
        find(tmp_path)


def test_a_source_that_cannot_read_says_what_it_lacks(tmp_path, refused):
    fill(tmp_path, "a", "b")
    with refused("digits: its Digits has to define read_files, or read"):
        Digits().read(tmp_path)
