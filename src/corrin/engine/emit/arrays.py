"""The traced program as JAX arrays: the same equations, doses, readings and method as the lanes, for a graphics processor.

One loop over the breaks of a schedule, one over the steps to each, and one over the stages of a step, so that the equations stand once in
what is compiled. People are the last axis. All states take each step together (the lanes let the followers take longer ones), so that the
two agree to the error of the grid and not to the last digit. Nothing here is imported unless asked for; it needs the extra `gpu`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from corrin.engine import rosenbrock
from corrin.engine.emit.lanes import FORGET_D, passing
from corrin.engine.model import Model
from corrin.engine.trace import Node, reachable

LAST = rosenbrock.STAGES - 1


def _tables() -> tuple[np.ndarray, np.ndarray]:
    """A and C with a row for every stage; the sixth starts at the argument of the fifth plus its increment."""
    A, C = np.zeros((rosenbrock.STAGES, rosenbrock.STAGES)), np.zeros((rosenbrock.STAGES, rosenbrock.STAGES))
    for stage, row in enumerate(rosenbrock.A):
        A[stage, : len(row)] = row
    A[LAST] = A[LAST - 1]
    A[LAST, LAST - 1] = 1.0
    for stage, row in enumerate(rosenbrock.C):
        C[stage, : len(row)] = row
    return A, C


def values(model: Model, roots: Sequence[Node], given: Mapping[int, Any], like: Any) -> list[Any]:
    """The roots as arrays shaped as `like`, from the values of symbols (index of the node -> array)."""
    import jax.numpy as jnp

    done: dict[int, Any] = dict(given)
    needed = _wanted(model, roots, done)
    for index in needed:
        operation = model.graph.operations[index]
        kind, *places = operation
        if kind == "constant":
            done[index] = operation[1]
        elif kind == "symbol":
            raise KeyError(f"no value for {operation[1]} {operation[2]}")
        else:
            parts = [done[place] for place in places]
            done[index] = {
                "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": lambda a, b: a / b,
                "negative": lambda a: -a, "sqrt": jnp.sqrt, "exp": jnp.exp, "log": jnp.log,
            }[kind](*parts)  # fmt: skip
    return [jnp.broadcast_to(jnp.asarray(done[root.index], like.dtype), like.shape) for root in roots]


def _wanted(model: Model, roots: Sequence[Node], given: Mapping[int, Any]) -> list[int]:
    """Nodes to compute, operands first; what is given is not looked behind."""
    graph, wanted, stack = model.graph, set(), [root.index for root in roots]
    while stack:
        index = stack.pop()
        if index in wanted or index in given:
            continue
        wanted.add(index)
        operation = graph.operations[index]
        if operation[0] not in ("symbol", "constant"):
            stack.extend(operation[1:])
    return sorted(wanted)


def compiled(model: Model) -> Callable[..., Any]:
    """The whole run as one function, compiled at its first call for each shape of its arguments.

    Y (states, people), P (parameters, people), X (sets, exposures, people), T (segments, people), amounts (doses, people), kinds (doses,),
    dose_first (segments + 2,), which (segments,); per break its segment, whether it opens it, steps_first (breaks + 1,) and slot; steps
    (n,); how many breaks and segments count, in how many parts to cut each step, how much looser what passes was held, rows of output.
    Arrays may be longer than what counts.
    Returns the end (states, people), readings (rows, readings, people) and the certificate (people,).
    """
    import jax
    import jax.numpy as jnp

    graph = model.graph
    A, C = (jnp.asarray(table) for table in _tables())
    floors = jnp.asarray(model.floors)[:, None]
    passes = jnp.zeros(len(model.pools), bool).at[jnp.asarray(passing(model), int)].set(True)[:, None]
    parameters = [graph.symbol("parameter", name).index for name in model.parameters]
    exposures = [graph.symbol("exposure", name).index for name in model.exposures]
    states = [node.index for node in model.state]
    doses = [graph.symbol("dose", kind).index for kind in model.dose_kinds]
    diagonal = graph.symbol("step", "diagonal")
    factors = model.factors.nodes()
    free = model.state_free()
    # What depends on parameters and exposures only is computed at each break, not at each step.
    inner = {index for index in reachable(graph, [*model.rates, *factors]) if index not in free}
    used = {place for index in inner for place in graph.operations[index][1:] if graph.operations[index][0] not in ("symbol", "constant")}
    kept = [Node(graph, index) for index in sorted({*used, *(node.index for node in [*model.rates, *factors])} & free)
            if graph.operations[index][0] != "constant"]  # fmt: skip

    def step(y: Any, Z: Any, h: Any, ease: Any) -> tuple[Any, Any]:
        """One step: the new state and the relative error (people,), of what passes in its ease."""
        begun = {node.index: Z[place] for place, node in enumerate(kept)}
        at = {**begun, **{index: y[place] for place, index in enumerate(states)}, diagonal.index: 1.0 / (rosenbrock.GAMMA * h)}
        numbers = {node.index: value for node, value in zip(factors, values(model, factors, at, h), strict=True)}

        def stage(K: Any, s: Any) -> tuple[Any, None]:
            u = y + jnp.tensordot(A[s], K, 1)
            here = {**begun, **{index: u[place] for place, index in enumerate(states)}}
            rates = jnp.stack(values(model, model.rates, here, h))
            right = rates + jnp.tensordot(C[s], K, 1) / h
            out = [right[place] for place in range(len(states))]
            for row, column, factor in model.factors.lower:
                out[row] = out[row] - numbers[factor.index] * out[column]
            for row in reversed(model.factors.order):
                total = out[row]
                for column, factor in model.factors.upper[row]:
                    total = total - numbers[factor.index] * out[column]
                out[row] = total * numbers[model.factors.inverse[row].index]
            return K.at[s].set(-jnp.stack(out)), None

        K, _ = jax.lax.scan(stage, jnp.zeros((rosenbrock.STAGES, *y.shape), y.dtype), jnp.arange(rosenbrock.STAGES))
        new = y + jnp.tensordot(A[LAST], K, 1) + K[LAST]
        new = jnp.where(jnp.abs(new) > 1e-100, new, 0.0)
        size = jnp.where(passes, ease, 1.0) * (jnp.maximum(jnp.abs(new), jnp.abs(y)) + floors)
        error = jnp.max(jnp.abs(K[LAST]) / size, axis=0)
        return new, jnp.where(error <= 1e30, error, 1e30)

    def taken(y: Any, P: Any, x: Any, kind: Any, amount: Any) -> Any:
        D = jnp.zeros((len(doses), *amount.shape), y.dtype).at[kind].set(amount)
        at = {**dict(zip(parameters, P, strict=True)), **dict(zip(exposures, x, strict=True)), **dict(zip(states, y, strict=True)),
              **dict(zip(doses, D, strict=True))}  # fmt: skip
        return jnp.stack(values(model, model.after_dose, at, amount))

    def read(y: Any, P: Any, x: Any) -> Any:
        at = {**dict(zip(parameters, P, strict=True)), **dict(zip(exposures, x, strict=True)), **dict(zip(states, y, strict=True))}
        return jnp.stack(values(model, model.seen, at, y[0]))

    @partial(jax.jit, static_argnames=("rows",))
    def run(
        Y: Any, P: Any, X: Any, T: Any, amounts: Any, kinds: Any, dose_first: Any, which: Any, segment: Any, opens: Any, steps_first: Any,
        steps: Any, slot: Any, breaks: Any, segments: Any, halve: Any, ease: Any, rows: int,
    ) -> tuple[Any, Any, Any]:  # fmt: skip
        out = jnp.zeros((rows + 1, len(model.seen), Y.shape[1]), Y.dtype)
        cert = jnp.zeros((2, Y.shape[1]), Y.dtype)

        def given(y: Any, x: Any, low: Any, high: Any) -> Any:
            return jax.lax.fori_loop(low, high, lambda d, y: taken(y, P, x, kinds[d], amounts[d]), y)

        def break_(b: Any, carry: Any) -> Any:
            y, out, cert = carry
            s = segment[b]
            x = X[which[s]]
            y = given(y, x, dose_first[s], jnp.where(opens[b], dose_first[s + 1], dose_first[s]))
            at = {**dict(zip(parameters, P, strict=True)), **dict(zip(exposures, x, strict=True))}
            Z = jnp.stack(values(model, kept, at, y[0]))

            def one(k: Any, carry: Any) -> Any:
                y, cert = carry
                h = steps[k // halve] * T[s] / halve
                y, error = step(y, Z, h, ease)
                now = cert[0] / (1.0 + h / FORGET_D) + error * error
                return y, jnp.stack([now, jnp.maximum(cert[1], now)])

            y, cert = jax.lax.fori_loop(steps_first[b] * halve, steps_first[b + 1] * halve, one, (y, cert))
            out = jax.lax.cond(slot[b] >= 0, lambda o: o.at[slot[b]].set(read(y, P, x)), lambda o: o, out)
            return y, out, cert

        y, out, cert = jax.lax.fori_loop(0, breaks, break_, (Y, out, cert))
        y = given(y, X[which[segments - 1]], dose_first[segments], dose_first[segments + 1])
        return y, out[:rows], cert[1]

    return run
