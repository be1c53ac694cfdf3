# Queues of [tool.ship.application.events]: the live version gets their messages, one function of the
# application for each queue. What fails five times goes to a queue of its own, which has an alarm.

locals {
  # Schedules, topics and buckets send to them too, if they bear the environment's name.
  event_senders = {
    "events.amazonaws.com" = "arn:${local.partition}:events:${var.region}:${local.account_id}:rule/${local.name}-*"
    "s3.amazonaws.com"     = "arn:${local.partition}:s3:::${local.name}-*"
    "sns.amazonaws.com"    = "arn:${local.partition}:sns:${var.region}:${local.account_id}:${local.name}-*"
  }

  events_statements = length(var.application_events) == 0 ? [] : [
    {
      # Lambda receives with the function's role; the application sends.
      Sid    = "UseOwnQueues"
      Effect = "Allow"
      Action = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ReceiveMessage", "sqs:SendMessage"]
      Resource = [
        for name in keys(var.application_events) : "arn:${local.partition}:sqs:${var.region}:${local.account_id}:${local.name}-${name}"
      ]
    },
  ]

  events_alarms = {
    for name in keys(var.application_events) : "${name}-dead" => {
      description = "Messages of the queue ${name} failed five times. See `ship logs ${var.environment}`; then start a redrive of ${local.name}-${name}-dead."
      dimensions  = { QueueName = "${local.name}-${name}-dead" }
      metric      = "ApproximateNumberOfMessagesVisible"
      namespace   = "AWS/SQS"
      statistic   = "Maximum"
      threshold   = 0
    }
  }
}

resource "aws_sqs_queue" "dead_events" {
  for_each = var.application_events

  name                      = "${local.name}-${each.key}-dead"
  message_retention_seconds = 1209600 # Two weeks, the most there is.
  sqs_managed_sse_enabled   = true
}

resource "aws_sqs_queue" "events" {
  for_each = var.application_events

  name                    = "${local.name}-${each.key}"
  sqs_managed_sse_enabled = true
  # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
  visibility_timeout_seconds = 6 * var.function_timeout_seconds

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_events[each.key].arn
    maxReceiveCount     = 5
  })
}

resource "aws_sqs_queue_policy" "events" {
  for_each = aws_sqs_queue.events

  queue_url = each.value.url

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      for service, arn in local.event_senders : {
        Effect    = "Allow"
        Action    = ["sqs:SendMessage"]
        Principal = { Service = service }
        Resource  = each.value.arn
        # A bucket's ARN says nothing of its account.
        Condition = merge(
          { ArnLike = { "aws:SourceArn" = arn } },
          service == "s3.amazonaws.com" ? { StringEquals = { "aws:SourceAccount" = local.account_id } } : {},
        )
      }
    ]
  })
}

resource "aws_lambda_event_source_mapping" "events" {
  for_each = aws_sqs_queue.events

  batch_size              = 10
  event_source_arn        = each.value.arn
  function_name           = aws_lambda_alias.live.arn
  function_response_types = ["ReportBatchItemFailures"]

  # Lambda looks whether the role may receive.
  depends_on = [aws_iam_role_policy.backend]
}

resource "aws_cloudwatch_event_rule" "events" {
  for_each = { for name, event in var.application_events : name => event.schedule if event.schedule != "" }

  name                = "${local.name}-${each.key}"
  description         = "Sends a message to the queue ${each.key} of ${var.environment}."
  schedule_expression = each.value
}

resource "aws_cloudwatch_event_target" "events" {
  for_each = aws_cloudwatch_event_rule.events

  arn       = aws_sqs_queue.events[each.key].arn
  rule      = each.value.name
  target_id = "queue"
}
