# Who may do what, as the policies are rendered, without AWS.

mock_provider "aws" {
  source = "./tests/mocks"
}

# A mocked provider imports nothing.
override_resource {
  target = module.state.aws_s3_bucket.this
}

variables {
  environments   = ["dev", "production", "staging"]
  project        = "serverless-flask"
  region         = "eu-central-1"
  repository_id  = "5678"
  subject_prefix = "repo:owner/repository"
}

run "each_role_trusts_exactly_its_own_subjects" {
  assert {
    condition = { for name, role in aws_iam_role.deploy : name => jsondecode(role.assume_role_policy) } == {
      for name in ["dev", "preview", "production", "staging"] : name => {
        Version = "2012-10-17"
        Statement = [{
          Effect    = "Allow"
          Action    = "sts:AssumeRoleWithWebIdentity"
          Principal = { Federated = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com" }
          Condition = {
            StringEquals = merge({
              "token.actions.githubusercontent.com:aud"           = "sts.amazonaws.com"
              "token.actions.githubusercontent.com:repository_id" = "5678"
              "token.actions.githubusercontent.com:sub"           = ["repo:owner/repository:environment:${name}"]
            }, name == "preview" ? {} : { "token.actions.githubusercontent.com:ref" = "refs/heads/main" })
          }
        }]
      }
    }
    error_message = "a deploy role trusts more, or less, than the jobs of its environment"
  }

  assert {
    condition = jsondecode(aws_iam_role.plan.assume_role_policy).Statement[0].Condition == {
      StringEquals = {
        "token.actions.githubusercontent.com:aud"           = "sts.amazonaws.com"
        "token.actions.githubusercontent.com:repository_id" = "5678"
        "token.actions.githubusercontent.com:sub" = [
          "repo:owner/repository:pull_request", "repo:owner/repository:ref:refs/heads/main",
        ]
      }
    }
    error_message = "the plan role trusts others than pull requests and main: ${aws_iam_role.plan.assume_role_policy}"
  }

  assert {
    # A subject with a wildcard, an operator that knows wildcards, or one that passes when the claim
    # is missing.
    condition = alltrue([
      for policy in concat([aws_iam_role.plan.assume_role_policy], [for role in aws_iam_role.deploy : role.assume_role_policy]) :
      !strcontains(policy, "*") && !strcontains(policy, "Like") && !strcontains(policy, "ForAllValues") && !strcontains(policy, "IfExists")
    ])
    error_message = "a trust policy matches by pattern, or without the claim"
  }

  assert {
    condition = (
      aws_iam_openid_connect_provider.github[0].url == "https://token.actions.githubusercontent.com" &&
      aws_iam_openid_connect_provider.github[0].client_id_list == toset(["sts.amazonaws.com"])
    )
    error_message = "the provider is not GitHub's, or admits other audiences"
  }
}

run "a_provider_that_the_account_has_is_used_and_not_managed" {
  variables {
    create_oidc_provider = false
  }

  assert {
    condition = (
      length(aws_iam_openid_connect_provider.github) == 0 &&
      jsondecode(aws_iam_role.plan.assume_role_policy).Statement[0].Principal.Federated == data.aws_iam_openid_connect_provider.github[0].arn
    )
    error_message = "the account's own provider is created again, or not trusted"
  }
}

run "a_provider_for_other_audiences_is_refused" {
  command = plan

  variables {
    create_oidc_provider = false
  }

  override_data {
    target = data.aws_iam_openid_connect_provider.github[0]
    values = { client_id_list = ["https://github.com/owner"] }
  }

  expect_failures = [data.aws_iam_openid_connect_provider.github]
}

run "listed_workflows_alone_may_deploy_to_permanent_environments" {
  variables {
    job_workflow_refs = ["owner/repository/.github/workflows/environment.yml@refs/heads/main"]
  }

  assert {
    condition = {
      for name, role in merge(aws_iam_role.deploy, { plan = aws_iam_role.plan }) : name =>
      try(jsondecode(role.assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:job_workflow_ref"], null)
      } == {
      dev        = ["owner/repository/.github/workflows/environment.yml@refs/heads/main"]
      plan       = null
      preview    = null
      production = ["owner/repository/.github/workflows/environment.yml@refs/heads/main"]
      staging    = ["owner/repository/.github/workflows/environment.yml@refs/heads/main"]
    }
    error_message = "a workflow that is not listed may deploy, or one is asked of previews"
  }
}

run "the_immutable_form_of_a_subject_is_taken_as_it_is" {
  variables {
    subject_prefix = "repo:owner@1234/repository@5678"
  }

  assert {
    condition     = local.subjects["deploy-production"] == ["repo:owner@1234/repository@5678:environment:production"]
    error_message = "the subject is ${join(", ", local.subjects["deploy-production"])}"
  }
}

run "every_role_is_bound_and_cannot_widen_its_own_rights" {
  assert {
    condition = alltrue([
      for role in concat([aws_iam_role.plan], values(aws_iam_role.deploy)) :
      role.permissions_boundary == aws_iam_policy.deploy_boundary.arn
    ])
    error_message = "a role has no boundary"
  }

  assert {
    condition = [
      for statement in jsondecode(aws_iam_policy.deploy_boundary.policy).Statement :
      [statement.Action, statement.NotResource] if statement.Effect == "Deny" && can(statement.NotResource)
    ] == [[["iam:*"], ["arn:aws:iam::111122223333:role/serverless-flask-*-function"]]]
    error_message = "a role could change roles, boundaries or the trust in GitHub"
  }

  assert {
    condition = [
      for statement in jsondecode(aws_iam_policy.deploy_boundary.policy).Statement :
      [statement.Effect, statement.Resource, statement.Action] if statement.Sid == "KeepFunctionRolesBound"
      ] == [["Deny", "*", [
        "iam:AttachRolePolicy", "iam:DeleteRolePermissionsBoundary", "iam:PutRolePermissionsBoundary", "iam:UpdateAssumeRolePolicy",
    ]]]
    error_message = "a role could take the boundary off a function's role"
  }

  assert {
    # "*-function" in the boundary must never mean a role that deploys or plans.
    condition = !anytrue([
      for role in concat([aws_iam_role.plan], values(aws_iam_role.deploy)) : endswith(role.name, "-function")
    ])
    error_message = "the boundary takes a deploy role for a function's"
  }
}

run "a_deploy_role_makes_function_roles_with_their_boundary_only_and_hands_them_to_lambda_only" {
  assert {
    condition = alltrue([
      for name, policy in aws_iam_role_policy.deploy_services : [
        for statement in jsondecode(policy.policy).Statement :
        [statement.Resource, statement.Condition] if contains(statement.Action, "iam:PassRole")
        ] == [[
          ["arn:aws:iam::111122223333:role/serverless-flask-${name == "preview" ? "pr-*" : name}-function"],
          { StringEquals = { "iam:PassedToService" = "lambda.amazonaws.com" } },
      ]]
    ])
    error_message = "a role other than the function's, or a service other than Lambda, is within reach of iam:PassRole"
  }

  assert {
    condition = alltrue([
      for name, policy in aws_iam_role_policy.deploy_services : [
        for statement in jsondecode(policy.policy).Statement :
        [statement.Action, statement.Resource, statement.Condition] if contains(statement.Action, "iam:CreateRole")
        ] == [[
          ["iam:CreateRole", "iam:DeleteRolePolicy", "iam:PutRolePolicy"],
          ["arn:aws:iam::111122223333:role/serverless-flask-${name == "preview" ? "pr-*" : name}-function"],
          { StringEquals = { "iam:PermissionsBoundary" = aws_iam_policy.function_boundary[name].arn } },
      ]]
    ])
    error_message = "a function's role can be made, or given rights, without its boundary"
  }

  assert {
    condition = alltrue([
      for name, policy in aws_iam_role_policy.deploy_services : [
        for statement in jsondecode(policy.policy).Statement : statement.Condition if contains(statement.Action, "lambda:AddPermission")
      ] == [{ StringEquals = { "lambda:Principal" = ["apigateway.amazonaws.com", "events.amazonaws.com"] } }]
    ])
    error_message = "the function can be opened to another account"
  }

  assert {
    condition = alltrue([
      for policy in concat(values(aws_iam_role_policy.deploy_data), values(aws_iam_role_policy.deploy_services)) :
      !strcontains(policy.policy, "\"iam:*\"") && !strcontains(policy.policy, "\"lambda:*\"") && !strcontains(policy.policy, "\"s3:*\"")
    ])
    error_message = "a deploy role may do everything to something"
  }
}

run "no_role_names_another_environment" {
  variables {
    environments = ["dev", "production", "qa"]
  }

  assert {
    # The previews' role and the permanent ones', each against the names of all others.
    condition = alltrue(flatten([
      for role in keys(local.scopes) : [
        for other in setsubtract(values(local.scopes), [local.scopes[role]]) : [
          for policy in [aws_iam_role_policy.deploy_data[role].policy, aws_iam_role_policy.deploy_services[role].policy, aws_iam_policy.function_boundary[role].policy] :
          !strcontains(policy, "-${other}") && !strcontains(policy, "/${other}") && !strcontains(policy, "\"${other}\"")
        ]
      ]
    ]))
    error_message = "a role reaches into another environment"
  }

  assert {
    condition     = length(local.scopes) == 4 && !strcontains(aws_iam_role_policy.plan.policy, "pr-")
    error_message = "an environment has no role, or the role that plans reaches into previews"
  }

  assert {
    condition = alltrue([
      for role, policy in aws_iam_role_policy.deploy_data : [
        for statement in jsondecode(policy.policy).Statement : [statement.Action, statement.Resource] if statement.Sid == "OwnState"
        ] == [[["s3:DeleteObject", "s3:GetObject", "s3:PutObject"], [
          for suffix in ["", ".tflock"] :
          "arn:aws:s3:::serverless-flask-state-111122223333/stack/${local.scopes[role]}/${local.scopes[role]}/terraform.tfstate${suffix}"
      ]]]
    ])
    error_message = "a role's state is not its own alone"
  }

  assert {
    condition = {
      for role, policy in aws_iam_role_policy.deploy_data : role => [
        for statement in jsondecode(policy.policy).Statement : statement.Condition if statement.Sid == "FindOwnState"
      ] if contains(["preview", "qa"], role)
      } == {
      preview = [{ StringLikeIfExists = { "s3:prefix" = ["stack/pr-*"] } }]
      qa      = [{ StringEqualsIfExists = { "s3:prefix" = ["stack/qa/", "stack/qa/qa/", "stack/qa/qa/terraform.tfstate"] } }]
    }
    error_message = "a role lists the states of others"
  }

  assert {
    # A resource bears the environment's name, or is one of the few that AWS does not let you name. Any
    # branch may use the previews' role, so it neither delivers access logs nor makes keys.
    condition = alltrue(flatten([
      for role, scope in local.scopes : [
        for policy in [aws_iam_role_policy.deploy_data[role].policy, aws_iam_role_policy.deploy_services[role].policy] : [
          for statement in jsondecode(policy).Statement : [
            for resource in flatten([statement.Resource]) : anytrue([
              can(regex("[-/]${replace(scope, "*", "\\*")}([-/:]|$)", resource)),
              startswith(resource, "arn:aws:apigateway:eu-central-1::/"),
              startswith(resource, "arn:aws:cloudfront::111122223333:"),
              resource == "arn:aws:kms:eu-central-1:111122223333:key/*",
              resource == "arn:aws:s3:::serverless-flask-state-111122223333" && statement.Action == ["s3:ListBucket"],
              resource == "*" && contains(["AskTheAccount", "MakeEdgePolicies", "MakeOwnDistribution"], statement.Sid),
              resource == "*" && contains(["DeliverAccessLogs", "MakeOwnKey"], statement.Sid) && role != "preview",
            ])
          ]
        ]
      ]
    ]))
    error_message = "a role may do something to what bears no environment's name"
  }

  assert {
    # What has no name of the environment's is told apart by the tags it was made with.
    condition = alltrue(flatten([
      for role, policy in aws_iam_role_policy.deploy_services : [
        for statement in jsondecode(policy.policy).Statement :
        anytrue([
          for key in ["aws:RequestTag/environment", "aws:ResourceTag/environment"] :
          role == "preview"
          ? try(statement.Condition.StringLike[key], statement.Condition.StringLikeIfExists[key], "") == "pr-*"
          : try(statement.Condition.StringEquals[key], statement.Condition.StringEqualsIfExists[key], "") == role
        ])
        if anytrue([for action in statement.Action : startswith(action, "apigateway:") || endswith(action, "Distribution") || action == "kms:CreateKey"])
      ]
    ]))
    error_message = "an API, a distribution or a key of another environment is within reach"
  }

  assert {
    # With another environment's tags an API would be that environment's.
    condition = alltrue([
      for policy in aws_iam_role_policy.deploy_services : [
        for statement in jsondecode(policy.policy).Statement :
        [statement.Condition["ForAllValues:StringNotEquals"], statement.Condition.Null]
        if strcontains(jsonencode(statement.Resource), "/tags")
      ] == [[{ "aws:TagKeys" = ["environment", "project"] }, { "aws:TagKeys" = "false" }]]
    ])
    error_message = "a role may take another environment's API by tagging it"
  }

  assert {
    condition = !anytrue(flatten([
      for policy in aws_iam_role_policy.deploy_services : [
        for statement in jsondecode(policy.policy).Statement : [
          for action in statement.Action : startswith(action, "cloudfront:Update") && !contains(["cloudfront:UpdateDistribution", "cloudfront:UpdateFunction"], action)
        ]
      ]
    ]))
    error_message = "a role may change a cache or headers policy, whose environment AWS does not know"
  }
}

run "the_plan_role_reads_and_nothing_else" {
  assert {
    condition = alltrue(flatten([
      for statement in jsondecode(aws_iam_role_policy.plan.policy).Statement : [
        for action in statement.Action : can(regex("^[a-z0-9]+:(Describe|Get|List|GET$)", action))
      ] if statement.Effect == "Allow"
    ]))
    error_message = "the plan role may change something: ${aws_iam_role_policy.plan.policy}"
  }

  assert {
    condition = [
      for statement in jsondecode(aws_iam_role_policy.plan.policy).Statement : [statement.Action, statement.NotResource]
      if statement.Effect == "Deny"
      ] == [[
        ["kms:Decrypt", "ssm:GetParameter", "ssm:GetParameterHistory", "ssm:GetParameters", "ssm:GetParametersByPath"],
        [for name in ["dev", "production", "staging"] : "arn:aws:ssm:eu-central-1:111122223333:parameter/serverless-flask/${name}/public/*"],
    ]]
    error_message = "the plan role may read a secret"
  }

  assert {
    condition     = !strcontains(aws_iam_role_policy.plan.policy, ".tflock")
    error_message = "the plan role may take or see a lock"
  }
}

run "a_function_invokes_its_own_live_version_and_changes_nothing" {
  assert {
    condition = alltrue([
      for name, policy in aws_iam_policy.function_boundary : [
        for statement in jsondecode(policy.policy).Statement : statement.Resource if contains(statement.Action, "lambda:InvokeFunction")
      ] == [["arn:aws:lambda:eu-central-1:111122223333:function:serverless-flask-${name == "preview" ? "pr-*" : name}:live"]]
    ])
    error_message = "a function may invoke another, or a version that is not live"
  }

  assert {
    condition = toset(flatten([
      for policy in aws_iam_policy.function_boundary : [
        for statement in jsondecode(policy.policy).Statement : statement.Action if contains(flatten([statement.Resource]), "*")
      ]
      ])) == toset([
      "cloudwatch:GetMetricData", "xray:PutTelemetryRecords", "xray:PutTraceSegments",
    ])
    error_message = "a function may do something else to everything"
  }
}

run "the_state_bucket_outlives_every_role" {
  assert {
    condition     = module.state.bucket.bucket == "serverless-flask-state-111122223333" && !module.state.bucket.force_destroy
    error_message = "the state bucket has another name, or can be destroyed with its states"
  }

  assert {
    condition = [
      for statement in jsondecode(aws_iam_policy.deploy_boundary.policy).Statement : [statement.Effect, statement.Action, statement.Resource]
      if statement.Sid == "KeepStateBucket"
      ] == [["Deny", [
        "s3:DeleteBucket*", "s3:DeleteObjectVersion", "s3:PutBucket*", "s3:PutEncryptionConfiguration", "s3:PutLifecycleConfiguration",
        ], ["arn:aws:s3:::serverless-flask-state-111122223333", "arn:aws:s3:::serverless-flask-state-111122223333/*"],
    ]]
    error_message = "a deploy role may change the state bucket or delete old states for good"
  }
}

run "the_policies_fit_into_what_iam_takes_even_with_the_longest_names" {
  variables {
    environments   = ["abcdefghijklmno"]
    project        = "abcdefghijklmnopqrstuvwx"
    region         = "ap-southeast-2"
    subject_prefix = "repo:owner@1234567890/a-repository-with-a-rather-long-name@1234567890"
  }

  # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
  assert {
    condition = alltrue([
      for name in keys(local.scopes) :
      length(aws_iam_role_policy.deploy_data[name].policy) + length(aws_iam_role_policy.deploy_services[name].policy) <= 10240
    ])
    error_message = "a deploy role's policies are longer than IAM takes"
  }

  assert {
    condition = alltrue([
      for policy in concat([aws_iam_policy.deploy_boundary], values(aws_iam_policy.function_boundary)) : length(policy.policy) <= 6144
    ])
    error_message = "a boundary is longer than IAM takes"
  }
}

run "five_environments_fit_into_one_plan_role" {
  variables {
    environments = ["dev", "production", "sandbox", "staging", "test"]
  }

  assert {
    condition     = length(aws_iam_role_policy.plan.policy) <= 10240
    error_message = "the plan role's policy is longer than IAM takes: ${length(aws_iam_role_policy.plan.policy)}"
  }
}
