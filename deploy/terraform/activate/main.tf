# Once for an account: activates what the function needs, which accepts the terms of these services. Activating costs nothing, and
# cannot be undone. What is active already stays so.

terraform {
  required_version = ">= 1.5"

  required_providers {
    alicloud = {
      source  = "aliyun/alicloud"
      version = "~> 1.289"
    }
  }
}

variable "region" {
  description = "Region of the source bucket"
  type        = string
}

variable "create_service_linked_role" {
  description = "Whether the role AliyunServiceRoleForFC is made. Who has opened the console of Function Compute has it already"
  type        = bool
  default     = true
}

provider "alicloud" {
  region = var.region
}

data "alicloud_fc_service" "this" {
  enable = "On"
}

data "alicloud_log_service" "this" {
  enable = "On"
}

# Simple Message Queue, which was called MNS.
resource "alicloud_message_service_service" "this" {}

# Whom Function Compute itself is when it writes logs and hands events on.
resource "alicloud_resource_manager_service_linked_role" "this" {
  count        = var.create_service_linked_role ? 1 : 0
  service_name = "fc.aliyuncs.com"
}
