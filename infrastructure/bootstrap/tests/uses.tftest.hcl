# What `uses` adds to roles and boundaries, as it is rendered, without AWS.

mock_provider "aws" {
  source = "./tests/mocks"
}

# A mocked provider imports nothing.
override_resource {
  target = module.state.aws_s3_bucket.this
}

variables {
  environments   = ["dev", "production"]
  project        = "shop"
  region         = "eu-central-1"
  repository_id  = "5678"
  subject_prefix = "repo:owner/repository"
  uses           = ["dynamodb", "s3", "secrets", "ses", "sns", "sqs", "vpc"]
}

run "nothing_that_is_not_listed_is_granted" {
  variables {
    uses = []
  }

  assert {
    condition = (
      length(aws_iam_policy.deploy_uses) + length(aws_iam_policy.plan_uses) == 0 &&
      length(aws_iam_role_policy_attachment.deploy_uses) + length(aws_iam_role_policy_attachment.plan_uses) == 0
    )
    error_message = "a role has a policy for a service that is not used"
  }

  assert {
    condition = alltrue([
      for policy in concat([aws_iam_policy.deploy_boundary], values(aws_iam_policy.function_boundary)) :
      !can(regex("dynamodb:|ec2:|secretsmanager:|ses:|sns:|sqs:|EventSourceMapping", policy.policy))
    ])
    error_message = "a boundary admits a service that is not used"
  }

  assert {
    condition = alltrue([
      for policy in aws_iam_policy.function_boundary : !strcontains(policy.policy, "s3:")
    ])
    error_message = "a function may reach buckets that the application does not use"
  }
}

run "each_service_widens_every_deploy_role_and_the_plan_role_by_one_policy" {
  variables {
    uses = ["sqs"]
  }

  assert {
    condition = {
      for key, attached in aws_iam_role_policy_attachment.deploy_uses : key => [attached.role, aws_iam_policy.deploy_uses[key].name]
      } == {
      for role in ["dev", "preview", "production"] : "${role}-sqs" => ["shop-deploy-${role}", "shop-deploy-${role}-sqs"]
    }
    error_message = "a role that deploys has not exactly the policy for queues"
  }

  assert {
    condition     = [for attached in aws_iam_role_policy_attachment.plan_uses : attached.role] == ["shop-plan"] && [for policy in aws_iam_policy.plan_uses : policy.name] == ["shop-plan-sqs"]
    error_message = "the role that plans has not exactly the policy for queues"
  }

  assert {
    condition = [
      for statement in jsondecode(aws_iam_policy.deploy_boundary.policy).Statement : statement.Resource if contains(["Sqs", "Sns"], statement.Sid)
    ] == [["arn:aws:sqs:eu-central-1:111122223333:shop-*"]]
    error_message = "the boundary admits other than the project's queues"
  }
}

run "a_deploy_role_reaches_what_bears_its_environments_name_or_mark" {
  assert {
    # By name, by the function that something belongs to, or by tags; two that only look have none.
    condition = alltrue(flatten([
      for key, policy in aws_iam_policy.deploy_uses : [
        for statement in jsondecode(policy.policy).Statement : [
          for resource in flatten([statement.Resource]) : anytrue([
            can(regex("[:/]shop-${replace(local.scopes[local.uses_deploy[key].role], "*", "\\*")}([-:]|$)", resource)),
            can(regex("\"lambda:FunctionArn\":\\[\"[^\"]*:function:shop-${replace(local.scopes[local.uses_deploy[key].role], "*", "\\*")}\",", jsonencode(statement))),
            can(regex("\"aws:Re(quest|source)Tag/environment\":\"${replace(local.scopes[local.uses_deploy[key].role], "*", "\\*")}\"", jsonencode(statement))),
            alltrue([for action in statement.Action : can(regex("^(ec2:Describe|lambda:List)", action))]),
          ])
        ]
      ]
    ]))
    error_message = "a role that deploys reaches what is not its environment's"
  }

  assert {
    # The named ones are all of a service's own, so that no typing error grants another service.
    condition = alltrue([
      for key, policy in aws_iam_policy.deploy_uses : alltrue([
        for statement in jsondecode(policy.policy).Statement : alltrue([
          for action in statement.Action : startswith(action, "${split(":", statement.Resource[0])[2]}:")
        ]) if statement.Sid == "OwnByName"
      ])
    ])
    error_message = "a statement grants another service's actions"
  }

  assert {
    condition = {
      for key, policy in aws_iam_policy.deploy_uses : key => [
        for statement in jsondecode(policy.policy).Statement : statement.Condition if contains(statement.Action, "lambda:AddPermission")
      ] if startswith(key, "dev") && strcontains(policy.policy, "lambda:AddPermission")
      } == {
      dev-s3  = [{ StringEquals = { "lambda:Principal" = "s3.amazonaws.com" } }]
      dev-sns = [{ StringEquals = { "lambda:Principal" = "sns.amazonaws.com" } }]
    }
    error_message = "the function can be opened to other than the service that is used"
  }
}

run "the_plan_role_reads_no_value_and_changes_nothing" {
  assert {
    condition = alltrue(flatten([
      for policy in aws_iam_policy.plan_uses : [
        for statement in jsondecode(policy.policy).Statement : [
          for action in statement.Action : can(regex("^[a-z0-9]+:(Describe|Get|List)", action)) && action != "secretsmanager:GetSecretValue"
        ] if statement.Effect == "Allow"
      ]
    ]))
    error_message = "the role that plans may change something, or read a secret"
  }

  assert {
    condition = alltrue([
      for policy in aws_iam_policy.plan_uses : alltrue(flatten([
        for statement in jsondecode(policy.policy).Statement : [
          for resource in flatten([statement.Resource]) : anytrue([
            can(regex("[:/]shop-(dev|production)-\\*$", resource)),
            can(statement.Condition),
            contains(["LookAtNetwork", "NoSecrets"], statement.Sid),
          ])
        ]
      ]))
    ])
    error_message = "the role that plans reads what is not the project's, or a preview's"
  }
}

run "a_function_uses_what_bears_its_environments_name_and_no_release" {
  assert {
    condition = alltrue(flatten([
      for role, policy in aws_iam_policy.function_boundary : [
        for statement in jsondecode(policy.policy).Statement : [
          for resource in flatten([statement.Resource]) : anytrue([
            can(regex("[:/]shop-${replace(local.scopes[role], "*", "\\*")}-", resource)),
            can(regex("\"aws:ResourceTag/environment\":\"${replace(local.scopes[role], "*", "\\*")}\"", jsonencode(statement))),
            statement.Sid == "JoinNetwork",
          ])
        ] if statement.Effect == "Allow" && can(regex("^(dynamodb|ec2|s3|secretsmanager|ses|sns|sqs):", statement.Action[0]))
      ]
    ]))
    error_message = "a function may use what is not its environment's"
  }

  assert {
    condition = [
      for statement in jsondecode(aws_iam_policy.function_boundary["dev"].policy).Statement : [statement.Action, statement.Resource]
      if statement.Sid == "KeepOutOfReleasesAndPages" && statement.Effect == "Deny"
      ] == [[["s3:*"], [
        "arn:aws:s3:::shop-dev-artifacts-111122223333", "arn:aws:s3:::shop-dev-artifacts-111122223333/*",
        "arn:aws:s3:::shop-dev-site-111122223333", "arn:aws:s3:::shop-dev-site-111122223333/*",
    ]]]
    error_message = "a function may read or write releases or pages"
  }

  assert {
    # The role is Lambda's too, which joins the network with it: its code must not.
    condition = [
      for statement in jsondecode(aws_iam_policy.function_boundary["dev"].policy).Statement : [statement.Effect, statement.Condition]
      if contains(statement.Action, "ec2:*")
    ] == [["Deny", { ArnLike = { "lambda:SourceFunctionArn" = ["arn:aws:lambda:eu-central-1:111122223333:function:shop-dev"] } }]]
    error_message = "the code of a function may change the network"
  }
}

run "all_of_it_fits_into_what_iam_takes_even_with_the_longest_names" {
  variables {
    environments   = ["abcdefghijklmno", "bcdefghijklmnop", "cdefghijklmnopq"]
    project        = "abcdefghijklmnopqrstuvwx"
    region         = "ap-southeast-2"
    subject_prefix = "repo:owner@1234567890/a-repository-with-a-rather-long-name@1234567890"
    alerts         = { abcdefghijklmno = "", bcdefghijklmnop = "", cdefghijklmnopq = "" }
  }

  # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
  assert {
    condition = alltrue([
      for policy in concat(
        [aws_iam_policy.deploy_boundary], values(aws_iam_policy.function_boundary), values(aws_iam_policy.deploy_uses), values(aws_iam_policy.plan_uses),
      ) : length(policy.policy) <= 6144
    ])
    error_message = "a policy is longer than IAM takes: ${jsonencode({ for policy in concat([aws_iam_policy.deploy_boundary], values(aws_iam_policy.function_boundary), values(aws_iam_policy.plan_uses)) : policy.name => length(policy.policy) })}"
  }
}

run "who_tells_people_may_publish_to_that_one_topic" {
  variables {
    alerts = { dev = "", production = "arn:aws:sns:eu-central-1:444455556666:on-call" }
    uses   = []
  }

  assert {
    condition = { for key, policy in aws_iam_policy.deploy_uses : key => {
      for statement in jsondecode(policy.policy).Statement : statement.Sid => statement.Resource
      } } == {
      dev-alerts = {
        OwnTopic = ["arn:aws:sns:eu-central-1:111122223333:shop-dev-alerts"]
        Tell     = ["arn:aws:sns:eu-central-1:111122223333:shop-dev-alerts"]
      }
      production-alerts = { Tell = ["arn:aws:sns:eu-central-1:444455556666:on-call"] }
    }
    error_message = "a role may publish elsewhere, or change a topic that is not its environment's"
  }

  assert {
    condition = toset(flatten([for statement in jsondecode(aws_iam_policy.plan_uses["alerts"].policy).Statement : statement.Action])) == toset([
      "sns:GetSubscriptionAttributes", "sns:GetTopicAttributes", "sns:ListTagsForResource", "sns:Publish",
    ])
    error_message = "the role that plans may do more to a topic than tell"
  }

  assert {
    condition = alltrue([
      for policy in aws_iam_policy.function_boundary : !strcontains(policy.policy, "sns:")
    ])
    error_message = "a function may publish"
  }
}

run "alerts_of_no_environment_are_refused" {
  command = plan

  variables {
    alerts = { staging = "" }
  }

  expect_failures = [var.alerts]
}

run "an_unknown_service_is_refused" {
  command = plan

  variables {
    uses = ["dynamo"]
  }

  expect_failures = [var.uses]
}

run "a_domain_widens_the_role_of_its_environment_to_its_own_names" {
  variables {
    domains = { production = { name = "www.example.org", zone = "Z123" } }
    uses    = []
  }

  assert {
    condition     = [for key, attached in aws_iam_role_policy_attachment.deploy_uses : [key, attached.role]] == [["production-domain", "shop-deploy-production"]]
    error_message = "another role has rights for the domain"
  }

  assert {
    condition = [
      for statement in jsondecode(aws_iam_policy.deploy_uses["production-domain"].policy).Statement : [statement.Resource, statement.Condition]
      if contains(["AskForCertificate", "OwnRecords"], statement.Sid)
      ] == [
      [["*"], {
        "ForAllValues:StringEquals" = { "acm:DomainNames" = ["www.example.org"] }
        StringEquals                = { "aws:RequestTag/environment" = "production" }
      }],
      [["arn:aws:route53:::hostedzone/Z123"], {
        "ForAllValues:StringLike" = {
          "route53:ChangeResourceRecordSetsNormalizedRecordNames" = ["www.example.org", "_*.www.example.org"]
        }
      }],
    ]
    error_message = "the role may change other records, or have other certificates"
  }

  assert {
    condition     = !strcontains(aws_iam_policy.plan_uses["domain"].policy, "Change") && !strcontains(aws_iam_policy.plan_uses["domain"].policy, "Request")
    error_message = "the role that plans may change the zone"
  }
}

run "a_zone_elsewhere_gives_no_rights_to_zones" {
  variables {
    domains = { production = { name = "www.example.org" } }
    uses    = []
  }

  assert {
    condition     = !strcontains(aws_iam_policy.deploy_uses["production-domain"].policy, "route53")
    error_message = "the role may change a zone"
  }
}

run "a_domain_of_no_environment_is_refused" {
  command = plan

  variables {
    domains = { staging = { name = "www.example.org" } }
  }

  expect_failures = [var.domains]
}

run "a_web_acl_may_be_read_by_the_role_of_its_environment" {
  variables {
    uses     = []
    web_acls = { production = "arn:aws:wafv2:us-east-1:111122223333:global/webacl/shop/473e64fd" }
  }

  assert {
    condition = {
      for key, policy in aws_iam_policy.deploy_uses : aws_iam_role_policy_attachment.deploy_uses[key].role => [
        for statement in jsondecode(policy.policy).Statement : concat(statement.Action, statement.Resource)
      ]
    } == { shop-deploy-production = [["wafv2:GetWebACL", "arn:aws:wafv2:us-east-1:111122223333:global/webacl/shop/473e64fd"]] }
    error_message = "a role may do more than look at its own web ACL"
  }

  assert {
    condition     = strcontains(aws_iam_policy.deploy_boundary.policy, "wafv2:GetWebACL")
    error_message = "the boundary keeps the role from it"
  }
}

run "a_web_acl_of_no_environment_is_refused" {
  command = plan

  variables {
    web_acls = { staging = "arn:aws:wafv2:us-east-1:111122223333:global/webacl/shop/473e64fd" }
  }

  expect_failures = [var.web_acls]
}

run "five_environments_that_use_everything_fit_into_what_iam_takes" {
  variables {
    environments = ["dev", "production", "sandbox", "staging", "test"]
    project      = "serverless-flask"
    domains      = { for name in ["dev", "production", "sandbox", "staging", "test"] : name => { name = "${name}.example.org", zone = "Z0123456789ABC" } }
    web_acls     = { for name in ["dev", "production", "sandbox", "staging", "test"] : name => "arn:aws:wafv2:us-east-1:111122223333:global/webacl/shop/473e64fd-f30b-4765-81a0-62ad96dd167a" }
  }

  # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
  assert {
    condition = length(aws_iam_role_policy.plan.policy) <= 10240 && alltrue([
      for name, role in aws_iam_role.deploy : length(aws_iam_role_policy.deploy_data[name].policy) + length(aws_iam_role_policy.deploy_services[name].policy) <= 10240
    ])
    error_message = "a role's own policies are longer than IAM takes"
  }

  assert {
    condition = alltrue([
      for policy in concat(
        [aws_iam_policy.deploy_boundary], values(aws_iam_policy.function_boundary), values(aws_iam_policy.deploy_uses), values(aws_iam_policy.plan_uses),
      ) : length(policy.policy) <= 6144
    ])
    error_message = "a policy is longer than IAM takes: ${jsonencode({ for policy in concat([aws_iam_policy.deploy_boundary], values(aws_iam_policy.function_boundary), values(aws_iam_policy.plan_uses)) : policy.name => length(policy.policy) })}"
  }

  assert {
    condition     = length(aws_iam_role_policy_attachment.plan_uses) <= 10 && max([for name, role in aws_iam_role.deploy : length([for attached in aws_iam_role_policy_attachment.deploy_uses : attached if attached.role == role.name])]...) <= 10
    error_message = "a role has more policies than IAM attaches"
  }
}
