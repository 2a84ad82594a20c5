"""A COMBINE archive: the model in SBML, the simulation in SED-ML, the values corrin computed, and a manifest, in one file.

The bytes depend on the contents alone: members keep one order and one date.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from xml.sax.saxutils import quoteattr

from corrin.shells.export.person import Person

SPECIFICATIONS = "http://identifiers.org/combine.specifications/"
FORMATS = {
    "manifest.xml": SPECIFICATIONS + "omex-manifest",
    "model.xml": SPECIFICATIONS + "sbml.level-3.version-2",
    "simulation.sedml": SPECIFICATIONS + "sed-ml.level-1.version-4",
    "readings.csv": "http://purl.org/NET/mediatypes/text/csv",
}
DATE = (1980, 1, 1, 0, 0, 0)
CVODE, RELATIVE, ABSOLUTE = "KISAO:0000019", "KISAO:0000209", "KISAO:0000211"
STEPS_A_DAY = 1


def omex_bytes(sbml: str, person: Person, table: str) -> bytes:
    """The archive. `table`: what corrin computed, as CSV."""
    members = {
        "manifest.xml": manifest(),
        "model.xml": sbml,
        "simulation.sedml": sedml(person.end_days, list(person.readings)),
        "readings.csv": table,
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(zipfile.ZipInfo(name, DATE), text.encode(), zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def manifest() -> str:
    """What is in the archive; the simulation is what to run."""
    lines = [f'  <content location="." format="{SPECIFICATIONS}omex"/>']
    for name, kind in FORMATS.items():
        master = ' master="true"' if name == "simulation.sedml" else ""
        lines.append(f'  <content location="./{name}" format="{kind}"{master}/>')
    return '<?xml version="1.0" encoding="UTF-8"?>\n<omexManifest xmlns="{}">\n{}\n</omexManifest>\n'.format(
        "http://identifiers.org/combine.specifications/omex-manifest", "\n".join(lines)
    )


def sedml(end_days: float, readings: Sequence[str]) -> str:
    """One uniform time course by CVODE and a report of time and every reading."""
    steps = max(1, round(end_days * STEPS_A_DAY))
    place = "/sbml:sbml/sbml:model/sbml:listOfParameters/sbml:parameter[@id='reading_{}']"
    variables = [("time", 'symbol="urn:sedml:symbol:time"'), *((name, f"target={quoteattr(place.format(name))}") for name in readings)]
    generators = "\n".join(
        f"""    <dataGenerator id="data_{name}" name="{name}">
      <listOfVariables><variable id="{name}_now" taskReference="task" {what}/></listOfVariables>
      <math xmlns="http://www.w3.org/1998/Math/MathML"><ci>{name}_now</ci></math>
    </dataGenerator>"""
        for name, what in variables
    )
    sets = "\n".join(f'        <dataSet id="set_{name}" label="{name}" dataReference="data_{name}"/>' for name, _ in variables)
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<sedML xmlns="http://sed-ml.org/sed-ml/level1/version4" xmlns:sbml="http://www.sbml.org/sbml/level3/version2/core" level="1" version="4">
  <listOfModels>
    <model id="model" language="urn:sedml:language:sbml.level-3.version-2" source="model.xml"/>
  </listOfModels>
  <listOfSimulations>
    <uniformTimeCourse id="course" initialTime="0" outputStartTime="0" outputEndTime="{end_days:.12g}" numberOfSteps="{steps}">
      <algorithm kisaoID="{CVODE}">
        <listOfAlgorithmParameters>
          <algorithmParameter kisaoID="{RELATIVE}" value="1e-8"/>
          <algorithmParameter kisaoID="{ABSOLUTE}" value="1e-8"/>
        </listOfAlgorithmParameters>
      </algorithm>
    </uniformTimeCourse>
  </listOfSimulations>
  <listOfTasks>
    <task id="task" modelReference="model" simulationReference="course"/>
  </listOfTasks>
  <listOfDataGenerators>
{generators}
  </listOfDataGenerators>
  <listOfOutputs>
    <report id="report">
      <listOfDataSets>
{sets}
      </listOfDataSets>
    </report>
  </listOfOutputs>
</sedML>
"""
