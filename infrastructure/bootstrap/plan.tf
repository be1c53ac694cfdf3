# Reads what a plan has to read, of every permanent environment: no lock, no secret. README.md says how
# to plan with it.

resource "aws_iam_role" "plan" {
  name                 = "${var.project}-plan"
  description          = "What a pull request's checks, and drift detection, may read."
  assume_role_policy   = local.trust["plan"]
  max_session_duration = 3600
  permissions_boundary = aws_iam_policy.deploy_boundary.arn
}

resource "aws_iam_role_policy" "plan" {
  name = "read"
  role = aws_iam_role.plan.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "ReadObjects"
        Effect = "Allow"
        Action = ["s3:GetObject", "s3:GetObjectTagging"]
        Resource = flatten([
          for name in local.names : [name.state, "${name.artifacts}/*", "${name.site}/*"]
        ])
      },
      {
        Sid    = "ReadBuckets"
        Effect = "Allow"
        Action = [
          "s3:GetAccelerateConfiguration",
          "s3:GetBucket*",
          "s3:GetEncryptionConfiguration",
          "s3:GetLifecycleConfiguration",
          "s3:GetReplicationConfiguration",
          "s3:ListBucket",
          "s3:ListTagsForResource",
        ]
        Resource = flatten([for name in local.names : [name.artifacts, name.site]])
      },
      {
        Sid      = "FindStates"
        Effect   = "Allow"
        Action   = ["s3:ListBucket"]
        Resource = [module.state.arn]
      },
      {
        Sid    = "ReadFunctions"
        Effect = "Allow"
        Action = [
          "lambda:GetAlias",
          "lambda:GetFunction",
          "lambda:GetFunctionCodeSigningConfig",
          "lambda:GetFunctionConfiguration",
          "lambda:GetFunctionEventInvokeConfig",
          "lambda:GetPolicy",
          "lambda:ListVersionsByFunction",
        ]
        Resource = flatten([for name in local.names : [name.function, "${name.function}:*"]])
      },
      {
        Sid      = "ReadSettings"
        Effect   = "Allow"
        Action   = ["ssm:GetParameter"]
        Resource = [for name in local.names : "${name.parameters}/public/*"]
      },
      {
        Sid      = "ReadTagsOfSettings"
        Effect   = "Allow"
        Action   = ["ssm:ListTagsForResource"]
        Resource = [for name in local.names : "${name.parameters}/*"]
      },
      {
        Sid      = "ReadLogGroups"
        Effect   = "Allow"
        Action   = ["logs:ListTagsForResource"]
        Resource = flatten([for name in local.names : [name.api_logs, name.function_logs]])
      },
      {
        Sid      = "ReadFunctionRoles"
        Effect   = "Allow"
        Action   = ["iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies"]
        Resource = [for name in local.names : name.function_role]
      },
      {
        Sid      = "ReadSchedules"
        Effect   = "Allow"
        Action   = ["events:DescribeRule", "events:ListTagsForResource", "events:ListTargetsByRule"]
        Resource = [for name in local.names : name.rule]
      },
      {
        Sid      = "ReadMonitoring"
        Effect   = "Allow"
        Action   = ["cloudwatch:GetDashboard", "cloudwatch:ListTagsForResource"]
        Resource = flatten([for name in local.names : [name.alarms, name.dashboard]])
      },
      {
        Sid    = "ReadApisDistributionsAndKeys"
        Effect = "Allow"
        Action = [
          "apigateway:GET",
          "cloudfront:GetDistribution",
          "cloudfront:ListTagsForResource",
          "kms:DescribeKey",
          "kms:GetKeyPolicy",
          "kms:GetKeyRotationStatus",
          "kms:ListResourceTags",
        ]
        Resource = ["${local.apis}/*", local.distributions, local.keys]
        Condition = {
          StringEquals = {
            "aws:ResourceTag/project" = var.project
          }
        }
      },
      {
        Sid      = "ReadPartsOfApis"
        Effect   = "Allow"
        Action   = ["apigateway:GET"]
        Resource = ["${local.apis}/*/*"]
        Condition = {
          StringEqualsIfExists = {
            "aws:ResourceTag/project" = var.project
          }
        }
      },
      {
        Sid      = "ReadEdgePolicies"
        Effect   = "Allow"
        Action   = ["cloudfront:GetCachePolicy", "cloudfront:GetOriginAccessControl", "cloudfront:GetResponseHeadersPolicy"]
        Resource = local.edge_policies
      },
      {
        Sid      = "ReadEdgeFunctions"
        Effect   = "Allow"
        Action   = ["cloudfront:DescribeFunction", "cloudfront:GetFunction"]
        Resource = [for name in local.names : name.edge_functions]
      },
      {
        Sid      = "AskTheAccount"
        Effect   = "Allow"
        Action   = local.account_wide_reads
        Resource = "*"
      },
      {
        # Never a secret value, whatever another statement allows.
        Sid         = "NoSecrets"
        Effect      = "Deny"
        Action      = ["kms:Decrypt", "ssm:GetParameter", "ssm:GetParameterHistory", "ssm:GetParameters", "ssm:GetParametersByPath"]
        NotResource = [for name in local.names : "${name.parameters}/public/*"]
      },
    ]
  })

  # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
  lifecycle {
    postcondition {
      condition     = length(self.policy) <= 10240
      error_message = "the policy of the role that plans is longer than the 10240 characters that IAM takes; name fewer environments, or shorter ones."
    }
  }
}
