"""The report says what it must, in lines that fit, with words that promise nothing."""

from __future__ import annotations

import pytest

from corrin.answers.record import DISCLAIMER, Forecast
from corrin.show import words


def test_lines_fit_the_page(made_up_answer: Forecast) -> None:
    for width in (100, 110, 140):
        too_long = [line for line in made_up_answer.text(width).split("\n") if len(line) > max(width, 125)]
        assert too_long == []


def test_report_holds_what_was_asked(made_up_answer: Forecast) -> None:
    report = made_up_answer.text()
    for plan in made_up_answer.plans:
        assert f"Plan: {plan.title}" in report
    for wanted in (
        "Serum B12", "Methylmalonic acid", "Homocysteine", "Haemoglobin", "Mean cell volume", "Feet: sensory nerve", "Dorsal columns",
        "Tingling", "1 month", "24 months",
        "First improvement", "Most improvement", "Chance of full recovery", "not expected back within 24",
        "What this rests on", "assumed (weak)", "Weak evidence", "Sources", "[x1999]", "pernicious anaemia", "3 weeks ago",
    ):  # fmt: skip
        assert wanted in report, wanted


def test_a_page_without_urgency_says_what_comes_next_and_what_was_not_measured(made_up_answer: Forecast) -> None:
    from corrin.answers.record import Notice, WarningCode

    head = " ".join(made_up_answer.text().partition("State today")[0].split())
    assert "Next: `corrin assess` says what the guideline asks to test and to treat." in head
    seen = {lab.reading for lab in made_up_answer.observed}
    told = head.partition("Not measured in this person: ")[2]
    for quantity in made_up_answer.today:
        if quantity.name in ("serum_b12", "mma", "homocysteine", "haemoglobin", "mcv"):
            assert (quantity.label in told) == (quantity.name not in seen), quantity.name
    unseen = made_up_answer.model_copy(update={"observed": ()})
    rows = [line for line in unseen.text(140).split("\n") if line.startswith("Haemoglobin")]
    assert "not measured; simulated" in rows[0]
    safety = made_up_answer.model_copy(update={"warnings": (Notice(code=WarningCode.SAFETY, text="Same day: gait."),)})
    assert "Next: `corrin assess`" not in safety.text()


def test_one_disclaimer_at_the_end(made_up_answer: Forecast) -> None:
    report = made_up_answer.text()
    assert " ".join(report.split()).count(DISCLAIMER) == 1
    assert report.rstrip().endswith(DISCLAIMER)


def test_serum_b12_on_treatment_is_explained_where_something_is_given(made_up_answer: Forecast) -> None:
    flat = " ".join(made_up_answer.text().split())
    assert flat.count("on treatment the serum level is not a measure of response") == 2


def test_nothing_is_called_lost_or_cured(made_up_answer: Forecast) -> None:
    report = made_up_answer.text().lower()
    for word in ("lost", "cure", "healed", "guarantee", "100 %", "nan", "none"):
        assert word not in report, word


def test_warnings_are_shown(made_up_answer: Forecast) -> None:
    from corrin.answers.record import Notice, WarningCode

    warned = made_up_answer.model_copy(update={"warnings": (Notice(code=WarningCode.SAFETY, text="Watch potassium."),)})
    assert warned.text().count("Watch potassium.") == 2


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0"),
        (0.001, "0"),
        (0.827, "0.83"),
        (4.24, "4.2"),
        (9.96, "10"),
        (57.3, "57"),
        (1236.0, "1,240"),
        (28_340.0, "28,300"),
        (-4.24, "-4.2"),
    ],
)
def test_numbers(value: float, shown: str) -> None:
    assert words.number(value) == shown


@pytest.mark.parametrize(
    ("days", "shown"),
    [(1, "1 day"), (5, "5 days"), (21, "3 weeks"), (100, "3 months"), (700, "23 months"), (731, "2 years"), (1280, "3.5 years")],
)
def test_durations(days: float, shown: str) -> None:
    assert words.duration(days) == shown


def test_a_probability_is_never_certain() -> None:
    assert words.percent(0.0) == "under 1 %"
    assert words.percent(1.0) == "over 99 %"
    assert words.percent(0.62) == "62 %"


def test_a_mark_never_begins_a_line_alone() -> None:
    from corrin.show.blocks import table

    lines = table([["Hands (short sensory nerves), working, % ~", "x" * 60]], 101).split("\n")
    assert len(lines) == 2
    assert lines[1].split() == ["%", "~"]
    assert "\u00a0" not in "".join(lines)
