locals {
  state_bucket = "${var.project}-state-${local.account_id}"
}

module "state" {
  source = "../modules/private_bucket"

  name          = local.state_bucket
  has_lifecycle = var.emulator == null

  # A state may be lost unseen; locks come and go with every run.
  noncurrent_days     = 365
  noncurrent_versions = 50
}
