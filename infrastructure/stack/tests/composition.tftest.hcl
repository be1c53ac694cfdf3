# How the parts are put together, without AWS. The workspace here is "default", so that is also
# what the environment is called.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  environment     = "default"
  placeholder_zip = "placeholder.zip"
  project         = "serverless-flask"
  region          = "eu-central-1"
}

run "an_environment_that_is_not_the_workspace_fails_the_plan" {
  command = plan

  variables {
    environment = "production"
  }

  expect_failures = [var.environment]
}

run "every_name_comes_from_project_and_environment_and_stack_json_tells_them" {
  assert {
    condition     = aws_lambda_function.backend.function_name == "serverless-flask-default"
    error_message = "the function is named ${aws_lambda_function.backend.function_name}"
  }

  assert {
    condition     = aws_iam_role.backend.name == "serverless-flask-default-function"
    error_message = "the function's role is named ${aws_iam_role.backend.name}"
  }

  assert {
    condition = [aws_s3_bucket.artifacts.bucket, aws_s3_bucket.site.bucket] == [
      "serverless-flask-default-artifacts-111122223333", "serverless-flask-default-site-111122223333",
    ]
    error_message = "the buckets are named ${aws_s3_bucket.artifacts.bucket} and ${aws_s3_bucket.site.bucket}"
  }

  assert {
    condition = toset(concat([for one in aws_ssm_parameter.public : one.name], [aws_ssm_parameter.secret_key.name])) == toset([
      "/serverless-flask/default/private/secret_key",
      "/serverless-flask/default/public/maintenance",
      "/serverless-flask/default/public/notice",
      "/serverless-flask/default/public/refresh_seconds",
      "/serverless-flask/default/public/title",
    ])
    error_message = "the parameters have other names"
  }

  assert {
    condition = [aws_cloudwatch_log_group.backend.name, aws_cloudwatch_log_group.api.name] == [
      "/aws/lambda/serverless-flask-default", "/aws/apigateway/serverless-flask-default",
    ]
    error_message = "the log groups have other names"
  }

  assert {
    condition     = aws_cloudfront_distribution.site.comment == "serverless-flask default"
    error_message = "the emulator finds the distribution by its comment, which is ${aws_cloudfront_distribution.site.comment}"
  }

  assert {
    condition     = aws_kms_alias.private.name == "alias/serverless-flask-default"
    error_message = "the key's alias is ${aws_kms_alias.private.name}"
  }

  assert {
    condition = jsondecode(aws_s3_object.contract.content) == {
      contract = 1
      alarms = [
        "serverless-flask-default-api-5xx",
        "serverless-flask-default-application-errors",
        "serverless-flask-default-duration",
        "serverless-flask-default-errors",
        "serverless-flask-default-throttles",
      ]
      alias           = "live"
      api_id          = "a1b2c3"
      api_url         = "https://a1b2c3.execute-api.eu-central-1.amazonaws.com"
      artifact_bucket = "serverless-flask-default-artifacts-111122223333"
      distribution_id = "E123"
      environment     = "default"
      function_name   = "serverless-flask-default"
      log_group       = "/aws/lambda/serverless-flask-default"
      project         = "serverless-flask"
      region          = "eu-central-1"
      site_bucket     = "serverless-flask-default-site-111122223333"
      site_url        = "https://d123.cloudfront.net"
    }
    error_message = "stack.json is ${aws_s3_object.contract.content}"
  }

  assert {
    condition     = aws_s3_object.contract.bucket == aws_s3_bucket.artifacts.id && aws_s3_object.contract.key == "stack.json"
    error_message = "stack.json lies elsewhere"
  }

  assert {
    condition = aws_s3_object.contract.content == jsonencode({
      alarms          = output.alarms
      alias           = output.alias
      api_id          = output.api_id
      api_url         = output.api_url
      artifact_bucket = output.artifact_bucket
      contract        = output.contract
      distribution_id = output.distribution_id
      environment     = output.environment
      function_name   = output.function_name
      log_group       = output.log_group
      project         = output.project
      region          = output.region
      site_bucket     = output.site_bucket
      site_url        = output.site_url
    })
    error_message = "the outputs differ from stack.json"
  }
}

run "the_function_is_bound_holds_no_secret_and_is_reached_by_its_alias_only" {
  assert {
    condition = (
      aws_lambda_function.backend.tracing_config[0].mode == "Active" &&
      strcontains(aws_iam_role_policy.backend.policy, "xray:PutTraceSegments")
    )
    error_message = "the function sends no traces, or may not"
  }

  assert {
    condition = (
      aws_lambda_function.lambda_adapter.handler == "lambda_adapter.handler.handler" &&
      aws_lambda_function.backend.runtime == "python3.13" &&
      aws_lambda_function.backend.architectures == tolist(["arm64"]) &&
      aws_lambda_function.backend.publish
    )
    error_message = "the function runs something else"
  }

  assert {
    condition = aws_lambda_function.backend.environment[0].variables == tomap({
      ALARM_PREFIX          = "serverless-flask-default-"
      ENVIRONMENT           = "default"
      LOG_LEVEL             = "INFO"
      METRICS_NAMESPACE     = "serverless-flask"
      PARAMETER_PREFIX      = "/serverless-flask/default/public"
      PARAMETER_TTL_SECONDS = "60"
      STATUS_TTL_SECONDS    = "60"
    })
    error_message = "the function's environment variables are others"
  }

  assert {
    condition     = aws_lambda_function.backend.reserved_concurrent_executions == -1
    error_message = "concurrency is set aside although nobody asked for it"
  }

  assert {
    condition     = aws_iam_role.backend.permissions_boundary == "arn:aws:iam::111122223333:policy/serverless-flask-function-boundary-default"
    error_message = "the boundary is ${coalesce(aws_iam_role.backend.permissions_boundary, "missing")}"
  }

  assert {
    condition = jsondecode(aws_iam_role.backend.assume_role_policy).Statement == [{
      Action = "sts:AssumeRole", Effect = "Allow", Principal = { Service = "lambda.amazonaws.com" }
    }]
    error_message = "the role trusts somebody else: ${aws_iam_role.backend.assume_role_policy}"
  }

  assert {
    condition = alltrue([
      for statement in jsondecode(aws_iam_role_policy.backend.policy).Statement :
      contains(["ReadMetrics", "SendTraces"], statement.Sid) || !contains(flatten([statement.Resource]), "*")
    ])
    error_message = "the function may do something to everything"
  }

  assert {
    condition = [
      for statement in jsondecode(aws_iam_role_policy.backend.policy).Statement :
      [statement.Effect, statement.Action, statement.Resource] if contains(["ReadMetrics", "ReadAlarms", "WarmOwnAlias"], statement.Sid)
      ] == [
      ["Allow", ["cloudwatch:GetMetricData"], "*"],
      ["Allow", ["cloudwatch:DescribeAlarms"], "arn:aws:cloudwatch:eu-central-1:111122223333:alarm:*"],
      ["Allow", ["lambda:InvokeFunction"], "arn:aws:lambda:eu-central-1:111122223333:function:serverless-flask-default:live"],
    ]
    error_message = "the function reads more than the history, or invokes something else than its own live version"
  }

  assert {
    condition     = !strcontains(aws_iam_role_policy.backend.policy, "/private")
    error_message = "the function may read private parameters, which nothing asks for"
  }

  assert {
    condition     = aws_apigatewayv2_route.api.route_key == "ANY /api/{proxy+}"
    error_message = "the route is ${aws_apigatewayv2_route.api.route_key}"
  }

  assert {
    condition     = aws_apigatewayv2_stage.default.name == "$default" && aws_apigatewayv2_stage.default.auto_deploy
    error_message = "the stage is another, or waits to be deployed"
  }

  assert {
    condition = (
      aws_apigatewayv2_stage.default.default_route_settings[0].throttling_burst_limit == 100 &&
      aws_apigatewayv2_stage.default.default_route_settings[0].throttling_rate_limit == 50
    )
    error_message = "the stage does not throttle"
  }

  assert {
    condition     = aws_apigatewayv2_stage.default.access_log_settings[0].destination_arn == aws_cloudwatch_log_group.api.arn
    error_message = "the stage has no access log"
  }

  assert {
    condition = (
      aws_apigatewayv2_integration.live.integration_uri == aws_lambda_alias.live.invoke_arn &&
      aws_apigatewayv2_integration.live.payload_format_version == "2.0"
    )
    error_message = "the API does not reach the live alias with payload 2.0"
  }

  assert {
    condition     = aws_apigatewayv2_integration.live.timeout_milliseconds == (var.function_timeout_seconds + 1) * 1000
    error_message = "the API gives up before the function does"
  }

  assert {
    condition = (
      aws_lambda_permission.api.source_arn == "arn:aws:execute-api:eu-central-1:111122223333:a1b2c3/*/*/api/{proxy+}" &&
      aws_lambda_permission.warm_up.source_arn == aws_cloudwatch_event_rule.warm_up.arn
    )
    error_message = "a permission has no exact source"
  }

  assert {
    condition     = [aws_lambda_permission.api.qualifier, aws_lambda_permission.warm_up.qualifier] == ["live", "live"]
    error_message = "a permission reaches past the alias"
  }

  assert {
    condition = [aws_lambda_permission.api.principal, aws_lambda_permission.warm_up.principal] == [
      "apigateway.amazonaws.com", "events.amazonaws.com",
    ]
    error_message = "somebody else may invoke"
  }

  assert {
    condition = jsondecode(aws_cloudwatch_event_target.warm_up.input) == {
      detail-type = "warm-up", source = "serverless-flask.schedule"
      detail      = { address = "https://d123.cloudfront.net", environments = 1 }
    }
    error_message = "the schedule sends ${aws_cloudwatch_event_target.warm_up.input}"
  }

  assert {
    condition = (
      aws_cloudwatch_event_rule.warm_up.schedule_expression == "rate(5 minutes)" &&
      aws_cloudwatch_event_rule.warm_up.state == "ENABLED" &&
      aws_cloudwatch_event_target.warm_up.arn == aws_lambda_alias.live.arn
    )
    error_message = "the schedule is another, or misses the alias"
  }
}

run "the_buckets_are_closed_and_what_they_hold_is_kept" {
  assert {
    condition = alltrue([
      for block in [aws_s3_bucket_public_access_block.artifacts, aws_s3_bucket_public_access_block.site] :
      block.block_public_acls && block.block_public_policy && block.ignore_public_acls && block.restrict_public_buckets
    ])
    error_message = "a bucket may be opened to the public"
  }

  assert {
    condition     = aws_s3_bucket_versioning.artifacts.versioning_configuration[0].status == "Enabled"
    error_message = "the artifact bucket keeps no versions"
  }

  assert {
    condition     = aws_s3_bucket_lifecycle_configuration.artifacts[0].rule[0].noncurrent_version_expiration[0].noncurrent_days == 30
    error_message = "what was replaced is kept for ever, or not long enough"
  }

  assert {
    condition = (
      one([for origin in aws_cloudfront_distribution.site.origin : origin if origin.origin_id == "site"]).origin_access_control_id
      == aws_cloudfront_origin_access_control.site.id
    )
    error_message = "the bucket is asked without a signature"
  }

  assert {
    condition = (
      aws_cloudfront_origin_access_control.site.signing_behavior == "always" &&
      aws_cloudfront_origin_access_control.site.signing_protocol == "sigv4"
    )
    error_message = "requests to the bucket may go unsigned"
  }

  assert {
    condition     = aws_s3_bucket.artifacts.force_destroy && aws_s3_bucket.site.force_destroy && aws_kms_key.private.deletion_window_in_days == 7
    error_message = "a preview could not be cleared away"
  }

  assert {
    condition = alltrue([
      for policy in [aws_s3_bucket_policy.artifacts.policy, aws_s3_bucket_policy.site.policy] :
      contains([for statement in jsondecode(policy).Statement : jsonencode(statement)], jsonencode({
        Sid       = "OnlyOverTls"
        Effect    = "Deny"
        Principal = "*"
        Action    = ["s3:*"]
        Resource  = ["arn:aws:s3:::mocked", "arn:aws:s3:::mocked/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      }))
    ])
    error_message = "a bucket answers over plain HTTP"
  }

  assert {
    condition = [
      for statement in jsondecode(aws_s3_bucket_policy.artifacts.policy).Statement :
      [statement.Effect, statement.Principal, statement.Action, statement.Resource, statement.Condition]
      if statement.Sid == "WriteReleasesAndHistoryOnce"
      ] == [[
        "Deny", "*", ["s3:PutObject"], ["arn:aws:s3:::mocked/history/*", "arn:aws:s3:::mocked/releases/*"],
        { Bool = { "s3:ObjectCreationOperation" = "true" }, Null = { "s3:if-none-match" = "true" } },
    ]]
    error_message = "a release or a history entry can be overwritten: ${aws_s3_bucket_policy.artifacts.policy}"
  }

  assert {
    condition = [
      for statement in jsondecode(aws_s3_bucket_policy.artifacts.policy).Statement :
      [statement.Effect, statement.Principal, statement.Action, statement.Resource]
      if contains(["KeepStateHistoryAndContract", "ForgetReleasesSlowly"], statement.Sid)
      ] == [
      ["Deny", "*", ["s3:DeleteObject", "s3:DeleteObjectVersion"], [
        "arn:aws:s3:::mocked/state.json", "arn:aws:s3:::mocked/history/*", "arn:aws:s3:::mocked/stack.json",
      ]],
      ["Deny", "*", ["s3:DeleteObjectVersion"], ["arn:aws:s3:::mocked/releases/*"]],
    ]
    error_message = "what a rollback needs can be deleted: ${aws_s3_bucket_policy.artifacts.policy}"
  }

  assert {
    condition = [
      for statement in jsondecode(aws_s3_bucket_policy.site.policy).Statement :
      [statement.Principal, statement.Action, statement.Resource, statement.Condition]
      if statement.Effect == "Allow"
      ] == [[
        { Service = "cloudfront.amazonaws.com" }, ["s3:GetObject"], ["arn:aws:s3:::mocked/*"],
        { StringEquals = { "AWS:SourceArn" = "arn:aws:cloudfront::111122223333:distribution/E123" } },
    ]]
    error_message = "somebody else than the site's own distribution may read it: ${aws_s3_bucket_policy.site.policy}"
  }
}

run "the_edge_masks_and_keeps_no_api_error_and_adds_security_headers" {
  assert {
    condition     = [for page in aws_cloudfront_distribution.site.custom_error_response : page.error_code if page.response_page_path != null && page.response_page_path != ""] == [403]
    error_message = "an error the API answers with is replaced by a page; only the bucket's 403 may be"
  }

  assert {
    condition     = alltrue([for page in aws_cloudfront_distribution.site.custom_error_response : page.error_caching_min_ttl == 0])
    error_message = "CloudFront keeps errors"
  }

  assert {
    # Every code that CloudFront would keep for ten seconds otherwise.
    condition = sort([for page in aws_cloudfront_distribution.site.custom_error_response : page.error_code]) == sort([
      400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504,
    ])
    error_message = "CloudFront keeps an error that is not listed"
  }

  assert {
    condition = one([
      for page in aws_cloudfront_distribution.site.custom_error_response : page if page.error_code == 403
    ]).response_code == 404
    error_message = "what the bucket does not hold is not answered with 404"
  }

  assert {
    condition = alltrue([
      for policy in aws_cloudfront_cache_policy.this : policy.min_ttl == 0 && policy.default_ttl == 0
    ])
    error_message = "CloudFront keeps what does not say that it may be kept"
  }

  assert {
    condition = (
      aws_cloudfront_cache_policy.this["api"].parameters_in_cache_key_and_forwarded_to_origin[0].cookies_config[0].cookie_behavior == "all" &&
      aws_cloudfront_cache_policy.this["api"].parameters_in_cache_key_and_forwarded_to_origin[0].query_strings_config[0].query_string_behavior == "all" &&
      contains(aws_cloudfront_cache_policy.this["api"].parameters_in_cache_key_and_forwarded_to_origin[0].headers_config[0].headers[0].items, "Authorization")
    )
    error_message = "one caller may get what was kept for another"
  }

  assert {
    condition = (
      one(aws_cloudfront_distribution.site.ordered_cache_behavior).path_pattern == "/api/*" &&
      one(aws_cloudfront_distribution.site.ordered_cache_behavior).target_origin_id == "api" &&
      # AllViewerExceptHostHeader
      one(aws_cloudfront_distribution.site.ordered_cache_behavior).origin_request_policy_id == "b689b0a8-53d0-40ab-baf2-68738e2966ac"
    )
    error_message = "/api/* goes elsewhere, or with the viewer's host name"
  }

  assert {
    condition = alltrue([
      for behaviour in concat(aws_cloudfront_distribution.site.default_cache_behavior, aws_cloudfront_distribution.site.ordered_cache_behavior) :
      behaviour.viewer_protocol_policy == "redirect-to-https" &&
      behaviour.response_headers_policy_id == aws_cloudfront_response_headers_policy.security.id
    ])
    error_message = "a behaviour answers over plain HTTP or without the security headers"
  }

  assert {
    condition     = aws_cloudfront_response_headers_policy.security.security_headers_config[0].content_security_policy[0].content_security_policy == "default-src 'none'; base-uri 'none'; connect-src 'self'; form-action 'none'; frame-ancestors 'none'; img-src 'self' data:; script-src 'self'; style-src 'self'"
    error_message = "the content security policy is another"
  }

  assert {
    condition = (
      aws_cloudfront_response_headers_policy.security.security_headers_config[0].strict_transport_security[0].access_control_max_age_sec == 31536000 &&
      aws_cloudfront_response_headers_policy.security.security_headers_config[0].content_type_options[0].override &&
      aws_cloudfront_response_headers_policy.security.security_headers_config[0].frame_options[0].frame_option == "DENY"
    )
    error_message = "a security header is missing"
  }

  assert {
    condition = toset([for item in aws_cloudfront_response_headers_policy.security.custom_headers_config[0].items : item.header]) == toset([
      "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy", "Permissions-Policy",
    ])
    error_message = "a header of the page's isolation is missing"
  }

  assert {
    condition     = !aws_cloudfront_distribution.site.wait_for_deployment
    error_message = "every apply would take minutes; ship's smoke tests wait instead"
  }

  assert {
    condition = one([
      for origin in aws_cloudfront_distribution.site.origin :
      [origin.domain_name, origin.origin_path, origin.custom_origin_config[0].origin_protocol_policy]
      if origin.origin_id == "api"
    ]) == ["a1b2c3.execute-api.eu-central-1.amazonaws.com", "", "https-only"]
    error_message = "the edge reaches the API another way"
  }
}

run "the_secret_is_write_only_under_a_key_of_its_own" {
  assert {
    condition = (
      aws_ssm_parameter.secret_key.type == "SecureString" &&
      aws_ssm_parameter.secret_key.key_id == aws_kms_key.private.arn &&
      aws_ssm_parameter.secret_key.value_wo == null
    )
    error_message = "the secret would reach the state, or is not encrypted with the environment's key"
  }

  assert {
    condition     = aws_kms_key.private.enable_key_rotation
    error_message = "the key is never rotated"
  }

  assert {
    condition = alltrue([
      for statement in jsondecode(aws_kms_key.private.policy).Statement :
      statement.Principal.AWS == "arn:aws:iam::111122223333:role/serverless-flask-deploy-default"
      if statement.Sid != "GovernedByTheAccount"
    ])
    error_message = "somebody else has rights to the key: ${aws_kms_key.private.policy}"
  }

  assert {
    condition = alltrue([
      for statement in jsondecode(aws_kms_key.private.policy).Statement :
      jsonencode(try(statement.Condition, {})) == jsonencode({ StringEquals = { "kms:ViaService" = "ssm.eu-central-1.amazonaws.com" } })
      if statement.Sid != "GovernedByTheAccount" && contains(statement.Action, "kms:Decrypt")
    ])
    error_message = "the key decrypts what is no parameter"
  }
}

run "alarms_watch_the_alias_and_the_api_and_notify_whom_they_are_told_to" {
  variables {
    alarm_actions = ["arn:aws:sns:eu-central-1:111122223333:on-call"]
  }

  assert {
    condition = alltrue([
      for alarm in aws_cloudwatch_metric_alarm.this :
      alarm.alarm_actions == toset(["arn:aws:sns:eu-central-1:111122223333:on-call"]) && alarm.ok_actions == alarm.alarm_actions
    ])
    error_message = "an alarm fires or recovers in silence"
  }

  assert {
    condition = alltrue([
      for name in ["duration", "errors", "throttles"] :
      aws_cloudwatch_metric_alarm.this[name].dimensions == tomap({
        FunctionName = "serverless-flask-default", Resource = "serverless-flask-default:live"
      })
    ])
    error_message = "an alarm watches something else than the alias"
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.this["api-5xx"].namespace == "AWS/ApiGateway" &&
      aws_cloudwatch_metric_alarm.this["api-5xx"].dimensions == tomap({ ApiId = "a1b2c3" })
    )
    error_message = "no alarm watches the API's server errors"
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.this["application-errors"].namespace == aws_lambda_function.backend.environment[0].variables.METRICS_NAMESPACE &&
      aws_cloudwatch_metric_alarm.this["application-errors"].metric_name == "errors" &&
      aws_cloudwatch_metric_alarm.this["application-errors"].statistic == "Sum" &&
      aws_cloudwatch_metric_alarm.this["application-errors"].threshold == 0 &&
      aws_cloudwatch_metric_alarm.this["application-errors"].dimensions == tomap({ environment = "default" })
    )
    error_message = "no alarm watches the errors that the application answers itself"
  }

  assert {
    condition = alltrue([
      for alarm in aws_cloudwatch_metric_alarm.this :
      startswith(alarm.alarm_name, aws_lambda_function.backend.environment[0].variables.ALARM_PREFIX)
    ])
    error_message = "the function does not know an alarm of its environment by its name"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["duration"].extended_statistic == "p99"
    error_message = "the slowest requests are averaged away"
  }
}

run "the_emulator_changes_addresses_and_nothing_else" {
  variables {
    emulator = { endpoint = "http://127.0.0.1:4566", site_url = "http://127.0.0.1:4567" }
  }

  assert {
    condition = (
      output.api_url == "http://127.0.0.1:4566/_aws/execute-api/a1b2c3" &&
      output.site_url == "http://127.0.0.1:4567"
    )
    error_message = "the addresses are ${output.api_url} and ${output.site_url}"
  }

  assert {
    condition = one([
      for origin in aws_cloudfront_distribution.site.origin :
      [origin.domain_name, origin.origin_path, origin.custom_origin_config[0].http_port, origin.custom_origin_config[0].origin_protocol_policy]
      if origin.origin_id == "api"
    ]) == ["localhost", "/_aws/execute-api/a1b2c3/$default", 4566, "http-only"]
    error_message = "the emulator's CloudFront cannot reach the API"
  }
}

run "the_schedule_keeps_as_many_environments_as_it_is_told" {
  variables {
    warm_up_environments = 3
    warm_up_minutes      = 2
  }

  assert {
    condition = (
      jsondecode(aws_cloudwatch_event_target.warm_up.input).detail.environments == 3 &&
      aws_cloudwatch_event_rule.warm_up.schedule_expression == "rate(2 minutes)"
    )
    error_message = "the schedule sends ${aws_cloudwatch_event_target.warm_up.input}"
  }
}

run "the_schedule_can_be_turned_off" {
  variables {
    warm_up_environments = 0
  }

  assert {
    condition     = aws_cloudwatch_event_rule.warm_up.state == "DISABLED"
    error_message = "the schedule still runs"
  }
}

run "traces_are_sent_where_they_are_wanted_and_not_otherwise" {
  variables {
    function_tracing = false
  }

  assert {
    condition = (
      aws_lambda_function.backend.tracing_config[0].mode == "PassThrough" &&
      !strcontains(aws_iam_role_policy.backend.policy, "xray:")
    )
    error_message = "the function sends traces, or may, although nobody wants them"
  }
}
