# What each variable refuses.

mock_provider "aws" {
  source = "./tests/mocks"
}

run "every_variable_refuses_what_cannot_work" {
  command = plan

  variables {
    environment = "default"

    alarm_actions                 = ["on-call"]
    alarm_p99_milliseconds        = 0
    api_burst_limit               = 0.5
    api_rate_limit                = 0
    emulator                      = { endpoint = "http://localhost", site_url = "http://127.0.0.1:4567" }
    function_memory_megabytes     = 64
    function_reserved_concurrency = 0
    function_timeout_seconds      = 30
    log_retention_days            = 2
    placeholder_zip               = "placeholder.tar"
    project                       = "Serverless_Flask"
    region                        = "Frankfurt"
    secret_version                = 0
    warm_up_minutes               = 1
  }

  expect_failures = [
    var.alarm_actions,
    var.alarm_p99_milliseconds,
    var.api_burst_limit,
    var.api_rate_limit,
    var.emulator,
    var.function_memory_megabytes,
    var.function_reserved_concurrency,
    var.function_timeout_seconds,
    var.log_retention_days,
    var.placeholder_zip,
    var.project,
    var.region,
    var.secret_version,
    var.warm_up_minutes,
  ]
}

run "the_schedule_takes_no_more_than_the_function_may_run" {
  command = plan

  variables {
    environment                   = "default"
    function_reserved_concurrency = 3
    placeholder_zip               = "placeholder.zip"
    project                       = "serverless-flask"
    region                        = "eu-central-1"
    warm_up_environments          = 3
  }

  expect_failures = [var.warm_up_environments]
}

run "the_schedule_keeps_no_half_an_environment" {
  command = plan

  variables {
    environment          = "default"
    placeholder_zip      = "placeholder.zip"
    project              = "serverless-flask"
    region               = "eu-central-1"
    warm_up_environments = 0.5
  }

  expect_failures = [var.warm_up_environments]
}

run "the_schedule_keeps_not_more_environments_than_one_event_may_warm" {
  command = plan

  variables {
    environment          = "default"
    placeholder_zip      = "placeholder.zip"
    project              = "serverless-flask"
    region               = "eu-central-1"
    warm_up_environments = 21
  }

  expect_failures = [var.warm_up_environments]
}

run "the_schedule_keeps_not_fewer_than_none" {
  command = plan

  variables {
    environment          = "default"
    placeholder_zip      = "placeholder.zip"
    project              = "serverless-flask"
    region               = "eu-central-1"
    warm_up_environments = -1
  }

  expect_failures = [var.warm_up_environments]
}
