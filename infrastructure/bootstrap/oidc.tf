# An account has one provider per issuer, which all its projects share: where there is one already it is
# used, and never changed or destroyed from here. `ship bootstrap` looks, and sets create_oidc_provider.
# AWS checks GitHub's certificate against its own trust store, so no thumbprint is needed.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc_verify-thumbprint.html
resource "aws_iam_openid_connect_provider" "github" {
  count = var.create_oidc_provider ? 1 : 0

  url            = "https://${local.issuer}"
  client_id_list = [local.audience]
}

data "aws_iam_openid_connect_provider" "github" {
  count = var.create_oidc_provider ? 0 : 1

  arn = local.oidc_provider_arn

  lifecycle {
    postcondition {
      condition     = contains(self.client_id_list, local.audience)
      error_message = "the account's provider for GitHub does not admit the audience ${local.audience}; add it with `aws iam add-client-id-to-open-id-connect-provider --open-id-connect-provider-arn ${self.arn} --client-id ${local.audience}`."
    }
  }
}

locals {
  audience          = "sts.amazonaws.com"
  issuer            = "token.actions.githubusercontent.com"
  oidc_provider_arn = "${local.iam_arn}:oidc-provider/${local.issuer}"
  # The same, once it is there.
  oidc_provider = one(concat(aws_iam_openid_connect_provider.github[*].arn, data.aws_iam_openid_connect_provider.github[*].arn))

  # Who may assume which role, as exact subjects. A pull request's checks and drift detection on main
  # name no environment. https://docs.github.com/en/actions/reference/security/oidc#example-subject-claims
  subjects = merge(
    { for role in keys(local.scopes) : "deploy-${role}" => ["${var.subject_prefix}:environment:${role}"] },
    { plan = ["${var.subject_prefix}:pull_request", "${var.subject_prefix}:ref:refs/heads/main"] },
  )

  # The subject of a job that names an environment does not name its branch, and GitHub creates an
  # environment that is named and not there, without any rule. So the roles of permanent environments
  # take tokens of main alone. A preview is deployed from any branch.
  # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif
  claims = {
    for role, subjects in local.subjects : role => merge(
      { aud = local.audience, repository_id = var.repository_id, sub = subjects },
      contains(["deploy-preview", "plan"], role) ? {} : { ref = "refs/heads/main" },
      contains(["deploy-preview", "plan"], role) || length(var.job_workflow_refs) == 0 ? {} : { job_workflow_ref = sort(var.job_workflow_refs) },
    )
  }

  trust = {
    for role, claims in local.claims : role => jsonencode({
      Version = "2012-10-17"
      Statement = [{
        Effect    = "Allow"
        Action    = "sts:AssumeRoleWithWebIdentity"
        Principal = { Federated = local.oidc_provider }
        Condition = { StringEquals = { for name, value in claims : "${local.issuer}:${name}" => value } }
      }]
    })
  }
}
