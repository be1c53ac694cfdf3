# Who reaches the function, and what it reaches: by token, through CloudFront alone, in a VPC; without AWS.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  environment     = "default"
  placeholder_zip = "placeholder.zip"
  project         = "serverless-flask"
  region          = "eu-central-1"
}

run "without_login_and_vpc_there_is_nothing_of_them" {
  assert {
    condition = (
      length(aws_apigatewayv2_authorizer.login) + length(aws_apigatewayv2_route.login) + length(aws_apigatewayv2_route.open) - 1 + length(aws_lambda_permission.login) == 0 &&
      !contains(keys(aws_lambda_function.backend.environment[0].variables), "LOGIN_PATHS") &&
      !contains(keys(aws_lambda_function.backend.environment[0].variables), "API_BEHIND_CLOUDFRONT") &&
      aws_cloudfront_distribution.site.web_acl_id == null &&
      length(aws_lambda_function.backend.vpc_config) == 0 &&
      !strcontains(aws_iam_role_policy.backend.policy, "ec2:")
    )
    error_message = "what is not asked for is made"
  }
}

run "guarded_paths_take_a_token_and_preflights_none" {
  variables {
    login = {
      audience = ["shop"]
      issuer   = "https://login.example.org"
      paths    = ["/api/account/*", "/orders/*"]
    }
  }

  assert {
    condition = { for route in concat(values(aws_apigatewayv2_route.login), values(aws_apigatewayv2_route.open)) : route.route_key => coalesce(route.authorization_type, "NONE") } == merge({ "$default" = "NONE" }, [
      for path in ["/api/account", "/orders"] : {
        "ANY ${path}"              = "JWT"
        "ANY ${path}/{proxy+}"     = "JWT"
        "OPTIONS ${path}"          = "NONE"
        "OPTIONS ${path}/{proxy+}" = "NONE"
      }
    ]...)
    error_message = "a guarded path is open, or preflights are not"
  }

  assert {
    condition     = alltrue([for route in aws_apigatewayv2_route.login : route.authorizer_id == aws_apigatewayv2_authorizer.login[0].id])
    error_message = "a route asks no authorizer"
  }

  assert {
    condition     = aws_apigatewayv2_authorizer.login[0].jwt_configuration[0].issuer == "https://login.example.org" && aws_apigatewayv2_authorizer.login[0].jwt_configuration[0].audience == toset(["shop"])
    error_message = "tokens of others are believed"
  }

  assert {
    condition     = aws_lambda_function.backend.environment[0].variables.LOGIN_PATHS == "/api/account/ /orders/"
    error_message = "the function does not know what is guarded"
  }

  assert {
    condition = toset([for permission in aws_lambda_permission.login : permission.source_arn]) == toset([
      "arn:aws:execute-api:eu-central-1:111122223333:a1b2c3/*/*/api/account*", "arn:aws:execute-api:eu-central-1:111122223333:a1b2c3/*/*/orders*",
    ])
    error_message = "API Gateway may not call the function for a guarded path"
  }
}

run "the_whole_api_or_the_platforms_own_paths_cannot_be_guarded" {
  command = plan

  variables {
    login = {
      audience = ["shop"]
      issuer   = "https://login.example.org"
      paths    = ["/*"]
    }
  }

  expect_failures = [var.login]
}

run "a_function_in_a_vpc_may_join_it" {
  variables {
    vpc = {
      security_groups = ["sg-1"]
      subnets         = ["subnet-1", "subnet-2"]
    }
  }

  assert {
    condition = (
      aws_lambda_function.backend.vpc_config[0].subnet_ids == toset(["subnet-1", "subnet-2"]) &&
      aws_lambda_function.backend.vpc_config[0].security_group_ids == toset(["sg-1"])
    )
    error_message = "the function is in another network"
  }

  assert {
    condition     = contains(flatten([for statement in jsondecode(aws_iam_role_policy.backend.policy).Statement : statement.Action]), "ec2:CreateNetworkInterface")
    error_message = "Lambda may not make the function's network interfaces"
  }
}

run "an_api_behind_cloudfront_is_closed_to_others" {
  variables {
    api_behind_cloudfront = true
    throttling            = { rate = 200 }
    waf                   = "arn:aws:wafv2:us-east-1:111122223333:global/webacl/shop/473e64fd-f30b"
  }

  assert {
    condition = (
      aws_lambda_function.backend.environment[0].variables["API_BEHIND_CLOUDFRONT"] == "true" &&
      jsondecode(aws_s3_object.contract.content).api_behind_cloudfront
    )
    error_message = "the function or ship does not know that the API is closed"
  }

  assert {
    condition     = aws_cloudfront_distribution.site.web_acl_id == "arn:aws:wafv2:us-east-1:111122223333:global/webacl/shop/473e64fd-f30b"
    error_message = "the distribution has another web ACL"
  }

  assert {
    condition     = [aws_apigatewayv2_stage.default.default_route_settings[0].throttling_rate_limit, aws_apigatewayv2_stage.default.default_route_settings[0].throttling_burst_limit] == [200, 100]
    error_message = "what is set does not hold, or what is not set changed"
  }
}

run "the_next_number_draws_another_value_and_keeps_the_one_before" {
  variables {
    origin_secret = 2
  }

  assert {
    condition = (
      local.origin_verify == "${terraform_data.origin_verify["2"].output},${terraform_data.origin_verify["1"].output}" &&
      keys(terraform_data.origin_verify) == ["1", "2"]
    )
    error_message = "a version that knows the value before is not understood any more"
  }
}

run "a_flat_rate_plan_gets_the_cache_policies_that_it_allows" {
  variables {
    flat_rate = true
  }

  assert {
    condition = length(aws_cloudfront_cache_policy.this) == 0 && {
      for behaviour in aws_cloudfront_distribution.site.ordered_cache_behavior : behaviour.path_pattern => behaviour.cache_policy_id
      } == {
      "/-/site.json" = "658327ea-f89d-4fab-a63d-7e88639e58f6"
      "/-/*"         = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
      "/api/*"       = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
    }
    error_message = "there are cache policies of its own, or others than CachingOptimized and CachingDisabled"
  }
}
