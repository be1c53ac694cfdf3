# One role per permanent environment, and one that all previews share. A role's resources are named in
# full where the ARN is known in advance. Where AWS chooses the id (APIs, distributions, keys), they are
# told apart by the tags that the stack creates them with.

locals {
  # The names of each role's environments. No permanent one has a hyphen, so "pr-*" fits none of them.
  scopes = merge({ for name in var.environments : name => name }, { preview = "pr-*" })

  # StringEquals takes "pr-*" literally.
  equals = { for role, scope in local.scopes : role => role == "preview" ? "StringLike" : "StringEquals" }

  # What each role's environments have. The stack derives the same names.
  reach = {
    for role, scope in local.scopes : role => {
      alarms         = "arn:${local.partition}:cloudwatch:${var.region}:${local.account_id}:alarm:${var.project}-${scope}-*"
      artifacts      = "arn:${local.partition}:s3:::${var.project}-${scope}-artifacts-${local.account_id}"
      dashboard      = "arn:${local.partition}:cloudwatch::${local.account_id}:dashboard/${var.project}-${scope}"
      function       = "arn:${local.partition}:lambda:${var.region}:${local.account_id}:function:${var.project}-${scope}"
      edge_functions = "arn:${local.partition}:cloudfront::${local.account_id}:function/${var.project}-${scope}-*"
      function_role  = "${local.iam_arn}:role/${var.project}-${scope}-function"
      key_alias      = "arn:${local.partition}:kms:${var.region}:${local.account_id}:alias/${var.project}-${scope}"
      api_logs       = "arn:${local.partition}:logs:${var.region}:${local.account_id}:log-group:/aws/vendedlogs/apigateway/${var.project}-${scope}"
      function_logs  = "arn:${local.partition}:logs:${var.region}:${local.account_id}:log-group:/aws/lambda/${var.project}-${scope}"
      parameters     = "arn:${local.partition}:ssm:${var.region}:${local.account_id}:parameter/${var.project}/${scope}"
      rule           = "arn:${local.partition}:events:${var.region}:${local.account_id}:rule/${var.project}-${scope}-*"
      site           = "arn:${local.partition}:s3:::${var.project}-${scope}-site-${local.account_id}"
      state          = "${module.state.arn}/stack/${scope}/${scope}/terraform.tfstate"
      states         = role == "preview" ? ["stack/${scope}"] : [for rest in ["", "${scope}/", "${scope}/terraform.tfstate"] : "stack/${scope}/${rest}"]
    }
  }

  # The permanent environments, which pull requests plan.
  names = { for name in var.environments : name => local.reach[name] }

  # AWS grants these for the whole account or not at all.
  account_wide_reads = [
    "cloudwatch:DescribeAlarms",
    "kms:ListAliases",
    "logs:DescribeLogGroups",
    "ssm:DescribeParameters",
  ]
  # To find by its name what a run has made that died before Terraform recorded it. They tell names.
  finding = [
    "cloudfront:ListCachePolicies",
    "cloudfront:ListDistributions",
    "cloudfront:ListOriginAccessControls",
    "cloudfront:ListResponseHeadersPolicies",
    "kms:ListKeys",
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
  distributions = "arn:${local.partition}:cloudfront::${local.account_id}:distribution/*"
  tags          = "arn:${local.partition}:apigateway:${var.region}::/tags/*"
  keys          = "arn:${local.partition}:kms:${var.region}:${local.account_id}:key/*"
  edge_policies = [
    "arn:${local.partition}:cloudfront::${local.account_id}:cache-policy/*",
    "arn:${local.partition}:cloudfront::${local.account_id}:origin-access-control/*",
    "arn:${local.partition}:cloudfront::${local.account_id}:response-headers-policy/*",
  ]
}

resource "aws_iam_role" "deploy" {
  for_each = local.scopes

  name                 = "${var.project}-deploy-${each.key}"
  description          = "What GitHub may do to ${each.value}, and only to ${each.value}."
  assume_role_policy   = local.trust["deploy-${each.key}"]
  max_session_duration = 3600
  permissions_boundary = aws_iam_policy.deploy_boundary.arn

  tags = { environment = each.key }
}

# State, releases, pages, parameters and logs.
resource "aws_iam_role_policy" "deploy_data" {
  for_each = local.reach

  name = "data"
  role = aws_iam_role.deploy[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([
      {
        Sid      = "OwnState"
        Effect   = "Allow"
        Action   = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
        Resource = [each.value.state, "${each.value.state}.tflock"]
      },
      {
        # Terraform lists the workspaces below the environment's own prefix. S3 also checks this right,
        # without a prefix, to choose between "not found" and "denied" for a state that does not exist.
        # https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
        Sid      = "FindOwnState"
        Effect   = "Allow"
        Action   = ["s3:ListBucket"]
        Resource = [module.state.arn]
        Condition = {
          ("${local.equals[each.key]}IfExists") = {
            "s3:prefix" = each.value.states
          }
        }
      },
      {
        Sid    = "OwnBuckets"
        Effect = "Allow"
        Action = [
          "s3:CreateBucket",
          "s3:DeleteBucket",
          "s3:DeleteBucketPolicy",
          "s3:Get*Configuration",
          "s3:GetBucket*",
          "s3:ListBucket",
          "s3:List*",
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
        Resource = [each.value.artifacts, each.value.site]
      },
      {
        # The bucket's own policy says what cannot be deleted or overwritten.
        Sid    = "OwnObjects"
        Effect = "Allow"
        Action = [
          "s3:DeleteObject",
          "s3:DeleteObjectVersion",
          "s3:GetObject",
          "s3:GetObjectTagging",
          "s3:PutObject",
          "s3:PutObjectTagging",
        ]
        Resource = ["${each.value.artifacts}/*", "${each.value.site}/*"]
      },
      {
        Sid    = "OwnParameters"
        Effect = "Allow"
        Action = [
          "ssm:AddTagsToResource",
          "ssm:DeleteParameter",
          "ssm:GetParameter*",
          "ssm:ListTagsForResource",
          "ssm:PutParameter",
          "ssm:RemoveTagsFromResource",
        ]
        Resource = [each.value.parameters, "${each.value.parameters}/*"]
      },
      {
        Sid    = "OwnLogs"
        Effect = "Allow"
        Action = [
          "logs:CreateLogGroup",
          "logs:DeleteLogGroup",
          "logs:DescribeLogStreams",
          "logs:FilterLogEvents",
          "logs:GetLogEvents",
          "logs:ListTagsForResource",
          "logs:PutRetentionPolicy",
          "logs:TagResource",
          "logs:UntagResource",
        ]
        Resource = [
          each.value.api_logs,
          "${each.value.api_logs}:*",
          each.value.function_logs,
          "${each.value.function_logs}:*",
        ]
      },
      {
        Sid      = "AskTheAccount"
        Effect   = "Allow"
        Action   = concat(local.account_wide_reads, local.finding)
        Resource = "*"
      },
      {
        Sid      = "FindApis"
        Effect   = "Allow"
        Action   = ["apigateway:GET"]
        Resource = [local.apis]
      },
      ], each.key == "preview" ? [] : [
      {
        # API Gateway requires these of the caller that gives an HTTP API an access log. They reach every
        # log of the account: previews, whose role any branch may use, have no access log.
        # https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging.html
        Sid      = "DeliverAccessLogs"
        Effect   = "Allow"
        Action   = local.log_delivery
        Resource = "*"
      },
    ])
  })
}

# What runs, what watches it, and how users reach it.
resource "aws_iam_role_policy" "deploy_services" {
  for_each = local.reach

  name = "services"
  role = aws_iam_role.deploy[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([
      {
        Sid    = "OwnFunction"
        Effect = "Allow"
        Action = [
          "lambda:CreateAlias",
          "lambda:CreateFunction",
          "lambda:DeleteAlias",
          "lambda:DeleteFunction",
          "lambda:DeleteFunctionConcurrency",
          "lambda:DeleteFunctionEventInvokeConfig",
          "lambda:Get*",
          "lambda:InvokeFunction",
          "lambda:List*",
          "lambda:PublishVersion",
          "lambda:PutFunctionConcurrency",
          "lambda:PutFunctionEventInvokeConfig",
          "lambda:RemovePermission",
          "lambda:TagResource",
          "lambda:UntagResource",
          "lambda:UpdateAlias",
          "lambda:UpdateFunctionCode",
          "lambda:UpdateFunctionConfiguration",
        ]
        Resource = [each.value.function, "${each.value.function}:*"]
      },
      {
        # To API Gateway and the schedule, never to another account.
        Sid      = "OpenFunctionToAws"
        Effect   = "Allow"
        Action   = ["lambda:AddPermission"]
        Resource = [each.value.function, "${each.value.function}:*"]
        Condition = {
          StringEquals = {
            "lambda:Principal" = ["apigateway.amazonaws.com", "events.amazonaws.com"]
          }
        }
      },
      {
        Sid    = "ReadFunctionRole"
        Effect = "Allow"
        Action = [
          "iam:Get*",
          "iam:List*",
        ]
        Resource = [each.value.function_role]
      },
      {
        Sid      = "TagAndDeleteFunctionRole"
        Effect   = "Allow"
        Action   = ["iam:DeleteRole", "iam:TagRole", "iam:UntagRole", "iam:UpdateRoleDescription"]
        Resource = [each.value.function_role]
      },
      {
        Sid      = "OnlyBoundFunctionRole"
        Effect   = "Allow"
        Action   = ["iam:CreateRole", "iam:DeleteRolePolicy", "iam:PutRolePolicy"]
        Resource = [each.value.function_role]
        Condition = {
          StringEquals = {
            "iam:PermissionsBoundary" = aws_iam_policy.function_boundary[each.key].arn
          }
        }
      },
      {
        Sid      = "HandFunctionRoleToLambda"
        Effect   = "Allow"
        Action   = ["iam:PassRole"]
        Resource = [each.value.function_role]
        Condition = {
          StringEquals = {
            "iam:PassedToService" = "lambda.amazonaws.com"
          }
        }
      },
      {
        Sid    = "OwnSchedule"
        Effect = "Allow"
        Action = [
          "events:DeleteRule",
          "events:DescribeRule",
          "events:List*",
          "events:PutRule",
          "events:PutTargets",
          "events:RemoveTargets",
          "events:TagResource",
          "events:UntagResource",
        ]
        Resource = [each.value.rule]
      },
      {
        Sid    = "OwnMonitoring"
        Effect = "Allow"
        Action = [
          "cloudwatch:DeleteAlarms",
          "cloudwatch:DeleteDashboards",
          "cloudwatch:GetDashboard",
          "cloudwatch:ListTagsForResource",
          "cloudwatch:PutDashboard",
          "cloudwatch:PutMetricAlarm",
          "cloudwatch:TagResource",
          "cloudwatch:UntagResource",
        ]
        Resource = [each.value.alarms, each.value.dashboard]
      },
      {
        Sid      = "MakeOwnApi"
        Effect   = "Allow"
        Action   = ["apigateway:POST"]
        Resource = [local.apis]
        Condition = {
          (local.equals[each.key]) = {
            "aws:RequestTag/environment" = local.scopes[each.key]
            "aws:RequestTag/project"     = var.project
          }
        }
      },
      {
        # It can be limited to no resource.
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudfront.html
        Sid      = "MakeOwnDistribution"
        Effect   = "Allow"
        Action   = ["cloudfront:CreateDistribution"]
        Resource = "*"
        Condition = {
          (local.equals[each.key]) = {
            "aws:RequestTag/environment" = local.scopes[each.key]
            "aws:RequestTag/project"     = var.project
          }
        }
      },
      {
        # Creating something with tags needs the right to tag it. What another environment has tagged
        # stays out of reach.
        Sid      = "TagWhatIsMade"
        Effect   = "Allow"
        Action   = ["cloudfront:TagResource", "kms:TagResource"]
        Resource = [local.distributions, local.keys]
        Condition = {
          (local.equals[each.key]) = {
            "aws:RequestTag/environment" = local.scopes[each.key]
          }
          ("${local.equals[each.key]}IfExists") = {
            "aws:ResourceTag/environment" = local.scopes[each.key]
          }
        }
      },
      {
        # API Gateway asks for this besides POST, and does not document which tags it compares.
        Sid      = "TagOwnApi"
        Effect   = "Allow"
        Action   = ["apigateway:TagResource"]
        Resource = [local.apis, "${local.apis}/*"]
        Condition = {
          ("${local.equals[each.key]}IfExists") = {
            "aws:RequestTag/environment"  = local.scopes[each.key]
            "aws:ResourceTag/environment" = local.scopes[each.key]
          }
        }
      },
      {
        # Any tags but those that say whose it is: nothing in API Gateway's /tags says whose API is tagged.
        Sid      = "ChangeOtherTags"
        Effect   = "Allow"
        Action   = ["apigateway:DELETE", "apigateway:POST", "cloudfront:TagResource", "cloudfront:UntagResource"]
        Resource = [local.tags, local.distributions]
        Condition = {
          "ForAllValues:StringNotEquals" = {
            "aws:TagKeys" = ["environment", "project"]
          }
          Null = {
            "aws:TagKeys" = "false"
          }
          ("${local.equals[each.key]}IfExists") = {
            "aws:ResourceTag/environment" = local.scopes[each.key]
          }
        }
      },
      {
        Sid    = "OwnApiAndDistribution"
        Effect = "Allow"
        Action = [
          "apigateway:DELETE",
          "apigateway:GET",
          "apigateway:PATCH",
          "apigateway:POST",
          "cloudfront:DeleteDistribution",
          "cloudfront:GetDistribution",
          "cloudfront:ListTagsForResource",
          "cloudfront:UpdateDistribution",
        ]
        Resource = ["${local.apis}/*", local.distributions]
        Condition = {
          (local.equals[each.key]) = {
            "aws:ResourceTag/environment" = local.scopes[each.key]
            "aws:ResourceTag/project"     = var.project
          }
        }
      },
      {
        # Routes, integrations and stages. AWS does not document whether these carry their API's tags in
        # version 2 of API Gateway; if they do, the tags must be the environment's own.
        Sid    = "PartsOfOwnApi"
        Effect = "Allow"
        Action = [
          "apigateway:DELETE",
          "apigateway:GET",
          "apigateway:PATCH",
          "apigateway:POST",
        ]
        Resource = ["${local.apis}/*/*"]
        Condition = {
          ("${local.equals[each.key]}IfExists") = {
            "aws:ResourceTag/environment" = local.scopes[each.key]
          }
        }
      },
      {
        # They have no tags and no known ids: a role creates and deletes them, but never changes one.
        # CloudFront refuses to delete one that any distribution uses. Functions have names, but their
        # creation can be limited to none.
        Sid    = "MakeEdgePolicies"
        Effect = "Allow"
        Action = [
          "cloudfront:CreateCachePolicy",
          "cloudfront:CreateFunction",
          "cloudfront:CreateOriginAccessControl",
          "cloudfront:CreateResponseHeadersPolicy",
        ]
        Resource = "*"
      },
      {
        Sid    = "ReadAndDeleteEdgePolicies"
        Effect = "Allow"
        Action = [
          "cloudfront:DeleteCachePolicy",
          "cloudfront:DeleteOriginAccessControl",
          "cloudfront:DeleteResponseHeadersPolicy",
          "cloudfront:Get*",
        ]
        Resource = local.edge_policies
      },
      {
        Sid    = "OwnEdgeFunctions"
        Effect = "Allow"
        Action = [
          "cloudfront:DeleteFunction",
          "cloudfront:DescribeFunction",
          "cloudfront:GetFunction",
          "cloudfront:PublishFunction",
          "cloudfront:UpdateFunction",
        ]
        Resource = [local.reach[each.key].edge_functions]
      },
      ], [
      for statement in [
        {
          # The key's own policy grants everything else; see ../stack/settings.tf. Previews have none.
          Sid      = "MakeOwnKey"
          Effect   = "Allow"
          Action   = ["kms:CreateKey"]
          Resource = "*"
          Condition = {
            (local.equals[each.key]) = {
              "aws:RequestTag/environment" = local.scopes[each.key]
              "aws:RequestTag/project"     = var.project
            }
          }
        },
        {
          Sid      = "NameOwnKey"
          Effect   = "Allow"
          Action   = ["kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias"]
          Resource = [each.value.key_alias]
        },
      ] : statement if each.key != "preview"
    ])
  })

  # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
  lifecycle {
    postcondition {
      condition     = length(self.policy) + length(aws_iam_role_policy.deploy_data[each.key].policy) <= 10240
      error_message = "the policies of the role of ${each.key} are longer than the 10240 characters that IAM takes; shorten the names of the project and its environments."
    }
  }
}
