# GitHub's certificates are checked against AWS's own trust store; no thumbprint is needed.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc_verify-thumbprint.html
resource "aws_iam_openid_connect_provider" "github" {
  url            = "https://token.actions.githubusercontent.com"
  client_id_list = ["sts.amazonaws.com"]
}

locals {
  # Who may take which role: exact subjects, compared as a whole.
  # A job that names an environment presents that environment and nothing else. Checks and plans
  # name none: they present the pull request, or main on a schedule.
  deploy_subjects = { for name in var.environments : name => ["${var.subject_prefix}:environment:${name}"] }
  plan_subjects   = ["${var.subject_prefix}:pull_request", "${var.subject_prefix}:ref:refs/heads/main"]
}

data "aws_iam_policy_document" "trust" {
  for_each = merge(local.deploy_subjects, { plan = local.plan_subjects })

  statement {
    sid     = "GitHubActions"
    actions = ["sts:AssumeRoleWithWebIdentity"]

    principals {
      type        = "Federated"
      identifiers = [aws_iam_openid_connect_provider.github.arn]
    }

    condition {
      test     = "StringEquals"
      variable = "token.actions.githubusercontent.com:aud"
      values   = ["sts.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "token.actions.githubusercontent.com:sub"
      values   = each.value
    }
  }
}
