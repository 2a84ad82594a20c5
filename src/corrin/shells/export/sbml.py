"""A person as SBML Level 3 Version 2: pools, flows, readings, doses and what changes around the person.

Pools of B12 are species whose reactions are the flows of the model, so amounts add up; the other states have rate rules. What several
formulas use, and every reading (`reading_<name>`), is an assignment rule. A dose does at its instant what the model's dose function says,
as a function of the state; doses in a rhythm are one event that counts. What changes around the person (exposures) changes before the doses
of the same instant. Time is in days, amounts in nmol.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from corrin.engine.emit.expressions import Expressions, expressions, number
from corrin.errors import Bug
from corrin.shells.export import needed
from corrin.shells.export.person import Instant, Person
from corrin.shells.export.units import name_of, parts

LEVEL, VERSION = 3, 2
RHYTHM = 3
"""So many equal doses at equal distances make one event that counts."""
EXPOSURE_UNITS = {
    "food_ug_d": "ug/d", "meals_d": "/d", "crystalline_ug_d": "ug/d", "age_y": "a", "hba1c_percent": "%", "folic_acid_mg_d": "mg/d",
}  # fmt: skip
CHEBI = "https://identifiers.org/CHEBI:"
COBALAMIN = CHEBI + "30411"
MEANS = {"mma": CHEBI + "30860", "homocysteine": CHEBI + "17230", "nitrous_oxide": CHEBI + "17045"}
"""What a state or exposure is, where the identifier is sure; pools of B12 are cobalamin."""
NOTE = (
    "Written by corrin, an executable model of vitamin B12 and the nerves it keeps alive. For education and research; not a medical "
    "device. It informs and does not prescribe."
)


def sbml_text(system: Any, person: Person) -> str:
    """The SBML document as text. Raises `EnvironmentProblem` without python-libsbml, `Bug` when the document is not consistent."""
    libsbml = needed("libsbml", "SBML")
    document = libsbml.SBMLDocument(LEVEL, VERSION)
    _Writer(libsbml, document, system, person).write()
    return str(libsbml.SBMLWriter().writeSBMLToString(document))


def problems(text: str, units: bool = False) -> list[str]:
    """What libsbml's consistency check says against a document: errors, or with `units` also what it says of units."""
    libsbml = needed("libsbml", "SBML")
    document = libsbml.readSBMLFromString(text)
    document.setConsistencyChecks(libsbml.LIBSBML_CAT_UNITS_CONSISTENCY, units)
    document.setConsistencyChecks(libsbml.LIBSBML_CAT_MODELING_PRACTICE, False)
    document.checkConsistency()
    return [document.getError(place).getMessage().strip() for place in range(document.getNumErrors())]


def named_quantities(y: Any, p: Any, x: Any) -> dict[str, Any]:
    """Quantities inside the equations that deserve a name of their own."""
    from corrin.body import blood, cell, kidney, marrow

    return {
        "holotranscobalamin_amount": blood.holotranscobalamin(y, p),
        "free_b12": blood.free(y, p),
        "share_of_class_c": blood.share_c(y, p),
        "filtration_now": kidney.function(p, x),
        "fullness": cell.fullness(y, p),
        "methylation": cell.methylation(y, p),
        "mutase_shortfall": cell.mutase_shortfall(y, p),
        "mutase": cell.mutase(y, p),
        "thymidine": marrow.thymidine(y, p, x),
        "marrow_quality": marrow.quality(y, p, x),
        "red_cell_volume": marrow.haemoglobin_relative(y),
    }


def written(system: Any) -> Expressions:
    """The system's formulas, with the names used here."""
    return expressions(system, named_quantities)


def rhythms(instants: Sequence[Instant]) -> list[tuple[float, float, int, tuple[tuple[str, float], ...]]]:
    """Doses as (first day, days between, how many, doses of each instant): what is equal at equal distances goes together."""
    left: dict[tuple[tuple[str, float], ...], list[float]] = {}
    for instant in instants:
        if instant.doses:
            left.setdefault(instant.doses, []).append(instant.time_days)
    found = []
    for doses, times in left.items():
        place = 0
        while place < len(times):
            last = place + 1
            gap = times[last] - times[place] if last < len(times) else 0.0
            while last + 1 < len(times) and abs(times[last + 1] - times[last] - gap) < 1e-9:
                last += 1
            many = min(last + 1, len(times)) - place
            if many < RHYTHM:
                gap, many = 0.0, 1
            found.append((times[place], gap, many, doses))
            place += many
    return sorted(found, key=lambda item: item[0])


class _Writer:
    """Fills one document."""

    def __init__(self, libsbml: Any, document: Any, system: Any, person: Person) -> None:
        self.lib, self.system, self.person = libsbml, system, person
        self.formulas = written(system)
        self.model = document.createModel()
        self.units: set[str] = set()
        moved = {name for flow in system.flows for name in (flow.source, flow.target)}
        changed = {change.state for change in system.changes}
        if moved & changed:
            raise Bug(f"pools that both flows and other changes move cannot be written: {', '.join(sorted(moved & changed))}.")
        self.species = {pool.name for pool in system.pools if pool.name in moved}

    def write(self) -> None:
        self._head()
        self._pools()
        self._parameters()
        self._rules()
        self._flows()
        self._events()

    def _ok(self, code: Any) -> None:
        if code not in (None, self.lib.LIBSBML_OPERATION_SUCCESS):
            raise Bug(f"libsbml refused a part of the export: {self.lib.OperationReturnValue_toString(code)}.")

    def _math(self, formula: str) -> Any:
        tree = self.lib.parseL3Formula(formula)
        if tree is None:
            raise Bug(f"libsbml cannot read the formula {formula}: {self.lib.getLastParseL3Error()}.")
        return tree

    def _unit(self, unit: str) -> str:
        """The name of a unit, defined on first use."""
        name = name_of(unit)
        if name != "dimensionless" and name not in self.units:
            definition = self.model.createUnitDefinition()
            self._ok(definition.setId(name))
            for kind, exponent, scale, multiplier in parts(unit):
                part = definition.createUnit()
                self._ok(part.setKind(self.lib.UnitKind_forName(kind)))
                part.setExponent(exponent)
                part.setScale(scale)
                part.setMultiplier(multiplier)
            self.units.add(name)
        return name

    def _note(self, element: Any, text: str) -> None:
        if text:
            self._ok(element.setNotes(f'<body xmlns="http://www.w3.org/1999/xhtml"><p>{html.escape(text, quote=False)}</p></body>'))

    def _says(self, element: Any, resources: Sequence[str], qualifier: str = "BQB_IS") -> None:
        """A MIRIAM annotation."""
        if not resources:
            return
        self._ok(element.setMetaId(f"meta_{element.getId()}"))
        term = self.lib.CVTerm(self.lib.BIOLOGICAL_QUALIFIER)
        term.setBiologicalQualifierType(getattr(self.lib, qualifier))
        for resource in resources:
            term.addResource(resource)
        self._ok(element.addCVTerm(term))

    def _head(self) -> None:
        model = self.model
        self._ok(model.setId("corrin"))
        self._ok(model.setName(f"Vitamin B12 in one person: {self.person.name}"))
        self._note(model, f"{NOTE} {self.person.about}")
        model.setSubstanceUnits(self._unit("nmol"))
        model.setExtentUnits(self._unit("nmol"))
        model.setTimeUnits(self._unit("d"))
        model.setVolumeUnits("litre")
        body = model.createCompartment()
        self._ok(body.setId("body"))
        body.setConstant(True)
        body.setSize(1.0)
        body.setSpatialDimensions(3)
        body.setUnits("litre")
        self._note(body, "A frame of one litre: pools are amounts, and each law names the volume it needs.")

    def _pools(self) -> None:
        for pool in self.system.pools:
            value = self.person.state[pool.name]
            if pool.name in self.species:
                species = self.model.createSpecies()
                self._ok(species.setId(pool.name))
                species.setCompartment("body")
                species.setInitialAmount(value)
                species.setHasOnlySubstanceUnits(True)
                species.setBoundaryCondition(False)
                species.setConstant(False)
                species.setSubstanceUnits(self._unit(pool.unit))
                self._note(species, pool.note)
                if pool.b12:
                    self._says(species, [COBALAMIN])
            else:
                self._parameter(pool.name, value, pool.unit, False, pool.note, [MEANS[pool.name]] if pool.name in MEANS else [])

    def _parameter(self, name: str, value: float | None, unit: str, constant: bool, note: str = "", means: Sequence[str] = ()) -> Any:
        made = self.model.createParameter()
        self._ok(made.setId(name))
        made.setConstant(constant)
        if value is not None:
            made.setValue(value)
        if unit:
            made.setUnits(self._unit(unit))
        self._note(made, note)
        self._says(made, means)
        return made

    def _parameters(self) -> None:
        from corrin.facts.reader import parameters, sources

        rows, papers = parameters(), sources()
        for name in self.system.parameters:
            row = rows[name]
            made = self._parameter(name, self.person.parameters[name], row.unit, True, row.description)
            known = [papers[key.strip()] for key in row.source.split(";") if key.strip() in papers]
            links = [f"https://identifiers.org/doi:{paper.doi}" for paper in known if paper.doi]
            links += [f"https://identifiers.org/pubmed:{paper.pmid}" for paper in known if paper.pmid and not paper.doi]
            self._says(made, links, "BQB_IS_DESCRIBED_BY")
        for name in self.system.exposures:
            about = "" if not name.startswith("m_") else f"What drugs, diseases and operations make of {name[2:]}: a factor."
            means = [MEANS[name]] if name in MEANS else []
            self._parameter(name, self.person.exposures[name], EXPOSURE_UNITS.get(name, "1"), False, about, means)

    def _rules(self) -> None:
        for name, formula in self.formulas.shared.items():
            self._parameter(name, None, "", False)
            self._assigned(name, formula)
        loinc = _loinc()
        for reading in self.system.readings:
            name = f"reading_{reading.name}"
            made = self._parameter(name, None, reading.unit, False)
            self._ok(made.setName(reading.label))
            self._says(made, [f"https://identifiers.org/loinc:{code}" for code in loinc.get(reading.name, ())], "BQB_IS_DESCRIBED_BY")
            self._assigned(name, self.formulas.readings[reading.name])
        totals: dict[str, str] = {}
        for change, formula in zip(self.system.changes, self.formulas.changes, strict=True):
            totals[change.state] = f"{totals[change.state]} + ({formula})" if change.state in totals else formula
        for pool in self.system.pools:
            if pool.name not in self.species:
                rule = self.model.createRateRule()
                self._ok(rule.setVariable(pool.name))
                self._ok(rule.setMath(self._math(totals.get(pool.name, "0"))))

    def _assigned(self, name: str, formula: str) -> None:
        rule = self.model.createAssignmentRule()
        self._ok(rule.setVariable(name))
        self._ok(rule.setMath(self._math(formula)))

    def _flows(self) -> None:
        for place, (flow, formula) in enumerate(zip(self.system.flows, self.formulas.flows, strict=True)):
            reaction = self.model.createReaction()
            self._ok(reaction.setId(f"flow_{place + 1}"))
            self._ok(reaction.setName(flow.name))
            reaction.setReversible(False)
            self._note(reaction, f"From {flow.source} to {flow.target}. {' '.join((flow.rate.__doc__ or '').split())}")
            ends = []
            for pool, create in ((flow.source, reaction.createReactant), (flow.target, reaction.createProduct)):
                if pool in self.species:
                    end = create()
                    self._ok(end.setSpecies(pool))
                    end.setStoichiometry(1.0)
                    end.setConstant(True)
                    ends.append(pool)
            tree = self._math(formula)
            for name in sorted(_names_in(tree) & self.species - set(ends)):
                self._ok(reaction.createModifier().setSpecies(name))
            self._ok(reaction.createKineticLaw().setMath(tree))

    def _events(self) -> None:
        for place, instant in enumerate(item for item in self.person.instants if item.changes):
            changes = {name: number(value) for name, value in instant.changes.items()}
            self._event(f"change_{place + 1}", f"time >= {number(instant.time_days)}", changes, 2)
        for place, (first, gap, many, doses) in enumerate(rhythms(self.person.instants)):
            amounts = []
            for order, (kind, amount) in enumerate(doses):
                name = f"amount_{place + 1}" if len(doses) == 1 else f"amount_{place + 1}_{order + 1}"
                self._parameter(name, amount, "nmol", True, f"What is given: {kind.replace('_', ', class ')}.")
                amounts.append((kind, name))
            assignments = dict(self.formulas.dose(amounts))
            trigger = f"time >= {number(first)}"
            if many > 1:
                count = f"given_{place + 1}"
                self._parameter(count, 0.0, "1", False, "How many of these doses have been given.")
                trigger = f"(time >= {number(first)} + {number(gap)} * {count}) && ({count} < {many})"
                assignments[count] = f"{count} + 1"
            self._event(f"dose_{place + 1}", trigger, assignments, 1)

    def _event(self, name: str, trigger: str, assignments: Mapping[str, str], priority: int) -> None:
        """At its instant, also at time 0; later events of one instant meet what earlier ones left."""
        event = self.model.createEvent()
        self._ok(event.setId(name))
        event.setUseValuesFromTriggerTime(False)
        when = event.createTrigger()
        when.setInitialValue(False)
        when.setPersistent(True)
        self._ok(when.setMath(self._math(trigger)))
        self._ok(event.createPriority().setMath(self._math(number(priority))))
        for variable, formula in assignments.items():
            assignment = event.createEventAssignment()
            self._ok(assignment.setVariable(variable))
            self._ok(assignment.setMath(self._math(formula)))


def _names_in(tree: Any) -> set[str]:
    """Every name a formula uses."""
    found = {tree.getName()} if tree.isName() else set()
    for place in range(tree.getNumChildren()):
        found |= _names_in(tree.getChild(place))
    return found - {None}


def _loinc() -> dict[str, tuple[str, ...]]:
    from corrin.facts.reader import analytes

    return {row.reading: row.loinc for row in analytes().values() if row.reading and row.loinc}
