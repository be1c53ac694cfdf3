terraform {
  required_version = ">= 1.11.4, < 2"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7"
    }
  }

  # The bucket is this configuration's own: `ship bootstrap` makes it when it is missing, and import.tf
  # takes it over.
  backend "s3" {
    encrypt      = true
    key          = "bootstrap/terraform.tfstate"
    use_lockfile = true
  }
}
