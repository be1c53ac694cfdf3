module "artifacts" {
  source = "../modules/private_bucket"

  name          = "${local.name}-artifacts-${local.account_id}"
  force_destroy = var.force_destroy
  has_lifecycle = var.emulator == null

  # They hold for every role, the environment's own as well. Terraform takes them off first when it
  # destroys the stack.
  statements = [
    {
      # Only a write that asks for the key to be free. The parts of an upload cannot ask that; its
      # completion, which makes the object, can.
      # https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
      Sid       = "WriteReleasesAndHistoryOnce"
      Effect    = "Deny"
      Principal = "*"
      Action    = ["s3:PutObject"]
      Resource  = [for prefix in ["history", "releases"] : "${module.artifacts.arn}/${prefix}/*"]
      Condition = {
        Null = {
          "s3:if-none-match" = "true"
        }
        Bool = {
          "s3:ObjectCreationOperation" = "true"
        }
      }
    },
    {
      # The key comes from the object itself, so that the policy goes before stack.json is deleted.
      Sid       = "KeepStateHistoryAndContract"
      Effect    = "Deny"
      Principal = "*"
      Action    = ["s3:DeleteObject", "s3:DeleteObjectVersion"]
      Resource  = [for key in ["state.json", "history/*", aws_s3_object.contract.key] : "${module.artifacts.arn}/${key}"]
    },
    {
      # A release that was pruned by mistake can be had back for 30 days.
      Sid       = "ForgetReleasesSlowly"
      Effect    = "Deny"
      Principal = "*"
      Action    = ["s3:DeleteObjectVersion"]
      Resource  = ["${module.artifacts.arn}/releases/*"]
    },
  ]
}

resource "aws_s3_object" "contract" {
  bucket       = module.artifacts.bucket.id
  key          = "stack.json"
  content      = jsonencode(local.contract)
  content_type = "application/json"
}
