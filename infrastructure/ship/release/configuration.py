"""What differs between two configurations of a function: that of the live version, and another.

A version keeps the configuration that it was published with. What Terraform changes reaches users
with the next version, and a rollback brings the older version's back.
https://docs.aws.amazon.com/lambda/latest/dg/configuration-versions.html
"""

from collections.abc import Iterator, Mapping
from typing import Any

# What they are called here, where GetFunctionConfiguration has them, and their unit.
# https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionConfiguration.html
_VALUES = (
    ("memory", "MemorySize", " MB"),
    ("timeout", "Timeout", " s"),
    ("temporary storage", "EphemeralStorage.Size", " MB"),
    ("runtime", "Runtime", ""),
    ("architecture", "Architectures", ""),
    ("handler", "Handler", ""),
    ("role", "Role", ""),
    ("tracing", "TracingConfig.Mode", ""),
    ("log level", "LoggingConfig.ApplicationLogLevel", ""),
    ("log group", "LoggingConfig.LogGroup", ""),
    ("layers", "Layers", ""),
    ("subnets", "VpcConfig.SubnetIds", ""),
    ("security groups", "VpcConfig.SecurityGroupIds", ""),
)
_NONE = "none"


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """What is another in `after`, for example "memory 512 → 1024 MB".

    Of environment variables only the names: nobody promises that their values may be shown.
    """
    return (*_values(before, after), *_variables(before, after))


def _values(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for name, path, unit in _VALUES:
        old, new = _text(before, path), _text(after, path)
        if old != new:
            yield f"{name} {old} → {new}{unit}"


def _variables(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    old, new = ((one.get("Environment") or {}).get("Variables") or {} for one in (before, after))
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            verb = "added" if name not in old else "changed" if name in new else "removed"
            yield f"variable {name} {verb}"


def _text(configuration: Mapping[str, Any], path: str) -> str:
    found: Any = configuration
    for key in path.split("."):
        found = (found or {}).get(key)
    if isinstance(found, list):
        found = ", ".join(
            sorted(str(one["Arn"] if isinstance(one, dict) else one) for one in found)
        )
    return str(found or _NONE)
