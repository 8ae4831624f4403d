"""Malformed and well-formed requests by the hundred, made from our own OpenAPI by schemathesis."""

from copy import deepcopy
from typing import Any

import hypothesis
import schemathesis
from hypothesis import HealthCheck
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from ondol.server.openapi import described
from ondol.server.serving import Server
from serving import counts

# Not among them: that what fits the schema is answered. A prompt may still be too long.
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
    unsupported_method,
    ignored_auth,
]
REFUSALS = ["400", "401", "404", "405", "413", "415", "429"]
CONFIG = SchemathesisConfig.from_dict(
    {"checks": {"negative_data_rejection": {"expected-statuses": REFUSALS}}}
)


def answerable() -> dict[str, Any]:
    """The description with the models there are, so that most requests get past their names."""
    found = deepcopy(described("0"))
    for path, model in (("/v1/chat/completions", "talker"), ("/v1/embeddings", "small-e5")):
        body = found["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        body["schema"]["properties"]["model"] = {"enum": [model]}
    return found


SCHEMA = schemathesis.openapi.from_dict(answerable(), config=CONFIG)


@SCHEMA.parametrize()
@hypothesis.settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=(
        HealthCheck.filter_too_much,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ),
)
def test_every_request_gets_an_answer_that_was_described(
    case: schemathesis.Case[Any], server: Server
) -> None:
    if isinstance(case.body, dict) and "messages" in case.body:  # answers that are soon over
        case.body.setdefault("max_tokens", 2)
    case.call_and_validate(
        base_url=server.url.removesuffix("/v1"),
        headers={"Authorization": f"Bearer {server.token}"},
        checks=CHECKS,
    )


def test_the_fuzz_asks_everything_there_is(server: Server) -> None:
    paths = {each.ok().label for each in SCHEMA.get_all_operations() if isinstance(each, Ok)}
    assert paths == {
        "POST /v1/chat/completions",
        "POST /v1/embeddings",
        "GET /v1/models",
        "GET /metrics",
        "GET /openapi.json",
        "GET /health",
    }
    found = counts(server)
    for path in ("/v1/chat/completions", "/v1/embeddings"):
        for status in (200, 400):
            assert found[f'ondol_requests_total{{path="{path}",status="{status}"}}'] > 5
