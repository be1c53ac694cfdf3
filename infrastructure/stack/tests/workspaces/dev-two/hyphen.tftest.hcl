# The workspace agrees with the environment here, so that only its form can be refused:
# TF_WORKSPACE=dev-two terraform test -test-directory=tests/workspaces/dev-two

mock_provider "aws" {
  source = "./tests/mocks"
}

run "an_environment_with_a_hyphen_is_refused_for_its_names_would_begin_like_anothers" {
  command = plan

  variables {
    environment     = "dev-two"
    placeholder_zip = "placeholder.zip"
    project         = "serverless-flask"
    region          = "eu-central-1"
  }

  expect_failures = [var.environment]
}
