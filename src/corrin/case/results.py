"""A result or a finding in one line, as a person types it: `serum_b12=210ng/L@2026-05-01`, `mma<150nmol/L`, `romberg=none@-30d`."""

from __future__ import annotations

import difflib
import re
from datetime import date as calendar_day
from typing import Any, TypeVar, get_args

from pydantic import ValidationError

from corrin.case import known
from corrin.case.case import SEVERITIES, Finding, Lab, Sign
from corrin.case.check import lab_faults
from corrin.case.dates import parse_when
from corrin.case.reader import raise_all, shown
from corrin.errors import InputError

LAB_FORM = "ANALYTE=VALUE UNIT@DATE such as serum_b12=210ng/L@2026-05-01 or mma<150nmol/L@+60d"
FINDING_FORM = "SIGN=SEVERITY@DATE such as vibration_loss=mild@2026-05-01 or romberg=none"
WORDS = ("undetectable", "low", "normal", "raised")
SEVERITY_WORDS = (*SEVERITIES, "worst")

Entry = TypeVar("Entry", Lab, Finding)

_LAB = re.compile(r"^(?P<analyte>[^=<>@]+?)\s*(?P<sign><=|>=|=\s*[<>]=?|[<>=])\s*(?P<said>[^@]*?)\s*(?:@\s*(?P<date>.*))?$")
_SAID = re.compile(r"^(?P<value>-?\d+(?:\.\d+)?)\s*(?P<unit>\S.*)?$")


def read_lab(text: str, where: str = "--lab") -> Lab:
    """A result from one line. Without a date it is of `as_of`. Raises `InputError` that says what is wrong with which part."""
    place = f"{where} {shown(text)}"
    found = _LAB.match(text.strip())
    if found is None:
        raise InputError(place, "not a result", LAB_FORM)
    if found["date"] is not None and not found["date"].strip():
        raise InputError(place, "nothing after the @", "a date such as 2026-05-01 or -30d")
    said, sign = found["said"], found["sign"].replace(" ", "")
    document: dict[str, Any] = {"analyte": found["analyte"].strip()}
    if known.find_analyte(document["analyte"]) is None:  # the first thing to get right
        raise_all(place, lab_faults(Lab(analyte=document["analyte"]), place))
    if said.lower() in WORDS:
        document["word"] = said.lower()
    else:
        number = _SAID.match(said)
        if number is None or said[number.end("value") :].startswith(","):
            cure = "Write the number with a point and without signs between thousands." if re.search(r"\d,\d", said) else ""
            raise InputError(place, f"{shown(said)} is not a value", f"a number and its unit, or one of {', '.join(WORDS)}", cure)
        document["value"] = float(number["value"])
        if number["unit"]:
            document["unit"] = number["unit"].strip()
    if len(sign) > 1 or sign in "<>":
        document["comparator"] = sign.lstrip("=") if sign[0] == "=" else sign
    if found["date"]:
        document["date"] = found["date"].strip()
    lab = _shaped(document, Lab, place)
    raise_all(place, lab_faults(lab, place))
    return lab


def read_finding(text: str, where: str = "--finding") -> Finding:
    """A finding from one line. Without a severity it was seen; `none`: looked for and not found."""
    place = f"{where} {shown(text)}"
    head, at, date = text.strip().partition("@")
    what, _, severity = (part.strip() for part in head.partition("="))
    signs = get_args(Sign)
    name = known.slug(what)
    if not name or name not in signs:
        near = difflib.get_close_matches(name, signs, n=3, cutoff=0.6)
        expected = FINDING_FORM if not name else "one of " + ", ".join(signs)
        raise InputError(place, f"{shown(what)} is not a sign known here", expected, f"Did you mean {' or '.join(near)}?" if near else "")
    if at and not date.strip():
        raise InputError(place, "nothing after the @", "a date such as 2026-05-01 or -30d")
    document: dict[str, Any] = {"what": name}
    if severity:
        document["severity"] = int(severity) if severity.isdigit() else severity
        if severity.lower() not in SEVERITY_WORDS and severity not in ("0", "1", "2", "3", "4"):
            raise InputError(place, f"{shown(severity)} is not a severity", f"one of {', '.join(SEVERITY_WORDS)}, or 0 to 4")
    if date:
        document["date"] = date.strip()
    return _shaped(document, Finding, place)


def _shaped(document: dict[str, Any], model: type[Entry], place: str) -> Entry:
    """The entry, its date readable. Whether the case has a calendar to place it in is found when it is added."""
    if "date" in document:
        try:
            parse_when(document["date"], calendar_day(2000, 1, 1))
        except InputError as error:
            raise InputError(place, error.found, error.expected, error.cure) from None
    try:
        return model.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise InputError(place, f"{first['loc'][0]}: {first['msg']}", LAB_FORM if model is Lab else FINDING_FORM) from None
