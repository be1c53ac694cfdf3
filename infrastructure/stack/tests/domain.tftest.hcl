# A domain of one's own, as the distribution and the zone get it, without AWS.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  environment     = "default"
  placeholder_zip = "placeholder.zip"
  project         = "serverless-flask"
  region          = "eu-central-1"
  domain = {
    certificate = "arn:aws:acm:us-east-1:111122223333:certificate/c1"
    name        = "www.example.org"
    zone        = "Z123"
  }
}

run "the_site_has_its_domain_once_the_certificate_is_issued" {
  assert {
    condition = (
      aws_cloudfront_distribution.site.aliases == toset(["www.example.org"]) &&
      aws_cloudfront_distribution.site.viewer_certificate[0].acm_certificate_arn == var.domain.certificate &&
      aws_cloudfront_distribution.site.viewer_certificate[0].minimum_protocol_version == "TLSv1.2_2021" &&
      aws_cloudfront_distribution.site.viewer_certificate[0].ssl_support_method == "sni-only"
    )
    error_message = "the distribution does not answer to the domain, or with old versions of TLS"
  }

  assert {
    condition = (
      jsondecode(aws_s3_object.contract.content).site_url == "https://www.example.org" &&
      aws_lambda_function.backend.environment[0].variables.SITE_URL == "https://www.example.org" &&
      jsondecode(aws_cloudwatch_event_target.warm_up.input).detail.site_url == "https://www.example.org"
    )
    error_message = "smoke tests, application or synthetic check ask another address"
  }

  assert {
    condition = { for type, record in aws_route53_record.site : type => [record.name, record.zone_id, record.alias[0].name] } == {
      for type in ["A", "AAAA"] : type => ["www.example.org", "Z123", "d123.cloudfront.net"]
    }
    error_message = "the domain does not lead to the distribution"
  }
}

run "where_the_zone_is_elsewhere_nothing_is_entered" {
  variables {
    domain = {
      certificate = "arn:aws:acm:us-east-1:111122223333:certificate/c1"
      name        = "www.example.org"
    }
  }

  assert {
    condition     = length(aws_route53_record.site) == 0 && local.site_url == "https://www.example.org"
    error_message = "a record is entered into no zone, or the domain is not the address"
  }
}

run "until_the_certificate_is_issued_the_site_has_cloudfronts_address" {
  variables {
    domain = {
      name = "www.example.org"
      zone = "Z123"
    }
  }

  assert {
    condition = (
      length(coalesce(aws_cloudfront_distribution.site.aliases, toset([]))) == 0 &&
      aws_cloudfront_distribution.site.viewer_certificate[0].cloudfront_default_certificate &&
      length(aws_route53_record.site) == 0 &&
      local.site_url == "https://d123.cloudfront.net"
    )
    error_message = "the domain counts without a certificate"
  }
}

run "a_certificate_of_another_region_is_refused" {
  command = plan

  variables {
    domain = {
      certificate = "arn:aws:acm:eu-central-1:111122223333:certificate/c1"
      name        = "www.example.org"
    }
  }

  expect_failures = [var.domain]
}
