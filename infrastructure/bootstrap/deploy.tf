# One role per environment. Every resource it may touch is named in full where its ARN is known in
# advance; where AWS draws the id itself (APIs, distributions, keys), by the tags that the stack
# puts on it when it makes it.

locals {
  # What each environment's resources are called. The stack derives the same names.
  names = {
    for environment in var.environments : environment => {
      alarms           = "arn:${local.partition}:cloudwatch:${var.region}:${local.account_id}:alarm:${var.project}-${environment}-*"
      artifacts        = "arn:${local.partition}:s3:::${var.project}-${environment}-artifacts-${local.account_id}"
      dashboard        = "arn:${local.partition}:cloudwatch::${local.account_id}:dashboard/${var.project}-${environment}"
      function         = "arn:${local.partition}:lambda:${var.region}:${local.account_id}:function:${var.project}-${environment}"
      function_role    = "${local.iam_arn}:role/${var.project}-${environment}-function"
      key_alias        = "arn:${local.partition}:kms:${var.region}:${local.account_id}:alias/${var.project}-${environment}"
      api_logs         = "arn:${local.partition}:logs:${var.region}:${local.account_id}:log-group:/aws/apigateway/${var.project}-${environment}"
      function_logs    = "arn:${local.partition}:logs:${var.region}:${local.account_id}:log-group:/aws/lambda/${var.project}-${environment}"
      parameters       = "arn:${local.partition}:ssm:${var.region}:${local.account_id}:parameter/${var.project}/${environment}"
      rule             = "arn:${local.partition}:events:${var.region}:${local.account_id}:rule/${var.project}-${environment}-warm-up"
      site             = "arn:${local.partition}:s3:::${var.project}-${environment}-site-${local.account_id}"
      state            = "${aws_s3_bucket.state.arn}/stack/${environment}/${environment}/terraform.tfstate"
      state_key_prefix = "stack/${environment}/"
    }
  }

  # Rights that AWS gives for the account as a whole or not at all.
  account_wide_reads = [
    "cloudwatch:DescribeAlarms",
    "kms:ListAliases",
    "logs:DescribeLogGroups",
    "secretsmanager:GetRandomPassword",
    "ssm:DescribeParameters",
  ]
  log_delivery = [
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
  ]

  apis          = "arn:${local.partition}:apigateway:${var.region}::/apis"
  api_tags      = "arn:${local.partition}:apigateway:${var.region}::/tags/*"
  distributions = "arn:${local.partition}:cloudfront::${local.account_id}:distribution/*"
  keys          = "arn:${local.partition}:kms:${var.region}:${local.account_id}:key/*"
  edge_policies = [
    "arn:${local.partition}:cloudfront::${local.account_id}:cache-policy/*",
    "arn:${local.partition}:cloudfront::${local.account_id}:origin-access-control/*",
    "arn:${local.partition}:cloudfront::${local.account_id}:response-headers-policy/*",
  ]
}

resource "aws_iam_role" "deploy" {
  for_each = var.environments

  name                 = "${var.project}-deploy-${each.key}"
  description          = "What GitHub may do to ${each.key}, and only to ${each.key}."
  assume_role_policy   = data.aws_iam_policy_document.trust[each.key].json
  max_session_duration = 3600
  permissions_boundary = aws_iam_policy.deploy_boundary.arn

  tags = { environment = each.key }
}

resource "aws_iam_role_policy" "deploy_data" {
  for_each = var.environments

  name   = "data"
  role   = aws_iam_role.deploy[each.key].id
  policy = data.aws_iam_policy_document.deploy_data[each.key].minified_json
}

resource "aws_iam_role_policy" "deploy_services" {
  for_each = var.environments

  name   = "services"
  role   = aws_iam_role.deploy[each.key].id
  policy = data.aws_iam_policy_document.deploy_services[each.key].minified_json
}

# State, releases, pages, parameters and logs.
data "aws_iam_policy_document" "deploy_data" {
  for_each = local.names

  statement {
    sid       = "OwnState"
    actions   = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
    resources = [each.value.state, "${each.value.state}.tflock"]
  }

  statement {
    # Terraform lists the workspaces below the environment's own prefix. S3 also asks for this
    # right, without a prefix, when it decides between "not found" and "denied" for a state that
    # is not there yet.
    sid       = "FindOwnState"
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.state.arn]

    condition {
      test     = "StringEqualsIfExists"
      variable = "s3:prefix"
      values   = [each.value.state_key_prefix, "${each.value.state_key_prefix}${each.key}/", "${each.value.state_key_prefix}${each.key}/terraform.tfstate"]
    }
  }

  statement {
    sid = "OwnBuckets"
    actions = [
      "s3:CreateBucket",
      "s3:DeleteBucket",
      "s3:DeleteBucketPolicy",
      "s3:GetAccelerateConfiguration",
      "s3:GetBucket*",
      "s3:GetEncryptionConfiguration",
      "s3:GetLifecycleConfiguration",
      "s3:GetReplicationConfiguration",
      "s3:ListBucket",
      "s3:ListBucketVersions",
      "s3:ListTagsForResource",
      "s3:PutBucketOwnershipControls",
      "s3:PutBucketPolicy",
      "s3:PutBucketPublicAccessBlock",
      "s3:PutBucketTagging",
      "s3:PutBucketVersioning",
      "s3:PutEncryptionConfiguration",
      "s3:PutLifecycleConfiguration",
      "s3:TagResource",
      "s3:UntagResource",
    ]
    resources = [each.value.artifacts, each.value.site]
  }

  statement {
    # What may not be deleted or overwritten while the bucket stands, its own policy says.
    sid = "OwnObjects"
    actions = [
      "s3:DeleteObject",
      "s3:DeleteObjectVersion",
      "s3:GetObject",
      "s3:GetObjectTagging",
      "s3:GetObjectVersion",
      "s3:PutObject",
      "s3:PutObjectTagging",
    ]
    resources = ["${each.value.artifacts}/*", "${each.value.site}/*"]
  }

  statement {
    sid = "OwnParameters"
    actions = [
      "ssm:AddTagsToResource",
      "ssm:DeleteParameter",
      "ssm:GetParameter",
      "ssm:ListTagsForResource",
      "ssm:PutParameter",
      "ssm:RemoveTagsFromResource",
    ]
    resources = ["${each.value.parameters}/private/*", "${each.value.parameters}/public/*"]
  }

  statement {
    sid = "OwnLogs"
    actions = [
      "logs:CreateLogGroup",
      "logs:DeleteLogGroup",
      "logs:DeleteRetentionPolicy",
      "logs:FilterLogEvents",
      "logs:ListTagsForResource",
      "logs:PutRetentionPolicy",
      "logs:TagResource",
      "logs:UntagResource",
    ]
    resources = [
      each.value.api_logs,
      "${each.value.api_logs}:*",
      each.value.function_logs,
      "${each.value.function_logs}:*",
    ]
  }

  statement {
    # API Gateway asks its caller for these when an HTTP API gets an access log.
    # https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging.html
    sid       = "DeliverAccessLogs"
    actions   = local.log_delivery
    resources = ["*"]
  }

  statement {
    # What these services let one ask only of the account as a whole.
    sid       = "AskTheAccount"
    actions   = local.account_wide_reads
    resources = ["*"]
  }
}

# What runs, what watches it, and how users reach it.
data "aws_iam_policy_document" "deploy_services" {
  for_each = local.names

  statement {
    sid = "OwnFunction"
    actions = [
      "lambda:CreateAlias",
      "lambda:CreateFunction",
      "lambda:DeleteAlias",
      "lambda:DeleteFunction",
      "lambda:DeleteFunctionConcurrency",
      "lambda:GetAlias",
      "lambda:GetFunction",
      "lambda:GetFunctionCodeSigningConfig",
      "lambda:GetFunctionConcurrency",
      "lambda:GetFunctionConfiguration",
      "lambda:GetPolicy",
      "lambda:GetRuntimeManagementConfig",
      "lambda:InvokeFunction",
      "lambda:ListTags",
      "lambda:ListVersionsByFunction",
      "lambda:PublishVersion",
      "lambda:PutFunctionConcurrency",
      "lambda:RemovePermission",
      "lambda:TagResource",
      "lambda:UntagResource",
      "lambda:UpdateAlias",
      "lambda:UpdateFunctionCode",
      "lambda:UpdateFunctionConfiguration",
    ]
    resources = [each.value.function, "${each.value.function}:*"]
  }

  statement {
    # To this account's API and schedule, never to another account.
    sid       = "OpenFunctionToAws"
    actions   = ["lambda:AddPermission"]
    resources = [each.value.function, "${each.value.function}:*"]

    condition {
      test     = "StringEquals"
      variable = "lambda:Principal"
      values   = ["apigateway.amazonaws.com", "events.amazonaws.com"]
    }
  }

  statement {
    sid = "ReadFunctionRole"
    actions = [
      "iam:GetRole",
      "iam:GetRolePolicy",
      "iam:ListAttachedRolePolicies",
      "iam:ListInstanceProfilesForRole",
      "iam:ListRolePolicies",
    ]
    resources = [each.value.function_role]
  }

  statement {
    sid       = "TagAndDeleteFunctionRole"
    actions   = ["iam:DeleteRole", "iam:TagRole", "iam:UntagRole", "iam:UpdateRole"]
    resources = [each.value.function_role]
  }

  statement {
    sid       = "OnlyBoundFunctionRole"
    actions   = ["iam:CreateRole", "iam:DeleteRolePolicy", "iam:PutRolePolicy"]
    resources = [each.value.function_role]

    condition {
      test     = "StringEquals"
      variable = "iam:PermissionsBoundary"
      values   = [aws_iam_policy.function_boundary[each.key].arn]
    }
  }

  statement {
    sid       = "HandFunctionRoleToLambda"
    actions   = ["iam:PassRole"]
    resources = [each.value.function_role]

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["lambda.amazonaws.com"]
    }
  }

  statement {
    sid = "OwnSchedule"
    actions = [
      "events:DeleteRule",
      "events:DescribeRule",
      "events:ListTagsForResource",
      "events:ListTargetsByRule",
      "events:PutRule",
      "events:PutTargets",
      "events:RemoveTargets",
      "events:TagResource",
      "events:UntagResource",
    ]
    resources = [each.value.rule]
  }

  statement {
    sid = "OwnMonitoring"
    actions = [
      "cloudwatch:DeleteAlarms",
      "cloudwatch:DeleteDashboards",
      "cloudwatch:GetDashboard",
      "cloudwatch:ListTagsForResource",
      "cloudwatch:PutDashboard",
      "cloudwatch:PutMetricAlarm",
      "cloudwatch:TagResource",
      "cloudwatch:UntagResource",
    ]
    resources = [each.value.alarms, each.value.dashboard]
  }

  statement {
    # Whatever else may be done with a key, the policy it is made with says.
    sid       = "MakeOwnKey"
    actions   = ["kms:CreateKey"]
    resources = ["*"]

    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/environment"
      values   = [each.key]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/project"
      values   = [var.project]
    }
  }

  statement {
    sid       = "NameOwnKey"
    actions   = ["kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias"]
    resources = [each.value.key_alias]
  }

  statement {
    sid       = "MakeOwnApiAndDistribution"
    actions   = ["apigateway:POST", "cloudfront:CreateDistribution"]
    resources = [local.apis, local.distributions]

    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/environment"
      values   = [each.key]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/project"
      values   = [var.project]
    }
  }

  statement {
    # Naming tags while making something needs the right to tag it. What another environment
    # has tagged stays out of reach.
    sid       = "TagWhatIsMade"
    actions   = ["apigateway:PUT", "apigateway:TagResource", "cloudfront:TagResource", "kms:TagResource"]
    resources = [local.api_tags, local.apis, "${local.apis}/*", local.distributions, local.keys]

    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/environment"
      values   = [each.key]
    }

    condition {
      test     = "StringEqualsIfExists"
      variable = "aws:ResourceTag/environment"
      values   = [each.key]
    }
  }

  statement {
    sid = "OwnApiAndDistribution"
    actions = [
      "apigateway:DELETE",
      "apigateway:GET",
      "apigateway:PATCH",
      "apigateway:POST",
      "apigateway:PUT",
      "cloudfront:DeleteDistribution",
      "cloudfront:GetDistribution",
      "cloudfront:ListTagsForResource",
      "cloudfront:UpdateDistribution",
    ]
    resources = ["${local.apis}/*", local.distributions]

    condition {
      test     = "StringEquals"
      variable = "aws:ResourceTag/environment"
      values   = [each.key]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:ResourceTag/project"
      values   = [var.project]
    }
  }

  statement {
    # Routes, integrations and stages. AWS does not document whether they carry their API's tags
    # in version 2 of API Gateway: where they do, they have to be the environment's own.
    sid = "PartsOfOwnApi"
    actions = [
      "apigateway:DELETE",
      "apigateway:GET",
      "apigateway:PATCH",
      "apigateway:POST",
      "apigateway:PUT",
    ]
    resources = ["${local.apis}/*/*"]

    condition {
      test     = "StringEqualsIfExists"
      variable = "aws:ResourceTag/environment"
      values   = [each.key]
    }
  }

  statement {
    # Neither tags nor known ids: so these are made and deleted, never changed. CloudFront itself
    # refuses to delete one that a distribution uses, whosesoever it is.
    sid = "MakeEdgePolicies"
    actions = [
      "cloudfront:CreateCachePolicy",
      "cloudfront:CreateOriginAccessControl",
      "cloudfront:CreateResponseHeadersPolicy",
    ]
    resources = ["*"]
  }

  statement {
    sid = "ReadAndDeleteEdgePolicies"
    actions = [
      "cloudfront:DeleteCachePolicy",
      "cloudfront:DeleteOriginAccessControl",
      "cloudfront:DeleteResponseHeadersPolicy",
      "cloudfront:GetCachePolicy",
      "cloudfront:GetOriginAccessControl",
      "cloudfront:GetResponseHeadersPolicy",
    ]
    resources = local.edge_policies
  }
}
