# The outer limits, whatever the policies inside come to say.

resource "aws_iam_policy" "deploy_boundary" {
  name        = "${var.project}-deploy-boundary"
  description = "The most that a role which deploys or plans may ever do."
  policy      = data.aws_iam_policy_document.deploy_boundary.minified_json
}

data "aws_iam_policy_document" "deploy_boundary" {
  statement {
    sid = "ServicesOfTheStack"
    actions = [
      "apigateway:*",
      "cloudfront:*",
      "cloudwatch:*",
      "events:*",
      "kms:*",
      "lambda:*",
      "logs:*",
      "s3:*",
      "secretsmanager:GetRandomPassword",
      "ssm:*",
    ]
    resources = ["*"]
  }

  statement {
    sid       = "OnlyFunctionRoles"
    actions   = ["iam:*"]
    resources = ["${local.iam_arn}:role/${var.project}-*-function"]
  }

  statement {
    # Its own rights, and those of its kind: none may be widened from within.
    sid           = "NothingElseInIam"
    effect        = "Deny"
    actions       = ["iam:*"]
    not_resources = ["${local.iam_arn}:role/${var.project}-*-function"]
  }

  statement {
    sid    = "KeepFunctionBoundaries"
    effect = "Deny"
    actions = [
      "iam:AttachRolePolicy",
      "iam:DeleteRolePermissionsBoundary",
      "iam:PutRolePermissionsBoundary",
      "iam:UpdateAssumeRolePolicy",
    ]
    resources = ["*"]
  }

  statement {
    sid       = "KeepStateBucket"
    effect    = "Deny"
    actions   = ["s3:DeleteBucket*", "s3:DeleteObjectVersion", "s3:PutBucket*", "s3:PutEncryptionConfiguration", "s3:PutLifecycleConfiguration"]
    resources = [aws_s3_bucket.state.arn, "${aws_s3_bucket.state.arn}/*"]
  }
}

resource "aws_iam_policy" "function_boundary" {
  for_each = var.environments

  name        = "${var.project}-function-boundary-${each.key}"
  description = "The most that the function of ${each.key} may ever do."
  policy      = data.aws_iam_policy_document.function_boundary[each.key].minified_json

  tags = { environment = each.key }
}

data "aws_iam_policy_document" "function_boundary" {
  for_each = local.names

  statement {
    sid       = "WriteOwnLogs"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${each.value.function_logs}:*"]
  }

  statement {
    sid       = "ReadOwnParameters"
    actions   = ["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath"]
    resources = ["${each.value.parameters}/*"]
  }

  statement {
    sid       = "DecryptOwnParameters"
    actions   = ["kms:Decrypt"]
    resources = [local.keys]

    condition {
      test     = "StringLike"
      variable = "kms:EncryptionContext:PARAMETER_ARN"
      values   = ["${each.value.parameters}/private/*"]
    }
  }

  statement {
    # None of these can be limited to a resource.
    sid = "MeasureAndTrace"
    actions = [
      "cloudwatch:DescribeAlarms",
      "cloudwatch:GetMetricData",
      "xray:PutTelemetryRecords",
      "xray:PutTraceSegments",
    ]
    resources = ["*"]
  }
}
