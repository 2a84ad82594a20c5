"""The seven example patients say what a careful reader expects (example_checklist.toml), and nothing that alarms stands alone."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path

import pytest

import corrin
from corrin.answers.examples import example

LIST = tomllib.loads((Path(__file__).parents[1] / "tables" / "example_checklist.toml").read_text(encoding="utf-8"))
COMMON = LIST.pop("common")
ALARMS = re.compile(r"^\s*(RED FLAG|Emergency|Same day|Within (days|two weeks|a week)|Soon|Urgent)\b.*?:", re.IGNORECASE)
STEPS = re.compile(r"\b(Next|Do first|Samples and examinations now):")
LOOK_AHEAD = 9
"""Lines after an alarm within which a step must stand, the next alarm not before it."""


@cache
def text(case: str, question: str) -> str:
    if question == "recover":
        return corrin.recover(case, draws=50).text()
    return (corrin.mimics if question == "mimics" else corrin.assess)(example(case)).text()


def plain(text_: str) -> str:
    return re.sub(r"\s+", " ", text_).replace("- ", "-").lower()


@cache
def whole(case: str) -> str:
    return " ".join(plain(text(case, question)) for question in ("mimics", "assess", "recover"))


@pytest.mark.slow
@pytest.mark.parametrize("case", LIST)
@pytest.mark.parametrize("what", ["level", "tracts", "mimics", "urgency", "next", "not_known"])
def test_says(case: str, what: str) -> None:
    missing = [said for said in (*LIST[case][what], *COMMON.get(what, ())) if plain(said) not in whole(case)]
    assert missing == []


@pytest.mark.slow
@pytest.mark.parametrize("case", LIST)
def test_recover_says_what_is_not_known_and_promises_nothing(case: str) -> None:
    told = plain(text(case, "recover"))
    wanted = [said for said in COMMON["recover"] if said != "Not known"]
    assert [said for said in wanted if plain(said) not in told] == []
    assert [said for said in COMMON["never"] if plain(said) in whole(case)] == []


def alone(told: str) -> list[str]:
    """Lines that alarm and name no next step."""
    lines = told.splitlines()
    found = []
    for place, line in enumerate(lines):
        if ALARMS.match(line):
            after = [line]
            for following in lines[place + 1 : place + 1 + LOOK_AHEAD]:
                if ALARMS.match(following):
                    break
                after.append(following)
            if not any(STEPS.search(one) for one in after):
                found.append(line.strip())
    return found


@pytest.mark.parametrize("case", corrin.examples())
def test_nothing_alarming_without_a_next_step(case: str) -> None:
    for question in ("mimics", "assess"):
        assert alone(text(case, question)) == [], question


@pytest.mark.slow
@pytest.mark.parametrize("case", LIST)
def test_nothing_alarming_in_recover_without_a_next_step(case: str) -> None:
    assert alone(text(case, "recover")) == []


def test_an_alarm_alone_is_found() -> None:
    assert alone("  Same day: something grave.\n\nAnd on.\n") == ["Same day: something grave."]
    assert alone("  Same day: something grave.\n    Next: take samples.\n") == []
