# What holds for previews alone. A preview's workspace has to be selected, so this folder is run apart:
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

run "a_preview_is_kept_by_the_role_and_bound_by_the_boundary_that_previews_share" {
  command = plan

  assert {
    condition = [
      for statement in jsondecode(aws_kms_key.private.policy).Statement : statement.Principal.AWS
      if statement.Sid != "GovernedByTheAccount"
    ] == [for _ in range(2) : "arn:aws:iam::111122223333:role/serverless-flask-deploy-preview"]
    error_message = "its key names a role that is not there, which AWS refuses"
  }

  assert {
    condition     = aws_iam_role.backend.permissions_boundary == "arn:aws:iam::111122223333:policy/serverless-flask-function-boundary-preview"
    error_message = "its function's role is not bound as the previews' role has to bind it"
  }
}

run "a_preview_costs_little_and_goes_with_all_it_holds" {
  command = plan

  assert {
    condition     = aws_s3_bucket.artifacts.force_destroy && aws_s3_bucket.site.force_destroy && aws_kms_key.private.deletion_window_in_days == 7
    error_message = "a preview cannot be destroyed while it holds something, or its key stays for long"
  }

  assert {
    condition     = aws_cloudwatch_log_group.backend.retention_in_days == 7 && aws_cloudwatch_log_group.api.retention_in_days == 7
    error_message = "a preview's logs are kept longer than a preview"
  }

  assert {
    condition     = aws_cloudwatch_event_rule.warm_up.state == "DISABLED"
    error_message = "a preview is kept warm for nobody"
  }

  assert {
    condition     = length(aws_cloudwatch_dashboard.overview) == 0
    error_message = "a preview pays for a dashboard that nobody looks at"
  }

  assert {
    condition     = length(aws_apigatewayv2_stage.default.access_log_settings) == 0
    error_message = "a preview delivers access logs, which its role may not"
  }
}
