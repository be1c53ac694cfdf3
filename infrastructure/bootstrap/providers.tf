provider "aws" {
  # The endpoint itself reaches the provider as AWS_ENDPOINT_URL. Bound to the emulator's account,
  # an apply that misses that variable cannot end up in a real one.
  allowed_account_ids = var.emulator == null ? null : ["000000000000"]
  region              = var.region
  s3_use_path_style   = var.emulator != null
  # AWS adds regions after a provider was released, which refuses those it does not know.
  skip_region_validation = true

  default_tags {
    tags = {
      managed-by = "terraform"
      project    = var.project
    }
  }
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}
