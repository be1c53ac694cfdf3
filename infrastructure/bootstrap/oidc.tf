# AWS checks GitHub's certificate against its own trust store, so no thumbprint is needed.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc_verify-thumbprint.html
resource "aws_iam_openid_connect_provider" "github" {
  url            = "https://token.actions.githubusercontent.com"
  client_id_list = ["sts.amazonaws.com"]
}

locals {
  # Who may assume which role, as exact subjects. A job that names an environment presents that
  # environment and not its branch; GitHub's settings of the environment say which branches may name it.
  # A pull request's checks and drift detection on main name none.
  # https://docs.github.com/en/actions/reference/security/oidc#example-subject-claims
  subjects = merge(
    { for role in keys(local.scopes) : "deploy-${role}" => ["${var.subject_prefix}:environment:${role}"] },
    { plan = ["${var.subject_prefix}:pull_request", "${var.subject_prefix}:ref:refs/heads/main"] },
  )

  trust = {
    for role, subjects in local.subjects : role => jsonencode({
      Version = "2012-10-17"
      Statement = [{
        Effect    = "Allow"
        Action    = "sts:AssumeRoleWithWebIdentity"
        Principal = { Federated = aws_iam_openid_connect_provider.github.arn }
        Condition = {
          StringEquals = {
            "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
            "token.actions.githubusercontent.com:sub" = subjects
          }
        }
      }]
    })
  }
}
