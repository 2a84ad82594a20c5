"""Numba source to machine code, and machine code to a function that needs no numba.

Numba is the compiler. What it makes is kept as an object file; `callable_of` hands it to LLVM's own loader and calls it by address, so a
process that finds its model compiled never imports numba: half a second of every command. A module to be compiled has a function
`entry(table)`, which takes one address of whole numbers, and `TAKES`, which says what they stand for (`emit/march.py`).
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from corrin.errors import Bug

KINDS = {"double": np.dtype(np.float64), "single": np.dtype(np.float32), "int": np.dtype(np.int64), "byte": np.dtype(np.uint8)}
_STATUS = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)
_alive: list[Any] = []
"""What holds machine code in memory, for as long as the process lives."""


def compile_entry(module: ModuleType) -> tuple[bytes, str]:
    """Object file of `module.entry`, and its name there."""
    from numba.core import compiler, registry, types

    flags = compiler.Flags()
    flags.no_cpython_wrapper = flags.no_cfunc_wrapper = True
    flags.nrt = False
    flags.error_model = "numpy"
    flags.enable_pyobject = False
    target = registry.cpu_target
    made = compiler.compile_extra(target.typing_context, target.target_context, module.entry, (types.int64,), types.int64, flags, {})
    return bytes(made.library._get_compiled_object()), str(made.fndesc.llvm_func_name)


def callable_of(code: bytes, name: str, takes: Sequence[str]) -> Callable[..., int]:
    """What calls the entry of an object file. Arguments: whole numbers, contiguous arrays, as `takes` says, and last an array of doubles to
    work in. The interpreter's lock is let go of while it runs. `Bug` where an argument is not what the code was made for."""
    from llvmlite import binding

    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    machine = binding.Target.from_default_triple().create_target_machine(jit=True, codemodel="jitdefault")
    engine = binding.create_mcjit_compiler(binding.parse_assembly(""), machine)
    engine.add_object_file(binding.ObjectFileRef.from_data(code))
    engine.finalize_object()
    address = engine.get_function_address(name)
    if not address:
        raise Bug(f"the compiled model has no function {name}")
    _alive.append(engine)
    entry = _STATUS(address)
    kinds = [(taken.split(":")[0], *_kind(taken.split(":")[1])) for taken in (*takes, "work:double1")]

    def call(*given: Any) -> int:
        if len(given) != len(kinds):
            raise Bug(f"the compiled model takes {len(kinds)} arguments, not {len(given)}")
        table: list[int] = []
        for (argument, dtype, axes), value in zip(kinds, given, strict=True):
            if axes == 0:
                table.append(int(value if dtype == KINDS["int"] else np.float64(value).view(np.int64)))
                continue
            if value.dtype != dtype or value.ndim != axes or not value.flags.c_contiguous:
                wanted = f"{argument} as a contiguous array of {dtype} with {axes} axes"
                raise Bug(f"the compiled model takes {wanted}, not {value.dtype} {value.shape}")
            table.append(value.ctypes.data)
            table.extend(value.shape)
        numbers = np.array(table[:-1], np.int64)  # how long the room to work in is, the code knows
        found = ctypes.c_int64()
        if entry(ctypes.addressof(found), ctypes.addressof(ctypes.c_void_p()), numbers.ctypes.data):
            raise Bug("the compiled model raised an exception")
        return found.value

    return call


def _kind(text: str) -> tuple[np.dtype[Any], int]:
    return (KINDS[text[:-1]], int(text[-1])) if text[-1].isdigit() else (KINDS[text], 0)


def executed(name: str, text: str) -> ModuleType:
    """The module of a source text, run in memory."""
    module = ModuleType(name)
    sys.modules[name] = module
    exec(compile(text, name, "exec"), module.__dict__)
    return module
