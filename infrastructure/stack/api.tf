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

# A guarded folder and what is below it.
locals {
  guarded = flatten([for path in try(var.login.paths, []) : [trimsuffix(path, "/*"), "${trimsuffix(path, "/*")}/{proxy+}"]])
}

# A browser's preflight has no token, and reaches the application.
resource "aws_apigatewayv2_route" "open" {
  #checkov:skip=CKV_AWS_309:What has to be guarded, `login` or the application guards; an API without public paths would remove this.
  for_each = toset(concat(["$default"], [for path in local.guarded : "OPTIONS ${path}"]))

  api_id    = aws_apigatewayv2_api.http.id
  route_key = each.key
  target    = "integrations/${aws_apigatewayv2_integration.live.id}"
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
  for_each = toset(local.guarded)

  api_id             = aws_apigatewayv2_api.http.id
  authorization_type = "JWT"
  authorizer_id      = aws_apigatewayv2_authorizer.login[0].id
  route_key          = "ANY ${each.key}"
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
    for_each = local.preview ? [] : [aws_cloudwatch_log_group.this["api"]]

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
    throttling_burst_limit = var.throttling.burst
    throttling_rate_limit  = var.throttling.rate
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
