output "arn" {
  description = "ARN of the bucket, known before the bucket is there."
  value       = local.arn
}

output "bucket" {
  description = "The bucket, once it is ready to be written to."
  value       = aws_s3_bucket.this
  # Else the first objects have no version that can be had back.
  depends_on = [aws_s3_bucket_ownership_controls.this, aws_s3_bucket_versioning.this]
}

output "policy" {
  description = "The bucket's policy as JSON; the tests read it."
  value       = aws_s3_bucket_policy.this.policy
}
