resource "aws_cloudwatch_log_group" "api" {
  #checkov:skip=CKV_AWS_158:As the function's.
  # API Gateway writes a group of another name into one policy of the account, which is soon full.
  # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-and-resource-policy.html
  name              = "/aws/vendedlogs/apigateway/${local.name}"
  retention_in_days = local.log_retention_days
}

resource "aws_apigatewayv2_api" "http" {
  name          = local.name
  description   = "The API of ${var.environment}."
  protocol_type = "HTTP"
}

resource "aws_apigatewayv2_integration" "live" {
  api_id                 = aws_apigatewayv2_api.http.id
  description            = "The live version of the function."
  integration_type       = "AWS_PROXY"
  integration_uri        = aws_lambda_alias.live.invoke_arn
  payload_format_version = "2.0"
  # Longer than the function's own, so that users see its error.
  timeout_milliseconds = (var.function_timeout_seconds + 1) * 1000
}

resource "aws_apigatewayv2_route" "default" {
  #checkov:skip=CKV_AWS_309:The API is public; what has to be guarded, the application guards.
  api_id    = aws_apigatewayv2_api.http.id
  route_key = "$default"
  target    = "integrations/${aws_apigatewayv2_integration.live.id}"
}

# A folder and what is below it. A browser's preflight has no token, and reaches the application.
locals {
  login_routes = {
    for each in setproduct([for path in try(var.login.paths, []) : trimsuffix(path, "/*")], ["ANY", "OPTIONS"], ["", "/{proxy+}"]) :
    "${each[1]} ${each[0]}${each[2]}" => each[1] == "ANY"
  }
}

resource "aws_apigatewayv2_authorizer" "login" {
  count = var.login == null ? 0 : 1

  api_id           = aws_apigatewayv2_api.http.id
  authorizer_type  = "JWT"
  identity_sources = ["$request.header.Authorization"]
  name             = "login"

  jwt_configuration {
    audience = var.login.audience
    issuer   = var.login.issuer
  }
}

resource "aws_apigatewayv2_route" "login" {
  #checkov:skip=CKV_AWS_309:Preflights have no token.
  for_each = local.login_routes

  api_id             = aws_apigatewayv2_api.http.id
  authorization_type = each.value ? "JWT" : "NONE"
  authorizer_id      = each.value ? aws_apigatewayv2_authorizer.login[0].id : null
  route_key          = each.key
  target             = "integrations/${aws_apigatewayv2_integration.live.id}"
}

resource "aws_lambda_permission" "login" {
  for_each = toset(try(var.login.paths, []))

  statement_id  = "login${replace(trimsuffix(each.key, "/*"), "/[^A-Za-z0-9]/", "-")}"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.backend.function_name
  principal     = "apigateway.amazonaws.com"
  qualifier     = aws_lambda_alias.live.name
  # Any stage of this API, and any method.
  source_arn = "${aws_apigatewayv2_api.http.execution_arn}/*/*${trimsuffix(each.key, "/*")}*"
}

resource "aws_apigatewayv2_stage" "default" {
  api_id      = aws_apigatewayv2_api.http.id
  name        = "$default"
  description = "The one stage, without a prefix in the path."
  auto_deploy = true

  # Delivering access logs takes rights to every log of the account, which the previews' role lacks.
  # https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging.html
  dynamic "access_log_settings" {
    for_each = local.preview ? [] : [aws_cloudwatch_log_group.api]

    content {
      destination_arn = access_log_settings.value.arn
      # messageString brings quotes of its own, and escapes what is in it. The address is CloudFront's for
      # who comes through the site.
      # https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html
      format = replace(jsonencode({
        bytes              = "$context.responseLength"
        error              = "$context.error.messageString"
        integration_status = "$context.integrationStatus"
        latency            = "$context.responseLatency"
        method             = "$context.httpMethod"
        path               = "$context.path"
        peer_ip            = "$context.identity.sourceIp"
        request_id         = "$context.requestId"
        status             = "$context.status"
        time               = "$context.requestTime"
      }), "\"$context.error.messageString\"", "$context.error.messageString")
    }
  }

  default_route_settings {
    throttling_burst_limit = var.api_burst_limit
    throttling_rate_limit  = var.api_rate_limit
  }
}

resource "aws_lambda_permission" "api" {
  statement_id  = "api"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.backend.function_name
  principal     = "apigateway.amazonaws.com"
  qualifier     = aws_lambda_alias.live.name
  # Any stage of this API, but only its one route; $default has no method in its ARN.
  # https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
  source_arn = "${aws_apigatewayv2_api.http.execution_arn}/*/$default"
}
