# What each variable refuses.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  environment     = "default"
  placeholder_zip = "placeholder.zip"
  project         = "serverless-flask"
  region          = "eu-central-1"
}

run "every_variable_refuses_what_cannot_work" {
  command = plan

  variables {
    alarm_errors_per_minute       = -1
    alarm_p99_milliseconds        = 0
    alerts                        = { emails = ["on-call"] }
    application_events            = { jobs = { schedule = "daily" } }
    application_paths             = ["api/*"]
    emulator                      = { endpoint = "http://localhost", site_url = "http://127.0.0.1:4567" }
    function_memory_megabytes     = 64
    function_reserved_concurrency = 0
    function_timeout_seconds      = 901
    log_retention_days            = 2
    origin_secret                 = 0
    placeholder_zip               = "placeholder.tar"
    project                       = "Serverless_Flask"
    region                        = "Frankfurt"
    site_content_security_policy  = { font_src = ["'self'"] }
    site_fallback                 = "/index.html"
    site_headers                  = { X-Frame-Options = "DENY" }
    site_paths                    = ["/static"]
    throttling                    = { rate = 0 }
    waf                           = "473e64fd-f30b"
    warm_up_minutes               = 1
  }

  expect_failures = [
    var.alarm_errors_per_minute,
    var.alarm_p99_milliseconds,
    var.alerts,
    var.application_events,
    var.application_paths,
    var.emulator,
    var.function_memory_megabytes,
    var.function_reserved_concurrency,
    var.function_timeout_seconds,
    var.log_retention_days,
    var.origin_secret,
    var.placeholder_zip,
    var.project,
    var.region,
    var.site_content_security_policy,
    var.site_fallback,
    var.site_headers,
    var.site_paths,
    var.throttling,
    var.waf,
    var.warm_up_minutes,
  ]
}

run "addresses_beside_a_topic_of_the_owners_are_refused" {
  command = plan

  variables {
    alerts = { emails = ["on-call@example.org"], topic = "arn:aws:sns:eu-central-1:444455556666:on-call" }
  }

  expect_failures = [var.alerts]
}

run "an_environment_that_is_not_the_workspace_is_refused" {
  command = plan

  variables {
    environment = "qa"
  }

  expect_failures = [var.environment]
}

run "a_source_that_ends_its_directive_is_refused" {
  command = plan

  variables {
    site_content_security_policy = { img-src = ["https://images.example; script-src *"] }
  }

  expect_failures = [var.site_content_security_policy]
}

run "the_platforms_own_paths_are_refused" {
  command = plan

  variables {
    application_paths = ["/api/*", "/-/*"]
  }

  expect_failures = [var.application_paths]
}

run "a_path_that_is_listed_twice_is_refused" {
  command = plan

  variables {
    application_paths = ["/api/*", "/api/*"]
  }

  expect_failures = [var.application_paths]
}

run "the_schedule_takes_no_more_than_the_function_may_run" {
  command = plan

  variables {
    function_reserved_concurrency = 3
    warm_up_environments          = 3
  }

  expect_failures = [var.warm_up_environments]
}

run "the_schedule_keeps_no_half_an_environment" {
  command = plan

  variables {
    warm_up_environments = 0.5
  }

  expect_failures = [var.warm_up_environments]
}

run "the_schedule_keeps_not_more_environments_than_one_event_may_warm" {
  command = plan

  variables {
    warm_up_environments = 21
  }

  expect_failures = [var.warm_up_environments]
}

run "the_schedule_keeps_not_fewer_than_none" {
  command = plan

  variables {
    warm_up_environments = -1
  }

  expect_failures = [var.warm_up_environments]
}

run "a_project_that_begins_as_aws_allows_no_name_to_is_refused" {
  command = plan

  variables {
    project = "ssm-shop"
  }

  expect_failures = [var.project]
}
