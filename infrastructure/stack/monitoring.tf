locals {
  # The adapter writes its metrics into the log in this namespace.
  metrics_namespace = var.project

  # What the alias serves, whichever version that is.
  alias_dimensions = {
    FunctionName = aws_lambda_function.backend.function_name
    Resource     = "${aws_lambda_function.backend.function_name}:${aws_lambda_alias.live.name}"
  }

  alarms = merge(local.events_alarms, {
    api-5xx = {
      description = "The API answered with server errors. See the access log ${aws_cloudwatch_log_group.this["api"].name}."
      dimensions  = { ApiId = aws_apigatewayv2_api.http.id }
      metric      = "5xx"
      namespace   = "AWS/ApiGateway"
      statistic   = "Sum"
      threshold   = var.alarm_errors_per_minute
    }
    application-errors = {
      # The adapter answers an application's errors itself, so AWS/Lambda does not count them.
      description = "The application answered with server errors. See `ship logs ${var.environment}`."
      dimensions  = { environment = var.environment }
      metric      = "errors"
      namespace   = local.metrics_namespace
      statistic   = "Sum"
      threshold   = var.alarm_errors_per_minute
    }
    duration = {
      description = "The slowest percent of requests takes too long."
      dimensions  = local.alias_dimensions
      metric      = "Duration"
      namespace   = "AWS/Lambda"
      statistic   = "p99"
      threshold   = var.alarm_p99_milliseconds
    }
    errors = {
      description = "The live version crashed or ran out of time. See `ship logs ${var.environment}`."
      dimensions  = local.alias_dimensions
      metric      = "Errors"
      namespace   = "AWS/Lambda"
      statistic   = "Sum"
      threshold   = 0
    }
    throttles = {
      description = "Requests were refused because too many ran at the same time."
      dimensions  = local.alias_dimensions
      metric      = "Throttles"
      namespace   = "AWS/Lambda"
      statistic   = "Sum"
      threshold   = 0
    }
  })
}

resource "aws_cloudwatch_log_group" "this" {
  #checkov:skip=CKV_AWS_158:Logs hold no secrets, and are encrypted with the service's own key; a key for logs would have to pay for itself.
  for_each = {
    # API Gateway writes a group of another name into one policy of the account, which is soon full.
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-and-resource-policy.html
    api      = "/aws/vendedlogs/apigateway/${local.name}"
    function = "/aws/lambda/${local.name}"
  }

  name              = each.value
  retention_in_days = local.log_retention_days
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${local.name}-${each.key}"
  alarm_description   = "${each.value.description} `ship status ${var.environment}` names the live release, and where a rollback goes."
  alarm_actions       = local.alert_topics
  comparison_operator = "GreaterThanThreshold"
  dimensions          = each.value.dimensions
  evaluation_periods  = 1
  extended_statistic  = startswith(each.value.statistic, "p") ? each.value.statistic : null
  metric_name         = each.value.metric
  namespace           = each.value.namespace
  ok_actions          = local.alert_topics
  period              = 60
  statistic           = startswith(each.value.statistic, "p") ? null : each.value.statistic
  threshold           = each.value.threshold
  treat_missing_data  = "notBreaching"
}

resource "aws_cloudwatch_dashboard" "overview" {
  # An account's dashboards cost from the fourth on: it would be the dearest part of a preview.
  # https://aws.amazon.com/cloudwatch/pricing/
  count = local.preview ? 0 : 1

  dashboard_name = local.name

  dashboard_body = jsonencode({
    widgets = [
      {
        type   = "alarm"
        x      = 0
        y      = 0
        width  = 24
        height = 3
        properties = {
          title  = "Alarms"
          alarms = [for alarm in aws_cloudwatch_metric_alarm.this : alarm.arn]
        }
      },
      {
        type   = "metric"
        x      = 0
        y      = 3
        width  = 12
        height = 6
        properties = {
          title  = "Requests and errors"
          region = var.region
          period = 60
          stat   = "Sum"
          metrics = [
            ["AWS/ApiGateway", "Count", "ApiId", aws_apigatewayv2_api.http.id],
            [".", "4xx", ".", "."],
            [".", "5xx", ".", "."],
          ]
        }
      },
      {
        type   = "metric"
        x      = 12
        y      = 3
        width  = 12
        height = 6
        properties = {
          title  = "Duration of the live version"
          region = var.region
          period = 60
          metrics = [
            for statistic in ["p50", "p90", "p99"] : [
              "AWS/Lambda", "Duration", "FunctionName", local.alias_dimensions.FunctionName,
              "Resource", local.alias_dimensions.Resource, { label = statistic, stat = statistic },
            ]
          ]
        }
      },
      {
        type   = "metric"
        x      = 0
        y      = 9
        width  = 12
        height = 6
        properties = {
          title  = "Invocations, errors and throttles of the live version"
          region = var.region
          period = 60
          stat   = "Sum"
          metrics = [
            for metric in ["Invocations", "Errors", "Throttles"] : [
              "AWS/Lambda", metric, "FunctionName", local.alias_dimensions.FunctionName,
              "Resource", local.alias_dimensions.Resource,
            ]
          ]
        }
      },
      {
        type   = "metric"
        x      = 12
        y      = 9
        width  = 12
        height = 6
        properties = {
          title   = "Running at the same time"
          region  = var.region
          period  = 60
          stat    = "Maximum"
          metrics = [["AWS/Lambda", "ConcurrentExecutions", "FunctionName", local.alias_dimensions.FunctionName]]
        }
      },
    ]
  })
}
