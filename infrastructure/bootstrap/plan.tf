# Reads what a plan has to read, of every environment, and changes nothing. It takes no lock, so
# plan with -lock=false. It reads no private parameter, so a plan that refreshes everything is
# refused: compare with the state as it stands by -refresh=false, or look for drift with -target
# for everything but the secret.

resource "aws_iam_role" "plan" {
  name                 = "${var.project}-plan"
  description          = "What a pull request's checks, and the search for drift, may read."
  assume_role_policy   = data.aws_iam_policy_document.trust["plan"].json
  max_session_duration = 3600
  permissions_boundary = aws_iam_policy.deploy_boundary.arn
}

resource "aws_iam_role_policy" "plan" {
  name   = "read"
  role   = aws_iam_role.plan.id
  policy = data.aws_iam_policy_document.plan.minified_json
}

data "aws_iam_policy_document" "plan" {
  statement {
    sid     = "ReadObjects"
    actions = ["s3:GetObject", "s3:GetObjectTagging"]
    resources = flatten([
      for name in local.names : [name.state, "${name.artifacts}/*", "${name.site}/*"]
    ])
  }

  statement {
    sid = "ReadBuckets"
    actions = [
      "s3:GetAccelerateConfiguration",
      "s3:GetBucket*",
      "s3:GetEncryptionConfiguration",
      "s3:GetLifecycleConfiguration",
      "s3:GetReplicationConfiguration",
      "s3:ListBucket",
      "s3:ListTagsForResource",
    ]
    resources = flatten([for name in local.names : [name.artifacts, name.site]])
  }

  statement {
    sid       = "FindStates"
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.state.arn]
  }

  statement {
    sid = "ReadFunctions"
    actions = [
      "lambda:GetAlias",
      "lambda:GetFunction",
      "lambda:GetFunctionCodeSigningConfig",
      "lambda:GetFunctionConcurrency",
      "lambda:GetFunctionConfiguration",
      "lambda:GetPolicy",
      "lambda:GetRuntimeManagementConfig",
      "lambda:ListTags",
      "lambda:ListVersionsByFunction",
    ]
    resources = flatten([for name in local.names : [name.function, "${name.function}:*"]])
  }

  statement {
    sid       = "ReadSettings"
    actions   = ["ssm:GetParameter"]
    resources = [for name in local.names : "${name.parameters}/public/*"]
  }

  statement {
    sid       = "ReadTagsOfSettings"
    actions   = ["ssm:ListTagsForResource"]
    resources = [for name in local.names : "${name.parameters}/*"]
  }

  statement {
    sid       = "ReadLogGroups"
    actions   = ["logs:ListTagsForResource"]
    resources = flatten([for name in local.names : [name.api_logs, name.function_logs]])
  }

  statement {
    sid       = "ReadFunctionRoles"
    actions   = ["iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies"]
    resources = [for name in local.names : name.function_role]
  }

  statement {
    sid       = "ReadSchedules"
    actions   = ["events:DescribeRule", "events:ListTagsForResource", "events:ListTargetsByRule"]
    resources = [for name in local.names : name.rule]
  }

  statement {
    sid       = "ReadMonitoring"
    actions   = ["cloudwatch:GetDashboard", "cloudwatch:ListTagsForResource"]
    resources = flatten([for name in local.names : [name.alarms, name.dashboard]])
  }

  statement {
    sid = "ReadApisDistributionsAndKeys"
    actions = [
      "apigateway:GET",
      "cloudfront:GetDistribution",
      "cloudfront:ListTagsForResource",
      "kms:DescribeKey",
      "kms:GetKeyPolicy",
      "kms:GetKeyRotationStatus",
      "kms:ListResourceTags",
    ]
    resources = ["${local.apis}/*", local.distributions, local.keys]

    condition {
      test     = "StringEquals"
      variable = "aws:ResourceTag/project"
      values   = [var.project]
    }
  }

  statement {
    sid       = "ReadPartsOfApis"
    actions   = ["apigateway:GET"]
    resources = ["${local.apis}/*/*"]

    condition {
      test     = "StringEqualsIfExists"
      variable = "aws:ResourceTag/project"
      values   = [var.project]
    }
  }

  statement {
    sid       = "ReadEdgePolicies"
    actions   = ["cloudfront:GetCachePolicy", "cloudfront:GetOriginAccessControl", "cloudfront:GetResponseHeadersPolicy"]
    resources = local.edge_policies
  }

  statement {
    sid       = "AskTheAccount"
    actions   = local.account_wide_reads
    resources = ["*"]
  }

  statement {
    # Never a value that is somebody's secret, whatever else comes to be allowed.
    sid           = "NoSecrets"
    effect        = "Deny"
    actions       = ["kms:Decrypt", "ssm:GetParameter", "ssm:GetParameterHistory", "ssm:GetParameters", "ssm:GetParametersByPath"]
    not_resources = [for name in local.names : "${name.parameters}/public/*"]
  }
}
