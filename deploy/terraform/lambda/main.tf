# Amazon S3 -> SQS -> function -> OMS on AWS: the same as ../../lambda/template.yaml makes. ../../lambda/README.md has the steps.

provider "aws" {
  region = var.region
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_secretsmanager_secret_version" "this" {
  secret_id = var.secret
}

locals {
  source_arn = "arn:${data.aws_partition.current.partition}:s3:::${var.source_bucket}"
  known      = jsondecode(file("${path.module}/settings.json"))
  secret     = jsondecode(data.aws_secretsmanager_secret_version.this.secret_string)

  # Of the secret only what the function can use.
  secrets = { for name in local.known.secrets : name => local.secret[name] if contains(keys(local.secret), name) }

  timers = {
    replay  = { rate = "10 minutes", description = "Sends again what failed", payload = {} }
    confirm = { rate = "5 minutes", description = "Confirms that what was accepted arrived", payload = {} }
    reconcile = {
      rate        = "1 hour"
      description = "Sends what no event brought to the destination"
      # The keys of the notification.
      payload = { for name, text in { prefix = var.source_prefix, suffix = var.source_suffix } : name => text if text != "" }
    }
  }

  deletes  = lower(trimspace(lookup(var.settings, "PROPAGATE_DELETES", "false")))
  removals = local.deletes == "true" ? ["s3:ObjectRemoved:*"] : []
}

# A message that five deliveries did not settle is set aside here: nobody understands it, or neither OMS nor the log bucket took it.
resource "aws_sqs_queue" "dead_letters" {
  name = "${var.name}-dead-letters"
  # Counted from the day of the event, so longer than the queue before it keeps one.
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true
}

resource "aws_sqs_queue" "events" {
  name = "${var.name}-events"
  # Six times the function's timeout, and the batching window.
  visibility_timeout_seconds = 6 * var.timeout + 10
  message_retention_seconds  = 345600
  receive_wait_time_seconds  = 20
  sqs_managed_sse_enabled    = true

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letters.arn
    maxReceiveCount     = 5
  })
}

resource "aws_sqs_queue_redrive_allow_policy" "dead_letters" {
  queue_url = aws_sqs_queue.dead_letters.id
  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [aws_sqs_queue.events.arn]
  })
}

# This bucket of this account, and nobody else. The account is part of it, since a name is free again once its bucket is gone.
resource "aws_sqs_queue_policy" "events" {
  queue_url = aws_sqs_queue.events.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "BucketSendsEvents"
      Effect    = "Allow"
      Principal = { Service = "s3.amazonaws.com" }
      Action    = "sqs:SendMessage"
      Resource  = aws_sqs_queue.events.arn
      Condition = {
        ArnEquals    = { "aws:SourceArn" = local.source_arn }
        StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id }
      }
    }]
  })
}

resource "aws_s3_bucket_notification" "source" {
  count  = var.manage_notification ? 1 : 0
  bucket = var.source_bucket

  queue {
    id            = var.name
    queue_arn     = aws_sqs_queue.events.arn
    events        = concat(["s3:ObjectCreated:*"], local.removals)
    filter_prefix = var.source_prefix
    filter_suffix = var.source_suffix
  }

  # S3 tries the queue at once.
  depends_on = [aws_sqs_queue_policy.events]
}

# The least that works. Where OMS copies, it reads the objects; the function only compares, where it knows both ends.
resource "aws_iam_role" "function" {
  name = "${var.name}-function"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy" "function" {
  name = "queue-and-log"
  role = aws_iam_role.function.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
        Resource = aws_sqs_queue.events.arn
      },
      {
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "${aws_cloudwatch_log_group.function.arn}:*"
      },
    ]
  })
}

resource "aws_iam_role_policy" "compare" {
  count = lookup(var.settings, "DEST", "") == "" ? 0 : 1
  name  = "compare-source"
  role  = aws_iam_role.function.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = ["s3:ListBucket"]
        Resource = local.source_arn
      },
      {
        Effect   = "Allow"
        Action   = ["s3:GetObject"]
        Resource = "${local.source_arn}/*"
      },
    ]
  })
}

resource "aws_cloudwatch_log_group" "function" {
  name              = "/aws/lambda/${var.name}-forwarder"
  retention_in_days = var.log_retention_days
}

resource "aws_lambda_function" "this" {
  function_name = "${var.name}-forwarder"
  description   = "Forwards events of Amazon S3 to Huawei Cloud OMS"
  runtime       = "provided.al2023"
  # The archive holds one static binary; Lambda starts it without arguments, and it serves.
  handler          = "bootstrap"
  architectures    = [var.architecture]
  filename         = var.package
  source_code_hash = filebase64sha256(var.package)
  memory_size      = var.memory_size
  timeout          = var.timeout
  role             = aws_iam_role.function.arn

  environment {
    variables = merge(var.settings, local.secrets, {
      # Events of other buckets are refused.
      SOURCE_BUCKET = "s3://${var.source_bucket}"
      LOG_BUCKET    = var.log_bucket
    })
  }

  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.function.name
  }

  depends_on = [aws_iam_role_policy.function]
}

resource "aws_lambda_event_source_mapping" "queue" {
  event_source_arn = aws_sqs_queue.events.arn
  function_name    = aws_lambda_function.this.arn
  # Ten requests to OMS. More than ten messages need a window.
  batch_size                         = 100
  maximum_batching_window_in_seconds = 1
  # Without it one bad message would bring all of its batch back.
  function_response_types = ["ReportBatchItemFailures"]

  # Not a reserved concurrency of the function: what it turns away counts as a delivery.
  scaling_config {
    maximum_concurrency = var.maximum_concurrency
  }
}

# `confirm` and `reconcile` have an effect where DEST and DEST_ENDPOINT are set, in any mode.
resource "aws_cloudwatch_event_rule" "timer" {
  for_each            = local.timers
  name                = "${var.name}-${each.key}"
  description         = each.value.description
  schedule_expression = "rate(${each.value.rate})"
  state               = each.key != "reconcile" || var.reconcile ? "ENABLED" : "DISABLED"
}

resource "aws_cloudwatch_event_target" "timer" {
  for_each = local.timers
  rule     = aws_cloudwatch_event_rule.timer[each.key].name
  arn      = aws_lambda_function.this.arn
  input    = jsonencode({ triggerName = each.key, payload = jsonencode(merge({ action = each.key }, each.value.payload)) })

  # The next tick does the same.
  retry_policy {
    maximum_event_age_in_seconds = 60
    maximum_retry_attempts       = 0
  }
}

resource "aws_lambda_permission" "timer" {
  for_each      = local.timers
  statement_id  = each.key
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.this.function_name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.timer[each.key].arn
}

moved {
  from = aws_cloudwatch_event_rule.replay
  to   = aws_cloudwatch_event_rule.timer["replay"]
}

moved {
  from = aws_cloudwatch_event_target.replay
  to   = aws_cloudwatch_event_target.timer["replay"]
}

moved {
  from = aws_lambda_permission.replay
  to   = aws_lambda_permission.timer["replay"]
}

moved {
  from = aws_cloudwatch_event_rule.confirm
  to   = aws_cloudwatch_event_rule.timer["confirm"]
}

moved {
  from = aws_cloudwatch_event_target.confirm
  to   = aws_cloudwatch_event_target.timer["confirm"]
}

moved {
  from = aws_lambda_permission.confirm
  to   = aws_lambda_permission.timer["confirm"]
}

resource "aws_cloudwatch_metric_alarm" "given_up" {
  alarm_name          = "${var.name}-given-up"
  alarm_description   = "Events of the bucket were set aside, see the log of the function for the reason"
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.dead_letters.name }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic == null ? [] : [var.alarm_topic]
}
