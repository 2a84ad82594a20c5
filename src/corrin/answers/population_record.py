"""What `corrin population` answers (`corrin.population/1`): how common deficiency is by age under each scenario, who gains, who is given
B12 in vain, what one case averted costs in tests and in people treated."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from corrin.answers.record import DISCLAIMER, Answer, Made, Record


class Estimate(Record):
    """A share of people (0 to 1) or a number, with the interval that holds 90 of 100: what is not known of typical people, and chance."""

    value: float
    low: float
    high: float


class Prevalence(Record):
    """How many of an age band are deficient by one definition at one time."""

    scenario: str
    time_years: float
    band: str
    definition: str
    people: int
    share: Estimate


class Outcome(Record):
    """What a scenario does to a group, at the end and beside the reference scenario. Deficient: by function. Shares are of the group."""

    scenario: str
    group: str
    people: int
    deficient_without: Estimate
    deficient_with: Estimate
    averted: Estimate = Field(description="share deficient without it minus share deficient with it")
    gained: Estimate = Field(description="share who would be deficient without it and are not with it")
    lost: Estimate = Field(description="share who are deficient with it only: chance between the noise of tests and times")
    given: Estimate = Field(description="share given anything: treated for a test, tablets begun, eaters of the fortified food")
    in_vain: Estimate = Field(description="share given it who were not deficient when it began, nor would have been at the end without it")
    high: Estimate = Field(description="share whose reported serum B12 is above 1000 pmol/L at the end")
    high_without: Estimate
    tests_per_person: float
    given_per_case: float | None = Field(description="people given it for one case averted; None where none is averted beyond chance")
    given_per_case_low: float | None
    given_per_case_high: float | None = Field(description="None: no upper end, the interval of cases averted reaches 0")
    tests_per_case: float | None
    tests_per_case_low: float | None
    tests_per_case_high: float | None


class Anchor(Record):
    """A number of the survey, or of a published one, beside the same of these people at day 0."""

    what: str
    band: str
    unit: str
    observed: float
    observed_low: float | None = None
    observed_high: float | None = None
    predicted: float
    miss: float = Field(description="predicted over observed, minus 1; for shares the difference in points of 100")
    source: str
    fitted: bool = Field(description="the population was calibrated on it")


class ScenarioSaid(Record):
    """A scenario and what it does, in words."""

    name: str
    title: str
    does: str


class PopulationAnswer(Answer):
    """The answer to: how common is deficiency, and what would a policy do?"""

    format: Literal["corrin.population/1"] = "corrin.population/1"
    question: Literal["population"] = "population"
    name: str
    title: str
    description: str
    disclaimer: str = DISCLAIMER
    people: int
    years: float
    who: tuple[str, ...]
    reference: str
    scenarios: tuple[ScenarioSaid, ...]
    definitions: dict[str, str]
    prevalence: tuple[Prevalence, ...]
    outcomes: tuple[Outcome, ...]
    anchors: tuple[Anchor, ...] = ()
    assumed: tuple[str, ...]
    sources: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    made: Made
    inputs: dict[str, Any]

    @property
    def contradicted(self) -> bool:
        """A population has no data of its own to contradict."""
        return False

    def text(self, width: int = 110) -> str:
        """The answer in plain words and tables."""
        from corrin.show.population_text import report

        return report(self.to_dict(), width)

    def plot(self) -> Any:
        """An Altair chart: prevalence by age under each scenario."""
        import altair

        from corrin.show.population_charts import chart

        return altair.Chart.from_dict(chart(self.to_dict()))

    def to_frame(self) -> dict[str, list[Any]]:
        """Every prevalence as one row."""
        found: dict[str, list[Any]] = {
            name: [] for name in ("scenario", "time_years", "band", "definition", "people", "share", "low", "high")
        }
        for row in self.prevalence:
            values = (row.scenario, row.time_years, row.band, row.definition, row.people, row.share.value, row.share.low, row.share.high)
            for name, value in zip(found, values, strict=True):
                found[name].append(value)
        return found


def schema() -> dict[str, Any]:
    """The JSON Schema of the answer."""
    made = PopulationAnswer.model_json_schema(mode="serialization")
    title = "corrin.population/1: how common deficiency is, and what a policy does"
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, **{k: v for k, v in made.items() if k != "title"}}
