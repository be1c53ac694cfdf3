"""Alarms on the messages of a queue."""

from ..account import ALARM, Account, unique


def test_an_alarm_on_a_queue_fires_while_it_has_messages(either: Account) -> None:
    queues, alarms, name = either.client("sqs"), either.client("cloudwatch"), unique("queue")
    url = queues.create_queue(QueueName=name)["QueueUrl"]
    other = queues.create_queue(QueueName=f"{name}-other")["QueueUrl"]
    alarm = {
        "AlarmName": name,
        "Dimensions": [{"Name": "QueueName", "Value": name}],
        "Namespace": "AWS/SQS",
        "MetricName": "ApproximateNumberOfMessagesVisible",
    }
    alarms.put_metric_alarm(**ALARM | alarm | {"Statistic": "Maximum"})

    def state() -> str:
        found = alarms.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["StateValue"]
        return str(found)

    queues.send_message(QueueUrl=other, MessageBody="of another queue")
    assert state() != "ALARM"
    queues.send_message(QueueUrl=url, MessageBody="x")
    assert (state() == "ALARM") is either.patched
