terraform {
  required_version = "~> 1.11.4"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "5.100.0"
    }
  }

  # The bucket is the one this configuration owns: `ship bootstrap` makes it when it is not there
  # yet, and import.tf takes it over.
  backend "s3" {
    encrypt      = true
    key          = "bootstrap/terraform.tfstate"
    use_lockfile = true
  }
}
