# What the application needs besides the platform. This file is yours: replace all of it. The smallest
# one has a `locals` block with `app_variables = {}` and `app_statements = []`.
#
# A statement reaches no further than the function's boundary, and `ship apply` makes only what the
# deploy roles may make: list what you use, such as tables and queues, in `uses` of [tool.ship].

locals {
  # Environment variables of the function. Never a secret: everyone who may read the function sees them.
  # API_BEHIND_CLOUDFRONT, ENVIRONMENT, LOGIN_PATHS, LOG_LEVEL, METRICS_NAMESPACE, ORIGIN_VERIFY, SETTINGS_PATH,
  # SITE_URL and AWS_... are taken.
  app_variables = {
    ALARM_PREFIX          = "${local.name}-"
    PARAMETER_PREFIX      = "${local.parameter_prefix}/public"
    PARAMETER_TTL_SECONDS = "60"
    STATUS_TTL_SECONDS    = "300"
  }

  # Statements of the function's role.
  app_statements = [
    {
      # GetParametersByPath is checked against the path itself as well as what lies below it.
      # https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-access.html
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
      # A search by the beginning of a name needs the right to see all alarms.
      Sid      = "ReadAlarms"
      Effect   = "Allow"
      Action   = ["cloudwatch:DescribeAlarms"]
      Resource = "arn:${local.partition}:cloudwatch:${var.region}:${local.account_id}:alarm:*"
    },
  ]

  # What an environment starts with. You change the values in Parameter Store.
  settings = {
    maintenance     = { value = "false", description = "Whether the page says that work is going on: true or false." }
    notice          = { value = "none", description = "A line that the page shows on top; none for no line." }
    refresh_seconds = { value = "30", description = "How often an open page asks again." }
    title           = { value = "Serverless Flask", description = "The heading of the page." }
  }
}

resource "aws_ssm_parameter" "public" {
  #checkov:skip=CKV2_AWS_34:The API shows these to everybody; a setting that is secret is no resource here.
  for_each = local.settings

  name        = "${local.parameter_prefix}/public/${each.key}"
  description = each.value.description
  type        = "String"
  value       = each.value.value

  lifecycle {
    ignore_changes = [value]
  }
}
