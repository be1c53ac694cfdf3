# The module that the buckets of the stack and of the bootstrap are made with.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name = "some-bucket"
  # The stack requires these; the module has no such variables.
  environment     = "default"
  placeholder_zip = "placeholder.zip"
  project         = "serverless-flask"
  region          = "eu-central-1"
}

run "a_private_bucket_is_closed_encrypted_versioned_and_kept" {
  module {
    source = "../modules/private_bucket"
  }

  assert {
    condition = (
      aws_s3_bucket_public_access_block.this.block_public_acls && aws_s3_bucket_public_access_block.this.block_public_policy &&
      aws_s3_bucket_public_access_block.this.ignore_public_acls && aws_s3_bucket_public_access_block.this.restrict_public_buckets
    )
    error_message = "the bucket may be opened to the public"
  }

  assert {
    condition     = one(aws_s3_bucket_ownership_controls.this.rule).object_ownership == "BucketOwnerEnforced"
    error_message = "access lists apply to the bucket"
  }

  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default).sse_algorithm == "AES256"
    error_message = "the bucket is not encrypted"
  }

  assert {
    condition     = aws_s3_bucket_versioning.this.versioning_configuration[0].status == "Enabled" && !aws_s3_bucket.this.force_destroy
    error_message = "the bucket keeps no versions, or can be destroyed with what it holds"
  }

  assert {
    # Only what was replaced or deleted: never what a rollback needs.
    condition = [
      for rule in one(aws_s3_bucket_lifecycle_configuration.this).rule :
      [rule.status, rule.noncurrent_version_expiration[0].noncurrent_days, coalesce(rule.expiration[0].days, 0), rule.expiration[0].expired_object_delete_marker]
    ] == [["Enabled", 30, 0, true]]
    error_message = "the bucket grows for ever, or forgets what it holds"
  }

  assert {
    condition = jsondecode(aws_s3_bucket_policy.this.policy).Statement == [{
      Sid       = "OnlyOverTls"
      Effect    = "Deny"
      Principal = "*"
      Action    = ["s3:*"]
      Resource  = ["arn:aws:s3:::some-bucket", "arn:aws:s3:::some-bucket/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
    error_message = "the bucket answers over plain HTTP"
  }
}
