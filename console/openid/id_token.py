"""Whether an ID token may be believed: its signature, and for whom, by whom and until when it was issued. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from console.openid.faults import refused

ALGORITHMS: Final = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA"),
)
"""Signatures that only the provider can make. `none` and HMAC, whose key others may know, are not among them."""
LEEWAY_S: Final = 60
"""By how much the clocks may differ."""
_LONGEST_SUBJECT: Final = 255


class UnknownKeyError(Exception):
    """The token is signed with a key that is not in the set: the provider may have new ones."""


def checked_claims(
    token: str,
    keys: Mapping[str, Any],
    *,
    issuer: str,
    client_id: str,
    nonce: str,
    access_token: str | None,
    now: datetime,
) -> dict[str, Any]:
    """The claims of an ID token. `keys` is the JWK set of the provider.

    Raises RequestError (`openid`) if it is not valid (OpenID Connect Core 1.0, section 3.1.3.7), and UnknownKeyError.
    """
    try:
        known = KeySet.import_key_set(dict(keys))  # type: ignore[arg-type]
        registry = JWSRegistry(algorithms=list(ALGORITHMS), strict_check_header=False)
        decoded = jwt.decode(token, known, registry=registry)
        claims = CodeIDToken(
            decoded.claims,
            decoded.header,
            {"iss": {"essential": True, "value": issuer}, "aud": {"essential": True, "value": client_id}},
            {"nonce": nonce, "client_id": client_id, "access_token": access_token},
        )
        claims.validate(now=int(now.timestamp()), leeway=LEEWAY_S)
    except InvalidKeyIdError:
        raise UnknownKeyError from None
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise refused(f"the ID token is not valid ({getattr(error, 'description', None) or error})") from None
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST_SUBJECT:
        raise refused("the ID token names nobody")
    return dict(claims)
