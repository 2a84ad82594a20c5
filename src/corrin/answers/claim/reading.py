"""A text, a text file or a web page as sentences with their place, and each sentence in a plain form patterns can be written on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

from corrin.errors import InputError, expect

MOST_BYTES = 2_000_000
LONGEST_SENTENCE = 700
SKIPPED = frozenset(("script", "style", "template", "noscript", "svg", "math", "head", "iframe", "object", "select", "button"))
BLOCKS = frozenset(
    (
        "p", "div", "li", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6", "br", "tr", "td", "th", "table", "section", "article", "header",
        "footer", "nav", "aside", "blockquote", "figcaption", "dt", "dd", "dl", "pre", "main", "form", "hr", "summary", "details", "title",
    )
)  # fmt: skip
LOOKS_LIKE_A_PAGE = re.compile(r"<\s*(!doctype\s+html|html|body|head|p|div|article|h[1-6]|ul|table)\b", re.IGNORECASE)
# Full stops after these do not end a sentence.
SHORT = re.compile(
    r"\b(e\.g|i\.e|vs|approx|ca|dr|prof|mr|mrs|no|fig|et al|etc|resp|incl|st|u\.s|p\.o|i\.m|s\.c|vit|max|min|subsp)\.$", re.IGNORECASE
)
ENDS = re.compile(r"[.!?…]+[\"'”’)\]]*(?=\s|$)")


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence: `text` as written (spaces made one), `plain` for patterns, `line` where it begins."""

    text: str
    plain: str
    line: int
    heading: bool = False


def read_text(source: str | Path) -> str:
    """The text, or that of a file. Raises `InputError` for what is no text, is empty or too large."""
    expect(source, (str, Path), "text", "a sentence, a text, or the Path of a text or HTML file")
    if isinstance(source, Path):
        where = str(source)
        try:
            with source.open("rb") as file:
                raw = file.read(MOST_BYTES + 1)
        except OSError as error:
            raise InputError(where, f"cannot be read ({error.strerror})", "a text or HTML file") from error
        if len(raw) > MOST_BYTES:
            raise InputError(
                where, f"more than {MOST_BYTES // 1_000_000} MB", f"at most {MOST_BYTES // 1_000_000} MB", "Give the part that matters."
            )
        text = _decoded(raw, where)
    else:
        where, text = "text", source
        if len(text) > MOST_BYTES:
            raise InputError(where, f"{len(text):,} characters", f"at most {MOST_BYTES:,}", "Give the part that matters.")
    controls = sum(1 for sign in text[:20_000] if ord(sign) < 9 or 13 < ord(sign) < 32)
    if "\0" in text or controls > 0.01 * len(text[:20_000]):
        raise InputError(where, "is no text (binary signs)", "a text or HTML file")
    if not text.strip():
        raise InputError(where, "nothing", "a sentence, a text or an HTML page")
    return text


def _decoded(raw: bytes, where: str) -> str:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return raw.decode("utf-16")
        except UnicodeDecodeError:
            raise InputError(where, "is no text (broken UTF-16)", "a text or HTML file in UTF-8") from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


def sentences(text: str) -> Iterator[Sentence]:
    """The sentences in order; tags of a page are dropped, scripts and styles ignored."""
    if LOOKS_LIKE_A_PAGE.search(text[:5000]):
        page = _Page()
        page.feed(text)
        page.close()
        parts: list[tuple[int, str, bool]] = page.parts
    else:
        # Lines of one paragraph belong together; an empty line, a list mark or a heading mark begins a new one.
        parts = [(number, part, False) for number, part in _paragraphs(text)]
    for line, part, heading in parts:
        for offset, said in _split(part):
            words = " ".join(said.split())
            if words:
                yield Sentence(words, plain(words), line + offset, heading)


def _paragraphs(text: str) -> Iterator[tuple[int, str]]:
    start, held = 1, list[str]()
    for number, row in enumerate(text.splitlines(), 1):
        empty = not row.strip()
        if held and (empty or re.match(r"\s*([-*•#>]|\d{1,3}[.)])\s", row)):
            yield start, "\n".join(held)
            held = []
        if empty:
            continue
        if not held:
            start = number
        held.append(row)
        if row.lstrip().startswith("#"):
            yield start, row
            held = []
    if held:
        yield start, "\n".join(held)


def _split(part: str) -> Iterator[tuple[int, str]]:
    """Sentences of one paragraph with the number of lines before them."""
    flat = part.replace("\n", " ")
    begin, counted, lines = 0, 0, 0
    for found in [*ENDS.finditer(flat), None]:
        end = found.end() if found is not None else len(flat)
        if found is not None and found.group(0)[0] == "." and (
            SHORT.search(flat[max(begin, end - 12) : end]) or re.match(r"\s*[a-z0-9]", flat[end : end + 3])):  # fmt: skip
            continue
        for cut in range(begin, max(end, begin + 1), LONGEST_SENTENCE):
            lead = len(flat[cut:end]) - len(flat[cut:end].lstrip()) if cut == begin else 0
            lines, counted = lines + part.count("\n", counted, cut + lead), cut + lead
            yield lines, flat[cut : min(cut + LONGEST_SENTENCE, end)]
        begin = end


class _Page(HTMLParser):
    """The visible text of a page in blocks with their line."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[tuple[int, str, bool]] = []
        self._held: list[str] = []
        self._line, self._skipping, self._heading = 1, "", False
        self._depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._skipping:
            self._depth += tag == self._skipping
            return
        if tag in SKIPPED and tag != "head":
            self._skipping, self._depth = tag, 1
        elif tag in BLOCKS:
            self._flush()
            self._heading = tag in ("h1", "h2", "h3", "h4", "h5", "h6", "title")

    def handle_endtag(self, tag: str) -> None:
        if self._skipping:
            self._depth -= tag == self._skipping
            if self._depth <= 0:
                self._skipping = ""
        elif tag in BLOCKS:
            self._flush()
            self._heading = False

    def handle_data(self, data: str) -> None:
        if self._skipping:
            return
        if not self._held:
            if not data.strip():
                return
            self._line = self.getpos()[0] + data[: len(data) - len(data.lstrip())].count("\n")
        self._held.append(data.replace("\n", " "))

    def close(self) -> None:
        super().close()
        self._flush()

    def _flush(self) -> None:
        if self._held:
            self.parts.append((self._line, "".join(self._held).strip(), self._heading))
        self._held = []


# --- plain form --------------------------------------------------------------------------------------------------------------

PLAIN: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), word)
    for pattern, word in (
        (r"[µμ]", "u"),
        (r"[’‘`´]", "'"),
        (r"[“”„«»]", '"'),
        (r"[‐‑−–—]", "-"),
        (r"\b(?:vitamin|vit\.?)[\s-]*b[\s-]?(?:12|₁₂|<sub>12</sub>)(?![0-9])", "b12"),
        (r"\bb[\s-]?(?:12|₁₂)(?![0-9])", "b12"),
        (r"\bcobalamins?\b", "b12"),
        (r"\b(?:vitamin[\s-]*)?b[\s-]?(?:6|₆)(?![0-9])", "b6"),
        (r"\b(?:me-?cobalamin|methyl[\s-]?cobalamin|methyl[\s-]?b12|methylated b12)\b", "methylcobalamin"),
        (r"\bcyano[\s-]?(?:cobalamin|b12)\b", "cyanocobalamin"),
        (r"\b(?:hydroxy|hydroxo)[\s-]?(?:cobalamin|b12)\b", "hydroxocobalamin"),
        (r"\bmethyl ?malonic acid(?: \(mma\))?|\bmethylmalonate\b|\bmma\b", "mma"),
        (r"\b(?:total |plasma |serum )?homocysteine?(?: \((?:t?hcy)\))?|\bt?hcy\b", "homocysteine"),
        (r"\bholo-?tc\b|\bholotranscobalamin(?: ii)?(?: \(holo-?tc\))?", "holotranscobalamin"),
        (r"\bactive (?:vitamin )?b12\b", "active b12"),
        (
            r"\bproton[\s-]?pump inhibitors?(?: \(ppis?\))?|\bppis?\b|\bomeprazole\b|\bpantoprazole\b|\besomeprazole\b|\blansoprazole\b",
            "ppi",
        ),
        (r"\bnitrous oxide(?: \(n2o\))?|\blaughing gas\b|\bn2o\b|\bn₂o\b", "nitrous oxide"),
        (r"\banemi(a|c)\b", r"anaemi\1"),
        (r"\bhemoglobin\b", "haemoglobin"),
        (r"\btumors?\b", "tumour"),
        (r"\bleukemia\b", "leukaemia"),
        (r"\b(?:mcg|micrograms?|microgrammes?|ug)\b", "ug"),
        (r"\b(?:milligrams?|milligrammes?)\b", "mg"),
        (r"\bpicograms?(?: per |/)millilit(?:er|re)\b", "pg/ml"),
        (r"\bnanograms?(?: per |/)(?:millilit(?:er|re))\b", "ng/ml"),
        (r"\bpicomoles?(?: per |/)lit(?:er|re)\b", "pmol/l"),
        (r"\bnanomoles?(?: per |/)lit(?:er|re)\b", "nmol/l"),
        (r"\bmicromoles?(?: per |/)lit(?:er|re)\b", "umol/l"),
        (r"(\d),(?=\d{3}\b)", r"\1"),
        (r"\bsupplementation\b", "supplementation"),
        (r"\s+", " "),
    )
)


def plain(text: str) -> str:
    """Lower case, one spelling for each term and unit."""
    text = text.lower()
    for pattern, word in PLAIN:
        text = pattern.sub(word, text)
    return text.strip()
