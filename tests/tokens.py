"""An OIDC issuer on this machine, whose tokens an API's JWT authorizer believes."""

import time
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from jwt.algorithms import RSAAlgorithm
from pytest_httpserver import HTTPServer


@dataclass(frozen=True)
class Issuer:
    """Whoever signs; each has a key of its own."""

    url: str
    key: RSAPrivateKey = field(default_factory=lambda: generate_private_key(65537, 2048))

    def serve(self, server: HTTPServer) -> None:
        """Publish the configuration and the keys, as OpenID Connect Discovery has them."""
        key = RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        at = {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}
        server.expect_request("/.well-known/openid-configuration").respond_with_json(at)
        server.expect_request("/keys").respond_with_json({"keys": [key | {"kid": "1"}]})

    def token(self, **changes: Any) -> str:
        """A signed token for the audience `shop`; what is changed to None is left out."""
        now = int(time.time())
        claims = {"iss": self.url, "aud": "shop", "sub": "ann", "iat": now - 5, "exp": now + 300}
        claims = {name: value for name, value in (claims | changes).items() if value is not None}
        return jwt.encode(claims, self.key, algorithm="RS256", headers={"kid": "1"})
