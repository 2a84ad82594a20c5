"""One resource at a time: what comes out is what `json` reads, and what cannot be read is said."""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from corrin.errors import CorrinError, InputError
from corrin.shells.fhir import stream
from corrin.shells.fhir.stream import resources
from fhir_bundles import bundle, lab, patient

ROOT = Path(__file__).parents[3]
plain = some.recursive(
    some.none()
    | some.booleans()
    | some.integers(-(10**9), 10**9)
    | some.floats(allow_nan=False, allow_infinity=False)
    | some.text(max_size=12),
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(some.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


def all_of(text: str | bytes) -> list[object]:
    made = io.BytesIO(text) if isinstance(text, bytes) else io.StringIO(text)
    return [item for _, item, _ in resources(made)]


@given(
    some.lists(some.dictionaries(some.text(max_size=6), plain, max_size=4), min_size=1, max_size=6), some.booleans(), some.integers(1, 40)
)
def test_entries_are_what_json_reads(items: list[dict[str, object]], indented: bool, chunk: int) -> None:
    document = {
        "meta": {"x": ["}]", 1]},
        "entry": [{"resource": item, "fullUrl": 'u"{'} for item in items],
        "resourceType": "Bundle",
        "z": "\\",
    }
    text = json.dumps(document, indent=2 if indented else None, ensure_ascii=indented)
    old, stream.CHUNK = stream.CHUNK, chunk
    try:
        assert all_of(text.encode("utf-8", "surrogatepass") if not _lone(text) else json.dumps(document)) == items
    finally:
        stream.CHUNK = old


def _lone(text: str) -> bool:
    return any(0xD800 <= ord(sign) <= 0xDFFF for sign in text)


@given(some.lists(some.dictionaries(some.text(max_size=6), plain, max_size=4), min_size=1, max_size=6))
def test_lines_are_what_json_reads(items: list[dict[str, object]]) -> None:
    made = [item | {"resourceType": "Observation"} for item in items]
    assert all_of("\n".join(json.dumps(item) for item in made) + "\n") == made


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "nothing in it"),
        ("[]", "a list where an object begins"),
        ("hello", "'hello' where an object begins"),
        ("{", "not JSON"),
        ('{"a": 1}', "no resourceType"),
        ('{"resourceType": "Bundle"}', "no entry in it"),
        ('{"resourceType": "Bundle", "entry": []}', "no entry in it"),
        ('{"resourceType": "Bundle", "entry": [{"resource": {}} {}]}', "a comma or the end of entry is missing"),
        ('{"resourceType": "Bundle", "entry": [{"resource": {}},]}', "an object in entry is missing"),
        ('{"resourceType": "Bundle", "entry": [{"resource": {"a": tru}}]}', "not JSON"),
        ('{"resourceType": "Bundle", "entry": [{"resource": {}}], "entry": []}', "written twice"),
        ('{"resourceType": "Bundle", "entry": [{"resource": {"a": 1}}', "not JSON"),
        ('{"entry": [{"resource": {}}], "resourceType": 5}', "expected Bundle"),
        ('{"resourceType": "Patient"}\n{"resourceType": "Patient"', "line 2"),
        ("\ufeff", "nothing in it"),
    ],
)
def test_what_is_no_document_is_refused(text: str, said: str) -> None:
    with pytest.raises(InputError, match=r"bundle") as raised:
        all_of(text)
    assert said in str(raised.value)


@pytest.mark.parametrize("raw", [b"\xff\xfe{\x00}\x00", b'{"resourceType": "Bundle", "entry": [{"resource": {"a": "\xe9"}}]}'])
def test_other_encodings_are_refused(raw: bytes) -> None:
    with pytest.raises(InputError, match="UTF-8"):
        all_of(raw)


@pytest.mark.parametrize(
    ("inner", "said"),
    [('{"a": NaN}', "NaN is not a number"), ('{"a": 1, "a": 2}', "written twice"), ('{"a": ' + "9" * 5000 + "}", "digits")],
)
def test_a_resource_that_is_not_json_is_left_out_alone(inner: str, said: str) -> None:
    first, second = all_of('{"resourceType": "Bundle", "entry": [{"resource": ' + inner + '}, {"resource": {"b": 1}}]}')
    assert isinstance(first, InputError)
    assert said in str(first)
    assert second == {"b": 1}


def test_depth_is_limited_before_anything_is_built() -> None:
    def nested(depth: int) -> str:
        # Bundle, entry, the entry: three levels; the rest is inside.
        return '{"resourceType": "Bundle", "entry": [{"resource": {"a": ' + "[" * (depth - 4) + "]" * (depth - 4) + "}}]}"

    assert len(all_of(nested(64))) == 1
    for depth in (65, 200, 200_000):
        with pytest.raises(InputError, match="nested deeper than 64"):
            all_of(nested(depth))
    with pytest.raises(InputError, match="nested deeper than 64"):
        all_of('{"resourceType": "Patient", "a": ' + "[" * 70 + "]" * 70 + "}")


def test_size_is_limited(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text = json.dumps(bundle(patient(), lab("2132-9", 300.0, "pg/mL", note="x" * 5000)))
    monkeypatch.setattr(stream, "MAX_RESOURCE_BYTES", 2000)
    kept, left = all_of(text)
    assert kept == patient()
    assert "more than 2,000 bytes" in str(left)
    monkeypatch.setattr(stream, "MAX_BYTES", 3000)
    with pytest.raises(InputError, match="more than 3,000 bytes"):
        all_of(text)
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InputError, match="expected at most 3,000"):
        list(resources(tmp_path / "a.json"))


@pytest.mark.parametrize("name", ["missing.json", "", "empty", "\x00"])
def test_paths_that_hold_nothing(name: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError):
        list(resources(tmp_path / name if name else tmp_path))


@given(some.binary(max_size=200))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    with contextlib.suppress(CorrinError):
        list(resources(io.BytesIO(raw)))


@given(some.integers(0, 400), some.sampled_from(['"', "}", "]", "{", "\\", ",", "\n", "x", ""]))
def test_a_slip_anywhere_is_read_or_refused(place: int, sign: str) -> None:
    text = json.dumps(bundle(patient(), lab("2132-9", 300.0, "pg/mL")))
    place = min(place, len(text) - 1)
    with contextlib.suppress(CorrinError):
        all_of(text[:place] + sign + text[place + 1 :])


MEASURE = """
import sys
from corrin.shells.fhir import read_fhir
case, report = read_fhir(sys.argv[1], as_of="2024-12-31")
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(len(case.labs), report.read["Observation"], int(peak.split()[1]) // 1024)
"""
"""The peak of this program alone: what `getrusage` tells may be that of the process that started it."""


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is measured as Linux counts it")
def test_sixty_megabytes_in_little_memory(tmp_path: Path) -> None:
    padding = {"text": {"status": "generated", "div": "<div>" + "\u00b5 {[\\" * 450 + "</div>"}}
    path = tmp_path / "large.json"
    with path.open("w", encoding="utf-8") as opened:
        opened.write('{"resourceType": "Bundle", "entry": [' + json.dumps({"resource": patient()}))
        count = 0
        while opened.tell() < 60 * 2**20:
            item = lab("2132-9", 300.0 + count % 7, "pg/mL", f"2024-{count % 12 + 1:02d}-{count % 28 + 1:02d}") | padding
            opened.write(",\n" + json.dumps({"resource": item}, ensure_ascii=False))
            count += 1
        blob = {"resourceType": "Binary", "data": "A" * 2**21}
        opened.write("," + json.dumps({"resource": blob}) + "]}")
    done = subprocess.run([sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, cwd=ROOT, check=True, timeout=120)
    labs, read, megabytes = map(int, done.stdout.split())
    # Twelve months meet 28 days in 84 ways; on each day seven values.
    assert read == count
    assert 0 < labs <= 84 * 7
    assert megabytes < 300
