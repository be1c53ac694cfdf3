terraform {
  required_version = ">= 1.11.4, < 2"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7"
    }
  }

  # `ship` passes the bucket, the region and a prefix for each environment. With one prefix for all,
  # `terraform init` would refuse a new environment as soon as another one exists.
  backend "s3" {
    encrypt      = true
    key          = "terraform.tfstate"
    use_lockfile = true
  }
}
