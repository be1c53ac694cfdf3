resource "aws_cloudwatch_log_group" "backend" {
  #checkov:skip=CKV_AWS_158:Logs hold no secrets, and are encrypted at rest with the service's own key.
  name              = "/aws/lambda/${local.name}"
  retention_in_days = local.log_retention_days
}

resource "aws_iam_role" "backend" {
  name                 = "${local.name}-function"
  description          = "What the ${var.environment} function may do."
  permissions_boundary = local.function_boundary_arn

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy" "backend" {
  name = "function"
  role = aws_iam_role.backend.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([
      {
        Sid      = "WriteOwnLogs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "${aws_cloudwatch_log_group.backend.arn}:*"
      },
      {
        # GetParametersByPath is checked against the path itself as well as what lies below it.
        Sid    = "ReadPublicSettings"
        Effect = "Allow"
        Action = ["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath"]
        Resource = [
          "arn:${local.partition}:ssm:${var.region}:${local.account_id}:parameter${local.parameter_prefix}/public",
          "arn:${local.partition}:ssm:${var.region}:${local.account_id}:parameter${local.parameter_prefix}/public/*",
        ]
      },
      {
        # Metrics know no resources to name here.
        Sid      = "ReadMetrics"
        Effect   = "Allow"
        Action   = ["cloudwatch:GetMetricData"]
        Resource = "*"
      },
      {
        # Who searches by the beginning of a name must be allowed to see all.
        Sid      = "ReadAlarms"
        Effect   = "Allow"
        Action   = ["cloudwatch:DescribeAlarms"]
        Resource = "arn:${local.partition}:cloudwatch:${var.region}:${local.account_id}:alarm:*"
      },
      {
        # The warm-up starts as many environments of the live version as it is told to.
        Sid      = "WarmOwnAlias"
        Effect   = "Allow"
        Action   = ["lambda:InvokeFunction"]
        Resource = "arn:${local.partition}:lambda:${var.region}:${local.account_id}:function:${local.name}:live"
      },
      ], var.function_tracing ? [
      {
        # X-Ray knows no resources to name here.
        Sid      = "SendTraces"
        Effect   = "Allow"
        Action   = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
        Resource = "*"
      },
    ] : [])
  })
}

resource "aws_lambda_function" "backend" {
  #checkov:skip=CKV_AWS_116:Only the warm-up is asynchronous, and a lost one is made up for by the next.
  #checkov:skip=CKV_AWS_117:It uses nothing that lies in a VPC.
  #checkov:skip=CKV_AWS_173:Its environment holds names only, never a secret.
  #checkov:skip=CKV_AWS_272:ship compares the digest of what Lambda runs with the digest of what was built.
  function_name                  = local.name
  description                    = "The Flask application of ${var.environment}. Code and live version belong to ship."
  architectures                  = ["arm64"]
  filename                       = var.placeholder_zip
  handler                        = "lambda_adapter.handler.handler"
  memory_size                    = var.function_memory_megabytes
  publish                        = true
  reserved_concurrent_executions = var.function_reserved_concurrency
  role                           = aws_iam_role.backend.arn
  runtime                        = "python3.13"
  timeout                        = var.function_timeout_seconds

  environment {
    variables = {
      ALARM_PREFIX          = "${local.name}-"
      ENVIRONMENT           = var.environment
      LOG_LEVEL             = "INFO"
      METRICS_NAMESPACE     = local.metrics_namespace
      PARAMETER_PREFIX      = "${local.parameter_prefix}/public"
      PARAMETER_TTL_SECONDS = "60"
      STATUS_TTL_SECONDS    = "60"
    }
  }

  logging_config {
    application_log_level = "INFO"
    log_format            = "JSON"
    log_group             = aws_cloudwatch_log_group.backend.name
    system_log_level      = "INFO"
  }

  tracing_config {
    mode = var.function_tracing ? "Active" : "PassThrough"
  }

  lifecycle {
    # `ship` owns the code: an apply must never put the placeholder back.
    ignore_changes = [filename]
  }

  depends_on = [aws_iam_role_policy.backend]
}

resource "aws_lambda_alias" "live" {
  name             = "live"
  description      = "The version that users get."
  function_name    = aws_lambda_function.backend.function_name
  function_version = aws_lambda_function.backend.version

  lifecycle {
    # `ship` owns which version is live, and what share a new one gets while it is watched.
    ignore_changes = [function_version, routing_config]
  }
}
