# The outer limits, whatever the policies inside come to say.

resource "aws_iam_policy" "deploy_boundary" {
  name        = "${var.project}-deploy-boundary"
  description = "The most that a role which deploys or plans may ever do."
  policy      = data.aws_iam_policy_document.deploy_boundary.minified_json
}

data "aws_iam_policy_document" "deploy_boundary" {
  #checkov:skip=CKV_AWS_107:A boundary grants nothing; each role's own policies do, by name.
  #checkov:skip=CKV_AWS_108:A boundary grants nothing; each role's own policies do, by name.
  #checkov:skip=CKV_AWS_109:A boundary grants nothing; each role's own policies do, by name.
  #checkov:skip=CKV_AWS_111:A boundary grants nothing; each role's own policies do, by name.
  #checkov:skip=CKV_AWS_356:A boundary grants nothing; each role's own policies do, by name.
  #checkov:skip=CKV2_AWS_40:A boundary grants nothing; each role's own policies do, by name.

  statement {
    sid     = "WhatBearsTheProjectsName"
    actions = ["cloudwatch:*", "events:*", "lambda:*", "logs:*", "s3:*", "ssm:*"]
    resources = [
      "arn:${local.partition}:cloudwatch:${var.region}:${local.account_id}:alarm:${var.project}-*",
      "arn:${local.partition}:cloudwatch::${local.account_id}:dashboard/${var.project}-*",
      "arn:${local.partition}:events:${var.region}:${local.account_id}:rule/${var.project}-*",
      "arn:${local.partition}:lambda:${var.region}:${local.account_id}:function:${var.project}-*",
      "arn:${local.partition}:logs:${var.region}:${local.account_id}:log-group:/aws/*/${var.project}-*",
      "arn:${local.partition}:s3:::${var.project}-*",
      "arn:${local.partition}:ssm:${var.region}:${local.account_id}:parameter/${var.project}/*",
    ]
  }

  statement {
    # Here AWS draws the names itself, or knows only the account as a whole.
    sid       = "WhatHasNoName"
    actions   = concat(local.account_wide_reads, local.log_delivery, ["apigateway:*", "cloudfront:*", "kms:*"])
    resources = ["*"]
  }

  statement {
    sid       = "FunctionRoles"
    actions   = ["iam:*"]
    resources = ["${local.iam_arn}:role/${var.project}-*-function"]
  }

  statement {
    # Neither its own rights nor those of its kind, nor the trust in GitHub, may be widened from
    # within: nothing in IAM but the functions' roles.
    sid           = "NothingElseInIam"
    effect        = "Deny"
    actions       = ["iam:*"]
    not_resources = ["${local.iam_arn}:role/${var.project}-*-function"]
  }

  statement {
    sid    = "KeepFunctionRolesBound"
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
    # Old versions of a state are the way back when one is lost.
    sid    = "KeepStateBucket"
    effect = "Deny"
    actions = [
      "s3:DeleteBucket*",
      "s3:DeleteObjectVersion",
      "s3:PutBucket*",
      "s3:PutEncryptionConfiguration",
      "s3:PutLifecycleConfiguration",
    ]
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
    # GetParametersByPath is asked for the path, which no "/*" covers.
    sid     = "ReadOwnParameters"
    actions = ["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath"]
    resources = [
      "${each.value.parameters}/private",
      "${each.value.parameters}/private/*",
      "${each.value.parameters}/public",
      "${each.value.parameters}/public/*",
    ]
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
