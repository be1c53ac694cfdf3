# What each variable refuses.

mock_provider "aws" {
  source = "./tests/mocks"
}

override_resource {
  target = aws_s3_bucket.state
}

variables {
  project        = "serverless-flask"
  region         = "eu-central-1"
  subject_prefix = "repo:owner/repository"
}

run "every_variable_refuses_what_cannot_work" {
  command = plan

  variables {
    emulator       = { endpoint = "http://localhost" }
    environments   = ["dev-two"]
    project        = "Serverless_Flask"
    region         = "Frankfurt"
    subject_prefix = "owner/repository"
  }

  expect_failures = [var.emulator, var.environments, var.project, var.region, var.subject_prefix]
}

run "a_subject_for_any_repository_of_an_owner_is_refused" {
  command = plan

  variables {
    subject_prefix = "repo:owner/*"
  }

  expect_failures = [var.subject_prefix]
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

run "an_environment_that_would_take_the_previews_role_is_refused" {
  command = plan

  variables {
    environments = ["dev", "preview"]
  }

  expect_failures = [var.environments]
}
