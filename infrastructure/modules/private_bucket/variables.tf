variable "force_destroy" {
  description = "Whether destroying the bucket also deletes what it holds."
  type        = bool
  default     = false
}

variable "name" {
  description = "Name of the bucket."
  type        = string
}

variable "statements" {
  description = "Statements of the bucket's policy, besides the one that refuses plain HTTP."
  # A list's elements all have one type, and statements differ in their conditions.
  type    = any
  default = []
}

variable "versioning" {
  description = "Whether S3 keeps what is overwritten or deleted."
  type        = bool
  default     = true
}
