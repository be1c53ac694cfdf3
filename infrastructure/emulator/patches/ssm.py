"""Parameter Store: who changed a parameter."""

# ruff: noqa: SLF001 (patches reach what ministack keeps private)

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from emulator.patches import patch

if TYPE_CHECKING:
    from emulator.patches import Settings
    from emulator.patches.upstream import Upstream


@patch("named-users", "every parameter was last changed by the root user")
def name_users(_: Settings) -> None:
    """Say who made each version of a parameter.

    Report: "DescribeParameters and GetParameterHistory name the root user as LastModifiedUser".
    AWS: https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_ParameterHistory.html
    Reproduce: put a parameter as a role, then get its history.
    """
    from ministack.core.iam_evaluator import caller_arn
    from ministack.services import ssm

    put, describe = ssm._put_parameter, ssm._describe_parameters

    def put_parameter(data: Upstream) -> Upstream:
        response = put(data)
        if response[0] == 200:
            ssm._parameter_history[data["Name"]][-1]["LastModifiedUser"] = caller_arn()
        return response

    def describe_parameters(data: Upstream) -> Upstream:
        status, headers, body = describe(data)
        found = json.loads(body)
        for one in found.get("Parameters", ()):
            one["LastModifiedUser"] = ssm._parameter_history[one["Name"]][-1]["LastModifiedUser"]
        return status, headers, json.dumps(found).encode()

    ssm._put_parameter, ssm._describe_parameters = put_parameter, describe_parameters
