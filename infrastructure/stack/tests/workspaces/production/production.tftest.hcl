# What holds for production alone. Its workspace has to be selected, so this folder is run apart:
# TF_WORKSPACE=production terraform test -test-directory=tests/workspaces/production

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  environment     = "production"
  placeholder_zip = "placeholder.zip"
  project         = "serverless-flask"
  region          = "eu-central-1"
}

run "nothing_deletes_productions_releases_and_pages_in_passing" {
  command = plan

  assert {
    condition     = !aws_s3_bucket.artifacts.force_destroy && !aws_s3_bucket.site.force_destroy
    error_message = "a destroy would take production's releases with it"
  }

  assert {
    condition     = aws_kms_key.private.deletion_window_in_days == 30
    error_message = "production's key would be gone before anybody missed it"
  }
}

run "whoever_means_it_says_so_first" {
  command = plan

  variables {
    force_destroy = true
  }

  assert {
    condition     = aws_s3_bucket.artifacts.force_destroy && aws_s3_bucket.site.force_destroy
    error_message = "production could never be taken down"
  }
}
