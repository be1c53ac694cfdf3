variable "alerts" {
  description = "By environment that tells people of what happens to it: the ARN of the owner's topic, or nothing for one of its own."
  type        = map(string)
  default     = {}

  validation {
    condition     = length(setsubtract(keys(var.alerts), var.environments)) == 0
    error_message = "alerts takes names of environments; write for example {live = \"\"}."
  }
}

variable "create_oidc_provider" {
  description = "Whether to create GitHub's identity provider. False uses the one that the account has, and never changes it."
  type        = bool
  default     = true
}

variable "domains" {
  description = "By environment: the domain of its site, and the Route 53 zone of this account that it is in."
  type = map(object({
    name = string
    zone = optional(string)
  }))
  default = {}

  validation {
    condition     = length(setsubtract(keys(var.domains), var.environments)) == 0
    error_message = "domains takes names of environments; write for example {live = {name = \"www.example.org\"}}."
  }
}

variable "emulator" {
  description = "Where an AWS emulator listens. Null on AWS."
  type = object({
    endpoint = string
  })
  default = null

  validation {
    condition     = var.emulator == null ? true : can(regex("^http://[^/:]+:[0-9]+$", var.emulator.endpoint))
    error_message = "emulator takes a plain address with a port; write for example {endpoint = \"http://127.0.0.1:4566\"}."
  }
}

variable "environments" {
  description = "The permanent environments of this account, each with a deploy role of its own. Previews share another."
  type        = set(string)

  validation {
    # Without a hyphen no environment's names are the beginning of another's.
    condition     = length(var.environments) > 0 && alltrue([for name in var.environments : can(regex("^[a-z][a-z0-9]{1,15}$", name))])
    error_message = "environments takes names of 2 to 16 lower-case letters and digits; write for example [\"qa\", \"live\"]."
  }

  validation {
    # The role PROJECT-deploy-function would pass for a function's role, PROJECT-pr-* is the previews'.
    condition     = length(setintersection(var.environments, ["function", "pr", "preview"])) == 0
    error_message = "environments cannot hold function, pr or preview, which name other things here; choose another name."
  }

  validation {
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    condition     = alltrue([for name in var.environments : length("${var.project}-${name}-artifacts-000000000000") <= 63])
    error_message = "environments and project name a bucket of more than 63 characters; shorten one of them."
  }
}

variable "job_workflow_refs" {
  description = "The workflow files whose jobs may deploy to permanent environments, as the claim job_workflow_ref names them. Empty admits every workflow of main."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for ref in var.job_workflow_refs : can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+/\\.github/workflows/[A-Za-z0-9._-]+@refs/heads/main$", ref))])
    error_message = "job_workflow_refs takes files of main; write for example [\"OWNER/REPO/.github/workflows/environment.yml@refs/heads/main\"]."
  }
}

variable "project" {
  description = "Name of the project, the first part of every name."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,22}[a-z0-9]$", var.project))
    error_message = "project must be 3 to 24 lower-case letters, digits and hyphens; write for example serverless-flask."
  }

  validation {
    # https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    condition     = !can(regex("^(aws|ssm|amzn-s3-demo-|sthree-|xn--)", var.project))
    error_message = "project begins with what AWS keeps for itself (aws, ssm, amzn-s3-demo-, sthree-, xn--); write for example serverless-flask."
  }
}

variable "region" {
  description = "AWS region of everything but CloudFront and IAM, which are global."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region must be an AWS region; write for example eu-central-1."
  }
}

variable "repository_id" {
  description = "GitHub's number of the repository, which no other repository ever has."
  type        = string

  validation {
    condition     = can(regex("^[0-9]+$", var.repository_id))
    error_message = "repository_id is a number; `gh api repos/OWNER/REPO --jq .id` prints it."
  }
}

variable "subject_prefix" {
  description = "How the subject of this repository's tokens begins: repo:OWNER/REPO, or repo:OWNER@ID/REPO@ID where GitHub presents ids."
  type        = string

  validation {
    condition     = can(regex("^repo:([A-Za-z0-9-]+/[A-Za-z0-9._-]+|[A-Za-z0-9-]+@[0-9]+/[A-Za-z0-9._-]+@[0-9]+)$", var.subject_prefix))
    error_message = "subject_prefix must name exactly one repository, without a wildcard; `gh api repos/OWNER/REPO/actions/oidc/customization/sub --jq .sub_claim_prefix` prints it."
  }
}

variable "uses" {
  description = "The services that the application uses besides the platform's: each widens the roles to what is named PROJECT-ENV-*."
  type        = set(string)
  default     = []

  validation {
    condition     = length(setsubtract(var.uses, ["dynamodb", "s3", "secrets", "ses", "sns", "sqs", "vpc"])) == 0
    error_message = "uses takes dynamodb, s3, secrets, ses, sns, sqs and vpc; what else an application needs takes an edit of uses.tf."
  }
}

variable "web_acls" {
  description = "By environment: the ARN of the web ACL that its distribution gets."
  type        = map(string)
  default     = {}

  validation {
    condition     = length(setsubtract(keys(var.web_acls), var.environments)) == 0 && alltrue([for arn in values(var.web_acls) : can(regex("^arn:[a-z-]+:wafv2:us-east-1:[0-9]{12}:global/webacl/.+$", arn))])
    error_message = "web_acls takes names of environments and ARNs of global web ACLs; set waf in [tool.ship.environments.ENV] of pyproject.toml."
  }
}
