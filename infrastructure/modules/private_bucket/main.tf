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
  #checkov:skip=CKV_AWS_18:CloudTrail's data events tell who touched an object; a log bucket of the account's own would do it too.
  #checkov:skip=CKV_AWS_144:Releases can be built again from their commits, states imported again; a second region would do it too.
  #checkov:skip=CKV_AWS_145:Holds no secret; CloudFront cannot read with AWS's own key, so a key of each environment's would have to pay for itself.
  #checkov:skip=CKV2_AWS_62:Nothing waits for its objects; what does would bring its notification.
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
  bucket = aws_s3_bucket.this.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  count = var.has_lifecycle ? 1 : 0

  bucket = aws_s3_bucket.this.id

  # What is there never expires: a rollback finds its release, whatever its age.
  rule {
    id     = "forget-what-was-replaced"
    status = "Enabled"

    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }

    # The mark of a deletion of which nothing is left.
    expiration {
      expired_object_delete_marker = true
    }

    noncurrent_version_expiration {
      newer_noncurrent_versions = var.noncurrent_versions
      noncurrent_days           = var.noncurrent_days
    }
  }

  # The rule is about versions.
  depends_on = [aws_s3_bucket_versioning.this]
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
