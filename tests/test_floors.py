"""The package is built in floors: a file imports only from lower floors or its own package."""

import ast
import importlib
import pathlib

import pytest

import nsnn

PACKAGE = pathlib.Path(nsnn.__file__).parent
HERE = pathlib.Path(__file__).parent

# In the order in which one would read them.
FLOORS = {
    "errors": 0, "cachedir": 0, "kernels": 0, "text": 0,
    "nsnn": 1,  # nsnn/__init__.py: the version and a table of names
    "options": 1, "processes": 1, "files": 1, "surrogate": 1, "streams": 1, "parallel": 1, "csr": 1,
    "encoding": 1,
    "reference": 2, "neuron": 2,
    "layers": 3, "losses": 3, "optim": 3, "sparsity": 3, "metrics": 3, "data": 3,
    "methods": 4, "operations": 4,
    "network": 5, "energy": 5,
    "timestepped": 6, "firstspike": 6,
    "models": 7,
    "gradcheck": 8, "info": 8, "plugins": 8,
    "training": 9,
    "plot": 10, "export": 10,
    "bench": 11, "experiments": 11, "docs": 11,
    "commands": 12,
    "cli": 13,
    "__main__": 14,
}  # fmt: skip

FILES = sorted(PACKAGE.rglob("*.py"))
KERNELS = sorted(path for path in FILES if path.parent.name == "kernels" and path.stat().st_size)
DECORATORS = {
    'njit(cache=True, nogil=True, error_model="numpy")',
    'njit(cache=True, nogil=True, error_model="numpy", '
    'fastmath={"contract", "reassoc", "nsz", "arcp"})',
}


def room(path):
    """The top-level module or package that a file belongs to."""
    first = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return "nsnn" if first == "__init__" else first


def imports(path):
    """(line, room) for every import from nsnn, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}:{node.lineno}: a relative import"
            full = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            full = [f"{alias.name}." for alias in node.names]
        else:
            continue
        for name in full:
            parts = name.split(".")
            if parts[0] == "nsnn":
                inside = (PACKAGE / parts[1]).is_dir() or (PACKAGE / f"{parts[1]}.py").exists()
                yield node.lineno, parts[1] if parts[1] and inside else "nsnn"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_down(path):
    own = room(path)
    assert own in FLOORS, f"{own} has no floor yet: give it one here"
    for line, other in imports(path):
        assert other == own or FLOORS[other] < FLOORS[own], (
            f"{path.relative_to(PACKAGE)}:{line}: {own} (floor {FLOORS[own]}) imports {other} "
            f"(floor {FLOORS[other]})"
        )


def test_every_floor_is_somewhere():
    assert set(FLOORS) == {room(path) for path in FILES}


@pytest.mark.parametrize("path", KERNELS, ids=lambda p: p.stem)
def test_kernel_files_are_closed(path):
    """They import NumPy and Numba only, and compile the same way."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {alias.name for alias in node.names}
            names = {node.module} if isinstance(node, ast.ImportFrom) else names
            allowed = {"numpy", "numba", "numba.extending", "math"}
            assert names <= allowed, f"{path.name}:{node.lineno}"
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert functions
    # A pair `_f`, `@overload(_f)` chooses code by the type of its input while a kernel compiles.
    overloads = {
        ast.unparse(decorator.args[0]): function
        for function in functions
        for decorator in function.decorator_list
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "overload"
    }
    functions = [f for f in functions if f.name not in overloads and f not in overloads.values()]
    for function in functions:
        text = [ast.unparse(decorator).replace("'", '"') for decorator in function.decorator_list]
        assert len(text) == 1, function.name
        assert text[0] in DECORATORS, f"{path.name}: {function.name}: {text}"


# kernel: (what `nsnn.reference` says it computes, the test that compares the two)
FIRST = "test_firstspike_kernels"
ORACLES = {
    "batchnorm.batchnorm_statistics": ("batchnorm.statistics", "test_pool_kernels"),
    "batchnorm.batchnorm_forward": ("batchnorm.batchnorm_forward", "test_pool_kernels"),
    "batchnorm.batchnorm_backward": ("batchnorm.batchnorm_backward", "test_pool_kernels"),
    "bias.bias_gradient": ("linear.bias_gradient", "test_pool_kernels"),
    "conv.conv_csr_matmul": ("conv.conv_current", "test_conv_kernels"),
    "conv.conv_csr_gradient": ("conv.conv_weight_gradient", "test_conv_kernels"),
    "conv.conv_csr_backward": ("conv.conv_input_gradient", "test_conv_kernels"),
    "count.column_uses": ("conv.column_uses", "test_count_kernel"),
    "count.row_uses": ("conv.row_uses", "test_count_kernel"),
    "csr.csr_matmul": ("linear.current", "test_csr_kernels"),
    "csr.csr_gradient": ("linear.weight_gradient", "test_csr_kernels"),
    "csr.csr_backward": ("linear.input_gradient", "test_csr_kernels"),
    "firstspike.first_spikes": ("firstspike.spike_times", FIRST),
    "firstspike.first_spikes_dense": ("firstspike.spike_times", FIRST),
    "firstspike.causal_pairs": ("firstspike.causal", FIRST),
    "firstspike.first_spike_gradient": ("firstspike.weight_gradient", FIRST),
    "firstspike.first_spike_gradient_dense": ("firstspike.weight_gradient", FIRST),
    "firstspike.first_spike_input_gradient": ("firstspike.input_gradient", FIRST),
    "im2col.im2col": ("conv.im2col", "test_conv_kernels"),
    "im2col.col2im": ("conv.col2im", "test_conv_kernels"),
    "lif.lif_forward": ("lif.lif_forward", "test_lif_kernels"),
    "lif.lif_membrane": ("lif.lif_forward", "test_lif_kernels"),
    "lif.lif_backward": ("lif.lif_backward", "test_lif_kernels"),
    "pool.average_pool_forward": ("pool.average_pool_forward", "test_pool_kernels"),
    "pool.average_pool_backward": ("pool.average_pool_backward", "test_pool_kernels"),
    "pool.max_pool_forward": ("pool.max_pool_forward", "test_pool_kernels"),
    "pool.max_pool_backward": ("pool.max_pool_backward", "test_pool_kernels"),
    "topology.csr_rewire": ("rewiring.rewire", "test_topology_kernels"),
    "topology.csr_transpose": ("rewiring.transpose", "test_topology_kernels"),
}


def compiled(module):
    """Public compiled functions of a module."""
    return {name for name, value in vars(module).items() if hasattr(value, "py_func")}


def test_every_kernel_has_an_oracle():
    kernels = {
        f"{path.stem}.{name}"
        for path in KERNELS
        for name in compiled(importlib.import_module(f"nsnn.kernels.{path.stem}"))
        if not name.startswith("_")
    }
    assert set(ORACLES) == kernels


@pytest.mark.parametrize("kernel", ORACLES)
def test_the_oracle_is_no_kernel_and_a_test_compares_them(kernel):
    name, test = ORACLES[kernel]
    module, function = name.split(".")
    oracle = getattr(importlib.import_module(f"nsnn.reference.{module}"), function)
    assert oracle.__doc__
    assert not hasattr(oracle, "py_func"), f"the oracle of {kernel} is compiled itself"
    tree = ast.parse((HERE / "kernels" / f"{test}.py").read_text(encoding="utf-8"))
    imported = {}  # name in the test's file: where it comes from
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                imported[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    called = [ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    called = {".".join([imported.get(c.split(".")[0], ""), *c.split(".")[1:]]) for c in called}
    assert {f"nsnn.kernels.{kernel}", f"nsnn.reference.{name}"} <= called


def test_the_oracles_know_no_engine():
    for path in (PACKAGE / "reference").glob("*.py"):
        rooms = {other for _, other in imports(path)}
        assert rooms <= {"reference", "surrogate", "nsnn"}, path.name
