"""Who calls: the signed token (JWT) of a records system, against a file of issuers this machine trusts. No key is ever fetched.

The file (`CORRIN_CDS_KEYS`) is JSON: `{"issuers": [{"iss": "https://records.example", "jku": "https://records.example/jwks", "jwks":
{"keys": [...]}}], "audience": "https://corrin.clinic.example"}`. `jku` and `audience` may be absent. Keys are public ones with a `kid`.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt

from corrin.errors import InputError

ALGORITHMS = ("ES384", "RS384")
"""Asymmetric only, and no weaker than these: `none` and shared secrets are never taken."""
KINDS = {"ES384": ("EC", "P-384"), "RS384": ("RSA", None)}
LEEWAY_S = 30.0
MAX_LIFE_S = 3600.0
MAX_TOKEN = 8192
MAX_SEEN = 100_000
LEAST_RSA_BITS = 2048
EXPECTED = '{"issuers": [{"iss": ..., "jwks": {"keys": [...]}}]}, public keys with kid, ES384 or RS384'


class Refused(Exception):
    """The caller could not be told to be one of the trusted; the message says why and holds nothing of the token."""


@dataclass(frozen=True, slots=True)
class Issuer:
    """One trusted records system: its name, the address its key set has (compared, never called), its keys by `kid`."""

    iss: str
    jku: str | None
    keys: Mapping[str, jwt.PyJWK]


@dataclass(slots=True)
class Callers:
    """The trusted issuers and the tokens already used. `check` is safe to call from several threads."""

    issuers: Mapping[str, Issuer]
    audience: str | None = None
    now: Callable[[], float] = time.time
    seen: dict[tuple[str, str], float] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def check(self, authorization: str | None, endpoint: str, path: str = "") -> str:
        """The issuer that signed the token for this endpoint, now and for the first time. Raises `Refused`.

        `endpoint` is the address as it was called; where the file names an `audience` (the address outside, before a proxy), that with
        `path` counts instead.
        """
        token = _bearer(authorization)
        issuer, key = self._signer(token)
        base = (self.audience or "").rstrip("/")
        expected = [endpoint] if self.audience is None else [self.audience, base, f"{base}{path}"]
        try:
            claims = jwt.decode(
                token,
                key.key,
                algorithms=[key.algorithm_name],
                audience=expected,
                issuer=issuer.iss,
                # The clock is ours, so that it can be tested: times are checked below.
                options={"require": ["iss", "aud", "exp", "iat", "jti"], "verify_exp": False, "verify_iat": False, "verify_nbf": False},
            )
        except jwt.InvalidAudienceError:
            raise Refused("the token is for another service (aud)") from None
        except jwt.MissingRequiredClaimError:
            raise Refused("the token lacks one of iss, aud, exp, iat, jti") from None
        except jwt.PyJWTError:
            raise Refused("the token's signature or form is wrong") from None
        self._in_time(claims)
        self._first_use(issuer.iss, claims)
        return issuer.iss

    def _signer(self, token: str) -> tuple[Issuer, jwt.PyJWK]:
        try:
            head = jwt.get_unverified_header(token)
            # Read to choose the key; what it says counts only once the signature holds.
            said = jwt.decode(token, options={"verify_signature": False}).get("iss")
        except (jwt.PyJWTError, ValueError, RecursionError):
            raise Refused("the token is no JSON web token") from None
        algorithm, kid, address = head.get("alg"), head.get("kid"), head.get("jku")
        if algorithm not in ALGORITHMS:
            raise Refused(f"the token's algorithm is not one of {', '.join(ALGORITHMS)}")
        issuer = self.issuers.get(said) if isinstance(said, str) else None
        if issuer is None:
            raise Refused("the issuer is not on the list (iss)")
        if address is not None and address != issuer.jku:
            raise Refused("the address of the key set is not on the list (jku)")
        key = issuer.keys.get(kid) if isinstance(kid, str) else None
        if key is None or key.algorithm_name != algorithm:
            raise Refused("the key is not on the list (kid)")
        return issuer, key

    def _in_time(self, claims: Mapping[str, Any]) -> None:
        now = self.now()
        exp, iat, nbf = (_seconds(claims.get(name)) for name in ("exp", "iat", "nbf"))
        if exp is None or iat is None or ("nbf" in claims and nbf is None):
            raise Refused("exp, iat or nbf is no time")
        if exp <= now - LEEWAY_S:
            raise Refused("the token has expired (exp)")
        if iat > now + LEEWAY_S or (nbf is not None and nbf > now + LEEWAY_S):
            raise Refused("the token is from the future (iat, nbf)")
        if exp - iat > MAX_LIFE_S:
            raise Refused("the token lives for more than an hour (exp)")

    def _first_use(self, iss: str, claims: Mapping[str, Any]) -> None:
        jti = claims.get("jti")
        if not isinstance(jti, str) or not 0 < len(jti) <= 200:
            raise Refused("jti is no short text")
        now = self.now()
        with self.lock:
            if len(self.seen) >= MAX_SEEN:
                self.seen = {name: until for name, until in self.seen.items() if until > now}
            if len(self.seen) >= MAX_SEEN:
                raise Refused("too many tokens are in use at once")
            if self.seen.get((iss, jti), 0.0) > now:
                raise Refused("the token was used before (jti)")
            self.seen[iss, jti] = float(claims["exp"]) + LEEWAY_S + 1.0


def read_callers(path: Path) -> Callers:
    """The trusted issuers of a file. Raises `InputError` for a file that cannot be read or holds no usable public key."""
    where = path.name
    try:
        if path.stat().st_size > 1_000_000:
            raise InputError(where, "more than 1 MB", EXPECTED)
        written = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        raise InputError(where, "cannot be read as JSON", EXPECTED) from None
    rows = written.get("issuers") if isinstance(written, dict) else None
    if not isinstance(rows, list) or not rows:
        raise InputError(where, "no issuers", EXPECTED)
    issuers = {}
    for number, row in enumerate(rows):
        made = _issuer(row, f"{where}: issuers[{number}]")
        if made.iss in issuers:
            raise InputError(f"{where}: issuers[{number}]", "the same iss twice", "each issuer once")
        issuers[made.iss] = made
    audience = written.get("audience")
    if audience is not None and not isinstance(audience, str):
        raise InputError(f"{where}: audience", "no text", "the address under which this service is called")
    return Callers(issuers, audience)


def _issuer(row: Any, where: str) -> Issuer:
    iss = row.get("iss") if isinstance(row, dict) else None
    jwks = row.get("jwks") if isinstance(row, dict) else None
    listed = jwks.get("keys") if isinstance(jwks, dict) else None
    if not isinstance(iss, str) or not iss or not isinstance(listed, list) or not listed:
        raise InputError(where, "iss or jwks.keys is missing", EXPECTED)
    jku = row.get("jku")
    if jku is not None and not isinstance(jku, str):
        raise InputError(f"{where}: jku", "no text", "the address of the key set, as tokens write it")
    keys = {}
    for place, key in enumerate(listed):
        kid = key.get("kid") if isinstance(key, dict) else None
        if not isinstance(kid, str) or not kid or kid in keys:
            raise InputError(f"{where}: keys[{place}]", "no kid of its own", EXPECTED)
        keys[kid] = _key(key, f"{where}: keys[{place}]")
    return Issuer(iss, jku, keys)


def _key(key: dict[str, Any], where: str) -> jwt.PyJWK:
    algorithm = key.get("alg") or {"EC": "ES384", "RSA": "RS384"}.get(str(key.get("kty")))
    kind = KINDS.get(str(algorithm))
    if kind is None or key.get("kty") != kind[0] or (kind[1] is not None and key.get("crv") != kind[1]):
        raise InputError(where, "not a key for ES384 or RS384", "an EC key on P-384, or an RSA key")
    if "d" in key:
        raise InputError(
            where, "a private key", "the public key only", "Ask the records system for its public key set, and change this key."
        )
    try:
        made = jwt.PyJWK(key, algorithm=algorithm)
    except (jwt.PyJWTError, ValueError, TypeError):
        raise InputError(where, "a key that cannot be read", "a JSON web key (RFC 7517)") from None
    if algorithm == "RS384" and made.key.key_size < LEAST_RSA_BITS:
        raise InputError(where, f"an RSA key of {made.key.key_size} bits", f"at least {LEAST_RSA_BITS}")
    return made


def _bearer(authorization: str | None) -> str:
    kind, _, token = (authorization or "").partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise Refused("no bearer token")
    if len(token) > MAX_TOKEN:
        raise Refused("the token is too long")
    return token.strip()


def _seconds(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e12 else None
