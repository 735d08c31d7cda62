variable "region" {
  description = "Region of the source bucket, and so of the queue and the function"
  type        = string
}

variable "source_bucket" {
  description = "S3 bucket whose changes are forwarded. It must exist"
  type        = string
}

variable "manage_notification" {
  description = "Whether the notification of the bucket is set here, which replaces all notifications that it has"
  type        = bool
  default     = false
}

variable "source_prefix" {
  description = "Only keys that begin with this raise an event, as S3 encodes keys in events"
  type        = string
  default     = ""
}

variable "source_suffix" {
  description = "Only keys that end with this raise an event, as S3 encodes keys in events"
  type        = string
  default     = ""
}

variable "reconcile" {
  description = "Whether both sides are compared every hour, and what is missing is sent: also what was in the source bucket before"
  type        = bool
  default     = true
}

variable "log_bucket" {
  description = "OSS bucket of the records"
  type        = string
}

variable "package" {
  description = "Archive that deploy/lambda/build.sh makes"
  type        = string
  default     = "../../../target/lambda/oms-bridge.zip"
}

variable "architecture" {
  description = "What build.sh was told"
  type        = string
  default     = "x86_64"

  validation {
    condition     = contains(["x86_64", "arm64"], var.architecture)
    error_message = "The architecture is x86_64 or arm64."
  }
}

variable "settings" {
  description = "Settings of the function by name, such as SYNC_URL and OSS_ENDPOINT. docs/reference/settings.md"
  type        = map(string)

  validation {
    condition = alltrue([
      for name in keys(var.settings) : contains(jsondecode(file("${path.module}/settings.json")).settings, name)
    ])
    error_message = "Each name must be one of \"settings\" in settings.json. Secrets belong in the secret; SOURCE_BUCKET and LOG_BUCKET have variables of their own."
  }

  validation {
    condition     = lookup(var.settings, "FORWARD_MODE", "oms") == "copy" || lookup(var.settings, "SYNC_URL", "") != ""
    error_message = "SYNC_URL is missing: the synchronization request receiving address of the OMS task. Only FORWARD_MODE = \"copy\" works without."
  }

  validation {
    condition     = lookup(var.settings, "OSS_ENDPOINT", "") != ""
    error_message = "OSS_ENDPOINT is missing: the host of OSS for the log bucket, such as oss-cn-hangzhou.aliyuncs.com."
  }
}

variable "secret" {
  description = "Name or ARN of the secret in AWS Secrets Manager: a JSON object of settings. Its values end in the state of Terraform: keep that private"
  type        = string
  default     = "oms-bridge"
}

variable "name" {
  description = "What all names begin with"
  type        = string
  default     = "oms-bridge"
}

variable "log_retention_days" {
  description = "Days that log lines are kept"
  type        = number
  default     = 30
}

variable "memory_size" {
  description = "Memory of the function in MB"
  type        = number
  default     = 128
}

variable "timeout" {
  description = "Seconds that an invocation may take. The queue hides messages for six times as long"
  type        = number
  default     = 60
}

variable "maximum_concurrency" {
  description = "Instances at most"
  type        = number
  default     = 5
}

variable "alarm_topic" {
  description = "ARN of an SNS topic that learns when a message is given up"
  type        = string
  default     = null
}
