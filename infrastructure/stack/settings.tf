locals {
  # A preview lives for days: a key would cost a dollar, and outlive it by a week.
  own_key = var.customer_managed_key && !local.preview

  # AWS's own key costs nothing, and all roles of the account may use it by way of Parameter Store: what
  # keeps them from a secret is their right to the parameter.
  # https://docs.aws.amazon.com/systems-manager/latest/userguide/ps-restrict-decryption.html
  settings_key = local.own_key ? aws_kms_alias.settings[0].name : "alias/aws/ssm"

  settings_arn = "arn:${local.partition}:ssm:${var.region}:${local.account_id}:parameter${local.parameter_prefix}"

  settings_statements = concat([
    {
      # Checked against the path itself as well as what lies below it.
      # https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-access.html
      Sid      = "ReadOwnSettings"
      Effect   = "Allow"
      Action   = ["ssm:GetParametersByPath"]
      Resource = [local.settings_arn, "${local.settings_arn}/*"]
    },
    ], local.own_key ? [
    {
      Sid      = "DecryptOwnSettings"
      Effect   = "Allow"
      Action   = ["kms:Decrypt"]
      Resource = aws_kms_key.settings[0].arn
      Condition = {
        StringLike = {
          "kms:EncryptionContext:PARAMETER_ARN" = "${local.settings_arn}/*"
        }
      }
    },
  ] : [])
}

# The key's own policy says who may use it: a right in IAM would need its id in advance, or by tag would
# reach every key that bears the tag.
resource "aws_kms_key" "settings" {
  count = local.own_key ? 1 : 0

  description             = "Encrypts the secrets of ${local.name}."
  deletion_window_in_days = var.force_destroy ? 7 : 30
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
        # The provider and `ship settings` write parameters and read them back.
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

resource "aws_kms_alias" "settings" {
  count = local.own_key ? 1 : 0

  name          = "alias/${local.name}"
  target_key_id = aws_kms_key.settings[0].key_id
}

# Every run draws another value and forgets it: a write-only argument reaches Parameter Store when the
# parameter is made, and never a plan or a state. `ship settings ENV rotate SECRET_KEY` draws the next.
# https://developer.hashicorp.com/terraform/language/resources/ephemeral/write-only
resource "aws_ssm_parameter" "secret_key" {
  name             = "${local.parameter_prefix}/SECRET_KEY"
  description      = "Signs the application's sessions."
  type             = "SecureString"
  key_id           = local.settings_key
  value_wo         = replace("${uuid()}${uuid()}", "-", "")
  value_wo_version = 1

  lifecycle {
    # The provider would send a change of these without the value.
    ignore_changes = [description, key_id]
  }
}
