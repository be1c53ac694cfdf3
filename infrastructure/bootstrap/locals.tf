locals {
  account_id = data.aws_caller_identity.current.account_id
  partition  = data.aws_partition.current.partition

  iam_arn = "arn:${local.partition}:iam::${local.account_id}"
}
