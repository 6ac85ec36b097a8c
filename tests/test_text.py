"""Amounts, names and tables in words."""

from nsnn import text


def test_the_nearest_name_whatever_its_case():
    assert text.nearest("NDSN", ["set", "ndsnn"]) == "did you mean ndsnn? Known: set, ndsnn"
    assert text.nearest("x", []) == "none is known"
    assert text.nearest("active-inputs", ["dense", "set"]) == "Known: dense, set"  # none is near


def test_a_name_is_known_whatever_its_case_unless_another_is_written_so():
    assert text.whatever_case("NDSNN", ["set", "ndsnn"]) == "ndsnn"
    assert text.whatever_case("Mine", ["mine", "Mine"]) == "Mine"
    assert text.whatever_case("NDSN", ["ndsnn"]) == "NDSN"


def test_bytes_and_durations():
    sizes = [text.size(count) for count in (0, 1023 * 1024, 3 << 20, 5 << 30)]
    assert sizes == ["0.0 KiB", "1023.0 KiB", "3.00 MiB", "5.00 GiB"]
    durations = [text.duration(seconds) for seconds in (0.4, 89, 600, 9000, 3.6e6)]
    assert durations == ["0 s", "89 s", "10 min", "2.5 h", "1,000 h"]


def test_counts_and_percent():
    assert [text.plural(n, "epoch") for n in (0, 1, 2)] == ["0 epochs", "1 epoch", "2 epochs"]
    assert text.percent(0.97549) == "97.55 %"


def test_tables():
    rows = [("conv1", 1.5), ("x", 22)]
    assert text.table(("layer", "n"), rows) == "layer    n\nconv1  1.5\nx       22"
    assert text.table(("layer", "n"), rows, style="markdown").splitlines() == [
        "| layer |   n |", "| ----- | --: |", "| conv1 | 1.5 |", "| x     |  22 |",
    ]  # fmt: skip
