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
data "aws_iam_policy_document" "key" {
  #checkov:skip=CKV_AWS_109:In a key policy "*" means this one key.
  #checkov:skip=CKV_AWS_111:In a key policy "*" means this one key.
  #checkov:skip=CKV_AWS_356:In a key policy "*" means this one key.
  statement {
    sid       = "GovernedByTheAccount"
    actions   = ["kms:*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["arn:${local.partition}:iam::${local.account_id}:root"]
    }
  }

  statement {
    sid = "KeptByItsDeployRole"
    actions = [
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
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = [local.deploy_role_arn]
    }
  }

  statement {
    # The provider writes the parameter, and reads it back on every plan.
    sid       = "UsedThroughParameterStore"
    actions   = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = [local.deploy_role_arn]
    }

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["ssm.${var.region}.amazonaws.com"]
    }
  }
}

resource "aws_kms_key" "private" {
  description             = "Encrypts the private parameters of ${local.name}."
  deletion_window_in_days = local.force_destroy ? 7 : 30
  enable_key_rotation     = true
  policy                  = data.aws_iam_policy_document.key.json
}

resource "aws_kms_alias" "private" {
  name          = "alias/${local.name}"
  target_key_id = aws_kms_key.private.key_id
}

# Drawn anew on every run, and used only when the parameter is made or `secret_version` is raised.
ephemeral "aws_secretsmanager_random_password" "secret_key" {
  exclude_punctuation = true
  password_length     = 64
}

# The provider sends an update of anything but the tags without the value: raise `secret_version`
# together with such a change.
resource "aws_ssm_parameter" "secret_key" {
  name             = "${local.parameter_prefix}/private/secret_key"
  description      = "The application's secret key."
  type             = "SecureString"
  key_id           = aws_kms_key.private.arn
  value_wo         = ephemeral.aws_secretsmanager_random_password.secret_key.random_password
  value_wo_version = var.secret_version
}
