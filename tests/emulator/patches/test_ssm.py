"""Who changed a parameter."""

from ..account import Account, unique


def test_every_version_of_a_parameter_names_who_made_it(either: Account) -> None:
    ssm, name = either.client("ssm"), f"/{unique('shop')}/dev/GREETING"
    person = either.acting({"Effect": "Allow", "Action": "ssm:*", "Resource": "*"})
    ssm.put_parameter(Name=name, Value="a", Type="String")
    person.client("ssm").put_parameter(Name=name, Value="b", Type="String", Overwrite=True)

    versions = ssm.get_parameter_history(Name=name)["Parameters"]
    (described,) = ssm.describe_parameters(
        ParameterFilters=[{"Key": "Name", "Option": "Equals", "Values": [name]}]
    )["Parameters"]

    first, second = (one["LastModifiedUser"].rpartition(":")[2] for one in versions)
    assert first == "root"
    assert second.startswith("assumed-role/") == either.patched
    assert described["LastModifiedUser"] == versions[-1]["LastModifiedUser"]
