# Without an account: `terraform test`. The provider is mocked, so this shows what would be asked of it, not that it is granted.

mock_provider "alicloud" {
  mock_data "alicloud_account" {
    defaults = { id = "1234567890123456" }
  }

  mock_resource "alicloud_ram_role" {
    defaults = { arn = "acs:ram::1234567890123456:role/made" }
  }
}

variables {
  region        = "cn-hangzhou"
  source_bucket = "photos"
  log_bucket    = "photos-oms-log"
  package       = "../../target/lambda/oms-bridge.zip"
  settings      = { SYNC_URL = "https://oms.cn-north-4.myhuaweicloud.com/v2/p/sync-tasks/t/events" }
  secrets       = { HW_AK = "ak", HW_SK = "sk" }
}

run "what_the_function_is_told" {
  assert {
    condition = nonsensitive(alicloud_fcv3_function.this.environment_variables) == tomap({
      SYNC_URL      = "https://oms.cn-north-4.myhuaweicloud.com/v2/p/sync-tasks/t/events"
      HW_AK         = "ak"
      HW_SK         = "sk"
      SOURCE_BUCKET = "photos"
      LOG_BUCKET    = "photos-oms-log"
      OSS_ENDPOINT  = "oss-cn-hangzhou-internal.aliyuncs.com"
      OSS_REGION    = "cn-hangzhou"
    })
    error_message = "It is told something else."
  }

  assert {
    condition     = alicloud_fcv3_function.this.custom_runtime_config[0].args == tolist(["serve", "--timeout", tostring(alicloud_fcv3_function.this.timeout)])
    error_message = "It must know its own timeout."
  }

  assert {
    condition     = alicloud_fcv3_function.this.log_config[0].logstore == alicloud_log_store.this.logstore_name
    error_message = "Without a log store the platform keeps no log."
  }
}

run "every_setting_can_be_passed" {
  variables {
    settings = merge(
      { for name in jsondecode(file("settings.json")).settings : name => "given" },
      { SYNC_URL = "given", FORWARD_MODE = "oms" },
    )
    secrets = { for name in jsondecode(file("settings.json")).secrets : name => "given" }
  }

  assert {
    condition = toset(keys(nonsensitive(alicloud_fcv3_function.this.environment_variables))) == toset(concat(
      jsondecode(file("settings.json")).settings,
      jsondecode(file("settings.json")).secrets,
      jsondecode(file("settings.json")).by_the_module,
    ))
    error_message = "Some setting does not arrive."
  }
}

run "no_event_is_lost" {
  assert {
    condition     = alicloud_fcv3_async_invoke_config.this.destination_config[0].on_failure[0].destination == "acs:mns:cn-hangzhou::/topics/oms-bridge-failures/messages"
    error_message = "Events that are given up must go somewhere."
  }

  assert {
    condition     = alicloud_message_service_subscription.failures.endpoint == "oms-bridge-failures"
    error_message = "The topic keeps nothing: a queue must be subscribed to it."
  }

  assert {
    condition     = alicloud_fcv3_async_invoke_config.this.max_async_retry_attempts == 8
    error_message = "The platform must try again."
  }
}

run "the_events_are_those_of_s_yaml" {
  assert {
    condition = jsondecode(alicloud_fcv3_trigger.oss.trigger_config).events == [
      for trigger in yamldecode(file("../../s.yaml")).resources.forwarder.props.triggers : trigger.triggerConfig.events
      if trigger.triggerType == "oss"
    ][0]
    error_message = "s.yaml names other events."
  }

  assert {
    condition     = alicloud_fcv3_trigger.oss.source_arn == "acs:oss:cn-hangzhou:1234567890123456:photos"
    error_message = "The trigger is on another bucket."
  }

}

run "the_timers_are_those_of_s_yaml" {
  assert {
    condition = { for name, timer in alicloud_fcv3_trigger.timer : name => jsondecode(timer.trigger_config).cronExpression } == {
      for trigger in yamldecode(file("../../s.yaml")).resources.forwarder.props.triggers :
      trigger.triggerName => trigger.triggerConfig.cronExpression if trigger.triggerType == "timer"
    }
    error_message = "s.yaml has other timers."
  }

  assert {
    condition = { for name, timer in alicloud_fcv3_trigger.timer : name => jsondecode(jsondecode(timer.trigger_config).payload) } == {
      for name in ["replay", "confirm", "reconcile"] : name => { action = name }
    }
    error_message = "Each timer must ask for its own action."
  }

  assert {
    condition     = alltrue([for timer in alicloud_fcv3_trigger.timer : jsondecode(timer.trigger_config).enable])
    error_message = "All of them must work."
  }
}

run "what_raises_events_is_compared_and_nothing_else" {
  variables {
    source_prefix = "photos/"
    source_suffix = ".jpg"
    reconcile     = false
  }

  assert {
    condition = jsondecode(jsondecode(alicloud_fcv3_trigger.timer["reconcile"].trigger_config).payload) == {
      action = "reconcile"
      prefix = "photos/"
      suffix = ".jpg"
    }
    error_message = "Other keys than those of the trigger would be sent."
  }

  assert {
    condition     = [for name, timer in alicloud_fcv3_trigger.timer : name if !jsondecode(timer.trigger_config).enable] == ["reconcile"]
    error_message = "It must not compare, and the others must work."
  }
}

run "removals_are_events_where_they_are_carried_out" {
  variables {
    settings = {
      FORWARD_MODE      = "copy"
      DEST              = "obs://mirror/a"
      PROPAGATE_DELETES = "true"
    }
  }

  assert {
    condition     = contains(jsondecode(alicloud_fcv3_trigger.oss.trigger_config).events, "oss:ObjectRemoved:DeleteObject")
    error_message = "Removals must raise events."
  }
}

run "the_role_may_do_what_forwarding_needs" {
  assert {
    condition = (
      strcontains(alicloud_ram_policy.function.policy_document, "acs:oss:*:*:photos-oms-log/oms_source_record/*") &&
      strcontains(alicloud_ram_policy.function.policy_document, "acs:oss:*:*:photos/*") &&
      !strcontains(alicloud_ram_policy.function.policy_document, "mirror") &&
      !strcontains(alicloud_ram_policy.function.policy_document, "<")
    )
    error_message = "The policy is not that of the mode oms with the names filled in."
  }

  assert {
    condition     = jsondecode(alicloud_ram_policy.events.policy_document).Statement[0].Action == ["fc:InvokeFunction"]
    error_message = "OSS may invoke the function and nothing else."
  }
}

run "the_role_of_a_function_that_copies_reads_the_source" {
  variables {
    settings = { FORWARD_MODE = "copy", DEST = "oss://mirror/a" }
  }

  assert {
    condition = (
      strcontains(alicloud_ram_policy.function.policy_document, "acs:oss:*:*:photos/*") &&
      strcontains(alicloud_ram_policy.function.policy_document, "acs:oss:*:*:mirror/*") &&
      !strcontains(alicloud_ram_policy.function.policy_document, "<")
    )
    error_message = "The policy is not that of copies to OSS with the names filled in."
  }
}

run "a_setting_that_does_not_exist" {
  command = plan

  variables {
    settings = { SYNC_URL = "given", SYNC_ULR = "given" }
  }

  expect_failures = [var.settings]
}

run "a_secret_among_the_settings" {
  command = plan

  variables {
    settings = { SYNC_URL = "given", HW_SK = "given" }
  }

  expect_failures = [var.settings]
}

run "nothing_to_forward_to" {
  command = plan

  variables {
    settings = {}
  }

  expect_failures = [var.settings]
}

run "the_log_bucket_is_the_source_bucket" {
  command = plan

  variables {
    log_bucket = "photos"
  }

  expect_failures = [var.log_bucket]
}
