data "aws_partition" "current" {}

locals {
  # Not the resource's own ARN: this one is known before the bucket is there, so a plan shows the policy.
  arn = "arn:${data.aws_partition.current.partition}:s3:::${var.name}"

  only_over_tls = {
    Sid       = "OnlyOverTls"
    Effect    = "Deny"
    Principal = "*"
    Action    = ["s3:*"]
    Resource  = [local.arn, "${local.arn}/*"]
    Condition = {
      Bool = {
        "aws:SecureTransport" = "false"
      }
    }
  }
}

resource "aws_s3_bucket" "this" {
  #checkov:skip=CKV_AWS_18:CloudTrail's data events tell who touched an object, where an account wants to know.
  #checkov:skip=CKV_AWS_21:The site is not versioned: ship publishes it again from the artifact bucket, which is.
  #checkov:skip=CKV_AWS_144:Releases can be built again from their commits, states imported again.
  #checkov:skip=CKV_AWS_145:Holds no secret; with a KMS key every reader would need one more policy.
  #checkov:skip=CKV2_AWS_61:Only the artifacts have a lifecycle; ship prunes the site, and states are small.
  #checkov:skip=CKV2_AWS_62:Nothing waits for its objects.
  bucket        = var.name
  force_destroy = var.force_destroy
}

resource "aws_s3_bucket_ownership_controls" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  bucket                  = aws_s3_bucket.this.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_versioning" "this" {
  count = var.versioning ? 1 : 0

  bucket = aws_s3_bucket.this.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_policy" "this" {
  bucket = aws_s3_bucket.this.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat([local.only_over_tls], var.statements)
  })

  # S3 refuses a second change of a bucket's access while the first is under way.
  depends_on = [aws_s3_bucket_public_access_block.this]
}
