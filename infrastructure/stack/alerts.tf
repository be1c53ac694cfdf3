# Who is told of alarms, and of what `ship` has to tell: through a topic of the environment's own, or of
# the owner's. The addresses confirm AWS's first mail.

locals {
  makes_topic  = var.alerts == null ? false : var.alerts.topic == ""
  alert_topics = var.alerts == null ? [] : local.makes_topic ? aws_sns_topic.alerts[*].arn : [var.alerts.topic]
}

resource "aws_sns_topic" "alerts" {
  #checkov:skip=CKV_AWS_26:Alarms cannot publish to a topic that AWS's own key encrypts; a key of its own costs a dollar a month. No secret is told.
  count = local.makes_topic ? 1 : 0

  name = "${local.name}-alerts"

  # Besides the roles that ../bootstrap lets publish. AWS's own policy admits the whole account.
  # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "AlarmsOfThisEnvironment"
      Effect    = "Allow"
      Action    = ["sns:Publish"]
      Principal = { Service = "cloudwatch.amazonaws.com" }
      Resource  = "arn:${local.partition}:sns:${var.region}:${local.account_id}:${local.name}-alerts"
      Condition = { ArnLike = { "aws:SourceArn" = "arn:${local.partition}:cloudwatch:${var.region}:${local.account_id}:alarm:${local.name}-*" } }
    }]
  })
}

resource "aws_sns_topic_subscription" "email" {
  for_each = toset(local.makes_topic ? var.alerts.emails : [])

  topic_arn = aws_sns_topic.alerts[0].arn
  protocol  = "email"
  endpoint  = each.value
}
