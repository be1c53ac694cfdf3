# `ship bootstrap` makes the bucket, since the state that says it exists has to lie in it. A file of
# its own: the plan that is shown before there is a bucket leaves it out.
import {
  to = aws_s3_bucket.state
  id = local.state_bucket
}
