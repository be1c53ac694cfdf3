resource "aws_cloudwatch_event_rule" "warm_up" {
  name                = "${local.name}-warm-up"
  description         = "Keeps the live version of ${var.environment} warm."
  schedule_expression = "rate(${var.warm_up_minutes} minutes)"
  # Nobody pays for keeping a preview warm.
  state = local.preview ? "DISABLED" : "ENABLED"
}

resource "aws_cloudwatch_event_target" "warm_up" {
  arn       = aws_lambda_alias.live.arn
  rule      = aws_cloudwatch_event_rule.warm_up.name
  target_id = "live"

  input = jsonencode({
    "detail-type" = "warm-up"
    source        = "serverless-flask.schedule"
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
