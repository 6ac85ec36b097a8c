"""Tables of finished cells: Markdown, CSV, and the command that writes them."""

import csv
import io

import pytest

from nsnn.errors import UserError
from nsnn.experiments import results, runner, spec, table
from nsnn.experiments.cells import cells
from nsnn.experiments.grid import details, grid
from nsnn.experiments.measures import group, measure
from nsnn.experiments.table import data_line, setting_lines


@pytest.fixture
def records(experiment, make_record):
    """All of dense and NDSNN at 99 %, one of two of NDSNN at 90 %, none of LTH."""
    made = [
        make_record(experiment, method="dense", seed=seed, test_accuracy=accuracy)
        for seed, accuracy in ((0, 0.98), (1, 0.96))
    ]
    for sparsity, seed, accuracy in ((0.99, 0, 0.90), (0.99, 1, 0.88), (0.90, 0, 0.95)):
        where = {"sparsity": sparsity, "seed": seed, "densities": (0.5, 0.01)}
        made.append(make_record(experiment, method="ndsnn", test_accuracy=accuracy, **where))
    return made


@pytest.fixture
def written(experiment, finish):
    """Returns the page of these finished cells, with some of another experiment."""

    def write(records, elsewhere=()):
        out = finish(experiment, records)
        for record in elsewhere:
            results.append(out, "y", "small", record)
        table.write(experiment, "small", out)
        return (out / "x" / "small" / "table.md").read_text(encoding="utf-8")

    return write


def rows_of(text):
    """The entries of a Markdown table, a list a line, the rule left out."""
    lines = [[entry.strip() for entry in line[1:-1].split("|")] for line in text.splitlines()]
    return [lines[0], *lines[2:]]


def grouped(experiment, records):
    return group(cells(experiment, "small"), measure(records), experiment.paper)


def test_the_grid_has_ours_beside_the_papers(experiment, records):
    header, *lines = rows_of(grid(experiment, grouped(experiment, records)))
    assert header == [
        "data", "method ↓ sparsity →", "dense ours", "dense paper",
        "90 % ours", "90 % paper", "99 % ours", "99 % paper",
    ]  # fmt: skip
    assert lines == [
        ["MNIST", "dense", "97.00 ± 1.41 (2)", "92.50", "", "", "", ""],
        ["MNIST", "LTH", "", "", "– (0 of 2)", "", "– (0 of 2)", ""],
        ["MNIST", "NDSNN", "", "", "95.00 (1 of 2)", "91.84¹", "89.00 ± 1.41 (2)", "88.10¹"],
    ]


def test_a_column_of_zero_is_not_the_column_of_those_without_the_label(make_experiment):
    experiment = make_experiment(
        ('"lth", "ndsnn"]\nsparsity = [0.90, 0.99]', '"set"]\nsparsity = [0.0, 0.99]'),
    )
    header, *_ = rows_of(grid(experiment, grouped(experiment, [])))
    assert header[2:] == ["dense ours", "dense paper", "0 % ours", "99 % ours"]


def test_without_values_of_the_paper_there_is_no_column_for_them(make_experiment, records):
    experiment = make_experiment(('["mnist", "', '["cifar10", "'))
    header, *_ = rows_of(grid(experiment, grouped(experiment, records)))
    assert header[2:] == ["dense", "90 %", "99 %"]


def test_labels_that_the_table_does_not_name_are_not_mixed(make_experiment):
    experiment = make_experiment(
        ('rows = ["data", "method"]', 'rows = ["data"]'), ("columns", "#"), ("[0, 1]", "[0]")
    )
    header, *lines = rows_of(grid(experiment, grouped(experiment, [])))
    assert header == ["data", "method", "sparsity", "ours", "paper"]
    assert [line[1:3] for line in lines] == [
        ["dense", "–"], ["LTH", "90 %"], ["LTH", "99 %"], ["NDSNN", "90 %"], ["NDSNN", "99 %"],
    ]  # fmt: skip


def test_a_fraction_is_printed_as_the_paper_prints_it(make_experiment):
    experiment = make_experiment(("92.5]]", '0.925]]\nunit = "fraction"'))
    *_, line, _, _ = rows_of(grid(experiment, grouped(experiment, [])))
    assert line[2:4] == ["– (0 of 2)", "0.925"]


def test_details_of_an_entry(experiment, records):
    records[-2]["spike_rate"] = 0.4  # of one of the two seeds at 99 %, the other has 0.2
    texts = details(experiment, grouped(experiment, records))
    reached, cost = (
        [dict(zip(header, line, strict=True)) for line in lines]
        for header, *lines in map(rows_of, texts)
    )
    # Only what is finished; the data set, which all share, is in the grid.
    found = [(line["method"], line["sparsity"]) for line in reached]
    assert found == [("dense", "–"), ("NDSNN", "90 %"), ("NDSNN", "99 %")]
    assert "data" not in reached[0]
    same = {"method": "NDSNN", "sparsity": "99 %"}
    assert reached[-1] == same | {
        "test accuracy (%), ours": "89.00 ± 1.41 (2)", "test accuracy (%), paper": "88.10¹",
        "density asked (%)": "1.00", "density reached (%)": "1.00",
        "spike rate (spikes/neuron/step)": "0.3000 ± 0.1414",
    }  # fmt: skip
    assert cost[-1] == same | {
        "cost / dense (%)": "25.5",  # equal spike rates: the mean density
        "synaptic operations / dense (%)": "100.0",
        "CPU time / dense (%)": "100.0", "CPU time (min)": "2.0", "wall time (min)": "1.5",
        "memory held, peak (MiB)": "3.00", "memory by formula, end (MiB)": "2.00",
    }  # fmt: skip


def test_a_page_tells_what_is_not_at_its_default_and_the_rounds(make_experiment, make_record):
    options = "config = { train.epochs = 2, optim.clip = 1.0, neuron.decay = 0.7 }\n"
    experiment = make_experiment(
        ("config.train.epochs = 2\n", options), ('"dense", "lth", "ndsnn"', '"dense", "set"')
    )
    records = [make_record(experiment, method="dense")]
    for sparsity in (0.90, 0.99):
        records.append(make_record(experiment, method="set", sparsity=sparsity))
    first, other = setting_lines(experiment, records)
    assert first.endswith("optim.weight_decay = 0.0005, neuron.decay = 0.7, optim.clip = 1.0.")
    assert other.startswith("`set`: ")
    assert other.endswith(", rounds: 1.")  # after the first of two epochs


def test_options_that_are_labels_are_told_where_a_cell_has_none(make_experiment, records):
    axis = ("[axes]", '[axes]\nstart = "method.initial_sparsity"')
    records[-1]["labels"] |= {"start": 0.3}
    lines = setting_lines(make_experiment(axis), records)
    assert "`ndsnn`, where a table has –: start = 0.8." in lines
    assert not any("initial_sparsity" in line for line in lines)


def test_the_files_that_are_written(experiment, records, finish):
    out = finish(experiment, records)
    grid, *_ = table.write(experiment, "small", out).split("\n\n")  # without notes on the data here
    folder = out / "x" / "small"
    names = {path.name for path in folder.iterdir()}
    assert names == {"cells.jsonl", "table.md", "table.csv", "figure.png"}
    page = (folder / "table.md").read_text(encoding="utf-8")
    assert page.startswith("# A small comparison\n")
    assert grid in page
    for part in (
        "NDSNN Table X, profile `small`",
        "MNIST, a made-up copy.",
        "*paper*: what NDSNN Table X prints",
        "not measured here",
        "5 cells finished, 5 of 10 planned ones missing; 8 minutes",
        "train.epochs = 2,",
        "Abacus, 2 cores, 1 thread a cell; nsnn 0.1.0, numpy 2.1.0",
        "Compared with the dense cell of the same seed (5 cells).",
        "No LTH cell is finished.",
        "No cost / LTH: no LTH cell at the same sparsity is finished (3 cells).",
        "¹ paper: with another network",
    ):
        assert part in page, part


def test_a_file_of_ones_own_is_named_as_it_was_given(tiny_toml, in_process):
    path = tiny_toml()
    experiment = spec.load(path)
    with pytest.raises(UserError, match=f"first run nsnn reproduce {path} --profile small --out"):
        table.write(experiment, "small", "out")
    assert not (path.parent / "out").exists()
    runner.reproduce(experiment, "small", "out", executor=in_process)
    page = (path.parent / "out" / "tiny" / "small" / "table.md").read_text(encoding="utf-8")
    assert f"This page is written by `nsnn table {path} --profile small --out out`" in page
    assert f"`nsnn reproduce {path} --profile small --out out` trains what is missing" in page
    usual = results.default_out("small")
    runner.reproduce(experiment, "small", usual, executor=in_process)
    page = (usual / "tiny" / "small" / "table.md").read_text(encoding="utf-8")
    assert f"This page is written by `nsnn table {path} --profile small` from" in page


def test_the_note_says_with_which_cells_others_were_compared(records, written):
    sparse = [record for record in records if record["method"] != "dense"]
    page = written(sparse, records[:1])
    assert "dense cell of the same seed (2 cells), else of the smallest seed (1 cell); it" in page
    assert "it belongs to another experiment for 3 cells." in page
    assert "No cost / dense" not in page


def test_csv_has_all_numbers_at_full_precision(experiment, records, finish):
    records[2]["spike_rate"] = 0.1
    records[3]["spike_rate"] = 1 / 3
    out = finish(experiment, records)
    table.write(experiment, "small", out)
    text = (out / "x" / "small" / "table.csv").read_text(encoding="utf-8")
    lines = list(csv.DictReader(io.StringIO(text)))
    assert len(lines) == 5
    last = lines[-1]
    assert (last["data"], last["method"], last["sparsity"]) == ("mnist", "ndsnn", "0.99")
    assert (last["planned"], last["n"], last["seeds"]) == ("2", "2", "0 1")
    assert (last["dense_seeds"], last["lth_seeds"]) == ("0 1", "none none")
    assert float(last["spike_rate_mean (spikes/neuron/step)"]) == (0.1 + 1 / 3) / 2
    assert float(last["test_accuracy_mean (%)"]) == pytest.approx(89.0)
    assert float(last["test_accuracy_sd (%)"]) == pytest.approx(2**0.5)
    assert float(last["test_accuracy_paper (%)"]) == 88.1
    assert last["cost_to_lth_mean (%)"] == ""
    assert lines[3]["test_accuracy_sd (%)"] == ""  # one seed
    assert lines[1]["n"] == "0"
    assert lines[1]["test_accuracy_mean (%)"] == ""


@pytest.mark.parametrize(("old", "new", "message"), [
    ('columns = ["sparsity"]', 'metric = "speed"', "table.metric = 'speed': did you mean"),
    ('y = "test_accuracy"', 'y = "speed"', "figure.y = 'speed'"),
    ('panels = "data"', 'kind = "pie"', "figure.kind = 'pie': did you mean lines"),
    ('y = "test_accuracy"', 'y = "test_accuracy"\nkind = "curves"', "figure.y = 'test_acc"),
    ('y = "test_accuracy"', 'y = "test_accuracy"\nkind = "tradeoff"', "figure.cost = ''"),
    ('y = "test_accuracy"', 'y = "test_accuracy"\ncost = "seconds"', "figure.cost.*leave it"),
    ('x = "sparsity"', 'x = "epoch"', "figure.x = 'epoch': Known: data"),
    ('note = "with', 'metric = "speed"\nnote = "with', "paper.metric = 'speed'"),
    ('note = "with', 'unit = "points"\nnote = "with', "paper.unit = 'points'.*% or fraction"),
])  # fmt: skip
def test_measures_that_there_are_none_of(make_experiment, finish, old, new, message):
    experiment = make_experiment((old, new))
    with pytest.raises(UserError, match=message):
        table.write(experiment, "small", finish(experiment, []))


def test_other_pixels_under_the_same_name_are_seen():
    cells = [("mnist", "aa"), ("cifar10", "bb"), ("mnist", "aa"), ("cifar10", "cc")]
    cells = [{"data": name, "data_fingerprint": mark} for name, mark in cells]
    assert data_line(cells[:3]) == "mnist aa; cifar10 bb"
    assert data_line(cells) == "mnist aa; cifar10 bb (1×) and cc (1×)"


def test_where_validation_chooses_the_test_accuracy_is_not_shown(make_experiment, make_record):
    choosing = make_experiment(('["sparsity"]', '["sparsity"]\nmetric = "validation_accuracy"'))
    record = make_record(choosing, method="dense", validation_accuracy=0.5, test_accuracy=0.875)
    text, _ = details(choosing, group(cells(choosing, "small"), measure([record])))
    assert "50.00" in text
    assert "87.50" not in text
    assert "test accuracy" not in text
