locals {
  # What an environment starts with. Whoever runs it changes the values in Parameter Store.
  settings = {
    maintenance     = { value = "false", description = "Whether the page says that work is going on: true or false." }
    notice          = { value = "none", description = "A line that the page shows on top; none for no line." }
    refresh_seconds = { value = "30", description = "How often an open page asks again." }
    title           = { value = "Serverless Flask", description = "The heading of the page." }
  }
}

resource "aws_ssm_parameter" "public" {
  #checkov:skip=CKV2_AWS_34:The API tells these to everybody.
  for_each = local.settings

  name        = "${local.parameter_prefix}/public/${each.key}"
  description = each.value.description
  type        = "String"
  value       = each.value.value

  lifecycle {
    ignore_changes = [value]
  }
}

# The key says itself who may use it: a right by name in IAM would need its id in advance, and one by
# tag would reach every key that somebody tags.
resource "aws_kms_key" "private" {
  description             = "Encrypts the private parameters of ${local.name}."
  deletion_window_in_days = local.force_destroy ? 7 : 30
  enable_key_rotation     = true
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "GovernedByTheAccount"
        Effect    = "Allow"
        Principal = { AWS = "arn:${local.partition}:iam::${local.account_id}:root" }
        Action    = ["kms:*"]
        Resource  = "*"
      },
      {
        Sid       = "KeptByItsDeployRole"
        Effect    = "Allow"
        Principal = { AWS = local.deploy_role_arn }
        Action = [
          "kms:CancelKeyDeletion",
          "kms:CreateAlias",
          "kms:DeleteAlias",
          "kms:DescribeKey",
          "kms:DisableKeyRotation",
          "kms:EnableKeyRotation",
          "kms:GetKeyPolicy",
          "kms:GetKeyRotationStatus",
          "kms:ListResourceTags",
          "kms:PutKeyPolicy",
          "kms:ScheduleKeyDeletion",
          "kms:TagResource",
          "kms:UntagResource",
          "kms:UpdateAlias",
          "kms:UpdateKeyDescription",
        ]
        Resource = "*"
      },
      {
        # The provider writes the parameter, and reads it back on every plan.
        Sid       = "UsedThroughParameterStore"
        Effect    = "Allow"
        Principal = { AWS = local.deploy_role_arn }
        Action    = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"]
        Resource  = "*"
        Condition = {
          StringEquals = {
            "kms:ViaService" = "ssm.${var.region}.amazonaws.com"
          }
        }
      },
    ]
  })
}

resource "aws_kms_alias" "private" {
  name          = "alias/${local.name}"
  target_key_id = aws_kms_key.private.key_id
}

# Every run draws another value, and forgets it: a write-only argument reaches Parameter Store when
# the parameter is made or `secret_version` is raised, and never a plan or a state. Raise that as well
# with any change but of tags, which the provider would otherwise send without a value.
resource "aws_ssm_parameter" "secret_key" {
  name             = "${local.parameter_prefix}/private/secret_key"
  description      = "The application's secret key."
  type             = "SecureString"
  key_id           = aws_kms_key.private.arn
  value_wo         = replace("${uuid()}${uuid()}", "-", "")
  value_wo_version = var.secret_version
}
