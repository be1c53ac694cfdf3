import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials

from lambda_adapter.aws import Credentials
from lambda_adapter.signing import sign

NOW = 1773119783.6
STAMP = "20260310T051623Z"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfi"


@pytest.mark.parametrize("token", ["", "FwoGZXIvYXdzEBYaD//Zg=="])
@pytest.mark.parametrize("body", [b"", b'{"Path": "/serverless-flask/dev/public"}', b"\xff\x00"])
@pytest.mark.parametrize("target", ["AmazonSSM.GetParametersByPath", "  two   spaces  "])
@pytest.mark.parametrize("secret", [SECRET, "longer than a block of SHA-256 " * 3])
def test_the_signature_is_the_one_that_botocore_makes(
    token: str, body: bytes, target: str, secret: str
) -> None:
    headers = {
        "Host": "ssm.eu-central-1.amazonaws.com",
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": target,
    }

    signed = sign(
        headers,
        body,
        credentials=Credentials("AKIDEXAMPLE", secret, token),
        region="eu-central-1",
        service="ssm",
        now=NOW,
    )

    assert signed["x-amz-date"] == STAMP
    assert signed["authorization"] == _botocores(headers, body, token, secret)
    assert signed.get("x-amz-security-token", "") == token


def test_a_path_and_a_query_are_signed_as_botocore_does() -> None:
    headers = {"Host": "lambda.eu-central-1.amazonaws.com", "Content-Type": "application/json"}
    path, query = "/2015-03-31/functions/serverless-flask-dev/invocations", "Qualifier=live"

    signed = sign(
        headers,
        b"{}",
        credentials=Credentials("AKIDEXAMPLE", SECRET),
        region="eu-central-1",
        service="lambda",
        now=NOW,
        path=path,
        query=query,
    )

    assert signed["authorization"] == _botocores(
        headers, b"{}", "", SECRET, service="lambda", target=f"{path}?{query}"
    )


def _botocores(
    headers: dict[str, str],
    body: bytes,
    token: str,
    secret: str,
    service: str = "ssm",
    target: str = "/",
) -> str:
    auth = SigV4Auth(
        BotocoreCredentials("AKIDEXAMPLE", secret, token or None),
        service,
        "eu-central-1",
    )
    given = headers | {"X-Amz-Date": STAMP} | ({"X-Amz-Security-Token": token} if token else {})
    request = AWSRequest("POST", f"https://{headers['Host']}{target}", headers=given, data=body)
    request.context["timestamp"] = STAMP
    to_sign = auth.string_to_sign(request, auth.canonical_request(request))
    auth._inject_signature_to_request(request, auth.signature(to_sign, request))
    return str(request.headers["Authorization"])
