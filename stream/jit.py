"""How functions are compiled: numba, kept on disk between runs.

Owns: where compiled code is kept. numba looks only at a function's own file to see whether what it kept is out of date,
not at the files of the functions it calls; so everything is kept under a digest of all sources that hold compiled
functions.
"""

from __future__ import annotations

import functools
import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload

import numba
import numpy as np
from numba.core import config

if TYPE_CHECKING:
    from collections.abc import Callable

    F = TypeVar("F", bound=Callable[..., Any])

# an int64 of whatever integer: a compiled function is compiled anew for each combination of its arguments' types
whole: Callable[[Any], int] = np.int64  # type: ignore[assignment]  # NumPy calls its integers by a type of their own

_HERE = Path(__file__).parent


@functools.cache
def _digest() -> str:
    sources = sorted([*_HERE.glob("core/*.py"), *_HERE.glob("wire/*.py")])
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:16]


_settings: Any = config
if not _settings.CACHE_DIR and os.access(_HERE, os.W_OK):  # elsewhere numba keeps it in the user's cache
    _settings.CACHE_DIR = str(_HERE / "__pycache__" / f"numba-{_digest()}")
if _settings.DISABLE_JIT:
    np.seterr(over="ignore")  # hashes wrap around by design, of which only plain Python warns


@overload
def njit(function: F) -> F: ...
@overload
def njit(*, inline: bool = False) -> Callable[[F], F]: ...
def njit(function: Any = None, *, inline: bool = False) -> Any:
    """Compile a function of numbers and arrays; `inline` puts it bodily into its callers.

    With NUMBA_DISABLE_JIT=1 it stays plain Python.
    """
    compiled = numba.njit(cache=True, nogil=True, forceinline=inline)
    return compiled if function is None else compiled(function)
