# The outer limits, whatever the roles' own policies say.

resource "aws_iam_policy" "deploy_boundary" {
  name        = "${var.project}-deploy-boundary"
  description = "The most that a role which deploys or plans may ever do."
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([
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
        # Here AWS chooses the names, or grants for the whole account only.
        Sid      = "WhatHasNoName"
        Effect   = "Allow"
        Action   = concat(local.account_wide_reads, local.log_delivery, ["apigateway:*", "cloudfront:*", "kms:*"])
        Resource = "*"
      },
      {
        Sid    = "FunctionRoles"
        Effect = "Allow"
        Action = [
          "iam:CreateRole",
          "iam:DeleteRole*",
          "iam:Get*",
          "iam:List*",
          "iam:PassRole",
          "iam:PutRolePolicy",
          "iam:TagRole",
          "iam:UntagRole",
          "iam:UpdateRole*",
        ]
        Resource = ["${local.iam_arn}:role/${var.project}-*-function"]
      },
      {
        # A role cannot widen its own rights, another role's, or the trust in GitHub.
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
        # Old versions of a state are needed when one is lost.
        Sid    = "KeepStateBucket"
        Effect = "Deny"
        Action = [
          "s3:DeleteBucket*",
          "s3:DeleteObjectVersion",
          "s3:PutBucket*",
          "s3:PutEncryptionConfiguration",
          "s3:PutLifecycleConfiguration",
        ]
        Resource = [module.state.arn, "${module.state.arn}/*"]
      },
    ], local.uses_boundary)
  })
}

resource "aws_iam_policy" "function_boundary" {
  for_each = local.reach

  name        = "${var.project}-function-boundary-${each.key}"
  description = "The most that the function of ${local.scopes[each.key]} may ever do."
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([
      {
        Sid      = "WriteOwnLogs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = ["${each.value.function_logs}:*"]
      },
      {
        # GetParametersByPath is checked against the path itself, which "/*" does not cover.
        Sid      = "ReadOwnParameters"
        Effect   = "Allow"
        Action   = ["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath"]
        Resource = [each.value.parameters, "${each.value.parameters}/*"]
      },
      {
        Sid      = "DecryptOwnParameters"
        Effect   = "Allow"
        Action   = ["kms:Decrypt"]
        Resource = [local.keys]
        Condition = {
          StringLike = {
            "kms:EncryptionContext:PARAMETER_ARN" = "${each.value.parameters}/*"
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
        # All alarms: see ../stack/app.tf.
        Sid      = "ReadAlarms"
        Effect   = "Allow"
        Action   = ["cloudwatch:DescribeAlarms"]
        Resource = ["arn:${local.partition}:cloudwatch:${var.region}:${local.account_id}:alarm:*"]
      },
      {
        # None of these can be limited to a resource.
        Sid    = "MeasureAndTrace"
        Effect = "Allow"
        Action = [
          "cloudwatch:GetMetricData",
          "xray:PutTelemetryRecords",
          "xray:PutTraceSegments",
        ]
        Resource = "*"
      },
    ], local.uses_function[each.key])
  })

  tags = { environment = each.key }
}
