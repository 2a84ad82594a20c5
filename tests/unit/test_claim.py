"""Claims: sentences written apart from the table's patterns (a false accusation is worse than silence), pages, files, hostile input."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import claim_sentences as said
import corrin
from corrin.answers.claim import claim
from corrin.answers.claim.reading import MOST_BYTES, plain
from corrin.errors import InputError
from corrin.facts.claims import advice_rows, claims, cutoffs
from corrin.facts.reader import analytes, sources
from corrin.shells import cli
from corrin.units import convert


def _share(sentences: tuple[str, ...], *wanted: str) -> float:
    return sum(bool(set(claim(text).verdicts) & set(wanted)) for text in sentences) / len(sentences)


def test_there_are_enough_sentences_of_each_kind() -> None:
    for group in (said.TRUE, said.FALSE, (*said.NEGATED_FALSE, *said.NEGATED_TRUE), said.HEDGED):
        assert len(set(group)) >= 40
    assert len(claims()) >= 60


@pytest.mark.parametrize("text", [*said.TRUE, *said.FRESH_TRUE, *said.NEGATED_FALSE, *said.HEDGED, *said.LOOKALIKES])
def test_nothing_true_denied_or_weakened_is_accused(text: str) -> None:
    assert "wrong" not in claim(text).verdicts


@pytest.mark.parametrize("text", [*said.FALSE, *said.FRESH_FALSE, *said.NEGATED_TRUE])
def test_nothing_false_is_called_right(text: str) -> None:
    assert "right" not in claim(text).verdicts


@pytest.mark.parametrize("text", said.QUIET)
def test_what_the_tables_do_not_know_is_left_alone(text: str) -> None:
    assert claim(text).verdicts == ()


@pytest.mark.parametrize("text", said.ADVICE)
def test_advice_is_answered_by_guides_and_never_judged_right(text: str) -> None:
    answer = claim(text)
    assert "advice" in answer.verdicts
    assert "right" not in answer.verdicts
    assert answer.data["sources"]


def test_most_of_what_is_known_is_found() -> None:
    """Shares reached on the sentences the table was tuned on, and on those written afterwards."""
    assert _share(said.TRUE, "right", "advice") >= 0.85
    assert _share(said.FALSE, "wrong", "disputed") >= 0.9
    assert _share(said.NEGATED_FALSE, "right") >= 0.7
    assert _share(said.NEGATED_TRUE, "wrong", "disputed") >= 0.85
    assert _share(said.FRESH_TRUE, "right", "advice") >= 0.75
    assert _share(said.FRESH_FALSE, "wrong", "disputed") >= 0.75


# The known errors of health pages, each in a sentence, with the verdict it must get and a word of the answer.
@pytest.mark.parametrize(
    ("text", "verdict", "word"),
    [
        ("Homocysteine above 15 nmol/L indicates deficiency", "wrong", "umol/L"),
        ("MMA above 0.4 mmol/L is elevated.", "wrong", "umol/L"),
        ("A methylmalonic acid over 0.45 nmol/L is high.", "wrong", "umol/L"),
        ("Normal B12 ranges from 180 to 350 ng/mL.", "wrong", "pg/mL"),
        ("Aim for a B12 level of 30-44 ng/mL (220-325 pmol/L).", "wrong", "pmol/L"),
        ("180 ng/L of B12 = 150 pmol/L.", "wrong", "133"),
        ("B12 below 200 pg/dL is deficient.", "wrong", "pg/mL"),
        ("The AAFP asks for a B12 above 500 pg/mL.", "wrong", ""),
        ("Methylcobalamin is the better form.", "disputed", "not known"),
        ("Tablets cannot work in pernicious anaemia.", "wrong", "1 %"),
        ("Sublingual B12 is absorbed through the mouth.", "wrong", "alike"),
        ("B12 stores in the liver last three to five years.", "disputed", "No fixed time"),
        ("No anaemia means no deficiency.", "wrong", "without it"),
        ("A normal B12 excludes damage by nitrous oxide.", "wrong", "20 to 50"),
        ("The damage is irreversible after three months.", "wrong", "label"),
        ("Spirulina is a good source of B12.", "wrong", "pseudo"),
        ("Clams contain more than 1,000 micrograms of B12 per serving.", "wrong", "84"),
        ("One bowl of breakfast cereal covers the RDA of B12.", "disputed", "label"),
        ("The AAFP names metformin for more than four years as a reason to test.", "wrong", "months"),
        ("2.4 mcg of B12 is enough for everyone.", "wrong", "pregnancy"),
        ("Vitamin B6 is safe up to 100 mg a day.", "disputed", "12 mg"),
        ("Folic acid repairs the nerve damage of low B12.", "wrong", "blood"),
        ("Elevated MMA is diagnostic of B12 deficiency.", "wrong", "kidney"),
        ("Mecobalamin is approved for multiple sclerosis.", "wrong", "label"),
        ("LOINC 16695-9 is serum B12 in pmol/L.", "wrong", "whole blood"),
        ("LOINC 2170-9 stands for MMA.", "wrong", "13964-2"),
        ("SNOMED 190634004 is folic acid deficiency.", "wrong", "cobalamin"),
        ("Holotranscobalamin is unaffected by the kidneys.", "disputed", ""),
    ],
)
def test_known_errors_of_health_pages(text: str, verdict: str, word: str) -> None:
    answer = claim(text)
    found = [one for one in answer.data["findings"] if one["verdict"] == verdict]
    if word or verdict != "disputed":
        assert found, f"{text}: {answer.verdicts}"
        assert any(word in one["says"] for one in found)
        assert all(one["sources"] for one in found)
    assert "right" not in answer.verdicts


@given(st.sampled_from(["serum_b12", "mma", "homocysteine"]), st.floats(0.4, 2.0))
def test_the_unit_never_turns_a_verdict(name: str, factor: float) -> None:
    """One amount in two units that both make sense is never right in one and wrong in the other; a conversion done right is right."""
    row = analytes()[name]
    one, other = {"serum_b12": ("pmol/L", "pg/mL"), "mma": ("umol/L", "nmol/L"), "homocysteine": ("umol/L", "mg/L")}[name]
    start = {"serum_b12": 200.0, "mma": 0.4, "homocysteine": 15.0}[name] * factor
    value = convert(start, one, other, row.molar_mass_g_mol)
    verdicts = set(claim(f"{row.name} above {start:.4g} {one} ({value:.4g} {other}) is raised.").verdicts)
    assert "wrong" not in verdicts
    assert "right" in verdicts


@pytest.mark.parametrize("limit", [row for row in cutoffs() if row.seen != "recalled"], ids=lambda row: row.id)
def test_every_limit_of_the_table_is_recognised_in_its_own_words(limit: object) -> None:
    name = analytes()[limit.analyte].name  # type: ignore[attr-defined]
    span = f"{limit.value:g}" if limit.value_high is None else f"{limit.value:g} to {limit.value_high:g}"  # type: ignore[attr-defined]
    side = "of" if limit.side == "between" else limit.side  # type: ignore[attr-defined]
    answer = claim(f"A {name} {side} {span} {limit.unit} is counted as a limit: deficient, borderline, normal or raised.")  # type: ignore[attr-defined]
    assert "right" in answer.verdicts


def test_context_around_a_statement() -> None:
    false = "Methylcobalamin is better absorbed than cyanocobalamin."
    assert claim(false).verdicts == ("wrong",)
    for around in (
        f"{false} This is a myth.",
        f"{false} That is not true.",
        f"Myth: {false}",
        f'An advertisement reads: "{false}"',
        f"Common myths about B12. {false}",
        f"<html><body><h2>Myths and misconceptions</h2><p>{false}</p></body></html>",
        f"Does anybody still think that {false[:-1].lower()}?",
        f"Contrary to what shops tell, {false[0].lower() + false[1:-1]} by no measure.",
        f"{false[:-1]}, but no trial has shown it.",
    ):
        assert "wrong" not in claim(around).verdicts, around
    after = f"<html><h2>Myths</h2><p>Nothing here.</p><h2>Facts</h2><p>{false}</p></html>"
    assert claim(after).verdicts == ("wrong",)


def test_a_page_is_read_without_scripts_and_with_its_lines() -> None:
    page = (
        "<!DOCTYPE html>\n<html><head><title>B12</title><script>var a = 'Spirulina is rich in vitamin B12.';</script>\n"
        "<style>p { content: 'Spirulina is rich in vitamin B12.' }</style></head>\n<body><p>Vitamin B<sub>12</sub> &amp; you.</p>\n"
        "<!-- Spirulina is rich in vitamin B12. -->\n<p>Nitrous oxide inactivates vitamin B<sub>12</sub>.</p>\n"
        "<p>Homocysteine above 15&nbsp;nmol/L means deficiency.</p></body></html>"
    )
    answer = claim(page)
    assert [(one["verdict"], one["line"]) for one in answer.data["findings"]] == [("right", 6), ("wrong", 7)]


def test_line_numbers_of_a_text() -> None:
    text = "A first line.\nA second one without sense.\n\nSpirulina is rich\nin vitamin B12. And more.\n"
    assert [one["line"] for one in claim(text).data["findings"]] == [4]


@pytest.mark.parametrize(
    "text",
    ["", "   \n\t", "a" * (MOST_BYTES + 1), "\0" * 100, bytes(range(256)).decode("latin-1") * 20],
    ids=["empty", "blank", "large", "zeros", "binary"],
)
def test_what_is_no_text_is_refused_with_a_message(text: str) -> None:
    with pytest.raises(InputError):
        claim(text)


@pytest.mark.parametrize(
    "text",
    [
        "<div>" * 100_000 + "Spirulina is rich in vitamin B12.",
        "<html>" + "<" * 300_000,
        "<html>" + "&" * 300_000,
        "<p " + "a=b " * 60_000 + ">Spirulina is rich in vitamin B12.</p>",
        "<html><script>" + "x<" * 200_000,
        "b12 above " + "1 pg/ml (2 pmol/l) " * 15_000,
        "b12 of " + "9" * 300_000 + " pg/ml above",
        "methylcobalamin nerve damage b12 nori spirulina folic acid metformin oral injections " * 3_000,
        "b12\n" * 80_000,
        '"' * 300_000,
    ],
    ids=["nesting", "angles", "entities", "attributes", "script", "quantities", "digits", "words", "lines", "quotes"],
)
def test_hostile_input_ends_soon(text: str) -> None:
    begun = time.process_time()
    claim(text)
    assert time.process_time() - begun < 5.0


@given(st.text(max_size=300))
def test_any_text_is_answered_or_refused(text: str) -> None:
    try:
        answer = claim(text)
    except InputError:
        return
    assert answer.to_dict()["format"] == "corrin.claim/1"
    assert claim(text).data == answer.data


@given(st.sampled_from((*said.FALSE, *said.TRUE)), st.sampled_from(["upper", "title", "space", "american"]))
def test_spelling_never_turns_a_verdict(text: str, change: str) -> None:
    other = {
        "upper": text.upper(), "title": text.title(), "space": text.replace(" ", "  "),
        "american": text.replace("anaemi", "anemi").replace("µ", "u").replace("mcg", "micrograms"),
    }[change]  # fmt: skip
    assert claim(other).verdicts == claim(text).verdicts


def test_files_and_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.html"
    page.write_text("<p>Spirulina is rich in vitamin B12.</p>", encoding="utf-8")
    assert cli._run(["claim", str(page), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["findings"][0]["verdict"] == "wrong"
    assert cli._run(["claim", "Homocysteine above 15 nmol/L indicates deficiency"]) == 0
    out, err = capsys.readouterr()
    assert "WRONG" in out
    assert out.count("no prescription") == 1
    assert err == ""
    (tmp_path / "binary.txt").write_bytes(b"\x89PNG\r\n\0\0\0")
    (tmp_path / "large.txt").write_bytes(b"b12 " * 2_600_000)
    (tmp_path / "old.txt").write_bytes("Spirulina is rich in vitamin B12 – naïve".encode("cp1252"))
    for name, code in (("binary.txt", 2), ("large.txt", 2), ("missing.html", 2), ("old.txt", 0)):
        assert cli._run(["claim", str(tmp_path / name)]) == code, name
    capsys.readouterr()
    for name, words in (("", "a folder"), ("missing.json", "no such file")):
        assert cli._run(["claim", str(tmp_path / name)]) == 2
        assert words in capsys.readouterr().err
    assert cli._run(["claim", "µ" * 240]) == 0, "a sentence too long for the name of a file is a sentence"


def test_every_row_is_cited_and_its_patterns_are_plain() -> None:
    for row in (*claims().values(), *cutoffs(), *advice_rows()):
        assert all(key in sources() for key in row.sources), row.id
        assert row.at.strip()
        assert (row.how == "recalled") <= (row.seen == "recalled"), row.id
        assert (row.seen == "assumed") <= ("corrin-assumed" in row.sources), row.id
    for row in claims().values():
        # Patterns are matched against the plain form: what it never holds could never be found.
        assert all(word == plain(word) for word in row.about), row.id


def test_every_statement_of_the_table_judges_its_own_wording() -> None:
    """Each is found at least once in the sentences of these tests or in its own heading: no dead pattern."""
    seen = set()
    everything = (
        *said.TRUE,
        *said.FALSE,
        *said.NEGATED_FALSE,
        *said.NEGATED_TRUE,
        *said.HEDGED,
        *said.FRESH_TRUE,
        *said.FRESH_FALSE,
        *said.EACH,
    )
    for text in (*everything, *(row.what for row in claims().values())):
        seen |= {one["what"] for one in claim(text).data["findings"]}
    dead = [row.id for row in claims().values() if row.what not in seen]
    assert not dead


def test_instant_and_without_the_engine() -> None:
    code = (
        "import sys, corrin; corrin.claim('Spirulina is rich in B12.').text();"
        "print([name for name in ('numba', 'scipy', 'jax', 'numpy') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout.strip() == "[]"
    assert corrin.claim("Spirulina is rich in B12.").verdicts == ("wrong",)
