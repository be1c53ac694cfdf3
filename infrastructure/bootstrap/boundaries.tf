# The outer limits, whatever the policies inside come to say.

resource "aws_iam_policy" "deploy_boundary" {
  #checkov:skip=CKV2_AWS_40:A boundary grants nothing; each role's own policies do, by name.
  name        = "${var.project}-deploy-boundary"
  description = "The most that a role which deploys or plans may ever do."
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "WhatBearsTheProjectsName"
        Effect = "Allow"
        Action = ["cloudwatch:*", "events:*", "lambda:*", "logs:*", "s3:*", "ssm:*"]
        Resource = [
          "arn:${local.partition}:cloudwatch:${var.region}:${local.account_id}:alarm:${var.project}-*",
          "arn:${local.partition}:cloudwatch::${local.account_id}:dashboard/${var.project}-*",
          "arn:${local.partition}:events:${var.region}:${local.account_id}:rule/${var.project}-*",
          "arn:${local.partition}:lambda:${var.region}:${local.account_id}:function:${var.project}-*",
          "arn:${local.partition}:logs:${var.region}:${local.account_id}:log-group:/aws/*/${var.project}-*",
          "arn:${local.partition}:s3:::${var.project}-*",
          "arn:${local.partition}:ssm:${var.region}:${local.account_id}:parameter/${var.project}/*",
        ]
      },
      {
        # Here AWS draws the names itself, or knows only the account as a whole.
        Sid      = "WhatHasNoName"
        Effect   = "Allow"
        Action   = concat(local.account_wide_reads, local.log_delivery, ["apigateway:*", "cloudfront:*", "kms:*"])
        Resource = "*"
      },
      {
        Sid      = "FunctionRoles"
        Effect   = "Allow"
        Action   = ["iam:*"]
        Resource = ["${local.iam_arn}:role/${var.project}-*-function"]
      },
      {
        # Neither its own rights nor those of its kind, nor the trust in GitHub, may be widened from
        # within: nothing in IAM but the functions' roles.
        Sid         = "NothingElseInIam"
        Effect      = "Deny"
        Action      = ["iam:*"]
        NotResource = ["${local.iam_arn}:role/${var.project}-*-function"]
      },
      {
        Sid    = "KeepFunctionRolesBound"
        Effect = "Deny"
        Action = [
          "iam:AttachRolePolicy",
          "iam:DeleteRolePermissionsBoundary",
          "iam:PutRolePermissionsBoundary",
          "iam:UpdateAssumeRolePolicy",
        ]
        Resource = "*"
      },
      {
        # Old versions of a state are the way back when one is lost.
        Sid    = "KeepStateBucket"
        Effect = "Deny"
        Action = [
          "s3:DeleteBucket*",
          "s3:DeleteObjectVersion",
          "s3:PutBucket*",
          "s3:PutEncryptionConfiguration",
          "s3:PutLifecycleConfiguration",
        ]
        Resource = [local.state_bucket_arn, "${local.state_bucket_arn}/*"]
      },
    ]
  })
}

resource "aws_iam_policy" "function_boundary" {
  #checkov:skip=CKV_AWS_355:Metrics and traces know no resources.
  for_each = local.reach

  name        = "${var.project}-function-boundary-${each.key}"
  description = "The most that the function of ${local.scopes[each.key]} may ever do."
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "WriteOwnLogs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = ["${each.value.function_logs}:*"]
      },
      {
        # GetParametersByPath is asked for the path, which no "/*" covers.
        Sid    = "ReadOwnParameters"
        Effect = "Allow"
        Action = ["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath"]
        Resource = [
          "${each.value.parameters}/private",
          "${each.value.parameters}/private/*",
          "${each.value.parameters}/public",
          "${each.value.parameters}/public/*",
        ]
      },
      {
        Sid      = "DecryptOwnParameters"
        Effect   = "Allow"
        Action   = ["kms:Decrypt"]
        Resource = [local.keys]
        Condition = {
          StringLike = {
            "kms:EncryptionContext:PARAMETER_ARN" = "${each.value.parameters}/private/*"
          }
        }
      },
      {
        Sid      = "WarmOwnAlias"
        Effect   = "Allow"
        Action   = ["lambda:InvokeFunction"]
        Resource = ["${each.value.function}:live"]
      },
      {
        # None of these can be limited to a resource.
        Sid    = "MeasureAndTrace"
        Effect = "Allow"
        Action = [
          "cloudwatch:DescribeAlarms",
          "cloudwatch:GetMetricData",
          "xray:PutTelemetryRecords",
          "xray:PutTraceSegments",
        ]
        Resource = "*"
      },
    ]
  })

  tags = { environment = each.key }
}
