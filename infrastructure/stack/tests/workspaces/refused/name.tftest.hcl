# Names that fit no environment, or no project of this length. The workspace has the same name, so that
# nothing else is refused:
# TF_WORKSPACE=dev-two terraform test -test-directory=tests/workspaces/refused -var environment=dev-two -var project=example

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  placeholder_zip = "placeholder.zip"
  region          = "eu-central-1"
}

run "the_name_is_refused" {
  command = plan

  expect_failures = [var.environment]
}
