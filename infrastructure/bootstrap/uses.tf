# What each entry of `uses` adds, a domain and alerts too, and nothing where it is not listed: to every role that deploys and to the
# one that plans a policy of its own, and to the boundaries a statement or two. "What it uses" in
# docs/your-application.md is the same as a table.

locals {
  region_arn = "${var.region}:${local.account_id}"

  # Where a service lets you name things, its part of a role is what is called PROJECT-ENV-*. `make` and
  # `read` are Terraform's, `call` is the function's.
  named = {
    dynamodb = {
      arns = ["arn:${local.partition}:dynamodb:${local.region_arn}:table/%s"]
      make = ["CreateTable", "DeleteTable", "TagResource", "UntagResource", "UpdateContinuousBackups", "UpdateTable", "UpdateTimeToLive"]
      read = ["DescribeContinuousBackups", "DescribeTable", "DescribeTimeToLive", "ListTagsOfResource"]
      call = [
        "BatchGetItem", "BatchWriteItem", "ConditionCheckItem", "DeleteItem", "DescribeTable", "GetItem", "PutItem", "Query", "Scan",
        "UpdateItem",
      ]
    }
    s3 = {
      # Of what is in a bucket Terraform deletes, and reads nothing.
      arns = ["arn:${local.partition}:s3:::%s", "arn:${local.partition}:s3:::%s/*"]
      make = [
        "CreateBucket", "DeleteBucket", "DeleteBucketPolicy", "DeleteObject", "DeleteObjectVersion", "PutBucketCORS",
        "PutBucketNotification", "PutBucketOwnershipControls", "PutBucketPolicy", "PutBucketPublicAccessBlock", "PutBucketTagging",
        "PutBucketVersioning", "PutEncryptionConfiguration", "PutLifecycleConfiguration", "TagResource", "UntagResource",
      ]
      read = ["Get*Configuration", "GetBucket*", "ListBucket", "ListBucketVersions", "ListTagsForResource"]
      call = [
        "AbortMultipartUpload", "DeleteObject", "GetObject", "GetObjectTagging", "ListBucket", "ListMultipartUploadParts", "PutObject",
        "PutObjectTagging",
      ]
    }
    secrets = {
      arns = ["arn:${local.partition}:secretsmanager:${local.region_arn}:secret:%s"]
      # Terraform reads back what it writes. The role that plans reads no value.
      make = ["CreateSecret", "DeleteSecret", "GetSecretValue", "PutSecretValue", "TagResource", "UntagResource", "UpdateSecret"]
      read = ["DescribeSecret", "GetResourcePolicy"]
      call = ["DescribeSecret", "GetSecretValue"]
    }
    ses = {
      arns = ["arn:${local.partition}:ses:${local.region_arn}:configuration-set/%s"]
      make = [
        "CreateConfigurationSet", "CreateConfigurationSetEventDestination", "DeleteConfigurationSet",
        "DeleteConfigurationSetEventDestination", "PutConfigurationSet*", "TagResource", "UntagResource",
        "UpdateConfigurationSetEventDestination",
      ]
      read = ["GetConfigurationSet", "GetConfigurationSetEventDestinations", "ListTagsForResource"]
      call = ["SendEmail", "SendRawEmail"]
    }
    sns = {
      # AWS looks at the topic for its subscriptions too, which its reference has no resource for.
      arns = ["arn:${local.partition}:sns:${local.region_arn}:%s"]
      make = [
        "CreateTopic", "DeleteTopic", "SetSubscriptionAttributes", "SetTopicAttributes", "Subscribe", "TagResource", "Unsubscribe",
        "UntagResource",
      ]
      read = ["GetSubscriptionAttributes", "GetTopicAttributes", "ListTagsForResource"]
      call = ["Publish"]
    }
    sqs = {
      arns = ["arn:${local.partition}:sqs:${local.region_arn}:%s"]
      make = ["CreateQueue", "DeleteQueue", "SetQueueAttributes", "TagQueue", "UntagQueue"]
      read = ["GetQueueAttributes", "GetQueueUrl", "ListQueueTags"]
      call = ["ChangeMessageVisibility", "DeleteMessage", "GetQueueAttributes", "GetQueueUrl", "ReceiveMessage", "SendMessage"]
    }
  }
  prefixes = { for service in keys(local.named) : service => service == "secrets" ? "secretsmanager" : service }
  actions = {
    for service, of in local.named : service => {
      for kind in ["call", "make", "read"] : kind => [for action in of[kind] : "${local.prefixes[service]}:${action}"]
    }
  }

  identities = "arn:${local.partition}:ses:${local.region_arn}:identity/*"
  mappings   = "arn:${local.partition}:lambda:${local.region_arn}:event-source-mapping:*"

  # What has no such name: told apart by the function that it belongs to, or by its tags.
  deploy_unnamed = {
    for role, reach in local.reach : role => {
      s3  = [merge(local.open_function[role], { Condition = { StringEquals = { "lambda:Principal" = "s3.amazonaws.com" } } })]
      sns = [merge(local.open_function[role], { Condition = { StringEquals = { "lambda:Principal" = "sns.amazonaws.com" } } })]
      ses = [
        {
          Sid      = "MakeOwnIdentities"
          Effect   = "Allow"
          Action   = ["ses:CreateEmailIdentity", "ses:TagResource"]
          Resource = [local.identities]
          Condition = { (local.equals[role]) = {
            "aws:RequestTag/environment" = local.scopes[role]
            "aws:RequestTag/project"     = var.project
          } }
        },
        {
          Sid       = "OwnIdentities"
          Effect    = "Allow"
          Action    = ["ses:DeleteEmailIdentity", "ses:GetEmailIdentity", "ses:ListTagsForResource", "ses:PutEmailIdentity*"]
          Resource  = [local.identities]
          Condition = local.own_tags[role]
        },
      ]
      sqs = [
        {
          # A new one has no name: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html
          Sid       = "MakeOwnMappings"
          Effect    = "Allow"
          Action    = ["lambda:CreateEventSourceMapping"]
          Resource  = "*"
          Condition = { ArnLike = { "lambda:FunctionArn" = [reach.function, "${reach.function}:*"] } }
        },
        {
          Sid       = "OwnMappings"
          Effect    = "Allow"
          Action    = ["lambda:DeleteEventSourceMapping", "lambda:UpdateEventSourceMapping"]
          Resource  = [local.mappings]
          Condition = { ArnLike = { "lambda:FunctionArn" = [reach.function, "${reach.function}:*"] } }
        },
        {
          # One that is gone has no function, and Terraform looks until it is.
          Sid       = "ReadOwnMappings"
          Effect    = "Allow"
          Action    = ["lambda:GetEventSourceMapping"]
          Resource  = [local.mappings]
          Condition = { ArnLikeIfExists = { "lambda:FunctionArn" = [reach.function, "${reach.function}:*"] } }
        },
        {
          # To find one that a run has made that died before Terraform recorded it.
          Sid      = "FindMappings"
          Effect   = "Allow"
          Action   = ["lambda:ListEventSourceMappings"]
          Resource = "*"
        },
        {
          Sid      = "TagOwnMappings"
          Effect   = "Allow"
          Action   = ["lambda:ListTags", "lambda:TagResource", "lambda:UntagResource"]
          Resource = [local.mappings]
          Condition = { ("${local.equals[role]}IfExists") = {
            "aws:RequestTag/environment"  = local.scopes[role]
            "aws:ResourceTag/environment" = local.scopes[role]
            "aws:ResourceTag/project"     = var.project
          } }
        },
      ]
      # Lambda looks at the network as the caller, and none of this can be limited to a resource.
      # https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
      vpc = [{
        Sid      = "LookAtNetwork"
        Effect   = "Allow"
        Action   = local.network_reads
        Resource = "*"
      }]
    }
  }
  open_function = {
    for role, reach in local.reach : role => {
      Sid      = "OpenFunctionToIt"
      Effect   = "Allow"
      Action   = ["lambda:AddPermission"]
      Resource = [reach.function, "${reach.function}:*"]
    }
  }
  own_tags = {
    for role, scope in local.scopes : role => {
      (local.equals[role]) = {
        "aws:ResourceTag/environment" = scope
        "aws:ResourceTag/project"     = var.project
      }
    }
  }
  network_reads = ["ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs"]

  plan_unnamed = {
    secrets = [{
      Sid      = "NoSecrets"
      Effect   = "Deny"
      Action   = ["secretsmanager:GetSecretValue"]
      Resource = "*"
    }]
    ses = [{
      Sid       = "ReadIdentities"
      Effect    = "Allow"
      Action    = ["ses:GetEmailIdentity", "ses:ListTagsForResource"]
      Resource  = [local.identities]
      Condition = { StringEquals = { "aws:ResourceTag/project" = var.project } }
    }]
    sqs = [
      {
        Sid       = "ReadMappings"
        Effect    = "Allow"
        Action    = ["lambda:GetEventSourceMapping"]
        Resource  = [local.mappings]
        Condition = { ArnLikeIfExists = { "lambda:FunctionArn" = flatten([for name in local.names : [name.function, "${name.function}:*"]]) } }
      },
      {
        Sid       = "ReadTagsOfMappings"
        Effect    = "Allow"
        Action    = ["lambda:ListTags"]
        Resource  = [local.mappings]
        Condition = { StringEqualsIfExists = { "aws:ResourceTag/project" = var.project } }
      },
    ]
    vpc = [{
      Sid      = "LookAtNetwork"
      Effect   = "Allow"
      Action   = local.network_reads
      Resource = "*"
    }]
  }

  # The function's own: what the owner's app.tf may grant it, at most.
  function_unnamed = {
    for role, reach in local.reach : role => {
      s3 = [{
        Sid      = "KeepOutOfReleasesAndPages"
        Effect   = "Deny"
        Action   = ["s3:*"]
        Resource = flatten([for bucket in [reach.artifacts, reach.site] : [bucket, "${bucket}/*"]])
      }]
      ses = [{
        Sid       = "SendFromOwnIdentities"
        Effect    = "Allow"
        Action    = local.actions.ses.call
        Resource  = [local.identities]
        Condition = local.own_tags[role]
      }]
      vpc = [
        {
          Sid    = "JoinNetwork"
          Effect = "Allow"
          Action = [
            "ec2:AssignPrivateIpAddresses",
            "ec2:CreateNetworkInterface",
            "ec2:DeleteNetworkInterface",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSubnets",
            "ec2:UnassignPrivateIpAddresses",
          ]
          Resource = "*"
        },
        {
          # Lambda itself does that; the function's code does not.
          # https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-best-practice
          Sid       = "NotFromTheCode"
          Effect    = "Deny"
          Action    = ["ec2:*"]
          Resource  = "*"
          Condition = { ArnLike = { "lambda:SourceFunctionArn" = [reach.function] } }
        },
      ]
    }
  }

  # An environment's own domain. Certificates have no names of ours, and are public: one that is there is
  # used, none is deleted.
  certificates = "arn:${local.partition}:acm:us-east-1:${local.account_id}:certificate/*"
  domain_reads = { for environment, domain in var.domains : environment => concat(
    [
      {
        Sid      = "FindCertificate"
        Effect   = "Allow"
        Action   = ["acm:ListCertificates"]
        Resource = ["*"]
      },
      {
        Sid      = "ReadCertificate"
        Effect   = "Allow"
        Action   = ["acm:DescribeCertificate"]
        Resource = [local.certificates]
      },
    ],
    [for zone in compact([domain.zone]) : {
      Sid      = "ReadZone"
      Effect   = "Allow"
      Action   = ["route53:GetHostedZone", "route53:ListResourceRecordSets"]
      Resource = ["arn:${local.partition}:route53:::hostedzone/${zone}"]
    }],
  ) }
  domain_deploy = { for environment, domain in var.domains : environment => concat(
    local.domain_reads[environment],
    [
      {
        Sid      = "AskForCertificate"
        Effect   = "Allow"
        Action   = ["acm:RequestCertificate"]
        Resource = ["*"]
        Condition = {
          "ForAllValues:StringEquals" = { "acm:DomainNames" = [domain.name] }
          StringEquals                = { "aws:RequestTag/environment" = environment }
        }
      },
      {
        Sid      = "TagCertificate"
        Effect   = "Allow"
        Action   = ["acm:AddTagsToCertificate"]
        Resource = [local.certificates]
        Condition = {
          StringEquals         = { "aws:RequestTag/environment" = environment }
          StringEqualsIfExists = { "aws:ResourceTag/environment" = environment }
        }
      },
    ],
    [for zone in compact([domain.zone]) : {
      # The domain itself, and the record that proves whose it is, which begins with an underscore.
      Sid      = "OwnRecords"
      Effect   = "Allow"
      Action   = ["route53:ChangeResourceRecordSets"]
      Resource = ["arn:${local.partition}:route53:::hostedzone/${zone}"]
      Condition = {
        "ForAllValues:StringLike" = {
          "route53:ChangeResourceRecordSetsNormalizedRecordNames" = [domain.name, "_*.${domain.name}"]
        }
      }
    }],
    [for zone in compact([domain.zone]) : {
      Sid      = "AwaitRecords"
      Effect   = "Allow"
      Action   = ["route53:GetChange"]
      Resource = ["arn:${local.partition}:route53:::change/*"]
    }],
  ) }

  # What is told of an environment goes to one topic. The role that plans tells of drift, and of an
  # approval that waits.
  alert_topics = {
    for environment, topic in var.alerts : environment => topic != "" ? topic : format(local.named.sns.arns[0], "${var.project}-${environment}-alerts")
  }
  alert_statements = { for environment, topic in local.alert_topics : environment => {
    for kind in ["make", "read"] : kind => concat(
      [{
        Sid      = "Tell"
        Effect   = "Allow"
        Action   = ["sns:Publish"]
        Resource = [topic]
      }],
      var.alerts[environment] != "" ? [] : [{
        Sid      = "OwnTopic"
        Effect   = "Allow"
        Action   = concat(kind == "make" ? local.actions.sns.make : [], local.actions.sns.read)
        Resource = [topic]
      }],
    )
  } }

  # All of it for what is listed, by role and service.
  uses_deploy = merge({
    for environment, statements in local.alert_statements :
    "${environment}-alerts" => { role = environment, service = "alerts", statements = statements.make }
    }, {
    for environment, statements in local.domain_deploy :
    "${environment}-domain" => { role = environment, service = "a domain of its own", statements = statements }
    }, {
    # CloudFront looks whether who attaches a web ACL may read it.
    for environment, arn in var.web_acls : "${environment}-waf" => {
      role       = environment
      service    = "a web ACL"
      statements = [{ Sid = "ReadWebAcl", Effect = "Allow", Action = ["wafv2:GetWebACL"], Resource = [arn] }]
    }
    }, {
    for pair in setproduct(keys(local.scopes), var.uses) : "${pair[0]}-${pair[1]}" => {
      role    = pair[0]
      service = pair[1]
      statements = concat(
        [for service, of in local.named : {
          Sid      = "OwnByName"
          Effect   = "Allow"
          Action   = concat(local.actions[service].make, local.actions[service].read)
          Resource = [for arn in of.arns : format(arn, "${var.project}-${local.scopes[pair[0]]}-*")]
        } if service == pair[1]],
        lookup(local.deploy_unnamed[pair[0]], pair[1], []),
      )
    }
  })
  uses_plan = merge({
    for name, statements in {
      alerts = flatten([for of in local.alert_statements : of.read])
      domain = distinct(flatten(values(local.domain_reads)))
    } : name => statements if length(statements) > 0
    }, {
    for used in var.uses : used => concat(
      [for service, of in local.named : {
        Sid      = "ReadByName"
        Effect   = "Allow"
        Action   = local.actions[service].read
        Resource = [for name in var.environments : format(of.arns[0], "${var.project}-${name}-*")]
      } if service == used],
      lookup(local.plan_unnamed, used, []),
    )
  })
  uses_function = {
    for role, scope in local.scopes : role => concat(
      [for service, of in local.named : {
        Sid      = title(service)
        Effect   = "Allow"
        Action   = local.actions[service].call
        Resource = [for arn in of.arns : format(arn, "${var.project}-${scope}-*")]
      } if contains(var.uses, service)],
      flatten([for service, statements in local.function_unnamed[role] : statements if contains(var.uses, service)]),
    )
  }
  uses_boundary = concat(
    [for service, of in local.named : {
      Sid      = title(service)
      Effect   = "Allow"
      Action   = ["${local.prefixes[service]}:*"]
      Resource = concat([for arn in of.arns : format(arn, "${var.project}-*")], service == "ses" ? [local.identities] : [])
    } if contains(var.uses, service)],
    contains(var.uses, "sqs") ? [{
      Sid      = "Mappings"
      Effect   = "Allow"
      Action   = ["lambda:*EventSourceMapping*", "lambda:ListTags", "lambda:TagResource", "lambda:UntagResource"]
      Resource = "*"
    }] : [],
    length(var.alerts) == 0 ? [] : [{
      Sid      = "Alerts"
      Effect   = "Allow"
      Action   = ["sns:*"]
      Resource = values(local.alert_topics)
    }],
    length(var.domains) == 0 ? [] : [{
      Sid    = "Domain"
      Effect = "Allow"
      Action = [
        "acm:AddTagsToCertificate", "acm:DescribeCertificate", "acm:ListCertificates", "acm:RequestCertificate", "route53:ChangeResourceRecordSets",
        "route53:GetChange", "route53:GetHostedZone", "route53:ListResourceRecordSets",
      ]
      Resource = "*"
    }],
    length(var.web_acls) == 0 ? [] : [{
      Sid      = "WebAcls"
      Effect   = "Allow"
      Action   = ["wafv2:GetWebACL"]
      Resource = values(var.web_acls)
    }],
    contains(var.uses, "vpc") ? [{
      Sid      = "Network"
      Effect   = "Allow"
      Action   = local.network_reads
      Resource = "*"
    }] : [],
  )
}

# A role's own policies hold 10,240 characters together, which are used up; a managed one 6,144, and a role
# has ten. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
resource "aws_iam_policy" "deploy_uses" {
  for_each = local.uses_deploy

  name        = "${var.project}-deploy-${each.key}"
  description = "What the role that deploys ${local.scopes[each.value.role]} may do, because the application uses ${each.value.service}."
  policy      = jsonencode({ Version = "2012-10-17", Statement = each.value.statements })

  tags = { environment = each.value.role }
}

resource "aws_iam_role_policy_attachment" "deploy_uses" {
  for_each = local.uses_deploy

  role       = aws_iam_role.deploy[each.value.role].name
  policy_arn = aws_iam_policy.deploy_uses[each.key].arn
}

resource "aws_iam_policy" "plan_uses" {
  for_each = local.uses_plan

  name        = "${var.project}-plan-${each.key}"
  description = "What the role that plans may read, because the application uses ${each.key}."
  policy      = jsonencode({ Version = "2012-10-17", Statement = each.value })
}

resource "aws_iam_role_policy_attachment" "plan_uses" {
  for_each = local.uses_plan

  role       = aws_iam_role.plan.name
  policy_arn = aws_iam_policy.plan_uses[each.key].arn
}
