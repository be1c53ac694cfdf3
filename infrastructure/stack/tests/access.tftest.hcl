# Who reaches the function, and what it reaches: login by token, and a VPC, without AWS.

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
      length(aws_apigatewayv2_authorizer.login) + length(aws_apigatewayv2_route.login) + length(aws_lambda_permission.login) == 0 &&
      !contains(keys(aws_lambda_function.backend.environment[0].variables), "LOGIN_PATHS") &&
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
    condition = { for key, route in aws_apigatewayv2_route.login : key => route.authorization_type } == merge([
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
    condition     = alltrue([for route in aws_apigatewayv2_route.login : route.authorization_type == "NONE" || route.authorizer_id == aws_apigatewayv2_authorizer.login[0].id])
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
