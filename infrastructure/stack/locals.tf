locals {
  account_id = data.aws_caller_identity.current.account_id
  partition  = data.aws_partition.current.partition

  name             = "${var.project}-${var.environment}"
  parameter_prefix = "/${var.project}/${var.environment}"

  # A preview lives for days, serves a few people, and comes back with its pull request's next push.
  preview = startswith(var.environment, "pr-")

  # Made by ../bootstrap, under these names; all previews share theirs.
  role                  = local.preview ? "preview" : var.environment
  deploy_role_arn       = "arn:${local.partition}:iam::${local.account_id}:role/${var.project}-deploy-${local.role}"
  function_boundary_arn = "arn:${local.partition}:iam::${local.account_id}:policy/${var.project}-function-boundary-${local.role}"

  log_retention_days = coalesce(var.log_retention_days, local.preview ? 7 : 365)

  # The bases that smoke tests and people append a path to.
  api_url  = var.emulator == null ? aws_apigatewayv2_api.http.api_endpoint : "${var.emulator.endpoint}/_aws/execute-api/${aws_apigatewayv2_api.http.id}"
  site_url = var.emulator == null ? "https://${coalesce(local.domain, aws_cloudfront_distribution.site.domain_name)}" : var.emulator.site_url

  # What `ship` reads to find this environment, without Terraform and its state.
  contract = {
    contract = 1

    api_behind_cloudfront = var.api_behind_cloudfront
    origin_secret         = var.origin_secret

    alarms          = sort([for alarm in aws_cloudwatch_metric_alarm.this : alarm.alarm_name])
    alert_topic     = one(local.alert_topics)
    alias           = aws_lambda_alias.live.name
    api_id          = aws_apigatewayv2_api.http.id
    api_url         = local.api_url
    artifact_bucket = module.artifacts.bucket.bucket
    distribution_id = aws_cloudfront_distribution.site.id
    environment     = var.environment
    function_name   = aws_lambda_function.backend.function_name
    log_group       = aws_cloudwatch_log_group.this["function"].name
    project         = var.project
    region          = var.region
    settings_key    = local.settings_key
    site_headers    = local.site_response_headers
    site_bucket     = module.site.bucket.bucket
    site_url        = local.site_url
  }
}
