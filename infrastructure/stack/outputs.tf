# The same values as in stack.json, which `ship` reads where it has no Terraform at hand.

output "alarms" {
  description = "Names of the alarms that a deploy watches."
  value       = local.contract.alarms
}

output "alias" {
  description = "The alias that users are served from."
  value       = local.contract.alias
}

output "api_id" {
  description = "Id of the HTTP API."
  value       = local.contract.api_id
}

output "api_url" {
  description = "Base address of the API; append /api/version to it."
  value       = local.contract.api_url
}

output "artifact_bucket" {
  description = "Bucket of the releases, the history and stack.json."
  value       = local.contract.artifact_bucket
}

output "contract" {
  description = "Number of this contract; it rises when a value changes its meaning or goes."
  value       = local.contract.contract
}

output "distribution_id" {
  description = "Id of the CloudFront distribution."
  value       = local.contract.distribution_id
}

output "environment" {
  description = "The environment, which is also the workspace."
  value       = local.contract.environment
}

output "function_name" {
  description = "Name of the function."
  value       = local.contract.function_name
}

output "log_group" {
  description = "Log group of the function."
  value       = local.contract.log_group
}

output "project" {
  description = "Name of the project."
  value       = local.contract.project
}

output "region" {
  description = "AWS region."
  value       = local.contract.region
}

output "site_bucket" {
  description = "Bucket that the pages are served from."
  value       = local.contract.site_bucket
}

output "site_url" {
  description = "Address of the site."
  value       = local.contract.site_url
}
