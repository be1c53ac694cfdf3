terraform {
  required_version = "~> 1.11.4"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "5.100.0"
    }
  }

  # `ship` names the bucket and the region; the rest is the same for everyone.
  backend "s3" {
    encrypt              = true
    key                  = "terraform.tfstate"
    use_lockfile         = true
    workspace_key_prefix = "stack"
  }
}
