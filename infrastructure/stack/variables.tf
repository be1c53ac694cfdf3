variable "alarm_errors_per_minute" {
  description = "Server errors in a minute above which alarms fire. Above 0 for an application that always has some."
  type        = number
  default     = 0

  validation {
    condition     = var.alarm_errors_per_minute >= 0
    error_message = "alarm_errors_per_minute must be 0 or more; write how many server errors a minute are usual, such as 5."
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

variable "alerts" {
  description = "Who is told of alarms, and of what `ship` has to tell: addresses that AWS mails to, or a topic of yours. Null: nobody."
  type = object({
    emails = optional(list(string), [])
    topic  = optional(string, "")
  })
  default = null

  validation {
    condition     = var.alerts == null ? true : alltrue([for address in var.alerts.emails : can(regex("^[^@[:space:]]+@[^@[:space:]]+[.][^@[:space:]]+$", address))])
    error_message = "alerts takes addresses; write for example {emails = [\"on-call@example.org\"]}."
  }

  validation {
    condition     = var.alerts == null ? true : var.alerts.topic == "" || (can(regex("^arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+$", var.alerts.topic)) && length(var.alerts.emails) == 0)
    error_message = "alerts takes the ARN of a topic, and no addresses beside it: subscribe them to that topic."
  }
}

variable "api_behind_cloudfront" {
  description = "Whether the API's own address answers nobody but CloudFront."
  type        = bool
  default     = false
}

variable "application_events" {
  description = "Queues by name. One with a schedule, `rate(…)` or `cron(…)`, gets a message by itself."
  type        = map(object({ schedule = optional(string, "") }))
  default     = {}

  validation {
    # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
    condition = alltrue([
      for name, event in var.application_events :
      can(regex("^[a-z][a-z0-9-]{0,22}[a-z0-9]$", name)) && can(regex("^((rate|cron)\\(.+\\))?$", event.schedule))
    ])
    error_message = "application_events takes names in lower case and schedules; set events in [tool.ship.application] of pyproject.toml."
  }
}

variable "application_paths" {
  description = "CloudFront path patterns that the application answers. \"/*\" is everything, and leaves the site none."
  type        = list(string)
  default     = ["/api/*"]

  validation {
    # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DownloadDistValuesCacheBehavior.html#DownloadDistValuesPathPattern
    condition     = alltrue([for path in var.application_paths : length(path) <= 255 && can(regex("^/[A-Za-z0-9_.*$/~\"'@:+&?-]*$", path))])
    error_message = "application_paths takes CloudFront path patterns that begin with \"/\"; write for example [\"/api/*\"]."
  }

  validation {
    condition     = !anytrue([for path in var.application_paths : startswith(path, "/-/")])
    error_message = "application_paths cannot hold patterns below /-/, where the platform answers; choose another prefix."
  }

  validation {
    condition     = length(var.application_paths) <= 20 && length(distinct(var.application_paths)) == length(var.application_paths)
    error_message = "application_paths takes at most 20 patterns, each once; join some of them with \"*\"."
  }
}

variable "application_variables" {
  description = "Environment variables of the function in this environment, never a secret."
  type        = map(string)
  default     = {}
}

variable "customer_managed_key" {
  description = "Whether secrets have a KMS key of their own, a dollar a month, which only this environment's roles may use. Never in previews."
  type        = bool
  default     = false
}

variable "domain" {
  description = "The site's own domain, the Route 53 zone that it is in, and its certificate once that is issued. `ship` sets it."
  type = object({
    certificate = optional(string)
    name        = string
    zone        = optional(string)
  })
  default = null

  validation {
    condition     = try(var.domain.certificate, null) == null ? true : can(regex("^arn:[a-z-]+:acm:us-east-1:", var.domain.certificate))
    error_message = "domain takes a certificate of us-east-1, the region where CloudFront looks for it."
  }
}

variable "emulator" {
  description = "Where an AWS emulator listens, and where it serves this environment's site. Null on AWS."
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
    # Without a hyphen no environment's names are the beginning of another's. These words are parts of
    # names that ../bootstrap gives to the previews and to the functions' roles.
    condition     = can(regex("^([a-z][a-z0-9]{1,15}|pr-[1-9][0-9]{0,8})$", var.environment)) && !contains(["function", "pr", "preview"], var.environment)
    error_message = "environment must be 2 to 16 lower-case letters and digits, or pr-<number>, but not function, pr or preview; write for example qa or pr-7."
  }

  validation {
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    condition     = length("${var.project}-${var.environment}-artifacts-000000000000") <= 63
    error_message = "environment and project name a bucket of more than 63 characters; shorten one of them."
  }

  validation {
    condition     = var.environment == terraform.workspace
    error_message = "environment is \"${var.environment}\" but the workspace is \"${terraform.workspace}\"; run with TF_WORKSPACE=${var.environment}, or pass -var environment=${terraform.workspace}."
  }
}

variable "flat_rate" {
  description = "Whether the distribution has CloudFront's own cache policies, as the Free and Pro flat-rate plans demand."
  type        = bool
  default     = false
}

variable "force_destroy" {
  description = "Whether destroying the stack also deletes what its buckets hold."
  type        = bool
  default     = false
}

variable "function_architecture" {
  description = "Processor of the function: arm64 or x86_64. `ship` passes the one that it builds the zip for."
  type        = string
  default     = "arm64"

  validation {
    condition     = contains(["arm64", "x86_64"], var.function_architecture)
    error_message = "function_architecture must be arm64 or x86_64; set architecture in [tool.ship.build] of pyproject.toml."
  }
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

variable "function_runtime" {
  description = "Lambda's name of the Python version that the function runs on. `ship` passes the one that it builds the zip for."
  type        = string
  default     = "python3.13"

  validation {
    condition     = can(regex("^python3\\.[0-9]+$", var.function_runtime))
    error_message = "function_runtime must be one of Lambda's Python runtimes; set python in [tool.ship.build] of pyproject.toml."
  }
}

variable "function_timeout_seconds" {
  description = "How long one invocation may take: a request, a command of `ship run`, an event. API Gateway itself gives up after 30 seconds."
  type        = number
  default     = 10

  validation {
    condition     = var.function_timeout_seconds >= 1 && var.function_timeout_seconds <= 900
    error_message = "function_timeout_seconds must be from 1 to 900, Lambda's own limit; write for example 10."
  }
}

variable "function_tracing" {
  description = "Whether the function sends traces to X-Ray."
  type        = bool
  default     = true
}

variable "log_retention_days" {
  description = "How long logs are kept. Null: a year, in previews a week."
  type        = number
  default     = null

  validation {
    condition     = var.log_retention_days == null ? true : contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731], var.log_retention_days)
    error_message = "log_retention_days must be a period that CloudWatch Logs knows; write 14, 30, 90 or 365."
  }
}

variable "login" {
  description = "Paths that the API lets nobody reach without a token: the issuer's, for one of these audiences. Null for none."
  type = object({
    audience = list(string)
    issuer   = string
    paths    = list(string)
  })
  default = null

  validation {
    condition     = alltrue([for path in try(var.login.paths, []) : can(regex("^(/[A-Za-z0-9_.~-]+)+/[*]$", path)) && !startswith(path, "/-/")])
    error_message = "login takes folders as paths, none below /-/; write for example [\"/api/account/*\"]."
  }
}

variable "origin_secret" {
  description = "Which value CloudFront shows the API that a request came through it. The next number draws another one."
  type        = number
  default     = 1

  validation {
    condition     = var.origin_secret >= 1 && floor(var.origin_secret) == var.origin_secret
    error_message = "origin_secret must be a whole number from 1; add 1 to draw another value."
  }
}

variable "placeholder_zip" {
  description = "Path of a zip that the function is created with. `ship` replaces its code and Terraform does not compare it."
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

  validation {
    # https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    condition     = !can(regex("^(aws|ssm|amzn-s3-demo-|sthree-|xn--)", var.project))
    error_message = "project begins with what AWS keeps for itself (aws, ssm, amzn-s3-demo-, sthree-, xn--); write for example serverless-flask."
  }
}

variable "region" {
  description = "AWS region of everything but CloudFront, which is global."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region must be an AWS region; write for example eu-central-1."
  }
}

variable "site_content_security_policy" {
  description = "Sources to add to the content security policy of the site's pages, by directive."
  type        = map(list(string))
  default     = {}

  validation {
    condition     = alltrue([for name in keys(var.site_content_security_policy) : can(regex("^[a-z]+(-[a-z]+)*$", name))])
    error_message = "site_content_security_policy takes directives; write for example { font-src = [\"https://fonts.gstatic.com\"] }."
  }

  validation {
    condition     = alltrue([for source in flatten(values(var.site_content_security_policy)) : can(regex("^[^\\s;,]+$", source))])
    error_message = "site_content_security_policy takes sources without blanks, commas and semicolons; write for example [\"https://fonts.gstatic.com\"]."
  }
}

variable "site_fallback" {
  description = "Page that answers the site's unknown paths with status 200, as single-page applications need it. Empty: 404.html does, with 404."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^([A-Za-z0-9_-][A-Za-z0-9_./-]*[.]html)?$", var.site_fallback))
    error_message = "site_fallback must be the path of a page in the site, without a slash in front; write for example \"index.html\"."
  }
}

variable "site_headers" {
  description = "Further headers of the site's pages, or other values of those that they have."
  type        = map(string)
  default     = {}

  validation {
    # CloudFront has settings of their own for these.
    # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/understanding-response-headers-policies.html
    condition = length(setintersection([for name in keys(var.site_headers) : lower(name)], [
      "content-security-policy", "strict-transport-security", "x-content-type-options", "x-frame-options", "x-xss-protection",
    ])) == 0
    error_message = "site_headers takes other headers; write the policy's sources in site_content_security_policy, and who may frame a page as its frame-ancestors."
  }
}

variable "site_paths" {
  description = "CloudFront path patterns that the site answers, whatever application_paths says."
  type        = list(string)
  default     = []

  validation {
    condition     = length(var.site_paths) <= 10 && alltrue([for path in var.site_paths : can(regex("^/([A-Za-z0-9_.-]+/)+[*]$", path)) && !startswith(path, "/-/")])
    error_message = "site_paths takes at most 10 folders, none below /-/; write for example [\"/static/*\"]."
  }
}

variable "throttling" {
  description = "Requests a second that the API takes over time (rate), and in one instant (burst), before it answers 429."
  type = object({
    burst = optional(number, 100)
    rate  = optional(number, 50)
  })
  default = {}

  validation {
    condition     = var.throttling.burst >= 1 && floor(var.throttling.burst) == var.throttling.burst && var.throttling.rate > 0
    error_message = "throttling takes a whole burst from 1 and a rate above 0; write for example { burst = 100, rate = 50 }."
  }
}

variable "vpc" {
  description = "Subnets and security groups of the function. Null: it is in no VPC of yours, and reaches the internet."
  type = object({
    security_groups = list(string)
    subnets         = list(string)
  })
  default = null
}

variable "waf" {
  description = "ARN of a web ACL of AWS WAF for CloudFront, which is in us-east-1. Null for none."
  type        = string
  default     = null

  validation {
    condition     = var.waf == null ? true : can(regex("^arn:[a-z-]+:wafv2:us-east-1:[0-9]{12}:global/webacl/.+$", var.waf))
    error_message = "waf must be the ARN of a global web ACL; write for example arn:aws:wafv2:us-east-1:111122223333:global/webacl/shop/473e64fd-f30b-4765-81a0."
  }
}

variable "warm_up_environments" {
  description = "Execution environments of the function that the schedule keeps warm. 0 turns the schedule off, its synthetic check too. Null: 1, in previews 0."
  type        = number
  default     = null

  validation {
    condition = var.warm_up_environments == null ? true : (
      var.warm_up_environments >= 0 && var.warm_up_environments <= 20 && floor(var.warm_up_environments) == var.warm_up_environments
    )
    error_message = "warm_up_environments must be a whole number from 0 to 20; write as many as requests arrive at the same time after a pause, or 0 for no schedule."
  }

  validation {
    # One more answers the synthetic check while the others are kept busy.
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
