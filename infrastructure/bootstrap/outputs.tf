output "account_id" {
  description = "The AWS account that was bootstrapped."
  value       = local.account_id
}

output "deploy_boundary_arn" {
  description = "Permissions boundary of every deploy role and of the plan role."
  value       = aws_iam_policy.deploy_boundary.arn
}

output "deploy_role_arns" {
  description = "Deploy role of each lasting environment and of the previews, by name; theirs is preview."
  value       = { for name, role in aws_iam_role.deploy : name => role.arn }
}

output "function_boundary_arns" {
  description = "Permissions boundary that the function role of each environment must have, by environment."
  value       = { for name, policy in aws_iam_policy.function_boundary : name => policy.arn }
}

output "plan_role_arn" {
  description = "The role that reads what a plan has to read, and changes nothing."
  value       = aws_iam_role.plan.arn
}

output "state_bucket" {
  description = "Bucket of every Terraform state of this account."
  value       = aws_s3_bucket.state.bucket
}
