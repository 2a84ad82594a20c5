"""The loop over segments and steps, as numba source around the vector code of a model (`lanes.source` fills it in).

A grid's steps are those of the states that lead; the followers take one step over several of them. `march` is what runs; `entry` is how it
is called from outside: one address of whole numbers, so that the machine code needs neither numba nor Python (`engine/native.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

from corrin.engine.emit.parts import PARTS

TAKES = (
    "adaptive:int", "Y:real2", "P:real2", "X:real3", "which:int1", "T:double3", "kinds:int1", "amounts:double3", "dose_first:int1",
    "restart:double1", "first:int1", "break_at:double1", "slot:int1", "steps_first:int1", "steps:double1", "closes:byte1", "halve:int",
    "tolerance:double2", "OUT:real3", "CERT:double2", "stop:byte1", "period:int", "turn:int1", "room:int1", "marks:int1", "leaps:int1",
    "allowed:double",
)  # fmt: skip
"""Arguments of `march` with their kinds: numbers, and arrays of so many dimensions; `real` is of the width of the states. Room to work in
comes after them."""


def takes(single: bool) -> list[str]:
    """`TAKES` with the width of the states, for `native.callable_of`."""
    return [taken.replace(":real", ":single" if single else ":double") for taken in TAKES]


def entry(work: Sequence[tuple[str, bool, int]], single: bool) -> str:
    """Source of `entry`; `work`: arrays to work in, whether there is one for each tile that shares a step, how long each is."""
    lines, place = [], 0
    for taken in takes(single):
        name, kind = taken.split(":")
        if kind[-1].isdigit():
            shape = "".join(f"t[{place + 1 + axis}], " for axis in range(int(kind[-1])))
            lines.append(f"{name} = {kind[:-1]}s(t[{place}], ({shape}))")
            place += 1 + int(kind[-1])
        else:
            lines.append(f"{name} = t[{place}]" if kind == "int" else f"{name} = doubles(table + {8 * place}, (1,))[0]")
            place += 1
    lines += [f"at = t[{place}]", "wide = Y.shape[0] if adaptive else 1"]
    for name, each, length in work:
        lines.append(f"{name} = {'singles' if single else 'doubles'}(at, ({'wide, ' if each else ''}{length},))")
        lines.append(f"at += {8 * length}{' * wide' if each else ''}")
    given = ", ".join([taken.split(":")[0] for taken in TAKES] + [name for name, _, _ in work])
    return "\n    ".join([*lines, f"return march({given})"])


MODULE = (
    PARTS
    + '''

@part
def march(adaptive, Y, P, X, which, T, kinds, amounts, dose_first, restart, first, break_at, slot, steps_first, steps, closes, halve,
          tolerance, OUT, CERT, stop, period, turn, room, marks, leaps, allowed, {given}):
    """Run tiles of people through a list of segments.

    Y (tiles, states*lanes) in and out; P (tiles, parameters*lanes); X (sets, tiles, exposures*lanes), which (segments) names the set;
    T (segments, tiles, lanes) days; kinds (doses), amounts (doses, tiles, lanes) nmol, dose_first (segments+2): doses before each segment
    and after the last; first (segments+1) -> breaks; break_at (breaks) relative places to hit, the last of a segment 1; slot (breaks)
    output row or -1; steps_first (breaks+1) -> steps, each a share of its segment; closes (steps): whether the followers' step ends with
    this one. These three are written when adaptive, read otherwise; tolerance (breaks, 3), when adaptive, on the way to each break: of a
    step; of a short one after a dose in what passes, while the next reading is far; days from the break to that reading.
    When not adaptive, [0, 1] says how much looser what passes was held.
    CERT (tiles, 2*lanes): squares of the steps' relative errors, summed and forgotten over a month: now, and
    the most it ever was. Returns steps used; -1 too many, -2 step too small.

    Leaps (see simulate.py): period (segments of a day), turn (segments): 1 where a day begins that repeats the one before, 2 the first of
    them; room (segments): how many segments from here on may be leapt; marks, leaps (segments), written when adaptive, read otherwise: a
    day to measure (2 the first), and how many segments are crossed at once from here; allowed: relative error a leap may make, 0 for none.
    """
    tiles = Y.shape[0]
    groups = 1 if adaptive else tiles
    wide = Z.shape[0]
    used = 0
    for g in range(groups):
        low = 0 if adaptive else g
        E[:] = 0.0
        count = 0
        days = 1e30
        known, idle, reach = 0, 0, {fewest}
        NOW[:] = 0.0
        after = 0
        for s in range(T.shape[0]):
            if s < after:
                continue
            if stop[0]:
                return used
            if LEAPS:
                fresh = False
                if adaptive:
                    if turn[s] == 1:
                        idle += 0 if s == after else 1
                        if marks[s - period]:
                            fresh = known < 3 or room[s] >= {fewest} * period
                            marks[s - period] = 0 if not fresh else (2 if known == 0 else 1)
                    elif turn[s] == 2:
                        known, idle, reach = 0, 0, {fewest}
                elif s >= period:
                    fresh = marks[s - period] > 0
                if fresh:
                    for t in range(wide):
                        together_days(T, s - period, s, low + t, J[t])
                        for l in range({lanes}):
                            H[l] = 1.0 / J[t, l]
                            middle = NOW[t, l] - 0.5 * J[t, l]
                            far[l] = 0.0 if marks[s - period] == 2 else 1.0 / (middle - WHEN[t, l])
                            WHEN[t, l] = middle
                        measure(Y[low + t], MARK[t], Z[t], H, far, Q[t], QS[t], QO[t])
                    known = min(known + 1, 3)
                if adaptive and allowed > 0.0:
                    leaps[s] = 0
                    m = min(room[s] // period, reach) if fresh and known == 3 and idle >= {rest} else 0
                    begin = count
                    while m >= {fewest}:
                        for t in range(wide):
                            together_days(T, s, s + m * period, t, J[t])
                            move(BACK[t], Y[t])
                        at = 0.0
                        want = 1.0
                        while at < 1.0 and want > 1e-3:
                            left = 1.0 - at
                            share = left if left < 1.01 * want else (left * 0.5 if left < 2.0 * want else want)
                            worst = 0.0
                            for t in range(wide):
                                for l in range({lanes}):
                                    since[l] = NOW[t, l] + at * J[t, l] - WHEN[t, l]
                                    far[l] = share * J[t, l]
                                across(Y[t], Z[t], Q[t], QS[t], since, far, S[t], V[t], W[t], NONE, MORE[t], G, K, F, H, R, N[t], E, EB,
                                       B, BC, BN, U, UW)
                                worst = largest(E, 0, tolerance[first[s], 1], worst)
                                worst = largest(E, {lanes}, tolerance[first[s], 1], worst)
                                if FOLLOWS:
                                    worst = largest(EB, 0, {behind} * tolerance[first[s], 1], worst)
                            if worst <= 1.0:
                                if count >= steps.shape[0]:
                                    return -1
                                steps[count] = share
                                closes[count] = 1
                                count += 1
                                at = 1.0 if share == left else at + share
                                for t in range(wide):
                                    move(Y[t], N[t])
                            want = share * min(4.0, max(0.2, 0.85 * max(worst, 1e-8) ** (-0.25)))
                        error = 1e30 if at < 1.0 else 0.0
                        if at == 1.0:  # the same with the slope as it was: how far they are apart after rest
                            for t in range(wide):
                                move(HELD[t], BACK[t])
                                emptied(BACK[t], Y[t], E)
                                for l in range({lanes}):
                                    if E[l] > 1.0:
                                        error = 1e30
                                at = 0.0
                                for k in range(begin, count + 2):  # its steps; then the days of rest, of this one and of the leap itself
                                    resting = k >= count
                                    together_days(T, s, s + {rest} * period if resting else s + m * period, t, far)
                                    for l in range({lanes}):
                                        since[l] = NOW[t, l] + at * J[t, l] - WHEN[t, l]
                                        far[l] *= 1.0 if resting else steps[k]
                                    at = 1.0 if k >= count - 1 else at + steps[k]
                                    across(HELD[t] if k <= count else Y[t], Z[t], Q[t], QS[t] if resting else QO[t], since, far, S[t], V[t],
                                           W[t], NONE, MORE[t], G, K, F, H, R, N[t], E, EB, B, BC, BN, U, UW)
                                    if k <= count:
                                        move(HELD[t], N[t])
                                apart(BACK[t], N[t], HELD[t], E)
                                error = largest(E, 0, 1.0, error)
                        change = 0.8 * (allowed / max(error, 1e-12)) ** 0.5
                        if error <= allowed:
                            reach = max(m + 1, int(m * min(3.0, max(0.5, change))))
                            leaps[s] = m * period
                            break
                        for t in range(wide):
                            move(Y[t], BACK[t])
                        count = begin
                        m = min(m - 1, int(m * max(0.3, change)))
                    if leaps[s] > 0:
                        for b in range(first[s], first[s + leaps[s]]):
                            steps_first[b] = count
                        steps_first[first[s]] = begin
                        idle = 0
                    elif fresh and known == 3 and room[s] >= {fewest} * period and idle >= {rest}:
                        reach = {fewest}
                elif leaps[s] > 0:
                    together_days(T, s, s + leaps[s], low, J[0])
                    move(BACK[0], Y[low])
                    at = 0.0
                    for k in range(steps_first[first[s]], steps_first[first[s] + 1]):
                        for _ in range(halve):
                            for l in range({lanes}):
                                since[l] = NOW[0, l] + at * J[0, l] - WHEN[0, l]
                                far[l] = steps[k] * J[0, l] / halve
                            across(Y[low], Z[0], Q[0], QS[0], since, far, S[0], V[0], W[0], NONE, MORE[0], G, K, F, H, R, N[0], E, EB,
                                   B, BC, BN, U, UW)
                            certify(CERT[low], H, E, tolerance[0, 1])
                            if FOLLOWS:
                                certify(CERT[low], H, EB, tolerance[0, 1])
                            used += 1
                            at += steps[k] / halve
                            move(Y[low], N[0])
                    emptied(BACK[0], Y[low], E)
                    for l in range({lanes}):
                        if not (E[l] <= 1.0):  # a leap too far for this person, who is run day by day
                            CERT[low, {lanes} + l] = 1e30
                if leaps[s] > 0:
                    for t in range(wide):
                        for l in range({lanes}):
                            NOW[t, l] += J[t, l]
                    after = s + leaps[s]
                    continue
                if adaptive:
                    marks[s] = 1 if allowed > 0.0 and turn[s] > 0 and idle >= {rest} - 1 else 0
                if marks[s]:
                    for t in range(wide):
                        move(MARK[t], Y[low + t])
            longest = 0.0
            shortest = 1e300
            dosed = dose_first[s + 1] > dose_first[s]
            for t in range(wide):
                for d in range(dose_first[s], dose_first[s + 1]):
                    for l in range({lanes}):
                        D[kinds[d] * {lanes} + l] = amounts[d, low + t, l]
                    dose(Y[low + t], P[low + t], X[which[s], low + t], D)
                    D[:] = 0.0
                prologue(P[low + t], X[which[s], low + t], Z[t])
                if FOLLOWS:
                    slope(Y[low + t], Z[t], V[t])
                    keep(Y[low + t], S[t])
                for l in range({lanes}):
                    longest = max(longest, T[s, low + t, l])
                    shortest = min(shortest, T[s, low + t, l])
            if restart[s] > 0.0:
                days = min(days, restart[s])
            elif s == 0:
                days = 1e-5
            at = 0.0
            for b in range(first[s], first[s + 1]):
                if adaptive:
                    steps_first[b] = count
                    pending = False
                    while at < break_at[b]:
                        left = break_at[b] - at
                        want = days / longest
                        share = left if left < 1.01 * want else (left * 0.5 if left < 2.0 * want else want)
                        forgotten = dosed and share * longest <= {short} and (left - share) * shortest + tolerance[b, 2] >= {forgotten}
                        loose = tolerance[b, 1] if forgotten else tolerance[b, 0]
                        worst = 0.0
                        for t in range(wide):
                            for l in range({lanes}):
                                H[l] = 1.0 / (share * T[s, t, l])
                            lead(Y[t], Z[t], G, H, K, F, N[t], E)
                            worst = largest(E, 0, tolerance[b, 0], worst)
                            worst = largest(E, {lanes}, loose, worst)
                        while FOLLOWS and worst <= 1.0:
                            behind = 0.0  # the followers' step made longer by this one; where it would err, it ends before this one
                            for t in range(wide):
                                for l in range({lanes}):
                                    H[l] = 1.0 / (share * T[s, t, l])
                                slope(N[t], Z[t], W[t])
                                gather(Y[t], N[t], V[t], W[t], H, M[t], MORE[t])
                                for l in range({lanes}):
                                    H[l] = 1.0 / (L[t, l] + share * T[s, t, l])
                                drive(S[t], N[t], MORE[t], H, G, R)
                                follow(Y[t], Z[t], G, H, K, F, N[t], E)
                                behind = largest(E, 0, {behind} * tolerance[b, 0], behind)
                                if pending:
                                    behind = largest(R, 0, 1.0, behind)
                            if not pending:
                                worst = max(worst, behind)
                                break
                            if behind <= 1.0:
                                break
                            closes[count - 1] = 1
                            pending = False
                            for t in range(wide):
                                for i in range({lead}, {flat}):
                                    Y[t, i] = C[t, i]
                                keep(Y[t], S[t])
                                M[t] = 0.0
                                L[t] = 0.0
                        if worst <= 1.0:
                            at = break_at[b] if share == left else at + share
                            for t in range(wide):
                                for i in range({lead}):
                                    Y[t, i] = N[t, i]
                                for i in range({lead}, {flat}):
                                    C[t, i] = N[t, i]
                                for i in range({drives}):
                                    V[t, i] = W[t, i]
                                    M[t, i] = MORE[t, i]
                                for l in range({lanes}):
                                    L[t, l] += share * T[s, t, l]
                            if count >= steps.shape[0]:
                                return -1
                            steps[count] = share
                            closes[count] = 0
                            count += 1
                            pending = FOLLOWS
                        if worst < 1e30:
                            change = 4.0 if worst < 1e-8 else 0.85 * worst ** (-0.25)
                        else:
                            change = 0.2
                        tried = share * longest
                        if worst <= 1.0 and share < 0.999 * want:
                            tried = days  # a step cut short by a break says nothing against the longer one
                            change = min(change, 1.0)
                        days = tried * min(4.0, max(0.2, change))
                        if days < 1e-11:
                            return -2
                    if count > steps_first[b]:
                        closes[count - 1] = 1
                    for t in range(wide):
                        for i in range({lead}, {flat}):
                            Y[t, i] = C[t, i]
                        if FOLLOWS:
                            keep(Y[t], S[t])
                        M[t] = 0.0
                        L[t] = 0.0
                else:
                    gone = 0
                    together = 0
                    for k in range(steps_first[b], steps_first[b + 1]):
                        if gone == 0 and FOLLOWS:
                            together = 1
                            while closes[k + together - 1] == 0:
                                together += 1
                        for _ in range(halve):
                            for l in range({lanes}):
                                H[l] = halve / (steps[k] * T[s, low, l])
                            lead(Y[low], Z[0], G, H, K, F, N[0], E)
                            certify(CERT[low], H, E, tolerance[0, 1])
                            used += 1
                            if FOLLOWS:
                                slope(N[0], Z[0], W[0])
                                gather(Y[low], N[0], V[0], W[0], H, M[0], MORE[0])
                                for i in range({drives}):
                                    V[0, i] = W[0, i]
                                    M[0, i] = MORE[0, i]
                                for l in range({lanes}):
                                    L[0, l] += 1.0 / H[l]
                                gone += 1
                                if gone == together:
                                    for l in range({lanes}):
                                        H[l] = 1.0 / L[0, l]
                                    drive(S[0], N[0], M[0], H, G, R)
                                    follow(Y[low], Z[0], G, H, K, F, N[0], E)
                                    certify(CERT[low], H, E, tolerance[0, 1])
                                    for i in range({lead}, {flat}):
                                        Y[low, i] = N[0, i]
                                    keep(N[0], S[0])
                                    M[0] = 0.0
                                    L[0] = 0.0
                                    gone = 0
                            for i in range({lead}):
                                Y[low, i] = N[0, i]
                if slot[b] >= 0:
                    for t in range(wide):
                        read(Y[low + t], P[low + t], X[which[s], low + t], OUT[low + t, slot[b]])
            if LEAPS:
                for t in range(wide):
                    for l in range({lanes}):
                        NOW[t, l] += T[s, low + t, l]
        s = T.shape[0]
        for t in range(wide):
            for d in range(dose_first[s], dose_first[s + 1]):
                for l in range({lanes}):
                    D[kinds[d] * {lanes} + l] = amounts[d, low + t, l]
                dose(Y[low + t], P[low + t], X[which[s - 1], low + t], D)
                D[:] = 0.0
        if adaptive:
            steps_first[first[s]] = count
            used = count
    return used


def entry(table):
    """`march` by the address of its arguments: numbers, and each array's address and shape."""
    t = ints(table, (1,))
    {entry}
'''
)
