# Without an account: `terraform test`. The provider is mocked, so this shows what would be asked of it, not that it is granted.

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_secretsmanager_secret_version" {
    defaults = { secret_string = "{\"HW_AK\":\"ak\",\"HW_SK\":\"sk\",\"OSS_ACCESS_KEY_ID\":\"id\",\"OSS_ACCESS_KEY_SECRET\":\"secret\",\"OTHER\":\"x\"}" }
  }
}

variables {
  region        = "eu-central-1"
  source_bucket = "photos"
  log_bucket    = "photos-oms-log"
  package       = "../../../target/lambda/oms-bridge.zip"
  settings = {
    SYNC_URL     = "https://oms.cn-north-4.myhuaweicloud.com/v2/p/sync-tasks/t/events"
    OSS_ENDPOINT = "oss-cn-hangzhou.aliyuncs.com"
  }
}

run "removals_are_events_where_they_are_carried_out" {
  variables {
    manage_notification = true
    settings = {
      SYNC_URL          = "https://oms.cn-north-4.myhuaweicloud.com/v2/p/sync-tasks/t/events"
      OSS_ENDPOINT      = "oss-cn-hangzhou.aliyuncs.com"
      FORWARD_MODE      = "copy"
      DEST              = "obs://mirror/a"
      PROPAGATE_DELETES = " True"
    }
  }

  assert {
    condition     = tolist(aws_s3_bucket_notification.source[0].queue[0].events) == tolist(["s3:ObjectCreated:*", "s3:ObjectRemoved:*"])
    error_message = "Removals must raise events."
  }
}

run "what_the_function_is_told" {
  assert {
    condition = nonsensitive(aws_lambda_function.this.environment[0].variables) == tomap({
      SYNC_URL              = "https://oms.cn-north-4.myhuaweicloud.com/v2/p/sync-tasks/t/events"
      OSS_ENDPOINT          = "oss-cn-hangzhou.aliyuncs.com"
      HW_AK                 = "ak"
      HW_SK                 = "sk"
      OSS_ACCESS_KEY_ID     = "id"
      OSS_ACCESS_KEY_SECRET = "secret"
      SOURCE_BUCKET         = "s3://photos"
      LOG_BUCKET            = "photos-oms-log"
    })
    error_message = "It is told something else."
  }
}

run "every_setting_can_be_passed" {
  variables {
    settings = { for name in jsondecode(file("settings.json")).settings : name => "given" }
  }

  override_data {
    target = data.aws_secretsmanager_secret_version.this
    values = { secret_string = "{\"HW_AK\":\"\",\"HW_SK\":\"\",\"HW_SECURITY_TOKEN\":\"\",\"DEST_AK\":\"\",\"DEST_SK\":\"\",\"DEST_SECURITY_TOKEN\":\"\",\"OSS_ACCESS_KEY_ID\":\"\",\"OSS_ACCESS_KEY_SECRET\":\"\",\"OSS_SESSION_TOKEN\":\"\"}" }
  }

  assert {
    condition = toset(keys(nonsensitive(aws_lambda_function.this.environment[0].variables))) == toset(concat(
      jsondecode(file("settings.json")).settings,
      jsondecode(file("settings.json")).secrets,
      jsondecode(file("settings.json")).by_the_module,
    ))
    error_message = "Some setting does not arrive."
  }
}

run "only_what_failed_returns_to_the_queue_and_is_set_aside_at_last" {
  assert {
    condition     = aws_lambda_event_source_mapping.queue.function_response_types == toset(["ReportBatchItemFailures"]) || aws_lambda_event_source_mapping.queue.function_response_types == tolist(["ReportBatchItemFailures"])
    error_message = "One bad message would bring all of its batch back."
  }

  assert {
    condition     = jsondecode(aws_sqs_queue.events.redrive_policy).maxReceiveCount == 5
    error_message = "Messages must be set aside at last."
  }

  assert {
    condition     = aws_sqs_queue.events.visibility_timeout_seconds >= 6 * aws_lambda_function.this.timeout + aws_lambda_event_source_mapping.queue.maximum_batching_window_in_seconds
    error_message = "Messages would come back while they are worked on."
  }

  assert {
    condition     = aws_sqs_queue.dead_letters.message_retention_seconds > aws_sqs_queue.events.message_retention_seconds
    error_message = "Dead letters would be gone before anybody looks."
  }
}

run "the_bucket_of_this_account_may_send_to_the_queue_and_nobody_else" {
  assert {
    condition = jsondecode(aws_sqs_queue_policy.events.policy).Statement[0].Condition == {
      ArnEquals    = { "aws:SourceArn" = "arn:aws:s3:::photos" }
      StringEquals = { "aws:SourceAccount" = "123456789012" }
    }
    error_message = "Others may send."
  }

  assert {
    condition     = length(aws_s3_bucket_notification.source) == 0
    error_message = "Notifications that the bucket has must not be replaced unless that is asked for."
  }
}

run "the_notification_of_the_bucket" {
  variables {
    manage_notification = true
  }

  assert {
    condition     = aws_s3_bucket_notification.source[0].queue[0].queue_arn == aws_sqs_queue.events.arn
    error_message = "It does not go to the queue."
  }
}

run "a_schedule_for_each_action" {
  assert {
    condition = { for name, target in aws_cloudwatch_event_target.timer : name => jsondecode(jsondecode(target.input).payload) } == {
      for name in ["replay", "confirm", "reconcile"] : name => { action = name }
    }
    error_message = "Each schedule must ask for its own action."
  }

  assert {
    condition     = alltrue([for rule in aws_cloudwatch_event_rule.timer : rule.state == "ENABLED"])
    error_message = "All of them must work."
  }

  assert {
    condition     = length(aws_iam_role_policy.compare) == 0
    error_message = "Without a destination nothing is compared, and the source needs not be read."
  }
}

run "what_raises_events_is_compared_and_nothing_else" {
  variables {
    source_prefix = "photos/"
    reconcile     = false
    settings      = { SYNC_URL = "given", OSS_ENDPOINT = "given", DEST = "obs://mirror" }
  }

  assert {
    condition = jsondecode(jsondecode(aws_cloudwatch_event_target.timer["reconcile"].input).payload) == {
      action = "reconcile"
      prefix = "photos/"
    }
    error_message = "Other keys than those of the notification would be sent."
  }

  assert {
    condition     = [for name, rule in aws_cloudwatch_event_rule.timer : name if rule.state == "DISABLED"] == ["reconcile"]
    error_message = "It must not compare, and the others must work."
  }

  assert {
    condition     = [for statement in jsondecode(aws_iam_role_policy.compare[0].policy).Statement : statement.Action[0]] == ["s3:ListBucket", "s3:GetObject"]
    error_message = "What is compared must be listed and looked at."
  }
}

run "a_secret_among_the_settings" {
  command = plan

  variables {
    settings = { SYNC_URL = "given", OSS_ENDPOINT = "given", HW_SK = "given" }
  }

  expect_failures = [var.settings]
}
