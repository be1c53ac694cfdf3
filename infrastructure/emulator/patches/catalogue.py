"""All patches, in the order in which they are applied.

Those of the server and of IAM come first: services copy names from there when they are loaded.
"""

from emulator.patches import (
    apigateway,
    cloudfront,
    cloudwatch,
    iam,
    lambda_,
    lambda_code,
    s3,
    server,
    sqs,
    ssm,
    sts,
)
from emulator.patches import lambda_worker as worker
from emulator.patches import root_credentials as root

PATCHES = (
    root.one_root,
    server.answer_in_one_piece,
    server.count_loopback_as_tls,
    s3.name_conditional_writes,
    s3.answer_whole_objects,
    s3.tell_what_is_missing,
    iam.name_actions,
    iam.name_resources,
    cloudwatch.complete_alarms,
    cloudwatch.evaluate_alarms,
    cloudwatch.answer_right_data,
    cloudwatch.read_embedded_metrics,
    cloudfront.leave_out_empty_blocks,
    cloudfront.name_etag_as_aws_does,
    lambda_.shift_traffic,
    lambda_.limit_every_version,
    lambda_.count_every_invocation,
    lambda_code.unpack_for_this_machine,
    worker.make_code_read_only,
    worker.log_failed_inits,
    worker.limit_inits,
    worker.log_while_it_runs,
    apigateway.send_true_events,
    apigateway.pass_preflights,
    apigateway.verify_tokens,
    apigateway.answer_current_tags,
    sts.check_tokens,
    sqs.count_messages,
    ssm.name_users,
)
