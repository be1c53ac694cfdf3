# What each variable refuses.

mock_provider "aws" {
  source = "./tests/mocks"
}

override_resource {
  target = module.state.aws_s3_bucket.this
}

variables {
  environments   = ["dev", "production"]
  project        = "serverless-flask"
  region         = "eu-central-1"
  repository_id  = "5678"
  subject_prefix = "repo:owner/repository"
}

run "every_variable_refuses_what_cannot_work" {
  command = plan

  variables {
    emulator          = { endpoint = "http://localhost" }
    job_workflow_refs = ["owner/repository/.github/workflows/*@refs/heads/main"]
    project           = "Serverless_Flask"
    region            = "Frankfurt"
    repository_id     = "*"
    subject_prefix    = "owner/repository"
  }

  expect_failures = [
    var.emulator, var.job_workflow_refs, var.project, var.region, var.repository_id, var.subject_prefix,
  ]
}

run "a_subject_for_any_repository_of_an_owner_is_refused" {
  command = plan

  variables {
    subject_prefix = "repo:owner/*"
  }

  expect_failures = [var.subject_prefix]
}

run "an_environment_with_a_hyphen_is_refused" {
  command = plan

  variables {
    environments = ["dev", "dev-two"]
  }

  expect_failures = [var.environments]
}

run "two_letters_are_a_name_and_one_environment_is_enough" {
  command = plan

  variables {
    environments = ["qa"]
  }

  assert {
    condition     = keys(aws_iam_role.deploy) == ["preview", "qa"]
    error_message = "the roles are those of ${join(", ", keys(aws_iam_role.deploy))}"
  }
}

run "a_bucket_name_of_more_than_63_characters_is_refused" {
  command = plan

  variables {
    environments = ["abcdefghijklmnop"]
    project      = "abcdefghijklmnopqrstuvwx"
  }

  expect_failures = [var.environments]
}

run "a_subject_that_says_more_than_the_repository_is_refused" {
  command = plan

  variables {
    subject_prefix = "repo:owner/repository:environment:production"
  }

  expect_failures = [var.subject_prefix]
}

run "a_subject_with_one_id_is_refused" {
  command = plan

  variables {
    subject_prefix = "repo:owner@1234/repository"
  }

  expect_failures = [var.subject_prefix]
}

run "an_environment_whose_deploy_role_would_look_like_a_function_role_is_refused" {
  command = plan

  variables {
    environments = ["dev", "function"]
  }

  expect_failures = [var.environments]
}

run "an_environment_whose_alarms_would_be_the_previews_is_refused" {
  command = plan

  variables {
    environments = ["dev", "pr"]
  }

  expect_failures = [var.environments]
}

run "an_environment_that_would_take_the_previews_role_is_refused" {
  command = plan

  variables {
    environments = ["dev", "preview"]
  }

  expect_failures = [var.environments]
}

run "a_project_that_begins_as_aws_allows_no_name_to_is_refused" {
  command = plan

  variables {
    project = "ssm-shop"
  }

  expect_failures = [var.project]
}
