locals {
  state_bucket = "${var.project}-state-${local.account_id}"
}

module "state" {
  source = "../modules/private_bucket"

  name = local.state_bucket
}
