# `ship bootstrap` makes the bucket, since the state that lists it lies in it. This is a file of its own
# because the plan that is shown before the bucket exists leaves it out.
import {
  to = module.state.aws_s3_bucket.this
  id = local.state_bucket
}
