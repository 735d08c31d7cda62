output "function" {
  description = "Name of the function"
  value       = alicloud_fcv3_function.this.function_name
}

output "log_project" {
  description = "Where its log is: the project; the store is `function`"
  value       = alicloud_log_project.this.project_name
}

output "failure_queue" {
  description = "Queue with the events that were given up"
  value       = alicloud_message_service_queue.failures.queue_name
}
