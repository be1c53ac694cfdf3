variable "force_destroy" {
  description = "Whether destroying the bucket also deletes what it holds."
  type        = bool
  default     = false
}

variable "has_lifecycle" {
  description = "Whether S3 forgets old versions. Not on an emulator: the provider waits 55 seconds for it."
  type        = bool
  default     = true
}

variable "name" {
  description = "Name of the bucket."
  type        = string
}

variable "noncurrent_days" {
  description = "Days for which what was overwritten or deleted can be had back."
  type        = number
  default     = 30
}

variable "noncurrent_versions" {
  description = "Versions of an object that are kept besides, however old. Null: none."
  type        = number
  default     = null
}

variable "statements" {
  description = "Statements of the bucket's policy, besides the one that refuses plain HTTP."
  # A list's elements all have one type, and statements differ in their conditions.
  type    = any
  default = []
}
