# What a preview does otherwise. Its workspace has to be selected, so this folder is run apart:
# TF_WORKSPACE=pr-7 terraform test -test-directory=tests/workspaces/pr-7

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  environment     = "pr-7"
  placeholder_zip = "placeholder.zip"
  project         = "serverless-flask"
  region          = "eu-central-1"
}

run "a_preview_has_the_role_and_the_boundary_that_previews_share" {
  command = plan

  variables {
    customer_managed_key = true
  }

  assert {
    condition     = length(aws_kms_key.settings) == 0 && aws_ssm_parameter.secret_key.key_id == "alias/aws/ssm"
    error_message = "a preview pays for a key that outlives it"
  }

  assert {
    condition     = aws_iam_role.backend.permissions_boundary == "arn:aws:iam::111122223333:policy/serverless-flask-function-boundary-preview"
    error_message = "its function's role has another boundary than the previews' role may give it"
  }
}

run "a_preview_costs_little_and_delivers_no_access_log" {
  command = plan

  assert {
    condition     = aws_cloudwatch_log_group.this["function"].retention_in_days == 7 && aws_cloudwatch_log_group.this["api"].retention_in_days == 7
    error_message = "a preview's logs are kept longer than a preview"
  }

  assert {
    condition     = aws_cloudwatch_event_rule.warm_up.state == "DISABLED" && length(aws_cloudwatch_dashboard.overview) == 0
    error_message = "a preview pays for warm-ups or for a dashboard"
  }

  assert {
    condition     = length(aws_apigatewayv2_stage.default.access_log_settings) == 0
    error_message = "a preview delivers access logs, which its role may not"
  }
}
