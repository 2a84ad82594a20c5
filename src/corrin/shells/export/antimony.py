"""The same model as Antimony text, which people read and edit; made from the SBML by the Antimony library."""

from __future__ import annotations

from corrin.errors import Bug
from corrin.shells.export import needed


def antimony_text(sbml: str) -> str:
    """Antimony of an SBML text. Raises `EnvironmentProblem` without the antimony package."""
    antimony = needed("antimony", "Antimony")
    antimony.clearPreviousLoads()
    if antimony.loadSBMLString(sbml) < 0:
        raise Bug(f"Antimony cannot read the SBML that corrin wrote: {antimony.getLastError()}.")
    text = str(antimony.getAntimonyString(antimony.getMainModuleName()))
    antimony.clearPreviousLoads()
    return text
