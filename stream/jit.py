"""How functions are compiled: numba, kept on disk between runs.

Owns: where compiled code is kept, and the one processor instruction that Python has no words for. numba looks only at
a function's own file to see whether what it kept is out of date, not at the files of the functions it calls; so
everything is kept under a digest of all sources that hold compiled functions.
"""

from __future__ import annotations

import functools
import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload

import numba
import numpy as np
from llvmlite import ir
from numba.core import cgutils, config, types
from numba.extending import intrinsic

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


_declare: Any = cgutils.get_or_insert_function


@intrinsic
def _prefetch(_context: Any, array: Any, index: Any, offset: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        column = context.make_array(signature.args[0])(context, builder, args[0])
        at, beyond = (
            context.cast(builder, given, kind, types.int64)
            for given, kind in zip(args[1:], signature.args[1:], strict=True)
        )
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        place = builder.gep(builder.bitcast(column.data, byte), [builder.add(builder.mul(at, column.itemsize), beyond)])
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        function = _declare(builder.module, kind, "llvm.prefetch.p0")
        builder.call(function, [place, number(0), number(3), number(1)])  # to be read, kept near, data
        return context.get_dummy_value()

    return types.void(array, index, offset), generate


@njit(inline=True)
def prefetch(array: Any, index: Any, offset: int = 0) -> None:
    """Have the cache line that holds byte `offset` of a flat array's item fetched while other work goes on.

    It changes nothing, and any index is harmless. It is worth its instruction where memory is read at places that no
    processor can foresee: an index by hash, a row by customer.
    """
    _prefetch(array, index, offset)  # type: ignore[call-arg]  # numba gives the first
