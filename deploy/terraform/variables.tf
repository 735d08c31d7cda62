variable "region" {
  description = "Region of the source bucket, and so of the function"
  type        = string
}

variable "source_bucket" {
  description = "OSS bucket whose changes are forwarded. It must exist"
  type        = string
}

variable "source_prefix" {
  description = "Only keys that begin with this raise an event"
  type        = string
  default     = ""
}

variable "source_suffix" {
  description = "Only keys that end with this raise an event"
  type        = string
  default     = ""
}

variable "reconcile" {
  description = "Whether both sides are compared every hour, and what is missing is sent: also what was in the source bucket before"
  type        = bool
  default     = true
}

variable "log_bucket" {
  description = "OSS bucket of the records. It must not be the source bucket"
  type        = string

  validation {
    condition     = var.log_bucket != var.source_bucket
    error_message = "The log bucket must not be the source bucket: every record would raise an event."
  }
}

variable "create_log_bucket" {
  description = "Whether the log bucket is made here"
  type        = bool
  default     = true
}

variable "package" {
  description = "Archive with the binary in it as `bootstrap`: what deploy/lambda/build.sh makes"
  type        = string
  default     = "../../target/lambda/oms-bridge.zip"
}

variable "settings" {
  description = "Settings of the function by name, such as SYNC_URL. docs/reference/settings.md"
  type        = map(string)

  validation {
    condition = alltrue([
      for name in keys(var.settings) : contains(jsondecode(file("${path.module}/settings.json")).settings, name)
    ])
    error_message = "Each name must be one of \"settings\" in settings.json. Secrets belong in the variable \"secrets\"; SOURCE_BUCKET and LOG_BUCKET have variables of their own."
  }

  validation {
    condition     = lookup(var.settings, "FORWARD_MODE", "oms") == "copy" || lookup(var.settings, "SYNC_URL", "") != ""
    error_message = "SYNC_URL is missing: the synchronization request receiving address of the OMS task. Only FORWARD_MODE = \"copy\" works without."
  }

  validation {
    condition     = lookup(var.settings, "FORWARD_MODE", "oms") == "oms" || lookup(var.settings, "DEST", "") != ""
    error_message = "DEST is missing: FORWARD_MODE = \"copy\" and \"oms-then-copy\" need the bucket to copy to, such as obs://mirror."
  }
}

variable "secrets" {
  description = "Secret settings of the function by name, such as HW_AK and HW_SK. They end in the state of Terraform: keep that private"
  type        = map(string)
  sensitive   = true

  validation {
    condition = alltrue([
      for name in keys(var.secrets) : contains(jsondecode(file("${path.module}/settings.json")).secrets, name)
    ])
    error_message = "Each name must be one of \"secrets\" in settings.json."
  }
}

variable "name" {
  description = "Name of the function, and what the names of all else begin with"
  type        = string
  default     = "oms-bridge"
}

variable "log_project" {
  description = "Name of the log project. Such names are unique among all customers. Made of the account and the name if left out"
  type        = string
  default     = null
}

variable "log_retention_days" {
  description = "Days that log lines are kept"
  type        = number
  default     = 30
}

variable "cpu" {
  description = "vCPU of an instance: 0.05 to 16, in steps of 0.05"
  type        = number
  default     = 0.1
}

variable "memory_size" {
  description = "Memory of an instance in MB, in steps of 64. In GB it is one to four times `cpu`"
  type        = number
  default     = 128

  validation {
    condition     = var.memory_size >= 128 && var.memory_size % 64 == 0
    error_message = "The memory must be 128 or more, in steps of 64."
  }
}

variable "timeout" {
  description = "Seconds that an invocation may take"
  type        = number
  default     = 120
}

variable "instance_concurrency" {
  description = "Invocations that an instance works on at once"
  type        = number
  default     = 100
}

variable "reserved_concurrency" {
  description = "Instances at most"
  type        = number
  default     = 5
}
