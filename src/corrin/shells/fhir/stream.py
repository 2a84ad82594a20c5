"""A FHIR document, one resource at a time: whatever its size, only one resource is held.

A document is a row of JSON objects (one Bundle; or NDJSON, one resource a line). The bytes are walked bracket by bracket, so that depth and
size are known before anything is built; of a Bundle only `entry` is walked into, and each entry is read on its own.

Standard library only: a streaming parser would bring a compiled dependency for the one thing needed here, where an entry ends.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from corrin.case.reader import shown
from corrin.errors import InputError

MAX_BYTES = 64 * 2**20
MAX_DEPTH = 64
MAX_RESOURCE_BYTES = 4 * 2**20
MAX_FILES = 500
CHUNK = 2**17
ENDINGS = (".json", ".ndjson", ".jsonl")
EXPECTED = "a FHIR R4 Bundle in JSON, or NDJSON"

Resource = dict[str, Any]
# Where it stood, the resource or what was wrong with it, and the entry's fullUrl.
Item = tuple[str, "Resource | InputError", str | None]

# Everything up to the next bracket, or up to a string that has not ended yet. Possessive: no way back, so time is linear.
_TO_BRACKET = re.compile(rb'(?:[^"{}\[\]]++|"[^"\\]*+(?:\\.[^"\\]*+)*+")*+', re.DOTALL)
_IN_STRING = re.compile(rb"[^\"\\]*+(?:\\.[^\"\\]*+)*+", re.DOTALL)
_SPACE = re.compile(rb"[ \t\r\n]*+")
_SCALAR = re.compile(rb"[^\s,\]}{\[\"]*+")
_OPEN, _CLOSE, _QUOTE = b"{[", b"}]", 0x22


class RepeatedKey(ValueError):
    """A JSON object in which a key was written twice."""


class NotANumber(ValueError):
    """NaN or Infinity, which JSON does not have."""


def sources(source: str | Path | IO[Any] | Mapping[str, Any]) -> Iterator[tuple[str, IO[bytes]]]:
    """(name for messages, open bytes) of a file, of every file of a folder in order of name, of a stream or of plain data."""
    if isinstance(source, Mapping):
        yield "bundle", io.BytesIO(json.dumps(source).encode())
        return
    if not isinstance(source, str | Path):
        if not hasattr(source, "read"):
            raise InputError("bundle", f"something of type {type(source).__name__}", "a path, an open file or a dict")
        yield "bundle", _bytes_of(source)
        return
    path = Path(source)
    where = path.name.encode("ascii", "backslashreplace").decode() or "bundle"
    try:
        if path.is_dir():
            names = sorted(item for item in path.iterdir() if item.suffix.lower() in ENDINGS and item.is_file())
            if not names:
                raise InputError(where, "a folder without any .ndjson or .json file", EXPECTED)
            if len(names) > MAX_FILES:
                raise InputError(where, f"a folder of {len(names):,} files", f"at most {MAX_FILES}")
        elif not path.is_file():
            raise InputError(where, "no such file" if not path.exists() else "not a plain file", EXPECTED)
        else:
            names = [path]
        size = sum(item.stat().st_size for item in names)
        if size > MAX_BYTES:
            raise InputError(where, f"{size:,} bytes", f"at most {MAX_BYTES:,}", "Export one patient, or only the resource types used.")
        for item in names:
            with item.open("rb") as opened:
                yield (item.name.encode("ascii", "backslashreplace").decode() if len(names) > 1 else where), opened
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it cannot be opened"
        raise InputError(where, f"cannot be read: {reason}", EXPECTED) from None


class _Encoded(io.RawIOBase):
    """A text stream as bytes."""

    def __init__(self, first: str, text: IO[str]) -> None:
        self.left, self.text = first.encode("utf-8", "surrogatepass"), text

    def read(self, size: int = -1) -> bytes:
        made = self.left or self.text.read(size).encode("utf-8", "surrogatepass")
        self.left = b""
        return made


def _bytes_of(stream: IO[Any]) -> IO[bytes]:
    first = stream.read(0)
    if isinstance(first, str):
        return _Encoded(first, stream)  # type: ignore[return-value]
    return stream


def resources(source: str | Path | IO[Any] | Mapping[str, Any]) -> Iterator[Item]:
    """Every resource with its place; an entry that cannot be used comes as the fault instead.

    Raises `InputError` for what makes the whole document unreadable: not JSON, not UTF-8, nested deeper than 64 levels, more than 64 MB,
    no Bundle or resource.
    """
    left = MAX_BYTES
    several = isinstance(source, str | Path) and Path(source).is_dir()
    for name, opened in sources(source):
        walk = _Walk(name, opened, left)
        found = False
        for item in walk.items():
            found = True
            yield item
        if not found and not several:
            raise InputError(name, "nothing in it" if walk.empty else "no entry in it", EXPECTED)
        left = walk.left


class _Walk:
    """One open file: a window on its bytes, and where in it we are."""

    def __init__(self, name: str, opened: IO[bytes], left: int) -> None:
        self.name, self.opened, self.left = name, opened, left
        self.window, self.at, self.line, self.ended, self.empty = b"", 0, 1, False, True
        self.lines = name.lower().endswith((".ndjson", ".jsonl"))

    def items(self) -> Iterator[Item]:
        """The resources of all objects in the file."""
        while not self.ended and len(self.window) < 4:
            self._more(0)
        if self.window.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in self.window[:4]:
            raise InputError(self.name, "not UTF-8 text", "a text file in UTF-8", "Save it as UTF-8.")
        if self.window.startswith(b"\xef\xbb\xbf"):
            self.at = 3
        while (sign := self._sign()) is not None:
            self.empty = False
            if sign != 0x7B:
                found = "a list" if sign == 0x5B else shown(self.window[self.at : self.at + 20].decode("utf-8", "replace"))
                raise InputError(self._line(), f"{found} where an object begins", EXPECTED)
            yield from self._object()

    def _object(self) -> Iterator[Item]:
        """One object of the outermost level: a resource, or the entries of a Bundle."""
        self._drop()
        start_line = self.line
        keys: dict[str, Any] = {}
        streamed = oversize = False
        self.at += 1
        first = True
        while True:
            sign = self._sign_or_fail()
            if sign == 0x7D and (first or not streamed):
                self.at += 1
                break
            if not first:
                if sign == 0x7D:
                    self.at += 1
                    break
                if sign != 0x2C:
                    raise self._not_json("a comma or the end of the object")
                self.at += 1
                sign = self._sign_or_fail()
            first = False
            if sign != _QUOTE:
                raise self._not_json("a key in quotation marks")
            key = self._scalar()
            if self._sign_or_fail() != 0x3A:
                raise self._not_json("a colon after the key")
            self.at += 1
            sign = self._sign_or_fail()
            if key in keys:
                raise InputError(f"{self.name}: {shown(key)}", "this key is written twice in one object", "each key once", "Remove one.")
            # Other resources have entries too (a List): of them only those that do not say first what they are are walked into.
            if key == "entry" and sign == 0x5B and keys.get("resourceType", "Bundle") == "Bundle":
                self._drop()
                streamed, keys[key] = True, None
                yield from self._entries()
            elif sign in _OPEN:
                whole, fits = self._container(1, keep=not streamed)
                oversize = oversize or not fits
                if streamed and whole is not None:
                    self._load(whole, self.line)
                keys[key] = None
            else:
                keys[key] = self._scalar()
        if streamed:
            self._drop()
            if not isinstance(keys.get("resourceType"), str):
                raise InputError(f"{self.name}: resourceType", shown(keys.get("resourceType")), "Bundle", f"Give {EXPECTED}.")
            if keys["resourceType"] != "Bundle":
                yield self.name, {"resourceType": keys["resourceType"]}, None
            return
        where = f"{self.name}: line {start_line}" if self.lines or start_line > 1 else self.name
        if oversize:
            self._drop()
            yield (
                where,
                InputError(where, f"a resource of more than {MAX_RESOURCE_BYTES:,} bytes", "a smaller one", "It was not read."),
                None,
            )
            return
        whole = self.window[: self.at]
        self._drop()
        if keys.get("resourceType") == "Bundle" and "entry" not in keys:
            return
        if not isinstance(keys.get("resourceType"), str):
            found = shown(keys["resourceType"]) if "resourceType" in keys else "no resourceType"
            raise InputError(f"{where}: resourceType", found, EXPECTED)
        try:
            yield where, self._load(whole, start_line), None
        except (RepeatedKey, NotANumber) as error:
            yield where, _left_out(where, error), None

    def _entries(self) -> Iterator[Item]:
        """The items of `entry`."""
        self.at += 1
        number = 0
        while True:
            sign = self._sign_or_fail()
            if sign == 0x5D and number == 0:
                self.at += 1
                return
            if sign != 0x7B:
                raise self._not_json("an object in entry")
            self._drop()
            where, line = f"{self.name}: entry[{number}]", self.line
            whole, fits = self._container(2, keep=True)
            if not fits or whole is None:
                yield where, InputError(where, f"more than {MAX_RESOURCE_BYTES:,} bytes", "a smaller resource", "It was not read."), None
            else:
                try:
                    entry = self._load(whole, line)
                    url = entry.get("fullUrl")
                    inner = entry.get("resource")
                    if isinstance(inner, dict):
                        yield where, inner, url if isinstance(url, str) else None
                    else:
                        yield where, InputError(where, "no resource in it", "an entry with a resource"), None
                except (RepeatedKey, NotANumber) as error:
                    yield where, _left_out(where, error), None
            number += 1
            sign = self._sign_or_fail()
            self.at += 1
            if sign == 0x5D:
                return
            if sign != 0x2C:
                raise self._not_json("a comma or the end of entry")

    def _container(self, depth: int, *, keep: bool) -> tuple[bytes | None, bool]:
        """Go past the object or list that begins here: its bytes (None when not kept), and whether it was within the size limit."""
        begin, i, level, in_string, size_before, fits = self.at, self.at, depth, False, 0, True
        while True:
            if in_string:
                found = _IN_STRING.match(self.window, i)
                i = found.end() if found else i
                if i < len(self.window) and self.window[i] == _QUOTE:
                    in_string, i = False, i + 1
                    continue
            else:
                found = _TO_BRACKET.match(self.window, i)
                i = found.end() if found else i
                if i < len(self.window):
                    sign = self.window[i]
                    i += 1
                    if sign == _QUOTE:
                        in_string = True
                    elif sign in _OPEN:
                        level += 1
                        if level > MAX_DEPTH:
                            raise InputError(self._line(), f"nested deeper than {MAX_DEPTH} levels", "a flatter document")
                    else:
                        level -= 1
                        if level == depth:
                            self.at = i
                            size = size_before + i - begin
                            return (self.window[begin:i] if fits and keep else None), fits and size <= MAX_RESOURCE_BYTES
                    continue
            if fits and i - begin > MAX_RESOURCE_BYTES:
                fits = False
            if not fits:
                # Too large to keep: forget what was walked.
                size_before += i - begin
                self.at = i
                dropped = self._drop()
                begin, i = 0, i - dropped
            if not self._more(len(self.window)):
                raise self._not_json("the end of the document inside an object")

    def _load(self, raw: bytes, line: int) -> Any:
        try:
            return json.loads(raw.decode("utf-8"), object_pairs_hook=_pairs, parse_constant=_constant)
        except UnicodeDecodeError:
            raise InputError(
                f"{self.name}: line {line}", "bytes that are not UTF-8 text", "a text file in UTF-8", "Save it as UTF-8."
            ) from None
        except json.JSONDecodeError as error:
            at = f"{self.name}: line {line + error.lineno - 1}, column {error.colno}"
            raise InputError(at, f"not JSON ({error.msg.lower()})", EXPECTED) from None
        except RecursionError:
            raise InputError(f"{self.name}: line {line}", f"nested deeper than {MAX_DEPTH} levels", "a flatter document") from None
        except (RepeatedKey, NotANumber):
            raise
        except ValueError:
            raise NotANumber("a number with too many digits") from None

    def _scalar(self) -> Any:
        """The string, number or word that begins here."""
        begin = self.at
        if self.window[begin] == _QUOTE:
            i = begin + 1
            while True:
                found = _IN_STRING.match(self.window, i)
                i = found.end() if found else i
                if i < len(self.window) and self.window[i] == _QUOTE:
                    break
                if i - begin > MAX_RESOURCE_BYTES or not self._more(len(self.window)):
                    raise self._not_json("the end of a text")
            self.at = i + 1
        else:
            while (found := _SCALAR.match(self.window, begin)) and found.end() == len(self.window) and self._more(len(self.window)):
                pass
            self.at = found.end() if found else begin
        if self.at == begin:
            raise self._not_json("a value")
        try:
            return self._load(self.window[begin : self.at], self.line + self.window.count(b"\n", 0, begin))
        except NotANumber as error:
            raise InputError(self._line(), str(error), EXPECTED) from None

    def _sign(self) -> int | None:
        """The next byte that is not white space; None at the end."""
        while True:
            found = _SPACE.match(self.window, self.at)
            self.at = found.end() if found else self.at
            if self.at < len(self.window):
                return self.window[self.at]
            if not self._more(len(self.window)):
                return None

    def _sign_or_fail(self) -> int:
        sign = self._sign()
        if sign is None:
            raise self._not_json("the end of the document inside an object")
        return sign

    def _more(self, have: int) -> bool:
        """Widen the window by one chunk; False at the end of the file."""
        if self.ended:
            return False
        try:
            chunk = self.opened.read(CHUNK)
        except UnicodeDecodeError:
            raise InputError(self.name, "bytes that are not UTF-8 text", "a text file in UTF-8", "Save it as UTF-8.") from None
        if not chunk:
            self.ended = True
            return False
        self.left -= len(chunk)
        if self.left < 0:
            raise InputError(self.name, f"more than {MAX_BYTES:,} bytes", f"at most {MAX_BYTES:,}", "Export one patient.")
        self.window += chunk
        return len(self.window) > have

    def _drop(self) -> int:
        """Forget what lies behind; the number of bytes forgotten."""
        gone = self.at
        self.line += self.window.count(b"\n", 0, gone)
        self.window, self.at = self.window[gone:], 0
        return gone

    def _line(self) -> str:
        line = self.line + self.window.count(b"\n", 0, self.at)
        return f"{self.name}: line {line}"

    def _not_json(self, wanted: str) -> InputError:
        if wanted.startswith("the end"):
            return InputError(self._line(), f"not JSON: {wanted} is missing" if "text" in wanted else f"not JSON: {wanted}", EXPECTED)
        return InputError(self._line(), f"not JSON: {wanted} is missing", EXPECTED)


def _left_out(where: str, error: ValueError) -> InputError:
    if isinstance(error, RepeatedKey):
        return InputError(where, f"the key {error} is written twice in one object", "each key once", "The resource was left out.")
    return InputError(where, str(error), "a number", "The resource was left out.")


def _pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(items)
    if len(made) != len(items):
        seen: set[str] = set()
        raise RepeatedKey(next(shown(key) for key, _ in items if key in seen or seen.add(key)))  # type: ignore[func-returns-value]
    return made


def _constant(word: str) -> float:
    raise NotANumber(f"{word} is not a number")
