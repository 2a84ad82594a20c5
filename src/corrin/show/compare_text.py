"""The page that sets plans side by side, from the plain data of `corrin.compare/1`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from corrin.show.blocks import table, title, wrap
from corrin.show.text import SERUM_NOTE, at_month
from corrin.show.words import interval, is_share, number, percent, plain_unit, share

Data = Mapping[str, Any]

SHOWN: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Laboratory", ("serum_b12", "mma")),
    ("Blood", ("haemoglobin", "mcv")),
    ("Nerves and cord (100 = all works)", ("function_foot", "function_dorsal", "score")),
    ("Chance of each symptom, %", ("symptom_tingling", "symptom_gait")),
)
IN_SHORT = (("score", "neurological score", " of 20"), ("mma", "MMA", " nmol/L"))
ASKED = (("injections_first_year", "injections"), ("tablets_first_year", "tablets"))
DIFFERED = ("mma", "haemoglobin", "function_foot", "function_dorsal", "score", "symptom_tingling", "symptom_gait")
DIFFERED_MONTHS = (6.0, 24.0)
UNTOLD = "What the case does not tell is taken as absent: look for signs of nerves, cord, eye and thinking before relying on this."
SYMPTOMS_DECIDE = (
    "An interval here is biochemical only. Symptoms decide: whoever feels them before the next injection is due needs it sooner, and a "
    "shorter interval is never wrong."
)
INFORMS = "This informs and does not prescribe."


def report(answer: Data, width: int = 110) -> str:
    """The whole page; lines at most `width` characters."""
    forecast = answer["forecast"]
    blocks = [
        _head(answer, width),
        _courses(forecast, answer["months"], width),
        _differences(answer, width),
        _burden(answer, width),
        _side_effects(answer, width),
        _keep(answer["keep"], width),
        _warnings(forecast, width),
        _rests_on(forecast, width),
        wrap(f"{INFORMS} {forecast['disclaimer']}", width),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _head(answer: Data, width: int) -> str:
    forecast = answer["forecast"]
    when = "" if forecast["as_of"] == "day 0" else f", as of {forecast['as_of']}"
    name = f"{forecast['case_id']}: treatments side by side{when}"
    lines = [name, "=" * len(name)]
    lines += [
        wrap(f"{letter}  {plan['title']} ({plan['name']}). {_in_short(plan, burden, answer['months'][-1])}", width, "  ", "     ")
        for (letter, plan), burden in zip(_lettered(forecast), answer["burdens"], strict=True)
    ]
    lines.append(wrap(f"{_smallest_in_short(answer['keep'])} Numbers are medians, with the range of 90 of 100 people in brackets.", width))
    urgent = [notice for notice in forecast["warnings"] if notice["code"] in ("data-contradict-model", "safety")]
    return "\n".join([*lines, *first(answer, width), *(wrap(f"Note: {notice['text']}", width) for notice in urgent)])


def _in_short(plan: Data, burden: Data, month: float) -> str:
    """What a plan comes to at the end, and what it asks in the first year."""
    readings = plan["readings"]
    found = [f"{what} {_cell(readings[name], month)}{unit}" for name, what, unit in IN_SHORT if name in readings]
    asks = [f"{burden[key]:,} {what}" for key, what in ASKED if burden[key]]
    at_end = f"After {_month(month)}: {'; '.join(found)}. " if found else ""
    return f"{at_end}First year: {', '.join(asks) or 'no dose'}."


def _smallest_in_short(keep: Data) -> str:
    if keep["reasons"]:
        return f"No smallest plan is computed, because {'; '.join(keep['reasons'])}: the guideline's regimen stands below."
    tablets = [rung["dose_ug"] for rung in keep["rungs"] if rung["kind"] == "tablet" and rung["chance"] >= keep["wanted"]]
    found = [f"by mouth {min(tablets):,.0f} µg a day"] if tablets else []
    for product in dict.fromkeys(rung["product"] for rung in keep["rungs"] if rung["kind"] == "injection"):
        days = _good([rung for rung in keep["rungs"] if rung["product"] == product], keep)
        found += [f"{product.split('-')[0]} 1 mg every {days[-1]:g} days"] if days else []
    after = " after loading" if keep["loading_first"] else ""
    today = f"Replete today without any of it: {percent(keep['replete_today'])} of the drawn people."
    if not found:
        return f"{today} Nothing that was tried keeps {percent(keep['wanted'])} replete."
    wanted = f"Smallest tried that keeps {percent(keep['wanted'])} replete by the model{after}"
    return f"{today} {wanted}: {'; or '.join(found)}. That is biochemical only; symptoms decide, and the guideline's word stands below."


def first(answer: Data, width: int) -> list[str]:
    """What the findings call for before any choice of plan."""
    return ["", "First of all", *(wrap(sentence, width, "  ", "    ") for sentence in answer["first"])] if answer["first"] else []


def _lettered(forecast: Data) -> list[tuple[str, Data]]:
    return [(_letter(place), plan) for place, plan in enumerate(forecast["plans"])]


def _letter(place: int) -> str:
    """A, B ... Z, then 27, 28 ..."""
    return chr(ord("A") + place) if place < 26 else str(place + 1)


def _unit(label: str, unit: str) -> str:
    shown = "" if is_share(unit) else plain_unit(unit)
    return f"{label}{f', {shown}' if shown else ''}"


def _courses(forecast: Data, months: Sequence[float], width: int) -> str:
    rows = [["", *(_month(month) for month in months)]]
    for section, names in SHOWN:
        held = [name for name in names if any(name in plan["readings"] for plan in forecast["plans"])]
        rows += [[""] * len(rows[0]), [section.upper(), *[""] * len(months)]] if held else []
        for name in held:
            bands = [(letter, plan["readings"][name]) for letter, plan in _lettered(forecast) if name in plan["readings"]]
            rows.append([_unit(bands[0][1]["label"], bands[0][1]["unit"]), *[""] * len(months)])
            rows += [[f"  {letter}", *(_cell(band, month) for month in months)] for letter, band in bands]
    return "\n".join([title("What the plans do"), table(rows, width), "", wrap(SERUM_NOTE, width)])


def _month(month: float) -> str:
    return f"{month:g} month{'' if month == 1 else 's'}"


def _cell(band: Data, month: float) -> str:
    found = at_month(band, month)
    return (
        "" if found is None else interval(*found, band["unit"]).replace(" to ", "–") if min(found) >= 0 else interval(*found, band["unit"])
    )


def _differences(answer: Data, width: int) -> str:
    forecast, found = answer["forecast"], answer["differences"]
    letters = {plan["name"]: letter for letter, plan in _lettered(forecast)}
    months = [month for month in answer["months"] if month in DIFFERED_MONTHS] or list(answer["months"][-1:])
    lines = [title("How much the plans differ, in the same people")]
    lines.append(
        wrap(
            "Every drawn person goes through every plan, so the range is that of the person's own difference, without the scatter of a "
            "laboratory. * the range leaves out 0; . no difference to speak of.",
            width,
        )
    )
    for plan in forecast["plans"][1:]:
        mine = {(row["reading"], row["month"]): row for row in found if row["plan"] == plan["name"]}
        head = f"{letters[plan['name']]} less {letters[forecast['plans'][0]['name']]}"
        rows = [[head, *(_month(month) for month in months)]]
        for name in DIFFERED:
            held = [mine.get((name, month)) for month in months]
            if any(row is not None for row in held):
                first = next(row for row in held if row is not None)
                label = f"{first['label']}, %" if is_share(first["unit"]) else _unit(first["label"], first["unit"])
                rows.append([f"  {label}", *("" if row is None else _difference(row) for row in held)])
        lines += ["", table(rows, width)]
    return "\n".join(lines)


def _difference(row: Data) -> str:
    factor = 100.0 if is_share(row["unit"]) else 1.0
    shown = [_signed(factor * row[key]) for key in ("p50", "p05", "p95")]
    if all(text == "0" for text in shown):
        return "."
    # What reads as 0 is no difference to speak of, whatever stands behind the last digit shown.
    return f"{shown[0]} ({shown[1]} to {shown[2]}){' *' if row['clear'] and '0' not in shown else ''}"


def _signed(value: float) -> str:
    text = number(abs(value))
    return text if text == "0" else f"{'+' if value > 0 else '-'}{text}"


def _burden(answer: Data, width: int) -> str:
    rows = [["Plan", "injections, first year", "in all", "tablets, first year", "in all", "products"]]
    years = answer["forecast"]["made"]["options"]["years"]
    for letter, burden in zip((letter for letter, _ in _lettered(answer["forecast"])), answer["burdens"], strict=True):
        names = ", ".join(supply["name"] for supply in burden["supplies"]) or "none"
        counts = (burden["injections_first_year"], burden["injections_all"], burden["tablets_first_year"], burden["tablets_all"])
        mark = " ~" if burden["ends_by_rule"] else ""
        rows.append([letter, *(f"{count:,}{mark if count and place < 2 else ''}" for place, count in enumerate(counts)), names])
    lines = [title("What each plan asks"), table(rows, width)]
    lines.append(wrap(f"Counted from the plan, over {years:g} years. An injection is a visit unless it is given at home.", width))
    if any(burden["ends_by_rule"] for burden in answer["burdens"]):
        lines.append(
            wrap("~ A phase lasts until a rule is met; it is counted with its expected length and may be shorter or longer.", width)
        )
    lines += _prices(answer["burdens"], width)
    return "\n".join(lines)


def _prices(burdens: Sequence[Data], width: int) -> list[str]:
    if not any(supply["price"] is not None for burden in burdens for supply in burden["supplies"]):
        return [wrap("No prices are known here; give them with --price product=amount.", width)]
    lines = []
    for place, burden in enumerate(burdens):
        for supply in burden["supplies"]:
            if supply["price"] is None:
                lines.append(f"  {_letter(place)}: {supply['name']}: no price was given.")
            else:
                lines.append(
                    f"  {_letter(place)}: {supply['units_first_year']:,} x {supply['price']:.2f} = {supply['cost_first_year']:,.2f} in the "
                    f"first year, {supply['cost_all']:,.2f} in all ({supply['name']}; the product alone)."
                )
    return [
        wrap("By the prices you gave for one unit, without what giving it costs:", width),
        *(wrap(line, width, "", "     ") for line in lines),
    ]


def _side_effects(answer: Data, width: int) -> str:
    letters = {plan["name"]: letter for letter, plan in _lettered(answer["forecast"])}
    lines = []
    for effect in answer["side_effects"]:
        of = ", ".join(letters[name] for name in effect["plans"])
        lines.append(wrap(f"{of}: {effect['text']} [{effect['source']}]", width, "  ", "    "))
    return "\n".join([title("Side effects and cautions"), *lines]) if lines else ""


def _keep(keep: Data, width: int) -> str:
    lines = [title("The smallest plan that keeps replete, by the model")]
    if keep["reasons"]:
        reasons = "; ".join(keep["reasons"])
        lines.append(wrap(f"Not computed, because {reasons}. Then the guideline's regimen holds, in full:", width))
        return "\n".join([*lines, *_advised(keep, width)])
    lines.append(wrap(COMPUTED, width))
    if keep["loading_first"]:
        lines.append(wrap(f"{NOT_YET} {_plan_first(keep)}", width))
        lines += _advised(keep, width) if keep["advised"] else []
    lines.append("")
    lines.append(
        wrap(
            f"Replete: B12 function above {keep['floor_percent']:g} % (the floor at which nerves begin to come to harm in the model) and "
            f"methylmalonic acid under {keep['mma_limit_nmol_l']:g} nmol/L, raised as far as the kidneys ask, at every reading from "
            f"{keep['from_months']:g} months on, troughs included; followed for {keep['years_injections']:g} years under injections and "
            f"{keep['years_tablets']:g} under tablets. Replete today: {percent(keep['replete_today'])} of {keep['draws']} drawn people.",
            width,
        )
    )
    injected = [rung for rung in keep["rungs"] if rung["kind"] == "injection"]
    tablets = [rung for rung in keep["rungs"] if rung["kind"] == "tablet"]
    rows = [["tried", "share that stays replete, with its band (* enough)"]]
    for product in dict.fromkeys(rung["product"] for rung in injected):
        mine = [rung for rung in injected if rung["product"] == product]
        rows.append([f"  {_product(mine[0])} 1 mg", "; ".join(f"every {rung['every_days']:g} days {_chance(rung, keep)}" for rung in mine)])
    rows.append(
        [f"  {_product(tablets[0])} tablets", "; ".join(f"{rung['dose_ug']:,.0f} µg a day {_chance(rung, keep)}" for rung in tablets)]
    )
    if keep["loading_first"]:
        lines.append(
            wrap(
                f"Fewer than {percent(keep['wanted'])} are replete today, so injections begin with six in two weeks; tablets do not, and "
                "must fill the stores within those first months as well.",
                width,
            )
        )
    lines += ["", _tried(rows, width), ""]
    for product in dict.fromkeys(rung["product"] for rung in injected):
        lines.append(wrap(_longest(product, [rung for rung in injected if rung["product"] == product], keep), width, "  ", "    "))
    lines.append(wrap(_smallest(tablets, keep), width, "  ", "    "))
    lines += ["", wrap(UNTOLD, width), "", wrap(SYMPTOMS_DECIDE, width)]
    told = keep["advised"] and not keep["loading_first"]  # else it stands first
    return "\n".join([*lines, *(["", wrap("The guideline's own word:", width), *_advised(keep, width)] if told else [])])


COMPUTED = (
    "Computed, because none of these is told of: signs of nerves, cord, eye or thinking, nitrous oxide, pregnancy, severe anaemia, "
    "injections still given as loading. With any of them the guideline's regimen alone would stand here."
)
NOT_YET = (
    "It is not sure enough that this person is replete. What comes first is the guideline's treatment; the intervals below begin after "
    "loading."
)


def _plan_first(keep: Data) -> str:
    return "The guideline's own word:" if keep["advised"] else "The guideline held for this country has no clause that speaks here."


def _product(rung: Data) -> str:
    return str(rung["product"]).split("-")[0]


def _chance(rung: Data, keep: Data) -> str:
    found = [share(rung[key]) for key in ("low", "high") if rung.get(key) is not None]
    band = f" ({found[0]}–{found[1]})" if len(found) == 2 and {*found} != {share(rung["chance"])} else ""
    return f"{percent(rung['chance'])}{band}{'*' if rung['chance'] >= keep['wanted'] else ''}".replace(" ", "\N{NO-BREAK SPACE}")


def _tried(rows: Sequence[Sequence[str]], width: int) -> str:
    """Two columns, the second wrapped."""
    size = max(len(row[0]) for row in rows) + 2
    return "\n".join(wrap(row[1], width, row[0].ljust(size), " " * size) for row in rows)


def _longest(product: str, rungs: Sequence[Data], keep: Data) -> str:
    """The longest interval up to which every shorter one tried does as well."""
    good = _good(rungs, keep)
    name = product.split("-")[0].capitalize()
    if not good:
        return f"{name}: no interval tried keeps {percent(keep['wanted'])} replete."
    more = "; longer was not tried" if len(good) == len(rungs) else ""
    return f"{name} 1 mg: up to every {good[-1]:g} days keeps at least {percent(keep['wanted'])} replete{more}."


def _good(rungs: Sequence[Data], keep: Data) -> list[float]:
    """Intervals, shortest first, up to the first that keeps too few."""
    good: list[float] = []
    for rung in sorted(rungs, key=lambda row: row["every_days"]):
        if rung["chance"] < keep["wanted"]:
            break
        good.append(float(rung["every_days"]))
    return good


def _smallest(rungs: Sequence[Data], keep: Data) -> str:
    good = [rung["dose_ug"] for rung in rungs if rung["chance"] >= keep["wanted"]]
    if not good:
        return f"Cyanocobalamin by mouth: no daily dose tried keeps {percent(keep['wanted'])} replete."
    return (
        f"Cyanocobalamin by mouth: {min(good):,.0f} µg a day is the smallest tried that keeps at least {percent(keep['wanted'])} replete."
    )


def _advised(keep: Data, width: int) -> list[str]:
    lines = []
    for row in keep["advised"]:
        plans = f" (corrin plan{'s' if len(row['plans']) > 1 else ''} {', '.join(row['plans'])})" if row["plans"] else ""
        recalled = "; recalled, not seen again" if row["recalled"] else ""
        lines.append(wrap(f"{row['text']}{plans} [{row['clause']}, {row['issuer']}{recalled}]", width, "  ", "    "))
    return lines or [
        wrap("The guideline held for this country has no clause that speaks here; `corrin assess --guide all` shows others.", width, "  ")
    ]


def _warnings(forecast: Data, width: int) -> str:
    lines = [wrap(notice["text"], width, "  - ", "    ") for notice in forecast["warnings"]]
    return "\n".join([title("Warnings"), *lines]) if lines else ""


def _rests_on(forecast: Data, width: int) -> str:
    made = forecast["made"]
    calibrated = {"current": "fitted to studies and a survey", "stale": "fitted, and stale"}.get(
        made["calibration"], "not fitted as a whole"
    )
    return wrap(
        f"{made['draws']:,} drawn people, worth {made['effective_sample_size']:,.0f} after weighing by their data; seed {made['seed']}; "
        f"population {calibrated}. Milestones of recovery, sources and every warning: `corrin forecast` with the same plans.",
        width,
    )
