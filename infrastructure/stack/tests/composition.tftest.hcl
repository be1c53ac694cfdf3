# How the parts fit together, without AWS. The workspace here is "default", and so is the environment.
# Nothing here depends on app.tf.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  environment     = "default"
  placeholder_zip = "placeholder.zip"
  project         = "serverless-flask"
  region          = "eu-central-1"
}

run "stack_json_says_what_there_is" {
  assert {
    condition = jsondecode(aws_s3_object.contract.content) == {
      api_behind_cloudfront = false
      contract              = 1
      origin_secret         = 1
      alarms = [
        "serverless-flask-default-api-5xx",
        "serverless-flask-default-application-errors",
        "serverless-flask-default-duration",
        "serverless-flask-default-errors",
        "serverless-flask-default-throttles",
      ]
      alert_topic     = null
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
      settings_key    = "alias/aws/ssm"
      site_headers = {
        content-security-policy      = "base-uri 'none'; connect-src 'self'; default-src 'none'; font-src 'self' data:; form-action 'self'; frame-ancestors 'none'; img-src 'self' data:; manifest-src 'self'; media-src 'self' data:; script-src 'self'; style-src 'self'; worker-src 'self'"
        cross-origin-opener-policy   = "same-origin"
        cross-origin-resource-policy = "same-origin"
        permissions-policy           = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
        referrer-policy              = "strict-origin-when-cross-origin"
        strict-transport-security    = "max-age=31536000; includeSubDomains"
        x-content-type-options       = "nosniff"
        x-frame-options              = "DENY"
      }
      site_bucket = "serverless-flask-default-site-111122223333"
      site_url    = "https://d123.cloudfront.net"
    }
    error_message = "stack.json is ${aws_s3_object.contract.content}"
  }

  assert {
    condition     = aws_s3_object.contract.bucket == module.artifacts.bucket.id && aws_s3_object.contract.key == "stack.json"
    error_message = "stack.json lies elsewhere"
  }

  assert {
    # The deploy role's policies know these names.
    condition = [
      aws_iam_role.backend.name, aws_cloudwatch_log_group.this["api"].name, aws_ssm_parameter.secret_key.name,
      ] == [
      "serverless-flask-default-function", "/aws/vendedlogs/apigateway/serverless-flask-default", "/serverless-flask/default/SECRET_KEY",
    ]
    error_message = "a resource has a name that its deploy role does not know"
  }

  assert {
    condition     = aws_cloudfront_distribution.site.comment == "serverless-flask default"
    error_message = "the emulator finds the distribution by its comment, which is ${aws_cloudfront_distribution.site.comment}"
  }
}

run "the_function_is_bound_and_holds_no_secret" {
  assert {
    condition     = aws_iam_role.backend.permissions_boundary == "arn:aws:iam::111122223333:policy/serverless-flask-function-boundary-default"
    error_message = "the boundary is ${coalesce(aws_iam_role.backend.permissions_boundary, "missing")}"
  }

  assert {
    condition = jsondecode(aws_iam_role.backend.assume_role_policy).Statement == [{
      Action = "sts:AssumeRole", Effect = "Allow", Principal = { Service = "lambda.amazonaws.com" }
    }]
    error_message = "the role trusts another service: ${aws_iam_role.backend.assume_role_policy}"
  }

  assert {
    condition = { for statement in local.platform_statements : statement.Sid => [statement.Action, statement.Resource] } == {
      ReadOwnSettings = [["ssm:GetParametersByPath"], [for end in ["", "/*"] : "arn:aws:ssm:eu-central-1:111122223333:parameter/serverless-flask/default${end}"]]
      SendTraces      = [["xray:PutTelemetryRecords", "xray:PutTraceSegments"], "*"]
      WarmOwnAlias    = [["lambda:InvokeFunction"], "arn:aws:lambda:eu-central-1:111122223333:function:serverless-flask-default:live"]
      WriteOwnLogs    = [["logs:CreateLogStream", "logs:PutLogEvents"], "${aws_cloudwatch_log_group.this["function"].arn}:*"]
    }
    error_message = "the platform gives the function other rights: ${jsonencode(local.platform_statements)}"
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.backend.policy).Statement == jsondecode(jsonencode(concat(local.platform_statements, local.app_statements)))
    error_message = "the function's rights are not the platform's and the owner's"
  }

  assert {
    condition = (
      aws_lambda_function.backend.handler == "lambda_adapter.handler.handler" && aws_lambda_function.backend.publish &&
      aws_lambda_function.backend.environment[0].variables == tomap(merge(local.app_variables, {
        ENVIRONMENT   = "default", LOG_LEVEL = "INFO", METRICS_NAMESPACE = "serverless-flask"
        SETTINGS_PATH = "/serverless-flask/default"
        ORIGIN_VERIFY = local.origin_verify, SITE_URL = "https://d123.cloudfront.net"
      }))
    )
    error_message = "the function starts another way"
  }

  assert {
    condition     = aws_lambda_function.backend.reserved_concurrent_executions == -1
    error_message = "concurrency is reserved by default, which a new account may not have"
  }
}

run "the_function_is_invoked_by_its_api_and_its_schedule_through_the_alias" {
  assert {
    condition = [
      for permission in [aws_lambda_permission.api, aws_lambda_permission.warm_up] :
      [permission.principal, permission.qualifier, permission.source_arn]
      ] == [
      ["apigateway.amazonaws.com", "live", "arn:aws:execute-api:eu-central-1:111122223333:a1b2c3/*/$default"],
      ["events.amazonaws.com", "live", aws_cloudwatch_event_rule.warm_up.arn],
    ]
    error_message = "something else may invoke the function, or another version than the live one"
  }

  assert {
    condition     = values(aws_apigatewayv2_route.open)[*].route_key == ["$default"]
    error_message = "the routes are ${jsonencode(keys(aws_apigatewayv2_route.open))}"
  }

  assert {
    condition     = aws_apigatewayv2_stage.default.name == "$default" && aws_apigatewayv2_stage.default.auto_deploy
    error_message = "the stage has a prefix, or waits to be deployed"
  }

  assert {
    condition = (
      aws_apigatewayv2_stage.default.default_route_settings[0].throttling_burst_limit == 100 &&
      aws_apigatewayv2_stage.default.default_route_settings[0].throttling_rate_limit == 50
    )
    error_message = "the stage does not throttle"
  }

  assert {
    condition     = aws_apigatewayv2_stage.default.access_log_settings[0].destination_arn == aws_cloudwatch_log_group.this["api"].arn
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
    condition     = aws_apigatewayv2_integration.live.timeout_milliseconds > aws_lambda_function.backend.timeout * 1000
    error_message = "the API gives up before the function does"
  }

  assert {
    condition = jsondecode(aws_cloudwatch_event_target.warm_up.input) == {
      detail-type = "warm-up", source = "lambda_adapter.schedule"
      detail      = { environments = 1, site_url = "https://d123.cloudfront.net" }
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

run "what_the_buckets_hold_is_kept_and_read_by_the_distribution_alone" {
  assert {
    condition     = !module.artifacts.bucket.force_destroy && !module.site.bucket.force_destroy
    error_message = "without force_destroy the releases go"
  }

  assert {
    condition = {
      for statement in jsondecode(module.artifacts.policy).Statement :
      statement.Sid => [statement.Effect, statement.Principal, statement.Action, statement.Resource, try(statement.Condition, null)]
      if statement.Sid != "OnlyOverTls"
      } == {
      WriteReleasesAndHistoryOnce = ["Deny", "*", ["s3:PutObject"],
        [for key in ["history/*", "releases/*"] : "arn:aws:s3:::serverless-flask-default-artifacts-111122223333/${key}"],
        { Bool = { "s3:ObjectCreationOperation" = "true" }, Null = { "s3:if-none-match" = "true" } },
      ]
      KeepStateHistoryAndContract = ["Deny", "*", ["s3:DeleteObject", "s3:DeleteObjectVersion"],
        [for key in ["state.json", "history/*", "stack.json"] : "arn:aws:s3:::serverless-flask-default-artifacts-111122223333/${key}"],
        null,
      ]
      ForgetReleasesSlowly = ["Deny", "*", ["s3:DeleteObjectVersion"],
        ["arn:aws:s3:::serverless-flask-default-artifacts-111122223333/releases/*"], null,
      ]
    }
    error_message = "what a rollback needs can be overwritten or deleted: ${module.artifacts.policy}"
  }

  assert {
    condition = [
      for statement in jsondecode(module.site.policy).Statement :
      [statement.Principal, statement.Action, statement.Resource, statement.Condition]
      if statement.Effect == "Allow"
      ] == [[
        { Service = "cloudfront.amazonaws.com" }, ["s3:GetObject"], ["arn:aws:s3:::serverless-flask-default-site-111122223333/*"],
        { StringEquals = { "AWS:SourceArn" = "arn:aws:cloudfront::111122223333:distribution/E123" } },
    ]]
    error_message = "something else than the site's own distribution may read it: ${module.site.policy}"
  }

  assert {
    condition = (
      one([for origin in aws_cloudfront_distribution.site.origin : origin if origin.origin_id == "site"]).origin_access_control_id
      == aws_cloudfront_origin_access_control.this["bucket"].id &&
      aws_cloudfront_origin_access_control.this["bucket"].signing_behavior == "always" &&
      aws_cloudfront_origin_access_control.this["bucket"].signing_protocol == "sigv4"
    )
    error_message = "requests to the bucket may go unsigned"
  }
}

run "force_destroy_takes_all_that_there_is" {
  variables {
    customer_managed_key = true
    force_destroy        = true
  }

  assert {
    condition     = module.artifacts.bucket.force_destroy && module.site.bucket.force_destroy && aws_kms_key.settings[0].deletion_window_in_days == 7
    error_message = "a preview cannot be destroyed while it holds something, or its key stays for long"
  }
}

run "cloudfront_sends_the_platforms_and_the_applications_paths_to_the_api" {
  variables {
    application_paths = ["/api/*", "/login"]
  }

  assert {
    condition = [
      for behaviour in aws_cloudfront_distribution.site.ordered_cache_behavior : [behaviour.path_pattern, behaviour.target_origin_id]
    ] == [["/-/site.json", "site"], ["/-/*", "api"], ["/api/*", "api"], ["/login", "api"]]
    error_message = "a path goes elsewhere, or a behaviour hides another"
  }

  assert {
    condition = (
      aws_cloudfront_distribution.site.default_cache_behavior[0].target_origin_id == "site" &&
      aws_cloudfront_distribution.site.default_root_object == "index.html"
    )
    error_message = "the site is not served below /"
  }

  assert {
    # Only AllViewerExceptHostHeader: API Gateway answers only to its own host name.
    condition = alltrue([
      for behaviour in concat(aws_cloudfront_distribution.site.default_cache_behavior, aws_cloudfront_distribution.site.ordered_cache_behavior) :
      behaviour.target_origin_id == "site" || (
        behaviour.origin_request_policy_id == "b689b0a8-53d0-40ab-baf2-68738e2966ac" &&
        behaviour.cache_policy_id == aws_cloudfront_cache_policy.this["api"].id && contains(behaviour.allowed_methods, "POST")
      )
    ])
    error_message = "the API does not get what the caller sent"
  }

  assert {
    condition = alltrue([
      for behaviour in concat(aws_cloudfront_distribution.site.default_cache_behavior, aws_cloudfront_distribution.site.ordered_cache_behavior) :
      behaviour.viewer_protocol_policy == "redirect-to-https" &&
      behaviour.response_headers_policy_id == (
        behaviour.target_origin_id == "site"
        ? aws_cloudfront_response_headers_policy.security["site"].id
        : aws_cloudfront_response_headers_policy.security["application"].id
      )
    ])
    error_message = "a behaviour answers over plain HTTP or with another one's security headers"
  }

  assert {
    # Where it is missing, a viewer gets the application's 403 as a 200.
    condition = alltrue([
      for behaviour in concat(aws_cloudfront_distribution.site.default_cache_behavior, aws_cloudfront_distribution.site.ordered_cache_behavior) :
      behaviour.target_origin_id == "site" || [
        for function in behaviour.function_association : function.function_arn if function.event_type == "viewer-response"
      ] == [aws_cloudfront_function.application_status.arn]
    ])
    error_message = "a 403 of the application's does not reach its viewer"
  }

  assert {
    condition = one([
      for origin in aws_cloudfront_distribution.site.origin :
      [origin.domain_name, origin.origin_path, origin.custom_origin_config[0].origin_protocol_policy]
      if origin.origin_id == "api"
    ]) == ["a1b2c3.execute-api.eu-central-1.amazonaws.com", "", "https-only"]
    error_message = "CloudFront reaches the API another way"
  }

  assert {
    condition = {
      for origin in aws_cloudfront_distribution.site.origin :
      origin.origin_id => [for header in origin.custom_header : [header.name, header.value]]
    } == { api = [["X-Origin-Verify", local.origin_verify]], site = [] }
    error_message = "the function cannot tell what came through CloudFront, or the bucket can"
  }

  assert {
    condition     = length(toset(values(terraform_data.origin_verify)[*].output)) == 2 && alltrue([for value in values(terraform_data.origin_verify)[*].output : can(regex("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", value))])
    error_message = "what tells CloudFront from a visitor can be guessed"
  }

  assert {
    condition     = !aws_cloudfront_distribution.site.wait_for_deployment
    error_message = "every apply would take minutes; ship's smoke tests wait instead"
  }
}

run "an_application_that_takes_every_path_is_the_default" {
  variables {
    application_paths = ["/*"]
    site_paths        = ["/static/*"]
  }

  assert {
    condition = [
      for behaviour in concat(aws_cloudfront_distribution.site.ordered_cache_behavior, aws_cloudfront_distribution.site.default_cache_behavior) :
      behaviour.target_origin_id
    ] == ["site", "api", "site", "api"]
    error_message = "the site hides the application, or the application the site's release"
  }

  assert {
    condition = (
      contains(aws_cloudfront_distribution.site.default_cache_behavior[0].allowed_methods, "POST") &&
      aws_cloudfront_distribution.site.default_cache_behavior[0].origin_request_policy_id == "b689b0a8-53d0-40ab-baf2-68738e2966ac"
    )
    error_message = "the application does not get what the caller sent"
  }

  assert {
    condition = {
      for statement in jsondecode(module.site.policy).Statement : one(statement.Action) => statement.Resource
      if statement.Effect == "Allow" && try(statement.Condition.StringEquals["AWS:SourceArn"], "") == aws_cloudfront_distribution.site.arn
      } == {
      "s3:GetObject"  = ["arn:aws:s3:::serverless-flask-default-site-111122223333/*"]
      "s3:ListBucket" = ["arn:aws:s3:::serverless-flask-default-site-111122223333"]
    }
    error_message = "a missing file below a mounted folder is answered with 403: ${module.site.policy}"
  }

  assert {
    condition     = coalesce(aws_cloudfront_distribution.site.default_root_object, "none") == "none"
    error_message = "CloudFront asks the application for /index.html"
  }

  assert {
    condition     = alltrue([for page in aws_cloudfront_distribution.site.custom_error_response : coalesce(page.response_page_path, "none") == "none"])
    error_message = "the application's 403 is replaced by a page"
  }

  assert {
    condition     = [for function in aws_cloudfront_distribution.site.default_cache_behavior[0].function_association : function.event_type] == ["viewer-response"]
    error_message = "a 403 of the application's is a 200 for its viewer"
  }
}

run "a_folder_of_the_site_is_answered_with_its_page" {
  assert {
    condition     = [for function in aws_cloudfront_distribution.site.default_cache_behavior[0].function_association : function.event_type] == ["viewer-request", "viewer-response"]
    error_message = "the bucket is asked for a folder, which it does not have, or nothing leads to one"
  }
}

run "a_single_page_application_answers_what_the_site_does_not_have" {
  variables {
    site_fallback = "app/index.html"
  }

  assert {
    condition = [
      for page in aws_cloudfront_distribution.site.custom_error_response : [page.error_code, page.response_code, page.response_page_path]
      if coalesce(page.response_page_path, "none") != "none"
    ] == [[403, 200, "/app/index.html"]]
    error_message = "routes of a single-page application are not answered with its page"
  }
}

run "cloudfront_caches_no_error_and_nothing_for_another_caller" {
  assert {
    condition = [
      for page in aws_cloudfront_distribution.site.custom_error_response : [page.error_code, page.response_code]
      if coalesce(page.response_page_path, "none") != "none"
    ] == [[403, 404]]
    error_message = "an error of the API is replaced by a page; only the bucket's 403 may be"
  }

  assert {
    # Every code that CloudFront would cache for ten seconds otherwise.
    condition = { for page in aws_cloudfront_distribution.site.custom_error_response : page.error_code => page.error_caching_min_ttl } == {
      for code in [400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504] : code => 0
    }
    error_message = "CloudFront caches an error"
  }

  assert {
    condition = alltrue([
      for policy in aws_cloudfront_cache_policy.this : policy.min_ttl == 0 && policy.default_ttl == 0
    ])
    error_message = "CloudFront caches responses that do not ask for it"
  }

  assert {
    condition = [
      for key in aws_cloudfront_cache_policy.this["api"].parameters_in_cache_key_and_forwarded_to_origin :
      [key.cookies_config[0].cookie_behavior, key.query_strings_config[0].query_string_behavior, key.headers_config[0].headers[0].items]
    ] == [["all", "all", toset(["Accept", "Authorization", "Origin"])]]
    error_message = "one caller may get what was cached for another"
  }
}

run "the_sites_pages_have_the_platforms_security_headers" {
  assert {
    condition     = aws_cloudfront_response_headers_policy.security["site"].security_headers_config[0].content_security_policy[0].content_security_policy == "base-uri 'none'; connect-src 'self'; default-src 'none'; font-src 'self' data:; form-action 'self'; frame-ancestors 'none'; img-src 'self' data:; manifest-src 'self'; media-src 'self' data:; script-src 'self'; style-src 'self'; worker-src 'self'"
    error_message = "the content security policy is ${local.security.site.content_security_policy}"
  }

  assert {
    condition = alltrue([
      for headers in aws_cloudfront_response_headers_policy.security["site"].security_headers_config : [
        headers.content_security_policy[0].override,
        headers.content_type_options[0].override,
        headers.frame_options[0].frame_option, headers.frame_options[0].override,
        headers.referrer_policy[0].referrer_policy, headers.referrer_policy[0].override,
        headers.strict_transport_security[0].access_control_max_age_sec,
        headers.strict_transport_security[0].include_subdomains, headers.strict_transport_security[0].override,
        ] == [
        true,
        true,
        "DENY", true,
        "strict-origin-when-cross-origin", true,
        31536000,
        true, true,
      ]
    ])
    error_message = "a security header is missing or weaker"
  }

  assert {
    condition = {
      for header in aws_cloudfront_response_headers_policy.security["site"].custom_headers_config[0].items : header.header => [header.value, header.override]
      } == {
      Cross-Origin-Opener-Policy   = ["same-origin", true]
      Cross-Origin-Resource-Policy = ["same-origin", true]
      Permissions-Policy           = ["camera=(), geolocation=(), microphone=(), payment=(), usb=()", true]
    }
    error_message = "a header that isolates the page is missing or weaker"
  }

  assert {
    condition = alltrue([
      for policy in aws_cloudfront_response_headers_policy.security :
      [for header in policy.remove_headers_config[0].items : header.header] == ["Server"]
    ])
    error_message = "responses name their server"
  }
}

run "what_the_application_says_of_its_pages_holds" {
  assert {
    condition = alltrue([
      for headers in aws_cloudfront_response_headers_policy.security["application"].security_headers_config : !anytrue([
        headers.content_security_policy[0].override, headers.frame_options[0].override, headers.referrer_policy[0].override,
      ])
    ])
    error_message = "a header of the application's is replaced"
  }

  assert {
    condition = alltrue([
      for headers in aws_cloudfront_response_headers_policy.security["application"].security_headers_config :
      headers.content_type_options[0].override && headers.strict_transport_security[0].override
    ])
    error_message = "the application can give up HTTPS, or have types guessed"
  }

  assert {
    # Inline scripts and styles, forms, fonts, frames and other hosts: none of these is restricted.
    condition     = !can(regex("(script|style|form|font|connect|img|frame|default)-", aws_cloudfront_response_headers_policy.security["application"].security_headers_config[0].content_security_policy[0].content_security_policy))
    error_message = "a page of an application that says nothing loses what it needs"
  }

  assert {
    condition     = length(aws_cloudfront_response_headers_policy.security["application"].custom_headers_config) == 0
    error_message = "the application's responses get headers that it did not ask for"
  }
}

run "the_owner_extends_what_the_sites_pages_may_do" {
  variables {
    site_content_security_policy = {
      frame-ancestors = ["'self'", "https://partner.example"]
      frame-src       = ["https://www.youtube-nocookie.com"]
      img-src         = ["https://images.example"]
    }
    site_headers = {
      Permissions-Policy = "geolocation=(self)"
      Referrer-Policy    = "no-referrer"
      X-Robots-Tag       = "noindex"
    }
  }

  assert {
    condition     = aws_cloudfront_response_headers_policy.security["site"].security_headers_config[0].content_security_policy[0].content_security_policy == "base-uri 'none'; connect-src 'self'; default-src 'none'; font-src 'self' data:; form-action 'self'; frame-ancestors 'self' https://partner.example; frame-src https://www.youtube-nocookie.com; img-src 'self' data: https://images.example; manifest-src 'self'; media-src 'self' data:; script-src 'self'; style-src 'self'; worker-src 'self'"
    error_message = "the content security policy is ${local.security.site.content_security_policy}"
  }

  assert {
    condition = {
      for header in aws_cloudfront_response_headers_policy.security["site"].custom_headers_config[0].items : header.header => header.value
      } == {
      Cross-Origin-Opener-Policy   = "same-origin"
      Cross-Origin-Resource-Policy = "same-origin"
      Permissions-Policy           = "geolocation=(self)"
      X-Robots-Tag                 = "noindex"
    }
    error_message = "a header of the owner's is missing, or one of the platform's is lost"
  }

  assert {
    condition     = aws_cloudfront_response_headers_policy.security["site"].security_headers_config[0].referrer_policy[0].referrer_policy == "no-referrer"
    error_message = "the owner's referrer policy is not used"
  }
}

run "the_secret_is_write_only_and_its_key_costs_nothing" {
  assert {
    condition = (
      aws_ssm_parameter.secret_key.type == "SecureString" &&
      aws_ssm_parameter.secret_key.key_id == "alias/aws/ssm" &&
      aws_ssm_parameter.secret_key.value_wo == null
    )
    error_message = "the secret would reach the state, or is encrypted with another key"
  }

  assert {
    condition     = length(aws_kms_key.settings) == 0 && length(aws_kms_alias.settings) == 0
    error_message = "a key is made that nobody asked for"
  }
}

run "a_key_of_its_own_is_for_this_environment_s_roles_and_parameters" {
  # The parameter keeps the key that it was made with.
  state_key = "another stack"

  variables {
    customer_managed_key = true
  }

  assert {
    condition = (
      aws_ssm_parameter.secret_key.key_id == "alias/serverless-flask-default" &&
      jsondecode(aws_s3_object.contract.content).settings_key == "alias/serverless-flask-default"
    )
    error_message = "secrets are encrypted with another key"
  }

  assert {
    condition     = aws_kms_key.settings[0].enable_key_rotation && aws_kms_key.settings[0].deletion_window_in_days == 30
    error_message = "the key is never rotated, or is gone too soon"
  }

  assert {
    condition = [
      for statement in local.platform_statements : [statement.Resource, statement.Condition] if contains(statement.Action, "kms:Decrypt")
      ] == [[
        aws_kms_key.settings[0].arn,
        { StringLike = { "kms:EncryptionContext:PARAMETER_ARN" = "arn:aws:ssm:eu-central-1:111122223333:parameter/serverless-flask/default/*" } },
    ]]
    error_message = "the function cannot decrypt its parameters, or decrypts more"
  }

  assert {
    condition = alltrue([
      for statement in jsondecode(aws_kms_key.settings[0].policy).Statement :
      statement.Principal.AWS == "arn:aws:iam::111122223333:role/serverless-flask-deploy-default"
      if statement.Sid != "GovernedByTheAccount"
    ])
    error_message = "another role has rights to the key: ${aws_kms_key.settings[0].policy}"
  }

  assert {
    condition = alltrue([
      for statement in jsondecode(aws_kms_key.settings[0].policy).Statement :
      jsonencode(try(statement.Condition, {})) == jsonencode({ StringEquals = { "kms:ViaService" = "ssm.eu-central-1.amazonaws.com" } })
      if statement.Sid != "GovernedByTheAccount" && contains(statement.Action, "kms:Decrypt")
    ])
    error_message = "the key decrypts more than parameters"
  }
}

run "the_project_file_s_variables_take_the_place_of_app_tf_s" {
  variables {
    application_variables = { STAGE = "test" }
  }

  assert {
    condition     = aws_lambda_function.backend.environment[0].variables.STAGE == "test"
    error_message = "the function does not have the variable"
  }
}

run "a_variable_of_the_platform_s_is_refused_in_the_project_file_too" {
  command = plan

  variables {
    application_variables = { SETTINGS_PATH = "/other" }
  }

  expect_failures = [aws_lambda_function.backend]
}

run "nobody_is_told_where_no_alerts_are_set" {
  assert {
    condition = (
      length(aws_sns_topic.alerts) + length(aws_sns_topic_subscription.email) == 0 &&
      alltrue([for alarm in aws_cloudwatch_metric_alarm.this : coalescelist(tolist(alarm.alarm_actions), ["none"]) == ["none"]])
    )
    error_message = "there is a topic, or an alarm that tells somebody"
  }
}

run "alarms_tell_the_owners_topic" {
  variables {
    alerts = { topic = "arn:aws:sns:eu-central-1:444455556666:on-call" }
  }

  assert {
    condition = (
      length(aws_sns_topic.alerts) == 0 &&
      jsondecode(aws_s3_object.contract.content).alert_topic == "arn:aws:sns:eu-central-1:444455556666:on-call" &&
      alltrue([
        for alarm in aws_cloudwatch_metric_alarm.this :
        alarm.alarm_actions == toset(["arn:aws:sns:eu-central-1:444455556666:on-call"]) && alarm.ok_actions == alarm.alarm_actions
      ])
    )
    error_message = "an alarm fires or recovers without a notification"
  }
}

run "alarms_tell_a_topic_of_the_environments_own_that_only_they_and_its_roles_publish_to" {
  variables {
    alerts = { emails = ["on-call@example.org", "team@example.org"] }
  }

  assert {
    condition = (
      aws_sns_topic.alerts[0].name == "serverless-flask-default-alerts" &&
      toset([for one in aws_sns_topic_subscription.email : one.endpoint]) == toset(["on-call@example.org", "team@example.org"]) &&
      jsondecode(aws_s3_object.contract.content).alert_topic == aws_sns_topic.alerts[0].arn &&
      alltrue([for alarm in aws_cloudwatch_metric_alarm.this : alarm.alarm_actions == toset([aws_sns_topic.alerts[0].arn])])
    )
    error_message = "the addresses do not get the environment's alarms"
  }

  assert {
    condition = [
      for statement in jsondecode(aws_sns_topic.alerts[0].policy).Statement : [statement.Principal, statement.Condition.ArnLike]
      ] == [
      [{ Service = "cloudwatch.amazonaws.com" }, { "aws:SourceArn" = "arn:aws:cloudwatch:eu-central-1:111122223333:alarm:serverless-flask-default-*" }]
    ]
    error_message = "others may publish: ${aws_sns_topic.alerts[0].policy}"
  }
}

run "alarms_watch_the_alias_and_the_api" {
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
    condition     = aws_cloudwatch_metric_alarm.this["duration"].extended_statistic == "p99"
    error_message = "the slowest requests are averaged away"
  }
}

run "the_emulator_changes_addresses" {
  variables {
    emulator = { endpoint = "http://127.0.0.1:4566", site_url = "http://127.0.0.1:4567" }
  }

  assert {
    condition     = [local.contract.api_url, local.contract.site_url] == ["http://127.0.0.1:4566/_aws/execute-api/a1b2c3", "http://127.0.0.1:4567"]
    error_message = "the addresses are ${local.contract.api_url} and ${local.contract.site_url}"
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

run "the_schedule_keeps_as_many_environments_as_asked_for" {
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

run "the_schedule_and_traces_can_be_turned_off" {
  variables {
    function_tracing     = false
    warm_up_environments = 0
  }

  assert {
    condition     = aws_cloudwatch_event_rule.warm_up.state == "DISABLED"
    error_message = "the schedule still runs"
  }

  assert {
    condition     = aws_lambda_function.backend.tracing_config[0].mode == "PassThrough" && !contains([for statement in local.platform_statements : statement.Sid], "SendTraces")
    error_message = "the function sends traces, or may"
  }
}

run "without_events_there_is_no_queue" {
  assert {
    condition = (
      length(aws_sqs_queue.events) + length(aws_sqs_queue.dead_events) + length(aws_lambda_event_source_mapping.events) == 0 &&
      !strcontains(aws_iam_role_policy.backend.policy, "sqs:")
    )
    error_message = "an application without events has a queue, or rights to one"
  }
}

run "each_event_has_a_queue_with_a_dead_letter_queue_an_alarm_and_the_live_version" {
  variables {
    application_events       = { nightly = { schedule = "rate(1 day)" }, orders = {} }
    function_timeout_seconds = 20
  }

  assert {
    condition = [
      for queue in aws_sqs_queue.events : [queue.name, queue.visibility_timeout_seconds, jsondecode(queue.redrive_policy).maxReceiveCount]
    ] == [["serverless-flask-default-nightly", 120, 5], ["serverless-flask-default-orders", 120, 5]]
    error_message = "a queue has another name, or gives a message back while it is worked on"
  }

  assert {
    condition = alltrue([
      for mapping in aws_lambda_event_source_mapping.events :
      mapping.function_name == aws_lambda_alias.live.arn && mapping.function_response_types == toset(["ReportBatchItemFailures"])
    ]) && length(aws_lambda_event_source_mapping.events) == 2
    error_message = "messages go to another version than the live one, or are all repeated where one fails"
  }

  assert {
    condition = alltrue([
      for name, queue in aws_sqs_queue.dead_events :
      aws_cloudwatch_metric_alarm.this["${name}-dead"].dimensions["QueueName"] == queue.name &&
      aws_cloudwatch_metric_alarm.this["${name}-dead"].threshold == 0 &&
      queue.name == "serverless-flask-default-${name}-dead"
    ])
    error_message = "nobody learns of dead letters"
  }

  assert {
    condition     = { for key, rule in aws_cloudwatch_event_rule.events : key => [rule.name, rule.schedule_expression] } == { nightly = ["serverless-flask-default-nightly", "rate(1 day)"] }
    error_message = "another queue than the scheduled one gets a message by itself"
  }

  assert {
    # A queue takes messages from nobody else's rule, topic or bucket.
    condition = alltrue([
      for policy in aws_sqs_queue_policy.events : alltrue([
        for statement in jsondecode(policy.policy).Statement :
        can(regex("[:/]serverless-flask-default-\\*$", statement.Condition.ArnLike["aws:SourceArn"])) &&
        strcontains(jsonencode([statement.Condition]), "111122223333")
      ])
    ])
    error_message = "a queue takes messages from what does not bear the environment's name"
  }

  assert {
    condition = [
      for statement in jsondecode(aws_iam_role_policy.backend.policy).Statement : statement.Resource if statement.Sid == "UseOwnQueues"
    ] == [[for name in ["nightly", "orders"] : "arn:aws:sqs:eu-central-1:111122223333:serverless-flask-default-${name}"]]
    error_message = "the function may use other queues than its own, or not these"
  }
}
