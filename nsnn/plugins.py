"""Your own methods, models and data sets: Python files that are named with --plugin.

    class Mine(Method): ...      # its nested Config holds the options of [method]
    def my_net(neuron, input_shape, classes, rng, width, norm, dtype): ...   # a Sequential
    def my_data(directory): ...  # {"train_images": ..., "train_labels": ..., "test_images": ...}

    METHODS["mine"], MODELS["my-net"], DATASETS["my-data"] = Mine, my_net, my_data

Then: --set method.name=mine. `nsnn.methods.Method`, `nsnn.models` and `nsnn.data` say the rest.
"""

import hashlib
import inspect
import operator
import runpy
import shlex
import traceback
from dataclasses import MISSING, fields
from pathlib import Path

from nsnn.data import DATASETS
from nsnn.errors import RunError, UserError
from nsnn.methods import METHODS, Method
from nsnn.models import MODELS
from nsnn.options import kinds

# What a plug-in defines has this and the checksum of the file as `__module__`.
MODULE_PREFIX = "nsnn_plugin_"

# Each registry, and how many arguments its functions and classes are called with.
_REGISTRIES = {"method": (METHODS, 1), "model": (MODELS, 7), "data set": (DATASETS, 1)}

_loaded: dict[str, str] = {}  # file: SHA-256 of what was run


def load_files(paths) -> None:
    """Run plug-ins, each once; one that raises UserError leaves nothing registered."""
    for path in paths:
        try:
            checksum = hashlib.sha256(Path(path).read_bytes()).hexdigest()
        except OSError as error:
            raise UserError(f"--plugin {path}: cannot be read ({error.strerror})") from None
        file = str(Path(path).resolve())
        if _loaded.get(file) == checksum:
            continue
        before = {kind: {**registry} for kind, (registry, _) in _REGISTRIES.items()}
        try:
            runpy.run_path(file, run_name=MODULE_PREFIX + checksum)
            _check_registered(file, before)
        except BaseException as error:
            for kind, (registry, _) in _REGISTRIES.items():
                registry.clear()
                registry |= before[kind]
            explain(error, file)
            raise
        _loaded[file] = checksum


def loaded() -> list[dict]:
    """The plug-ins run so far, as a run folder notes them: "file" and "sha256" of each."""
    return [{"file": file, "sha256": checksum} for file, checksum in _loaded.items()]


def as_options(files) -> str:
    """Plug-ins as a command names them: " --plugin FILE" for each."""
    return "".join(f" --plugin {shlex.quote(str(file))}" for file in files)


def explain(error: BaseException, file: str | None = None) -> None:
    """Raise UserError with file and line, in place of an error that passed through a plug-in.

    Errors that say by themselves what to do are left alone; `file` is one that is being run.
    """
    if isinstance(error, UserError | RunError | KeyboardInterrupt | MemoryError | BrokenPipeError):
        return
    frames = traceback.extract_tb(error.__traceback__)
    places = [(f.filename, f.lineno) for f in frames if f.filename in {file, *_loaded}]
    if file and not places:  # it could not be compiled
        places = [(file, getattr(error, "lineno", None))]
    if places:
        (file, line), text = places[-1], getattr(error, "msg", None) or error
        where = f"{file}, line {line}" if line else file
        raise UserError(f"plug-in {where}: {type(error).__name__}: {text}".rstrip(": ")) from error


def _check_registered(file: str, before: dict) -> None:
    """Raise UserError unless something was registered, and all of it can be used."""
    new = [
        (kind, name, thing, count)
        for kind, (registry, count) in _REGISTRIES.items()
        for name, thing in registry.items()
        if before[kind].get(name) is not thing
    ]
    if not new:
        raise UserError(f"plug-in {file} registers nothing in METHODS, MODELS or DATASETS")
    for kind, name, thing, count in new:
        taken = "is there already: choose another name" if name in before[kind] else ""
        if flaw := taken or _flaw(kind, thing, count):
            raise UserError(f"plug-in {file}: the {kind} {name!r} {flaw}")


def _flaw(kind: str, thing, count: int) -> str:
    """Why something cannot be used; nothing where it can."""
    if kind == "method":
        if not (isinstance(thing, type) and issubclass(thing, Method)):
            return "is no class derived from nsnn.methods.Method"
        if not issubclass(thing.Config, Method.Config) or not _can_be_read(thing.Config):
            above = "with @dataclass(frozen=True) above it"
            options = "whose options are bool, int, float or str and have defaults"
            return f"needs a Config derived from Method.Config, {above}, {options}"
        if wrong := _other_signature(thing):
            return f"has to define {wrong}"
    elif not inspect.isfunction(thing):
        return ""
    try:
        inspect.signature(thing).bind(*range(count))
    except TypeError:
        return f"has to be called with {count} argument(s)"
    return ""


def _other_signature(method: type) -> str:
    """How nsnn calls the first function that a method overrides with other arguments."""
    for name in filter(lambda name: not name.startswith("_"), dir(method)):
        known = [c for c in method.__mro__ if c.__module__.startswith("nsnn.") and name in vars(c)]
        if known and inspect.isroutine(ours := getattr(known[0], name)):
            try:
                inspect.signature(getattr(method, name)).bind(*inspect.signature(ours).parameters)
            except TypeError:
                return f"{name}{inspect.signature(ours)}"
    return ""


def _can_be_read(owner: type) -> bool:
    """Whether the options of a dataclass can be read from a configuration."""
    defaults = {f.name for f in fields(owner) if f.default is not MISSING}
    return kinds(owner).keys() == defaults and {*kinds(owner).values()} <= {bool, int, float, str}


def check_prepared(name: str, method: Method) -> None:
    """Raise UserError where a prepared method is not what training relies on."""
    try:
        wanted = {p.name for p in method.network.parameters() if p.prunable}
        targets, (step, steps) = method.targets(), method.schedule(0)
        for number in (step, steps, method.bytes_held(), *(targets or {}).values()):
            operator.index(number)
        good = isinstance(method.state(), dict) and (targets is None or wanted == {*targets})
    except (TypeError, ValueError, AttributeError) as error:
        explain(error)
        good = False
    if not good:
        raise UserError(
            f"method.name = {name!r}: {type(method).__name__} is not as nsnn.methods.Method says: "
            "prepare has to call super().prepare(network, run, rng, log), schedule to return "
            "(step, steps), targets None or a number for each prunable weight, bytes_held a "
            "number, state a dictionary"
        )
