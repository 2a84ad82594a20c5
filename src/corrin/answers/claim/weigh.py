"""Who says it, and how firmly: denial, doubt, report, question and advice around a statement.

Left alone rather than guessed at: a statement under two denials, in a question, reported of others, in quotation marks, or with a denial
somewhere else in the sentence that might turn it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

DENIAL = re.compile(
    r"\b(?:not|no|never|neither|nor|cannot|can't|don't|doesn't|didn't|isn't|aren't|wasn't|weren't|won't|wouldn't|shouldn't|couldn't|hasn't"
    r"|haven't|without|fails? to|failed to|rarely|seldom|hardly|barely|scarcely|unlikely|lacks?|false|falsely believed|untrue|wrong|wrongly"
    r"|incorrect|myths?|misconceptions?|mistaken(?:ly)?|misleading|contrary|far from|nothing|none|overstated|outdated|debunked|unproven"
    r"|refuted|disproven|instead of|rather than|slip|error)\b"
)
HALF_DENIAL = re.compile(r"\b(?:rarely|seldom|hardly|barely|scarcely|unlikely|little|few)\b")
NO_DENIAL = re.compile(
    r"\b(?:not only|not just|no doubt|not surprisingly|no longer than|no matter|whether or not|without (?:treatment|supplement\w*"
    r"|delay|(?:a |any )?(?:true |real )?deficiency)"
    r"|if not|not least|no more than|not to mention)\b"
)
SCOPE = re.compile(
    r"(?:\b(?:(?:no|little|insufficient|not enough|lacks?|without)(?: \w+){0,2} (?:evidence|proof|data|reason|support)(?: (?:that"
    r"|for|to \w+(?: that)?))?"
    r"|(?:not|isn't|never) (?:true|correct|the case|proven|shown|established)(?: that)?|(?:it is|it's|is) (?:a |an )?(?:common "
    r"|popular |old |persistent )?"
    r"(?:myth|misconception|mistake|fallacy|error)(?: (?:that|to (?:think|believe|say)(?: that)?))?|(?:false|wrong|untrue|incorrect)"
    r"(?: claim| belief| idea)?(?: that| to (?:think|believe|say)(?: that)?)?|(?:does not|doesn't|do not|don't) mean(?: that)?"
    r"|contrary to [\w ]{3,40}|myth\s*(?:#?\d+)?\s*:))[\s,:]*\"?(?:\w+ ){0,2}$"
)
DOUBT = re.compile(
    r"\b(?:may|might|could|possibly|perhaps|probably|likely|maybe|potentially|seems?|appears?|apparently|suggests?|suggesting"
    r"|sometimes|occasionally"
    r"|often|usually|generally|typically|mostly|in (?:some|many|most|a few|certain|mild\w*|rare|the mildest)|some (?:people"
    r"|patients|experts|cases|studies)"
    r"|for (?:some|many|a few|certain|most)|a few (?:people|patients)|under certain|can)\b"
)
REPORT = re.compile(
    r"\b(?:says?|saying|said|claims?|claimed|claiming|argues?|argued|believes?|believed|belief|thinks?|thought|supposed(?:ly)?"
    r"|alleged(?:ly)?"
    r"|according to|reports?|reported|reportedly|so-called|touted|marketed|advertised|promoted|promotes? the|idea|notion|popular"
    r"|rumou?r|myths?"
    r"|misconceptions?|imagine|suppose|hoped|hypothes\w+|critics|proponents|opponents|wonder|ask(?:s|ed)? (?:whether|if)|asked"
    r"|question|whether|heard"
    r"|suggested|argue that|debate\w*|controvers\w+|used to|once|formerly|previously|in the past|page that|websites?|bloggers?"
    r"|influencers?)\b"
)
CONDITION = re.compile(r"\b(?:if|unless|provided|assuming|as long as|in case|except|only when|only if)\b")
LIMITED = re.compile(
    r"\b(?:all|every|everyone|everybody|always|necessarily|only|alone|just|immediately|significantly|much|by itself|on its own|on their own"
    r"|directly|at (?:low|normal|these|such|usual) (?:doses?|levels?)|substantially|per se|equally|reliably|usually|often|typically"
    r"|completely)\b"
)
TURN = re.compile(r"\b(?:but|however|although|though|yet|whereas|nevertheless|nonetheless|despite|except|unless|while|still|even so)\b")
ADVICE = re.compile(
    r"^(?:\W|\d|please |then |simply |just )*(?:take|start|get|ask|use|try|begin|increase|aim|choose|consider|inject|switch|add"
    r"|make sure|ensure|talk|opt"
    r"|look for|go for|supplement|avoid|stop|eat|drink)\b"
    r"|\b(?:you|your|patients|people|adults|vegans|women|men|everyone|one|they|those|anyone"
    r"|individuals)\b[\w ,'-]{0,60}?\b(?:should|must|ought to|need to|have to"
    r"|are advised|is advised|can take|may take)\b|\byou need \d|\bwe (?:recommend|advise|suggest)\b|\bi (?:recommend|suggest|advise)\b"
    r"|\b(?:it is|is|are) (?:recommended|advisable|best) to\b|\brecommended (?:dose|dosage)\b"
)
REFUTED = re.compile(
    r"^(?:but |no[,.]? )?(?:this|that|it|which|these|the claim|such claims?)?\s*(?:is|are|'s|was|were)?\s*(?:simply |just |quite "
    r"|a |an |another |not |plainly |all )*"
    r"(?:myths?|false|wrong|untrue|true|incorrect|misconceptions?|misleading|mistake|mistaken|nonsense|outdated|not so|not when"
    r"|never when|no)\b"
)
MYTH_BEFORE = re.compile(r"\b(?:myths?|misconceptions?|false (?:claims?|beliefs?)|common (?:mistakes|errors))\b")


@dataclass(frozen=True, slots=True)
class Weight:
    """How a matched statement stands in its sentence. `left` says why it is left alone, or is empty."""

    negated: bool
    hedged: bool
    advice: bool
    left: str


OFFICIAL = re.compile(
    r"\baccording to (?:the |us |uk |its |their )*(?:rda|nih|efsa|iom|nhs|nice|who|fda|usda|ods|bsh|guidelines?"
    r"|institute of medicine|reference intakes?)\b"
)


def reported(plain: str) -> bool:
    """Whether a sentence tells what others say; an official body's own value is no rumour."""
    return REPORT.search(OFFICIAL.sub(" ", plain)) is not None


def denials(text: str) -> int:
    """How many words of denial a stretch holds."""
    return len(DENIAL.findall(NO_DENIAL.sub(" ", text)))


def weigh(plain: str, span: tuple[int, int], gaps: str, *, before: str = "", after: str = "", heading_myth: bool = False) -> Weight:
    """The stand of the statement at `span` of a plain sentence. `gaps`: words its pattern let pass; `before`, `after`: its neighbours."""
    head, tail = plain[: span[0]], plain[span[1] :]
    advice = ADVICE.search(plain) is not None
    inner = denials(gaps)
    scope = SCOPE.search(head)
    outer_head = head[: scope.start()] if scope else head
    count = inner + (1 if scope else 0)
    negated = count == 1
    hedged = bool(DOUBT.search(gaps) or DOUBT.search(head) or DOUBT.search(tail))
    left = ""
    if count > 1:
        left = "two denials"
    elif HALF_DENIAL.search(gaps):
        left = "denied in part"
    elif plain.rstrip("\"' )").endswith("?"):
        left = "a question"
    elif heading_myth or MYTH_BEFORE.search(before):
        left = "under a heading of myths" if heading_myth else "called a myth before"
    elif after and REFUTED.search(after) and denials(after.split(",")[0]) + len(re.findall(r"\btrue\b", after)) and not re.match(
        r"^(?:this|that|it) (?:is|'s) (?:quite |very )?true", after):  # fmt: skip
        left = "refuted in the next sentence"
    elif REPORT.search(outer_head) or REPORT.search(gaps) or (REPORT.search(tail) and not negated):
        left = "reported, not stated"
    elif _quoted(plain, span):
        left = "quoted"
    elif CONDITION.search(outer_head) or CONDITION.search(gaps) or CONDITION.search(tail):
        hedged = True
    if not left and (denials(outer_head) or denials(tail)):
        left = "a denial elsewhere"
    if not left and TURN.search(tail):
        left = "turned afterwards"
    return Weight(negated, hedged, advice, left)


def limited(plain: str, gaps: str, span: tuple[int, int]) -> bool:
    """Whether a denial is bounded ("not always", "not in everyone"): the denial of a right statement is then no error."""
    return bool(LIMITED.search(gaps) or LIMITED.search(plain[span[1] :]) or LIMITED.search(plain[: span[0]]))


def _quoted(plain: str, span: tuple[int, int]) -> bool:
    return plain[: span[0]].count('"') % 2 == 1 and '"' in plain[span[1] :]
