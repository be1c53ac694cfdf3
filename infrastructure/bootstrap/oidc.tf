# GitHub's certificates are checked against AWS's own trust store; no thumbprint is needed.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc_verify-thumbprint.html
resource "aws_iam_openid_connect_provider" "github" {
  url            = "https://token.actions.githubusercontent.com"
  client_id_list = ["sts.amazonaws.com"]
}

locals {
  # Who may take which role, as exact subjects. A job that names an environment presents that
  # environment and nothing else, whatever its branch; which branches may name it, GitHub's own
  # settings of the environment say. Checks of a pull request and the search for drift on main
  # name none.
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
