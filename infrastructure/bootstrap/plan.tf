# Reads what a plan has to read, of every environment, and changes nothing: no lock, no secret.

resource "aws_iam_role" "plan" {
  name                 = "${var.project}-plan"
  description          = "What a pull request's checks may read."
  assume_role_policy   = data.aws_iam_policy_document.trust["plan"].json
  max_session_duration = 3600
  permissions_boundary = aws_iam_policy.deploy_boundary.arn
}

resource "aws_iam_role_policy" "plan" {
  name   = "read"
  role   = aws_iam_role.plan.id
  policy = data.aws_iam_policy_document.plan.minified_json
}

data "aws_iam_policy_document" "plan" {
  statement {
    sid       = "ReadStates"
    actions   = ["s3:GetObject"]
    resources = [for name in local.names : name.state]
  }

  statement {
    sid       = "FindStates"
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.state.arn]
  }

  statement {
    sid = "ReadBuckets"
    actions = [
      "s3:GetAccelerateConfiguration",
      "s3:GetBucket*",
      "s3:GetEncryptionConfiguration",
      "s3:GetLifecycleConfiguration",
      "s3:GetReplicationConfiguration",
      "s3:ListBucket",
      "s3:ListTagsForResource",
    ]
    resources = flatten([for name in local.names : [name.artifacts, name.site]])
  }
}
