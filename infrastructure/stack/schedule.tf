locals {
  # A preview may start cold.
  warm_up_environments = coalesce(var.warm_up_environments, local.preview ? 0 : 1)
}

resource "aws_cloudwatch_event_rule" "warm_up" {
  name                = "${local.name}-warm-up"
  description         = "Keeps the live version of ${var.environment} warm, and has it check the site."
  schedule_expression = "rate(${var.warm_up_minutes} minutes)"
  state               = local.warm_up_environments == 0 ? "DISABLED" : "ENABLED"
}

resource "aws_cloudwatch_event_target" "warm_up" {
  arn       = aws_lambda_alias.live.arn
  rule      = aws_cloudwatch_event_rule.warm_up.name
  target_id = "live"

  # The function refuses anything else, and asks no other site than this.
  input = jsonencode({
    "detail-type" = "warm-up"
    source        = "lambda_adapter.schedule"
    detail = {
      environments = max(1, local.warm_up_environments)
      site_url     = local.site_url
    }
  })
}

resource "aws_lambda_permission" "warm_up" {
  statement_id  = "warm-up"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.backend.function_name
  principal     = "events.amazonaws.com"
  qualifier     = aws_lambda_alias.live.name
  source_arn    = aws_cloudwatch_event_rule.warm_up.arn
}

# A late repetition would count a warm-up twice: the next one makes up for it.
# https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
resource "aws_lambda_function_event_invoke_config" "warm_up" {
  function_name                = aws_lambda_function.backend.function_name
  qualifier                    = aws_lambda_alias.live.name
  maximum_event_age_in_seconds = 60
  maximum_retry_attempts       = 0
}
