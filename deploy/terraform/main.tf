# OSS -> function -> OMS on Alibaba Cloud: the function with its triggers, and everything that it needs beside the source bucket.
# docs/deploy.md has the steps.

provider "alicloud" {
  region = var.region
}

data "alicloud_account" "current" {}

locals {
  account = data.alicloud_account.current.id
  mode    = lookup(var.settings, "FORWARD_MODE", "oms")
  dest    = lookup(var.settings, "DEST", "")

  # The same policies as in docs/deploy.md. Those of the copy modes include what forwarding to OMS needs.
  policy = (
    local.mode == "oms" ? "policy-function.json" :
    startswith(local.dest, "oss://") ? "policy-function-copy-oss.json" : "policy-function-copy-obs.json"
  )

  timers = {
    replay  = { every = "10m", description = "Sends again what failed", payload = {} }
    confirm = { every = "5m", description = "Confirms that what was accepted arrived", payload = {} }
    reconcile = {
      every       = "1h"
      description = "Sends what no event brought to the destination"
      # The keys of the trigger of events.
      payload = { for name, text in { prefix = var.source_prefix, suffix = var.source_suffix } : name => text if text != "" }
    }
  }

  removals = lower(trimspace(lookup(var.settings, "PROPAGATE_DELETES", "false"))) == "true" ? [
    "oss:ObjectRemoved:DeleteObject",
    "oss:ObjectRemoved:DeleteObjects",
  ] : []
}

# The records of what was forwarded.
resource "alicloud_oss_bucket" "log" {
  count  = var.create_log_bucket ? 1 : 0
  bucket = var.log_bucket
}

# The lines that the function logs. Without a log store the platform keeps none.
resource "alicloud_log_project" "this" {
  project_name = coalesce(var.log_project, "${var.name}-${local.account}")
  description  = "Log of ${var.name}"
}

resource "alicloud_log_store" "this" {
  project_name     = alicloud_log_project.this.project_name
  logstore_name    = "function"
  retention_period = var.log_retention_days
  shard_count      = 1
}

# Without an index nothing can be searched, and `s logs` finds nothing.
resource "alicloud_log_store_index" "this" {
  project  = alicloud_log_project.this.project_name
  logstore = alicloud_log_store.this.logstore_name

  full_text {
    case_sensitive = false
    token          = ", '\";=()[]{}?@&<>/:\n\t\r"
  }

  # The platform writes these beside each line; `s logs` searches by them.
  dynamic "field_search" {
    for_each = ["functionName", "qualifier", "requestId", "instanceID", "message"]

    content {
      name             = field_search.value
      type             = "text"
      token            = ", '\";=()[]{}?@&<>/:\n\t\r"
      enable_analytics = true
    }
  }
}

# Where events end that neither OMS nor the log bucket took. The queue keeps them until somebody looks.
resource "alicloud_message_service_topic" "failures" {
  topic_name = "${var.name}-failures"
}

resource "alicloud_message_service_queue" "failures" {
  queue_name               = "${var.name}-failures"
  message_retention_period = 604800
}

resource "alicloud_message_service_subscription" "failures" {
  topic_name            = alicloud_message_service_topic.failures.topic_name
  subscription_name     = "queue"
  endpoint              = alicloud_message_service_queue.failures.queue_name
  push_type             = "queue"
  notify_content_format = "SIMPLIFIED"
}

# Whom the function is when it opens the buckets.
resource "alicloud_ram_role" "function" {
  role_name   = "${var.name}-function"
  description = "The function ${var.name}"
  assume_role_policy_document = jsonencode({
    Version = "1"
    Statement = [{
      Action    = "sts:AssumeRole"
      Effect    = "Allow"
      Principal = { Service = ["fc.aliyuncs.com"] }
    }]
  })
}

resource "alicloud_ram_policy" "function" {
  policy_name = "${var.name}-function"
  policy_document = replace(
    replace(
      replace(
        replace(
          replace(
            file("${path.module}/../${local.policy}"),
            "<LOG_BUCKET>", var.log_bucket
          ),
          "<SOURCE_BUCKET>", var.source_bucket
        ),
        "<DEST_BUCKET>", split("/", trimprefix(local.dest, "oss://"))[0]
      ),
      "<TOPIC>", alicloud_message_service_topic.failures.topic_name
    ),
    "<LOG_PROJECT>", alicloud_log_project.this.project_name
  )
  rotate_strategy = "DeleteOldestNonDefaultVersionWhenLimitExceeded"
}

resource "alicloud_ram_role_policy_attachment" "function" {
  role_name   = alicloud_ram_role.function.role_name
  policy_name = alicloud_ram_policy.function.policy_name
  policy_type = "Custom"
}

# Whom OSS is when it invokes the function.
resource "alicloud_ram_role" "events" {
  role_name   = "${var.name}-events"
  description = "OSS, which invokes ${var.name}"
  assume_role_policy_document = jsonencode({
    Version = "1"
    Statement = [{
      Action    = "sts:AssumeRole"
      Effect    = "Allow"
      Principal = { Service = ["oss.aliyuncs.com"] }
    }]
  })
}

resource "alicloud_ram_policy" "events" {
  policy_name = "${var.name}-events"
  policy_document = jsonencode({
    Version = "1"
    Statement = [{
      Action   = ["fc:InvokeFunction"]
      Effect   = "Allow"
      Resource = "acs:fc:${var.region}:*:functions/${var.name}*"
    }]
  })
}

resource "alicloud_ram_role_policy_attachment" "events" {
  role_name   = alicloud_ram_role.events.role_name
  policy_name = alicloud_ram_policy.events.policy_name
  policy_type = "Custom"
}

resource "alicloud_fcv3_function" "this" {
  function_name = var.name
  description   = "Forwards OSS events to Huawei Cloud OMS"
  runtime       = "custom.debian10"
  handler       = "not-used"

  code {
    zip_file = filebase64(var.package)
  }

  custom_runtime_config {
    command = ["/code/bootstrap"]
    # The platform does not tell a custom runtime its timeout.
    args = ["serve", "--timeout", tostring(var.timeout)]
    port = 9000
  }

  timeout     = var.timeout
  cpu         = var.cpu
  memory_size = var.memory_size
  disk_size   = 512
  # Requests of one instance share connections and OMS requests.
  instance_concurrency = var.instance_concurrency
  internet_access      = true
  role                 = alicloud_ram_role.function.arn

  environment_variables = merge(
    {
      OSS_ENDPOINT = "oss-${var.region}-internal.aliyuncs.com"
      OSS_REGION   = var.region
    },
    var.settings,
    var.secrets,
    {
      SOURCE_BUCKET = var.source_bucket
      LOG_BUCKET    = var.log_bucket
    },
  )

  log_config {
    project                 = alicloud_log_project.this.project_name
    logstore                = alicloud_log_store.this.logstore_name
    enable_request_metrics  = true
    enable_instance_metrics = true
    log_begin_rule          = "None"
  }

  instance_lifecycle_config {
    initializer {
      handler = "initialize"
      timeout = 30
    }

    pre_stop {
      handler = "preStop"
      timeout = 90
    }
  }

  # The first event must find its rights.
  depends_on = [
    alicloud_ram_role_policy_attachment.function,
    alicloud_oss_bucket.log,
  ]
}

# An event that neither OMS nor the log bucket took is tried again this often, and then handed on. Without a destination it would be gone.
resource "alicloud_fcv3_async_invoke_config" "this" {
  function_name                  = alicloud_fcv3_function.this.function_name
  qualifier                      = "LATEST"
  max_async_retry_attempts       = 8
  max_async_event_age_in_seconds = 86400

  destination_config {
    on_failure {
      destination = "acs:mns:${var.region}::/topics/${alicloud_message_service_topic.failures.topic_name}/messages"
    }
  }
}

# More invocations wait in the platform's queue.
resource "alicloud_fcv3_concurrency_config" "this" {
  function_name        = alicloud_fcv3_function.this.function_name
  reserved_concurrency = var.reserved_concurrency
}

resource "alicloud_fcv3_trigger" "oss" {
  function_name   = alicloud_fcv3_function.this.function_name
  trigger_name    = "oss"
  trigger_type    = "oss"
  description     = "Objects that now exist or changed"
  qualifier       = "LATEST"
  source_arn      = "acs:oss:${var.region}:${local.account}:${var.source_bucket}"
  invocation_role = alicloud_ram_role.events.arn

  trigger_config = jsonencode({
    # Not the wildcard: it includes an event for every part of a multipart upload.
    events = concat([
      "oss:ObjectCreated:PutObject",
      "oss:ObjectCreated:PostObject",
      "oss:ObjectCreated:CopyObject",
      "oss:ObjectCreated:CompleteMultipartUpload",
      "oss:ObjectCreated:AppendObject",
      "oss:ObjectCreated:PutSymlink",
    ], local.removals)
    filter = { key = { prefix = var.source_prefix, suffix = var.source_suffix } }
  })

  # No event may come before its failures have a destination.
  depends_on = [
    alicloud_ram_role_policy_attachment.events,
    alicloud_fcv3_async_invoke_config.this,
    alicloud_fcv3_concurrency_config.this,
    alicloud_message_service_subscription.failures,
  ]
}

# `confirm` and `reconcile` have an effect where DEST and DEST_ENDPOINT are set, in any mode.
resource "alicloud_fcv3_trigger" "timer" {
  for_each      = local.timers
  function_name = alicloud_fcv3_function.this.function_name
  trigger_name  = each.key
  trigger_type  = "timer"
  description   = each.value.description
  qualifier     = "LATEST"

  trigger_config = jsonencode({
    cronExpression = "@every ${each.value.every}"
    enable         = each.key != "reconcile" || var.reconcile
    payload        = jsonencode(merge({ action = each.key }, each.value.payload))
  })

  depends_on = [alicloud_fcv3_async_invoke_config.this]
}

moved {
  from = alicloud_fcv3_trigger.replay
  to   = alicloud_fcv3_trigger.timer["replay"]
}

moved {
  from = alicloud_fcv3_trigger.confirm
  to   = alicloud_fcv3_trigger.timer["confirm"]
}
