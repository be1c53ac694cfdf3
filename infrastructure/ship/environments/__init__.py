"""Environments: what Terraform makes of them, how they are compared, and how previews end."""
