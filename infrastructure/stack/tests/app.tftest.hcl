# The sample's app.tf. This file is yours, too: it goes with the sample.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  environment     = "default"
  placeholder_zip = "placeholder.zip"
  project         = "serverless-flask"
  region          = "eu-central-1"
}

run "the_sample_finds_its_settings_and_alarms" {
  assert {
    condition = toset([for parameter in aws_ssm_parameter.public : parameter.name]) == toset([
      for name in ["maintenance", "notice", "refresh_seconds", "title"] :
      "${aws_lambda_function.backend.environment[0].variables.PARAMETER_PREFIX}/${name}"
    ])
    error_message = "the function looks for its settings elsewhere"
  }

  assert {
    condition = alltrue([
      for alarm in aws_cloudwatch_metric_alarm.this :
      startswith(alarm.alarm_name, aws_lambda_function.backend.environment[0].variables.ALARM_PREFIX)
    ])
    error_message = "the function does not find an alarm of its environment by its name"
  }
}

run "the_sample_reads_public_settings_metrics_and_alarms" {
  assert {
    condition = { for statement in local.app_statements : statement.Sid => [statement.Action, flatten([statement.Resource])] } == {
      ReadAlarms  = [["cloudwatch:DescribeAlarms"], ["arn:aws:cloudwatch:eu-central-1:111122223333:alarm:*"]]
      ReadMetrics = [["cloudwatch:GetMetricData"], ["*"]]
      ReadPublicSettings = [["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath"], [
        "arn:aws:ssm:eu-central-1:111122223333:parameter/serverless-flask/default/public",
        "arn:aws:ssm:eu-central-1:111122223333:parameter/serverless-flask/default/public/*",
      ]]
    }
    error_message = "the sample may do something else: ${jsonencode(local.app_statements)}"
  }
}
