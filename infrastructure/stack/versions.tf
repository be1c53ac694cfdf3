terraform {
  required_version = "~> 1.11.4"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "5.100.0"
    }
  }

  # `ship` names the bucket, the region and a prefix for each environment; the rest is the same
  # for everyone. Below a common prefix `terraform init` would refuse an environment that is not
  # there yet as soon as another one is, and each role could list the others' states.
  backend "s3" {
    encrypt      = true
    key          = "terraform.tfstate"
    use_lockfile = true
  }
}
