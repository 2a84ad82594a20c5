"""Who is let in: tokens made here by other means than those that read them, and every way in which one can be wrong."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from cds_calls import BASE, TODAY, VIEW, app_with, body, send
from corrin.errors import InputError
from corrin.shells.cds import Clinic
from corrin.shells.cds.keys import MAX_SEEN, Callers, read_callers

ISS, JKU = "https://records.example", "https://records.example/jwks"
ENDPOINT = f"{BASE}/cds-services/{VIEW}"


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value: int, size: int) -> str:
    return b64(value.to_bytes(size, "big"))


@lru_cache(maxsize=1)
def pair() -> tuple[ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey]:
    return ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 2048)


def jwk_ec() -> dict[str, Any]:
    held = pair()[0].public_key().public_numbers()
    return {"kty": "EC", "crv": "P-384", "x": number(held.x, 48), "y": number(held.y, 48), "kid": "ec", "alg": "ES384", "use": "sig"}


def jwk_rsa() -> dict[str, Any]:
    held = pair()[1].public_key().public_numbers()
    return {"kty": "RSA", "n": number(held.n, 256), "e": b64(b"\x01\x00\x01"), "kid": "rsa", "alg": "RS384"}


def key_file(folder: Path, **more: Any) -> Path:
    path = folder / "keys.json"
    listed = {"issuers": [{"iss": ISS, "jku": JKU, "jwks": {"keys": [jwk_ec(), jwk_rsa()]}}]} | more
    path.write_text(json.dumps(listed), encoding="utf-8")
    return path


def claims(**more: Any) -> dict[str, Any]:
    now = time.time()
    made = {"iss": ISS, "aud": ENDPOINT, "iat": now, "exp": now + 300, "jti": b64(str(time.perf_counter_ns()).encode())} | more
    return {key: value for key, value in made.items() if value is not None}


def token(said: Mapping[str, Any], algorithm: str = "ES384", **head: Any) -> str:
    """A token signed by hand (RFC 7515), so that the library under test does not judge its own work."""
    header = {"alg": algorithm, "typ": "JWT", "kid": {"ES384": "ec", "RS384": "rsa"}.get(algorithm, "ec")} | head
    signed = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(said).encode())}"
    if algorithm == "RS384":
        signature = pair()[1].sign(signed.encode(), padding.PKCS1v15(), hashes.SHA384())
    else:
        r, s = decode_dss_signature(pair()[0].sign(signed.encode(), ec.ECDSA(hashes.SHA384())))
        signature = r.to_bytes(48, "big") + s.to_bytes(48, "big")
    return f"{signed}.{b64(signature)}"


def status(callers: Callers, authorization: str | None) -> int:
    app = app_with(Clinic(callers=callers, today=lambda: TODAY))
    headers = {"Authorization": authorization} if authorization is not None else {}
    response = send(app, "POST", f"/cds-services/{VIEW}", json=body({}), headers=headers)
    if response.status_code == 401:
        assert response.headers["www-authenticate"] == "Bearer"
        assert response.headers["content-type"] == "application/problem+json"
        if authorization:
            assert authorization.split()[-1] not in response.text
    return response.status_code


@pytest.mark.parametrize("algorithm", ["ES384", "RS384"])
def test_a_good_token_is_let_in_once(tmp_path: Path, algorithm: str) -> None:
    callers = read_callers(key_file(tmp_path))
    made = f"Bearer {token(claims(), algorithm)}"
    assert status(callers, made) == 200
    assert status(callers, made) == 401, "the same jti again"
    assert status(callers, f"bearer {token(claims(aud=[ENDPOINT, 'other']), algorithm, jku=JKU)}") == 200


NOW = time.time()
WRONG: dict[str, str] = {
    "nothing": "", "no bearer": "Basic abc", "no token": "Bearer ", "not one": "Bearer a.b.c", "long": "Bearer " + "x" * 9000,
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(WRONG))
def test_what_is_no_token_is_refused(tmp_path: Path, name: str) -> None:
    assert status(read_callers(key_file(tmp_path)), WRONG[name] or None) == 401


@pytest.mark.parametrize(
    "more",
    [
        {"aud": "http://127.0.0.1:8765/cds-services/corrin-b12-order-select"}, {"aud": None}, {"iss": "https://another.example"},
        {"iss": None}, {"iss": 3}, {"exp": NOW - 3600, "iat": NOW - 3900}, {"exp": None}, {"iat": None},
        {"iat": NOW + 3600, "exp": NOW + 3900}, {"jti": None},
        {"exp": NOW + 90_000}, {"jti": 3}, {"jti": ""}, {"jti": "x" * 300}, {"exp": "soon"}, {"nbf": NOW + 3600}, {"exp": True},
    ],
)  # fmt: skip
def test_a_wrong_claim_is_refused(tmp_path: Path, more: dict[str, Any]) -> None:
    assert status(read_callers(key_file(tmp_path)), f"Bearer {token(claims(**more))}") == 401


def test_a_wrong_key_algorithm_or_signature_is_refused(tmp_path: Path) -> None:
    callers = read_callers(key_file(tmp_path))
    good = token(claims())
    head, said, signature = good.split(".")
    other = b64(json.dumps(claims(jti="another")).encode())
    none = b64(json.dumps({"alg": "none", "typ": "JWT", "kid": "ec"}).encode())
    wrong = [
        f"{head}.{other}.{signature}", f"{none}.{said}.", f"{none}.{said}.{signature}", token(claims(), kid="unheard-of"),
        token(claims(), kid=["ec"]), token(claims(), kid="rsa"), token(claims(), jku="https://attacker.example/jwks"),
        # The public key as a shared secret: the oldest trick.
        jwt.encode(claims(), "x" * 64, algorithm="HS384", headers={"kid": "ec"}),
    ]  # fmt: skip
    assert [status(callers, f"Bearer {item}") for item in wrong] == [401] * len(wrong)
    assert status(callers, f"Bearer {good}") == 200, "what was refused used nothing up"


def test_behind_a_proxy_the_outer_address_is_the_audience(tmp_path: Path) -> None:
    callers = read_callers(key_file(tmp_path, audience="https://corrin.clinic.example/"))
    assert status(callers, f"Bearer {token(claims(aud=f'https://corrin.clinic.example/cds-services/{VIEW}'))}") == 200
    assert status(callers, f"Bearer {token(claims())}") == 401


def test_memory_of_used_tokens_is_bounded(tmp_path: Path) -> None:
    callers = read_callers(key_file(tmp_path))
    callers.seen = {(ISS, str(n)): time.time() + 60 for n in range(MAX_SEEN)}
    assert status(callers, f"Bearer {token(claims())}") == 401, "full: nobody is let in twice, so nobody is let in"
    callers.now = lambda: time.time() + 61
    assert status(callers, f"Bearer {token(claims())}") == 200


def test_discovery_needs_no_token(tmp_path: Path) -> None:
    app = app_with(Clinic(callers=read_callers(key_file(tmp_path))))
    assert send(app, "GET", "/cds-services").status_code == 200
    assert send(app, "GET", f"/cds-services/{VIEW}/feedback").status_code == 401


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("", "JSON"), ("[]", "no issuers"), ('{"issuers": []}', "no issuers"), ('{"issuers": [{"iss": "x"}]}', "jwks.keys"),
        (json.dumps({"issuers": [{"iss": "x", "jwks": {"keys": [{"kty": "EC"}]}}]}), "kid"),
        (json.dumps({"issuers": [{"iss": "x", "jwks": {"keys": [{"kty": "oct", "kid": "a", "k": "c2VjcmV0"}]}}]}), "ES384 or RS384"),
        (json.dumps({"issuers": [{"iss": "x", "jwks": {"keys": [{"kty": "EC", "crv": "P-256", "kid": "a"}]}}]}), "ES384 or RS384"),
        (json.dumps({"issuers": [{"iss": "x", "jwks": {"keys": [{"kty": "EC", "crv": "P-384", "kid": "a", "x": "A"}]}}]}), "read"),
    ],
)  # fmt: skip
def test_a_key_file_that_cannot_be_used_says_why(tmp_path: Path, written: str, said: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(written, encoding="utf-8")
    with pytest.raises(InputError, match=said):
        read_callers(path)


def test_a_private_or_short_key_is_refused(tmp_path: Path) -> None:
    private = jwk_ec() | {"d": number(pair()[0].private_numbers().private_value, 48)}
    short = rsa.generate_private_key(65537, 1024).public_key().public_numbers()
    small = {"kty": "RSA", "n": number(short.n, 128), "e": b64(b"\x01\x00\x01"), "kid": "s"}
    for key, said in ((private, "private"), (small, "1024 bits")):
        with pytest.raises(InputError, match=said):
            read_callers(key_file(tmp_path, issuers=[{"iss": ISS, "jwks": {"keys": [key]}}]))
