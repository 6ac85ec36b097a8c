"""A measurement in a process of its own: JSON in, JSON out.

The parent names a function and its arguments (`call`); the child (`python -m nsnn.bench.child`)
imports the function's module, so that each process loads only the library that it measures.
"""

import importlib
import json
import os
import signal
import subprocess
import sys

from nsnn.errors import RunError, UserError

_THREAD_VARIABLES = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")
_ERRORS = {"UserError": UserError, "RunError": RunError}


def call(function: str, arguments: dict, library_threads: int = 1, environment=None) -> dict:
    """Call a function in a fresh Python process.

    Parameters
    ----------
    function : str
        "module:name"; it returns what JSON can hold.
    arguments : dict
        Keyword arguments; what JSON can hold.
    library_threads : int
        Threads of BLAS and OpenMP in the child: 1 for nsnn, which divides its work itself, and
        the job's number for a library that leaves this to them.
    environment : dict of str to str, optional
        Further environment variables.

    Returns
    -------
    dict
        What the function returned.

    Raises
    ------
    UserError, RunError
        Those of the function; `RunError` also when the process dies.
    """
    threads = dict.fromkeys(_THREAD_VARIABLES, str(library_threads))
    done = subprocess.run(
        [sys.executable, "-m", "nsnn.bench.child"],
        input=json.dumps({"function": function, "arguments": arguments}),
        env=os.environ | threads | (environment or {}),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RunError(f"the process that measures {function} {_death(done)}")
    answer = json.loads(done.stdout)
    if "error" in answer:
        raise _ERRORS[answer["error"]](answer["message"])
    return answer["result"]


def _death(done) -> str:
    """How a process ended, and its last words."""
    lines = done.stderr.strip().splitlines()
    if done.returncode < 0:
        name = signal.Signals(-done.returncode).name
        return f"was ended by {name}" + " (out of memory?)" * (name == "SIGKILL")
    return f"failed: {lines[-1] if lines else 'it said nothing'}"


def main() -> None:
    """Answer one call from standard input on standard output."""
    answers, sys.stdout = sys.stdout, sys.stderr  # whatever a library prints is no answer
    question = json.load(sys.stdin)
    module, name = question["function"].split(":")
    try:
        function = getattr(importlib.import_module(module), name)
        answer = {"result": function(**question["arguments"])}
    except (UserError, RunError) as error:
        answer = {"error": type(error).__name__, "message": str(error)}
    except MemoryError as error:
        answer = {"error": "RunError", "message": f"not enough memory: {error}; lower --batch"}
    json.dump(answer, answers)


if __name__ == "__main__":
    main()
