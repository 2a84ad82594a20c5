"""Exposures over time, beside the rule said person by person, change by change: the last change so far holds."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import bodies
from corrin.case.timeline import Change
from corrin.inference.realise import CLOSE_D, YEAR_D, Exposed

PEOPLE = 3
DAYS = st.sampled_from((-900.0, -400.0, -399.5, -30.0, -2.0, -1.0, -0.5, 0.0))
"""Few, so that changes of the calendar fall on one instant with each other and with people's own."""
OWN = {
    "onset": np.array([-900.0, -399.7, -1.0]),
    "end": np.array([-30.0, -2.0, 50.0]),
    "much": np.array([0.2, 1.0, 3.0]),
    "little": np.array([0.5, 0.7, 0.9]),
}
TIMES = st.one_of(DAYS, st.sampled_from(("onset", "end")))
VALUES = st.one_of(st.sampled_from((0.0, 0.4, 2.0)), st.sampled_from(("much", "little")))
KINDS = st.sampled_from((
    ("food_ug_d", ""), ("m_homocysteine_production", "smoking_0"), ("m_homocysteine_production", "kidney_1"), ("nitrous_oxide", "gas_0"),
    ("alcohol", ""),
))  # fmt: skip
CHANGES = st.lists(st.tuples(TIMES, KINDS, VALUES).map(lambda parts: Change(parts[0], parts[1][0], parts[2], parts[1][1])), max_size=12)


def _plain(changes: list[Change], name: str, usual: float, person: int, day: float) -> float:
    """One exposure of one person on one day, read off the list as its docstring says."""

    def own(value: float | str) -> float:
        return float(OWN[value][person]) if isinstance(value, str) else value

    found = usual
    for modifier in dict.fromkeys(change.modifier for change in changes if change.target == name):
        latest, since = None, -np.inf
        for change in changes:
            moment = own(change.time)
            if (change.target, change.modifier) == (name, modifier) and since <= moment <= day + CLOSE_D:
                latest, since = own(change.value), moment
        if not modifier:
            found = usual if latest is None else latest
        elif name.startswith("m_"):
            found *= 1.0 if latest is None else latest
        else:
            found += latest or 0.0  # gas adds up
    return found


@given(CHANGES, st.lists(st.lists(DAYS, min_size=PEOPLE, max_size=PEOPLE), min_size=1, max_size=4))
def test_the_last_change_so_far_holds(changes: list[Change], times: list[list[float]]) -> None:
    kernel = bodies.kernel()
    names, usual = kernel.model.exposures, kernel.exposure_defaults()
    found = Exposed(kernel, tuple(changes), OWN, PEOPLE, 60.0).at(np.array(times))
    for place, name in enumerate(names):
        for segment, days in enumerate(times):
            for person, day in enumerate(days):
                wanted = max(60.0 + day / YEAR_D, 16.0) if name == "age_y" else _plain(changes, name, float(usual[place]), person, day)
                np.testing.assert_allclose(found[segment, place, person], wanted, rtol=1e-12, err_msg=f"{name} of {person} on {day}")
