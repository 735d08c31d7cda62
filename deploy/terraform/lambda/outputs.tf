output "function" {
  description = "Name of the function"
  value       = aws_lambda_function.this.function_name
}

output "events_arn" {
  description = "Where the notification of the bucket goes"
  value       = aws_sqs_queue.events.arn
}

output "dead_letters_arn" {
  description = "Where messages are that were given up"
  value       = aws_sqs_queue.dead_letters.arn
}
