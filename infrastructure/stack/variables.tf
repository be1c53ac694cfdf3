variable "alarm_actions" {
  description = "ARNs, such as SNS topics, that alarms notify when they fire and when they recover."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.alarm_actions : startswith(arn, "arn:")])
    error_message = "alarm_actions takes ARNs; write for example [\"arn:aws:sns:eu-central-1:111122223333:on-call\"]."
  }
}

variable "alarm_p99_milliseconds" {
  description = "Duration of the slowest percent of invocations above which the alarm fires."
  type        = number
  default     = 3000

  validation {
    condition     = var.alarm_p99_milliseconds > 0
    error_message = "alarm_p99_milliseconds must be above 0; write the milliseconds users may wait, such as 3000."
  }
}

variable "api_burst_limit" {
  description = "Requests that the API takes at the same instant before it answers 429."
  type        = number
  default     = 100

  validation {
    condition     = var.api_burst_limit >= 1 && floor(var.api_burst_limit) == var.api_burst_limit
    error_message = "api_burst_limit must be a whole number from 1; write for example 100."
  }
}

variable "api_rate_limit" {
  description = "Requests a second that the API takes for long before it answers 429."
  type        = number
  default     = 50

  validation {
    condition     = var.api_rate_limit > 0
    error_message = "api_rate_limit must be above 0; write the requests a second, such as 50."
  }
}

variable "emulator" {
  description = "Where an AWS emulator listens, and the address it shows this environment's site at. Null on AWS."
  type = object({
    endpoint = string
    site_url = string
  })
  default = null

  validation {
    condition = var.emulator == null ? true : alltrue([
      can(regex("^http://[^/:]+:[0-9]+$", var.emulator.endpoint)),
      can(regex("^http://[^/:]+:[0-9]+$", var.emulator.site_url)),
    ])
    error_message = "emulator takes plain addresses with a port; write for example endpoint = \"http://127.0.0.1:4566\"."
  }
}

variable "environment" {
  description = "The environment this stack serves: the name of the Terraform workspace."
  type        = string

  validation {
    condition     = can(regex("^([a-z][a-z0-9]{2,15}|pr-[1-9][0-9]{0,8})$", var.environment))
    error_message = "environment must be 3 to 16 lower-case letters and digits, or pr-<number>; write dev, staging, production or pr-7."
  }

  validation {
    condition     = var.environment == terraform.workspace
    error_message = "environment is \"${var.environment}\" but the workspace is \"${terraform.workspace}\"; run with TF_WORKSPACE=${var.environment}, or pass -var environment=${terraform.workspace}."
  }
}

variable "force_destroy" {
  description = "Whether destroying the stack also deletes what its buckets hold. Null: everywhere but in production."
  type        = bool
  default     = null
}

variable "function_memory_megabytes" {
  description = "Memory of the function; its share of a processor grows with it."
  type        = number
  default     = 512

  validation {
    condition     = var.function_memory_megabytes >= 128 && var.function_memory_megabytes <= 10240
    error_message = "function_memory_megabytes must be from 128 to 10240; write for example 512."
  }
}

variable "function_reserved_concurrency" {
  description = "Invocations that may run at the same time, set aside from the account's. -1 sets none aside."
  type        = number
  default     = -1

  validation {
    condition     = var.function_reserved_concurrency == -1 || var.function_reserved_concurrency >= 1
    error_message = "function_reserved_concurrency must be -1 (no limit of its own) or at least 1; 0 would stop the function."
  }
}

variable "function_timeout_seconds" {
  description = "How long one invocation may take. API Gateway itself gives up after 30 seconds."
  type        = number
  default     = 10

  validation {
    condition     = var.function_timeout_seconds >= 1 && var.function_timeout_seconds <= 29
    error_message = "function_timeout_seconds must be from 1 to 29, below API Gateway's own limit; write for example 10."
  }
}

variable "function_tracing" {
  description = "Whether the function sends X-Ray traces of its own accord."
  type        = bool
  default     = true
}

variable "log_retention_days" {
  description = "How long logs are kept. Null: a year, in previews a week."
  type        = number
  default     = null

  validation {
    condition     = var.log_retention_days == null ? true : contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731], var.log_retention_days)
    error_message = "log_retention_days must be one of the periods CloudWatch Logs knows; write 14, 30, 90 or 365."
  }
}

variable "placeholder_zip" {
  description = "Path of a zip that the function is created with. `ship` replaces its code and Terraform never looks again."
  type        = string

  validation {
    condition     = endswith(var.placeholder_zip, ".zip")
    error_message = "placeholder_zip must be the path of a zip file; `ship` makes one and passes it."
  }
}

variable "project" {
  description = "Name of the project, the first part of every name."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,22}[a-z0-9]$", var.project))
    error_message = "project must be 3 to 24 lower-case letters, digits and hyphens; write for example serverless-flask."
  }
}

variable "region" {
  description = "AWS region of everything but CloudFront, which is everywhere."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region must be an AWS region; write for example eu-central-1."
  }
}

variable "secret_version" {
  description = "Raise it by one to have a new secret key made; the value itself never reaches a plan or a state."
  type        = number
  default     = 1

  validation {
    condition     = var.secret_version >= 1 && floor(var.secret_version) == var.secret_version
    error_message = "secret_version must be a whole number from 1; write one more than it is now."
  }
}

variable "warm_up_environments" {
  description = "Execution environments of the function that the schedule keeps warm. 0 turns the schedule off, its self-check too. Null: 1, in previews 0."
  type        = number
  default     = null

  validation {
    condition = var.warm_up_environments == null ? true : (
      var.warm_up_environments >= 0 && var.warm_up_environments <= 20 && floor(var.warm_up_environments) == var.warm_up_environments
    )
    error_message = "warm_up_environments must be a whole number from 0 to 20; write as many as requests arrive at the same time after a pause, or 0 for no schedule."
  }

  validation {
    # One more answers the self-check while the others are held.
    condition     = var.function_reserved_concurrency == -1 || var.function_reserved_concurrency > coalesce(var.warm_up_environments, 1)
    error_message = "warm_up_environments must be below function_reserved_concurrency, or the schedule takes what users need; lower it, or raise the other."
  }
}

variable "warm_up_minutes" {
  description = "Minutes between two warm-ups of the live version."
  type        = number
  default     = 5

  validation {
    condition     = var.warm_up_minutes >= 2 && floor(var.warm_up_minutes) == var.warm_up_minutes
    error_message = "warm_up_minutes must be a whole number from 2; write for example 5."
  }
}
