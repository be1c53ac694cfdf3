# A table, a queue with a dead-letter queue, a bucket for uploads, and a topic: take what you need. They want
# `uses = ["dynamodb", "s3", "sns", "sqs"]` in [tool.ship]. A database's address is a setting, not a resource.

locals {
  app_variables = {
    JOBS    = aws_sqs_queue.jobs.url
    NEWS    = aws_sns_topic.news.arn
    NOTES   = aws_dynamodb_table.notes.name
    UPLOADS = module.uploads.bucket.bucket
  }

  app_statements = [
    {
      Effect   = "Allow"
      Action   = ["dynamodb:GetItem", "dynamodb:PutItem"]
      Resource = aws_dynamodb_table.notes.arn
    },
    {
      Effect   = "Allow"
      Action   = ["sqs:DeleteMessage", "sqs:ReceiveMessage", "sqs:SendMessage"]
      Resource = aws_sqs_queue.jobs.arn
    },
    {
      Effect   = "Allow"
      Action   = ["s3:GetObject", "s3:PutObject"]
      Resource = "${module.uploads.arn}/*"
    },
    {
      Effect   = "Allow"
      Action   = ["sns:Publish"]
      Resource = aws_sns_topic.news.arn
    },
  ]
}

resource "aws_dynamodb_table" "notes" {
  name         = "${local.name}-notes"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "id"

  # The last environment's table is not deleted with its environment: see force_destroy.
  deletion_protection_enabled = !var.force_destroy

  attribute {
    name = "id"
    type = "S"
  }

  point_in_time_recovery {
    enabled = true
  }
}

# What could not be done three times is kept for two weeks.
resource "aws_sqs_queue" "failed_jobs" {
  name                      = "${local.name}-failed-jobs"
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true
}

resource "aws_sqs_queue" "jobs" {
  name                       = "${local.name}-jobs"
  sqs_managed_sse_enabled    = true
  visibility_timeout_seconds = var.function_timeout_seconds * 6

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.failed_jobs.arn
    maxReceiveCount     = 3
  })
}

# Encrypted, private and versioned, as the platform's own.
module "uploads" {
  source = "../modules/private_bucket"

  name          = "${local.name}-uploads-${local.account_id}"
  force_destroy = var.force_destroy
}

# A browser sends files straight to the bucket, past the 6 MB that a request has.
resource "aws_s3_bucket_cors_configuration" "uploads" {
  bucket = module.uploads.bucket.id

  cors_rule {
    allowed_headers = ["content-type"]
    allowed_methods = ["PUT"]
    allowed_origins = [local.site_url]
  }
}

# A function of the application gets what is new in the bucket, through the queue of
# `arrivals = { handler = "…" }` in [tool.ship.application.events].
resource "aws_s3_bucket_notification" "uploads" {
  bucket = module.uploads.bucket.id

  queue {
    events    = ["s3:ObjectCreated:*"]
    queue_arn = aws_sqs_queue.events["arrivals"].arn
  }

  # S3 looks whether it may send.
  depends_on = [aws_sqs_queue_policy.events]
}

# And what is published to a topic.
resource "aws_sns_topic" "news" {
  name = "${local.name}-news"
}

resource "aws_sns_topic_subscription" "news" {
  endpoint  = aws_sqs_queue.events["arrivals"].arn
  protocol  = "sqs"
  topic_arn = aws_sns_topic.news.arn
}
