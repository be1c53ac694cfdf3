resource "aws_s3_bucket" "artifacts" {
  #checkov:skip=CKV_AWS_18:CloudTrail's data events tell who touched an object, where an account wants to know.
  #checkov:skip=CKV_AWS_144:Every release can be built again, byte for byte, from its commit.
  #checkov:skip=CKV_AWS_145:Holds no secret; with a KMS key every reader would need one more policy.
  #checkov:skip=CKV2_AWS_62:Nothing waits for its objects.
  bucket        = "${local.name}-artifacts-${local.account_id}"
  force_destroy = local.force_destroy
}

resource "aws_s3_bucket_ownership_controls" "artifacts" {
  bucket = aws_s3_bucket.artifacts.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "artifacts" {
  bucket                  = aws_s3_bucket.artifacts.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "artifacts" {
  bucket = aws_s3_bucket.artifacts.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_versioning" "artifacts" {
  bucket = aws_s3_bucket.artifacts.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "artifacts" {
  # The provider waits 55 seconds for this one to settle, and an emulator does not live 30 days.
  count = var.emulator == null ? 1 : 0

  bucket = aws_s3_bucket.artifacts.id

  rule {
    id     = "forget-what-was-replaced"
    status = "Enabled"

    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }

    noncurrent_version_expiration {
      noncurrent_days = 30
    }
  }

  depends_on = [aws_s3_bucket_versioning.artifacts]
}

# Holds for every role, the environment's own as well. Terraform takes it off first when it destroys
# the stack.
resource "aws_s3_bucket_policy" "artifacts" {
  bucket = aws_s3_bucket.artifacts.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "OnlyOverTls"
        Effect    = "Deny"
        Principal = "*"
        Action    = ["s3:*"]
        Resource  = [aws_s3_bucket.artifacts.arn, "${aws_s3_bucket.artifacts.arn}/*"]
        Condition = {
          Bool = {
            "aws:SecureTransport" = "false"
          }
        }
      },
      {
        # Only a write that asks for the key to be free. The parts of an upload cannot ask that; its
        # completion, which makes the object, can.
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
        Sid       = "WriteReleasesAndHistoryOnce"
        Effect    = "Deny"
        Principal = "*"
        Action    = ["s3:PutObject"]
        Resource  = [for prefix in ["history", "releases"] : "${aws_s3_bucket.artifacts.arn}/${prefix}/*"]
        Condition = {
          Null = {
            "s3:if-none-match" = "true"
          }
          Bool = {
            "s3:ObjectCreationOperation" = "true"
          }
        }
      },
      {
        Sid       = "KeepStateHistoryAndContract"
        Effect    = "Deny"
        Principal = "*"
        Action    = ["s3:DeleteObject", "s3:DeleteObjectVersion"]
        Resource  = [for key in ["state.json", "history/*", "stack.json"] : "${aws_s3_bucket.artifacts.arn}/${key}"]
      },
      {
        # A release that was cleared away by mistake can be had back for 30 days.
        Sid       = "ForgetReleasesSlowly"
        Effect    = "Deny"
        Principal = "*"
        Action    = ["s3:DeleteObjectVersion"]
        Resource  = ["${aws_s3_bucket.artifacts.arn}/releases/*"]
      },
    ]
  })

  # It keeps stack.json from being deleted, so it has to go before that does.
  depends_on = [aws_s3_bucket_public_access_block.artifacts, aws_s3_object.contract]
}

resource "aws_s3_object" "contract" {
  bucket       = aws_s3_bucket.artifacts.id
  key          = "stack.json"
  content      = jsonencode(local.contract)
  content_type = "application/json"

  depends_on = [aws_s3_bucket_versioning.artifacts]
}
