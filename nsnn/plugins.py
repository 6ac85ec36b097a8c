"""Your own methods, models and data sets: a Python file that registers them, given as --plugin.

A plug-in is one file. It is run before the configuration is read; what it registers can then be
chosen by `method.name`, `model.name` and `data.name`. The run folder notes where the file was and
its checksum, so that `nsnn eval`, `plot`, `export` and `train --resume` find it again.

    from nsnn.methods import Method
    from nsnn.plugins import register_method

    @register_method("mine")
    class Mine(Method):
        ...
"""

import dataclasses
import functools
import hashlib
import inspect
import re
import sys
import traceback
import types
import typing
from pathlib import Path

import numpy as np

from nsnn.data.arrays import OPTIONAL, REQUIRED, checked_splits
from nsnn.data.registry import DATASETS, Entry
from nsnn.errors import RunError, UserError
from nsnn.layers.base import Layer
from nsnn.methods import METHODS, Method
from nsnn.models import MODELS

# How the modules of plug-ins are called, before the checksum of the file.
MODULE_PREFIX = "nsnn_plugin_"

# Errors that are told in their own words wherever they come from.
_NOBODYS = (UserError, RunError, KeyboardInterrupt, MemoryError, BrokenPipeError)

_files: dict[str, str] = {}  # path: SHA-256 of what was run
_names: list[tuple[dict, str]] = []  # registry and name of all that was registered
_given = False  # whether the user has named plug-ins


def register_method(name: str):
    """Class decorator: make a subclass of `nsnn.methods.Method` the method `name`.

    Its nested `Config`, a frozen dataclass derived from `Method.Config`, holds its options: bool,
    int, float or str (or one of these or None), each with a default.
    """

    _check_name("method", name)

    def register(method):
        _check_method(name, method)
        return _register("method", METHODS, name, method)

    return register


def register_model(name: str):
    """Decorator: make a function the model `name`.

    Called as `function(neuron, input_shape, classes, rng, width, norm, dtype)`, with the arguments
    of `nsnn.models.build`; returns a `nsnn.layers.Sequential` that maps (C, H, W, T or 1, B) to
    (classes, T, B), whose layers have names of their own. It may also take `pool` and `strides`,
    with defaults.
    """

    _check_name("model", name)

    def register(function):
        _check_callable(name, function, 7, "neuron, input_shape, classes, rng, width, norm, dtype")

        @functools.wraps(function)
        def model(*arguments, **options):
            body = function(*arguments, **options)
            if not isinstance(body, Layer):
                found = type(body).__name__
                raise UserError(f"model.name = {name!r}: its function returned a {found}, no layer")
            return body

        _register("model", MODELS, name, model)
        return function

    return register


def register_dataset(name: str, description: str = "of a plug-in"):
    """Decorator: make a function the data set `name`.

    Called as `function(directory)` with data.dir, or None; returns a dictionary of the arrays that
    an .npz file for `data.name=arrays` has (`nsnn.data.arrays`): train_images, train_labels,
    test_images, test_labels and, if you like, validation_images and validation_labels.
    """

    _check_name("data set", name)

    def register(function):
        _check_callable(name, function, 1, "directory")

        @functools.wraps(function)
        def read(directory):
            return _splits(name, function(directory))

        how = "its plug-in reads it"
        _register("data set", DATASETS, name, Entry(description, None, None, how, read))
        return function

    return register


def load_files(paths) -> None:
    """Run the plug-ins that the user names, instead of those that a run folder has noted.

    Parameters
    ----------
    paths : sequence of path-like

    Raises
    ------
    UserError
        In one line with the line of the file: when it cannot be read, fails, or registers nothing,
        a name that is taken or something that is no method, model or data set.
    """
    global _given
    for path in paths:
        _run(path, _read(path, f"--plugin {path}"))
    _given = _given or bool(paths)


def load_noted(notes, folder) -> None:
    """Run the plug-ins that a run folder has noted, unless the user has named any.

    Parameters
    ----------
    notes : list of dict
        As `loaded` gave them when the run was made.
    folder : path-like
        The run folder, to name in messages.

    Raises
    ------
    UserError
        For a file that is gone, or not what it was.
    """
    if _given:
        return
    try:
        noted = [(str(note["file"]), note["sha256"]) for note in notes]
    except (KeyError, TypeError):
        raise RunError(f"the plugins in {folder}/environment.json are damaged") from None
    for path, digest in noted:
        made = f"{folder} was made with the plug-in {path}"
        code = _read(path, made, f"; give its new place with --plugin {Path(path).name}")
        if hashlib.sha256(code).hexdigest() != digest:
            raise UserError(
                f"{made}, which has changed since: put it back, or accept it as it is with "
                f"--plugin {path}"
            )
        _run(path, code)


def blame(error: BaseException) -> None:
    """Raise UserError in place of an error that passed through a plug-in.

    Returns for any other, and for what says by itself what to do: an error of nsnn, an interrupt,
    too little memory, a reader of standard output that has gone.

    Parameters
    ----------
    error : BaseException
        As caught, with its traceback.

    Raises
    ------
    UserError
        In one line: the file, the line of it that ran last, the error.
    """
    if isinstance(error, _NOBODYS):
        return
    frames = traceback.extract_tb(error.__traceback__)
    path = next((frame.filename for frame in reversed(frames) if frame.filename in _files), None)
    if path is not None:
        raise UserError(f"plug-in {path}{_line(error, path)}: {_reason(error)}") from error


def loaded() -> list[dict]:
    """The plug-ins run so far: "file" and "sha256" of each."""
    return [{"file": path, "sha256": digest} for path, digest in _files.items()]


def _read(path, source: str, advice: str = "") -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise UserError(f"{source}: cannot be read ({error.strerror}){advice}") from None


def _run(path, code: bytes) -> None:
    """Run a plug-in, unless this very file has been; after an error nothing of it is left.

    Not imported: Python would write a `__pycache__` beside the file, and what was run could be
    another version than what was hashed.
    """
    path, digest = str(Path(path).resolve()), hashlib.sha256(code).hexdigest()
    if _files.get(path) == digest:
        return
    module = types.ModuleType(MODULE_PREFIX + digest)
    module.__file__ = path
    sys.modules[module.__name__] = module  # dataclasses look their types up there
    before = len(_names)
    try:
        exec(compile(code, path, "exec"), vars(module))
        if len(_names) == before:
            raise UserError(
                "registers nothing: use register_method, register_model or register_dataset of "
                "nsnn.plugins"
            )
    except BaseException as error:
        while len(_names) > before:
            registry, name = _names.pop()
            del registry[name]
        del sys.modules[module.__name__]
        if isinstance(error, KeyboardInterrupt):
            raise
        raise UserError(f"plug-in {path}{_line(error, path)}: {_reason(error)}") from error
    _files[path] = digest


def _line(error: BaseException, path: str) -> str:
    """Where in the plug-in it went wrong, as far as that is known."""
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == path]
    if isinstance(error, SyntaxError) and error.filename == path:
        lines.append(error.lineno)
    return f", line {lines[-1]}" if lines else ""


def _reason(error: BaseException) -> str:
    if isinstance(error, UserError):
        return str(error)
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _register(kind: str, registry: dict, name: str, thing):
    """Enter a name that is free."""
    if name in registry:
        raise UserError(f"there is a {kind} {name!r} already: choose another name")
    registry[name] = thing
    _names.append((registry, name))
    return thing


def _check_name(kind: str, name) -> None:
    """Raise UserError for what is no name; a decorator without (...) gets what it decorates."""
    if not isinstance(name, str):
        decorator = "register_" + kind.replace(" ", "")
        raise UserError(f'give the {kind} a name, such as @{decorator}("mine")')
    # Run folders are named after methods and data sets.
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise UserError(f"{name!r} cannot name a {kind}: use letters, digits, '-', '_' and '.'")


def _check_method(name, method) -> None:
    """Raise UserError unless the command line can configure the method."""
    if not (isinstance(method, type) and issubclass(method, Method)):
        raise UserError(f"{name!r} is no method: derive a class from nsnn.methods.Method")
    _check_callable(name, method, 1, "config", "a class")
    Config = method.Config
    if not (isinstance(Config, type) and issubclass(Config, Method.Config)):
        raise UserError(f"{method.__name__}.Config has to be derived from Method.Config")
    if "__dataclass_fields__" not in vars(Config):
        raise UserError(f"{method.__name__}.Config needs @dataclass(frozen=True) above it")
    for field in dataclasses.fields(Config):
        option = f"{method.__name__}.Config.{field.name}"
        if field.name == "name":
            raise UserError(f"{option}: method.name is the method's own name, choose another")
        if field.default is dataclasses.MISSING:
            raise UserError(f"{option} needs a default")
        hint = typing.get_type_hints(Config)[field.name]
        kinds = set(typing.get_args(hint) or [hint]) - {types.NoneType}
        if len(kinds) != 1 or not kinds <= {bool, int, float, str}:
            raise UserError(f"{option}: its type has to be bool, int, float or str")


def _check_callable(name, function, count: int, arguments: str, kind: str = "a function") -> None:
    """Raise UserError unless a function or class can be called with `count` arguments."""
    try:
        inspect.signature(function).bind(*range(count))
    except TypeError:
        raise UserError(f"{name!r} has to be {kind} of ({arguments})") from None


def _splits(name: str, arrays):
    """What a data set's function returned, checked as an .npz file is."""
    if not isinstance(arrays, dict) or not set(REQUIRED) <= set(arrays):
        raise UserError(
            f"data.name = {name}: its function has to return a dictionary of {', '.join(REQUIRED)}"
            f" and, if you like, {', '.join(OPTIONAL)}"
        )
    return checked_splits(name, {key: np.asarray(array) for key, array in arrays.items()})
