locals {
  # `lambda_adapter/parameters.py` keeps these names from settings.
  platform_variables = merge(var.api_behind_cloudfront ? { API_BEHIND_CLOUDFRONT = "true" } : {}, {
    ENVIRONMENT       = var.environment
    LOG_LEVEL         = "INFO"
    METRICS_NAMESPACE = local.metrics_namespace
    ORIGIN_VERIFY     = local.origin_verify
    SETTINGS_PATH     = local.parameter_prefix
    SITE_URL          = local.site_url
    }, var.login == null ? {} : {
    LOGIN_PATHS = join(" ", [for path in var.login.paths : trimsuffix(path, "*")])
  })

  # What pyproject.toml says for this environment takes the place of what app.tf says for all.
  owners_variables = merge(local.app_variables, var.application_variables)

  # Lambda itself keeps most names that begin with AWS_.
  # https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
  refused_variables = [
    for name in keys(local.owners_variables) : name
    if contains(keys(local.platform_variables), name) || startswith(name, "AWS_")
  ]

  platform_statements = concat(local.settings_statements, local.events_statements, [
    {
      Sid      = "WriteOwnLogs"
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = "${aws_cloudwatch_log_group.this["function"].arn}:*"
    },
    {
      # The warm-up starts as many environments of the live version as the schedule asks for.
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
    ] : [], var.vpc == null ? [] : [
    {
      # Lambda makes the function's network interfaces with its role.
      # https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
      Sid    = "JoinNetwork"
      Effect = "Allow"
      Action = [
        "ec2:AssignPrivateIpAddresses",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:UnassignPrivateIpAddresses",
      ]
      Resource = "*"
    },
  ])
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
    Version   = "2012-10-17"
    Statement = concat(local.platform_statements, local.app_statements)
  })
}

resource "aws_lambda_function" "backend" {
  #checkov:skip=CKV_AWS_116:Only the warm-up is asynchronous, and the next one makes up for a lost one; asynchronous work brings its own queue.
  #checkov:skip=CKV_AWS_173:Its environment holds names and a mark of CloudFront's; secrets are parameters. A key would have to pay for itself.
  #checkov:skip=CKV_AWS_272:ship compares the digest of what Lambda runs with the digest of what was built; AWS Signer would do it too.
  function_name                  = local.name
  description                    = "The application of ${var.environment}. Code and live version belong to ship."
  architectures                  = [var.function_architecture]
  filename                       = var.placeholder_zip
  handler                        = "lambda_adapter.handler.handler"
  memory_size                    = var.function_memory_megabytes
  publish                        = true
  reserved_concurrent_executions = var.function_reserved_concurrency
  role                           = aws_iam_role.backend.arn
  runtime                        = var.function_runtime
  timeout                        = var.function_timeout_seconds

  environment {
    variables = merge(local.owners_variables, local.platform_variables)
  }

  logging_config {
    application_log_level = "INFO"
    log_format            = "JSON"
    log_group             = aws_cloudwatch_log_group.this["function"].name
    system_log_level      = "INFO"
  }

  dynamic "vpc_config" {
    for_each = var.vpc == null ? [] : [var.vpc]

    content {
      security_group_ids = vpc_config.value.security_groups
      subnet_ids         = vpc_config.value.subnets
    }
  }

  tracing_config {
    mode = var.function_tracing ? "Active" : "PassThrough"
  }

  lifecycle {
    # `ship` owns the code: an apply must never put the placeholder back. The description says when
    # `ship restart` was last called.
    ignore_changes = [description, filename]

    precondition {
      condition     = length(local.refused_variables) == 0
      error_message = "app_variables in app.tf, or variables in pyproject.toml, cannot hold ${join(", ", local.refused_variables)}: the platform or Lambda sets these; choose other names."
    }
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
