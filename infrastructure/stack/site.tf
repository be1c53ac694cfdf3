locals {
  # What the site's pages may do, extended by the owner. 'none' goes where something else is allowed.
  # Bundlers write small images, fonts and sounds into the style sheet or script, as data: URLs.
  # https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Content-Security-Policy
  site_directives = {
    base-uri        = ["'none'"]
    connect-src     = ["'self'"]
    default-src     = ["'none'"]
    font-src        = ["'self'", "data:"]
    form-action     = ["'self'"]
    frame-ancestors = ["'none'"]
    img-src         = ["'self'", "data:"]
    manifest-src    = ["'self'"]
    media-src       = ["'self'", "data:"]
    script-src      = ["'self'"]
    style-src       = ["'self'"]
    worker-src      = ["'self'"]
  }
  site_directive_names = sort(distinct(concat(keys(local.site_directives), keys(var.site_content_security_policy))))
  site_sources = {
    for name in local.site_directive_names : name => concat(
      [
        for source in lookup(local.site_directives, name, []) : source
        if source != "'none'" || !contains(keys(var.site_content_security_policy), name)
      ],
      lookup(var.site_content_security_policy, name, []),
    )
  }
  site_headers = merge({
    Cross-Origin-Opener-Policy   = "same-origin"
    Cross-Origin-Resource-Policy = "same-origin"
    Permissions-Policy           = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
    Referrer-Policy              = "strict-origin-when-cross-origin"
  }, var.site_headers)

  # The site's pages are files, which say nothing of themselves. The application says what its pages
  # may do: where it does, that holds, and where it does not, nothing is forbidden that pages do.
  security = {
    application = {
      comment                 = "Security headers of the application of ${local.name}."
      content_security_policy = "base-uri 'self'; object-src 'self'"
      frame_option            = "SAMEORIGIN"
      headers                 = {}
      override                = false
      referrer_policy         = "strict-origin-when-cross-origin"
      removed                 = ["Server"]
      transport               = { include_subdomains = true, seconds = 31536000 }
    }
    site = {
      comment                 = "Security headers of the site of ${local.name}."
      content_security_policy = join("; ", [for name, sources in local.site_sources : join(" ", concat([name], sources))])
      # Browsers let frame-ancestors win. https://www.w3.org/TR/CSP3/#frame-ancestors-and-frame-options
      frame_option    = "DENY"
      headers         = { for name, value in local.site_headers : name => value if name != "Referrer-Policy" }
      override        = true
      referrer_policy = local.site_headers["Referrer-Policy"]
      removed         = ["Server"]
      transport       = { include_subdomains = true, seconds = 31536000 }
    }
  }

  # What a page comes with, for the smoke tests.
  site_response_headers = merge(
    { for name, value in local.site_headers : lower(name) => value },
    {
      content-security-policy   = local.security.site.content_security_policy
      strict-transport-security = "max-age=${local.security.site.transport.seconds}${local.security.site.transport.include_subdomains ? "; includeSubDomains" : ""}"
      x-content-type-options    = "nosniff"
      x-frame-options           = local.security.site.frame_option
    },
  )

  # The cache keys. The API's responses may depend on the caller: none gets what was cached for another.
  caching = { for name, policy in {
    api = {
      comment     = "Caches only responses that allow it, and never one caller's for another."
      compressed  = true
      cookies     = "all"
      headers     = ["Accept", "Authorization", "Origin"]
      queries     = "all"
      ttl_seconds = { default = 0, max = 31536000, min = 0 }
    }
    pages = {
      comment     = "Caches what allows it, up to a year; asks again for all else."
      compressed  = true
      cookies     = "none"
      headers     = []
      queries     = "none"
      ttl_seconds = { default = 0, max = 31536000, min = 0 }
    }
  } : name => policy if !var.flat_rate }

  # Managed-CachingDisabled and Managed-CachingOptimized, whose minimum is a second. No managed policy that
  # heeds Cache-Control leaves out Host, by which API Gateway and S3 know who is asked.
  # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html
  cache_policies = var.flat_rate ? {
    api   = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
    pages = "658327ea-f89d-4fab-a63d-7e88639e58f6"
  } : { for name, policy in aws_cloudfront_cache_policy.this : name => policy.id }

  signed = {
    bucket = {
      behavior    = "always"
      description = "Signs what the distribution of ${local.name} asks its bucket for."
      protocol    = "sigv4"
      type        = "s3"
    }
  }

  # Deploy roles may create and delete these policies but not change them: AWS offers no way to tell
  # whose they are, but refuses to delete one in use. So a changed policy gets another name and
  # replaces the old one. Every argument stands in these locals: one that did not would be changed in
  # place, and denied.
  edge_revisions = {
    for name, content in merge(local.caching, local.security, local.signed) :
    name => substr(sha256(jsonencode(content)), 0, 8)
  }

  # CloudFront takes the first behaviour whose pattern fits, so the order matters.
  # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DownloadDistValuesCacheBehavior.html
  behaviours = concat(
    [{ path = "/-/site.json", origin = "site" }, { path = "/-/*", origin = "api" }],
    [for path in var.site_paths : { path = path, origin = "site" }],
    [for path in var.application_paths : { path = path, origin = "api" } if path != "/*"],
  )
  # The default behaviour has no pattern: an application that takes every path takes this one.
  default_origin = contains(var.application_paths, "/*") ? "api" : "site"
  default_target = local.targets[local.default_origin]

  targets = {
    api = {
      allowed_methods = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]
      cache_policy_id = local.cache_policies["api"]
      # AWS's own AllViewerExceptHostHeader: API Gateway answers only to its own host name.
      # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-origin-request-policies.html
      origin_request_policy_id = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
      security                 = "application"
      functions                = { viewer-response = aws_cloudfront_function.application_status.arn }
    }
    site = {
      allowed_methods          = ["GET", "HEAD"]
      cache_policy_id          = local.cache_policies["pages"]
      origin_request_policy_id = null
      security                 = "site"
      functions = {
        viewer-request  = aws_cloudfront_function.site_index.arn
        viewer-response = aws_cloudfront_function.site_index.arn
      }
    }
  }

  # S3 answers 404 for what is not there to a reader that may list the bucket, and 403 to another. No request
  # lists it: CloudFront passes no query on, and asks for the bucket's root nowhere where the application has it.
  # https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
  site_rights = merge(
    { ReadByOwnDistribution = { action = "s3:GetObject", resource = "${module.site.arn}/*" } },
    local.default_origin == "api" && length(var.site_paths) > 0
    ? { TellWhatIsMissing = { action = "s3:ListBucket", resource = module.site.arn } } : {},
  )

  # What answers a path that the site does not have.
  unknown_page = var.site_fallback == "" ? { path = "/404.html", status = 404 } : { path = "/${var.site_fallback}", status = 200 }

  # The newest value and the one before it: versions of the function that know either, and edge
  # locations that send either, understand each other. For no plan to print.
  origin_verify  = sensitive(join(",", [for number in local.origin_secrets : terraform_data.origin_verify[number].output]))
  origin_secrets = [for back in [0, 1] : tostring(var.origin_secret - back)]

  # On AWS the API's own host; on the emulator the one port that everything has, and a path.
  api_origin = var.emulator == null ? {
    host     = trimprefix(aws_apigatewayv2_api.http.api_endpoint, "https://")
    path     = ""
    port     = 80
    protocol = "https-only"
    } : {
    host     = "localhost"
    path     = "/_aws/execute-api/${aws_apigatewayv2_api.http.id}/$default"
    port     = tonumber(regex("[0-9]+$", var.emulator.endpoint))
    protocol = "http-only"
  }
}

module "site" {
  source = "../modules/private_bucket"

  name          = "${local.name}-site-${local.account_id}"
  force_destroy = var.force_destroy
  has_lifecycle = var.emulator == null

  statements = [
    for sid, right in local.site_rights : {
      Sid       = sid
      Effect    = "Allow"
      Principal = { Service = "cloudfront.amazonaws.com" }
      Action    = [right.action]
      Resource  = [right.resource]
      Condition = {
        StringEquals = {
          "AWS:SourceArn" = aws_cloudfront_distribution.site.arn
        }
      }
    }
  ]
}

# Tells the function which requests came through the distribution, so that it believes those alone
# about the viewer's address and the host; with api_behind_cloudfront it answers nothing else.
resource "terraform_data" "origin_verify" {
  for_each = toset(local.origin_secrets)

  input = uuid()

  lifecycle {
    ignore_changes = [input]
  }
}

resource "terraform_data" "edge_revision" {
  for_each = local.edge_revisions

  input = each.value
}

resource "aws_cloudfront_origin_access_control" "this" {
  for_each = local.signed

  name                              = "${local.name}-${each.key}-${local.edge_revisions[each.key]}"
  description                       = each.value.description
  origin_access_control_origin_type = each.value.type
  signing_behavior                  = each.value.behavior
  signing_protocol                  = each.value.protocol

  lifecycle {
    create_before_destroy = true
    replace_triggered_by  = [terraform_data.edge_revision[each.key]]
  }
}

resource "aws_cloudfront_cache_policy" "this" {
  for_each = local.caching

  name        = "${local.name}-${each.key}-${local.edge_revisions[each.key]}"
  comment     = each.value.comment
  min_ttl     = each.value.ttl_seconds.min
  default_ttl = each.value.ttl_seconds.default
  max_ttl     = each.value.ttl_seconds.max

  parameters_in_cache_key_and_forwarded_to_origin {
    enable_accept_encoding_brotli = each.value.compressed
    enable_accept_encoding_gzip   = each.value.compressed

    cookies_config {
      cookie_behavior = each.value.cookies
    }

    headers_config {
      header_behavior = length(each.value.headers) == 0 ? "none" : "whitelist"

      dynamic "headers" {
        for_each = length(each.value.headers) == 0 ? [] : [each.value.headers]

        content {
          items = headers.value
        }
      }
    }

    query_strings_config {
      query_string_behavior = each.value.queries
    }
  }

  lifecycle {
    create_before_destroy = true
    replace_triggered_by  = [terraform_data.edge_revision[each.key]]
  }
}

resource "aws_cloudfront_response_headers_policy" "security" {
  #checkov:skip=CKV_AWS_259:Preloading is a promise for a whole domain, which its owner gives for a domain of their own.
  for_each = local.security

  name    = "${local.name}-${each.key}-${local.edge_revisions[each.key]}"
  comment = each.value.comment

  security_headers_config {
    content_security_policy {
      content_security_policy = each.value.content_security_policy
      override                = each.value.override
    }

    content_type_options {
      override = true
    }

    frame_options {
      frame_option = each.value.frame_option
      override     = each.value.override
    }

    referrer_policy {
      referrer_policy = each.value.referrer_policy
      override        = each.value.override
    }

    strict_transport_security {
      access_control_max_age_sec = each.value.transport.seconds
      include_subdomains         = each.value.transport.include_subdomains
      override                   = true
    }
  }

  dynamic "custom_headers_config" {
    for_each = length(each.value.headers) == 0 ? [] : [each.value.headers]

    content {
      dynamic "items" {
        for_each = custom_headers_config.value

        content {
          header   = items.key
          override = each.value.override
          value    = items.value
        }
      }
    }
  }

  remove_headers_config {
    dynamic "items" {
      for_each = each.value.removed

      content {
        header = items.value
      }
    }
  }

  lifecycle {
    create_before_destroy = true
    replace_triggered_by  = [terraform_data.edge_revision[each.key]]
  }
}

resource "aws_cloudfront_function" "site_index" {
  name    = "${local.name}-site-index"
  comment = "Finds the pages of the folders of ${local.name}."
  code    = file("${path.module}/site_index.js")
  runtime = "cloudfront-js-2.0"
}

resource "aws_cloudfront_function" "application_status" {
  name    = "${local.name}-application-status"
  comment = "Lets the application's 403 reach the viewers of ${local.name}."
  code    = file("${path.module}/application_status.js")
  runtime = "cloudfront-js-2.0"
}

resource "aws_cloudfront_distribution" "site" {
  #checkov:skip=CKV2_AWS_47:Nothing behind it runs Java; the web ACL of the setting `waf` may have the rule.
  #checkov:skip=CKV_AWS_86:Requests that do something reach the API, which logs each of them; logs of pages need a bucket with access lists.
  #checkov:skip=CKV_AWS_310:A second origin would need a second set of releases, in another region.
  #checkov:skip=CKV_AWS_374:Everybody may read it; a list of countries would remove this.
  aliases = local.domain == null ? null : [local.domain]
  comment = "${var.project} ${var.environment}"
  # Else CloudFront would ask the application for /index.html where a user asks for /.
  default_root_object = local.default_origin == "site" ? "index.html" : null
  enabled             = true
  http_version        = "http2and3"
  is_ipv6_enabled     = true
  price_class         = "PriceClass_100"
  wait_for_deployment = false
  web_acl_id          = var.waf

  origin {
    domain_name              = module.site.bucket.bucket_regional_domain_name
    origin_access_control_id = aws_cloudfront_origin_access_control.this["bucket"].id
    origin_id                = "site"
  }

  origin {
    domain_name = local.api_origin.host
    origin_id   = "api"
    origin_path = local.api_origin.path

    custom_origin_config {
      http_port              = local.api_origin.port
      https_port             = 443
      origin_protocol_policy = local.api_origin.protocol
      origin_ssl_protocols   = ["TLSv1.2"]
    }

    custom_header {
      name  = "X-Origin-Verify"
      value = local.origin_verify
    }
  }

  default_cache_behavior {
    allowed_methods            = local.default_target.allowed_methods
    cache_policy_id            = local.default_target.cache_policy_id
    cached_methods             = ["GET", "HEAD"]
    compress                   = true
    origin_request_policy_id   = local.default_target.origin_request_policy_id
    response_headers_policy_id = aws_cloudfront_response_headers_policy.security[local.default_target.security].id
    target_origin_id           = local.default_origin
    viewer_protocol_policy     = "redirect-to-https"

    dynamic "function_association" {
      for_each = local.default_target.functions

      content {
        event_type   = function_association.key
        function_arn = function_association.value
      }
    }
  }

  dynamic "ordered_cache_behavior" {
    for_each = local.behaviours

    content {
      allowed_methods            = local.targets[ordered_cache_behavior.value.origin].allowed_methods
      cache_policy_id            = local.targets[ordered_cache_behavior.value.origin].cache_policy_id
      cached_methods             = ["GET", "HEAD"]
      compress                   = true
      origin_request_policy_id   = local.targets[ordered_cache_behavior.value.origin].origin_request_policy_id
      path_pattern               = ordered_cache_behavior.value.path
      response_headers_policy_id = aws_cloudfront_response_headers_policy.security[local.targets[ordered_cache_behavior.value.origin].security].id
      target_origin_id           = ordered_cache_behavior.value.origin
      viewer_protocol_policy     = "redirect-to-https"

      dynamic "function_association" {
        for_each = local.targets[ordered_cache_behavior.value.origin].functions

        content {
          event_type   = function_association.key
          function_arn = function_association.value
        }
      }
    }
  }

  # A bucket that may not be listed answers 403 for what it does not hold, and CloudFront replaces an
  # error whichever origin it comes from. The application's own 403 passes as a 200, see
  # application_status.js. A bucket that may be listed would answer 404, which applications say more often.
  # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/GeneratingCustomErrorResponses.html
  # For all errors: without a minimum of 0 CloudFront caches them for ten seconds, whatever they say.
  dynamic "custom_error_response" {
    for_each = [400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504]

    content {
      error_caching_min_ttl = 0
      error_code            = custom_error_response.value
      response_code         = custom_error_response.value == 403 && local.default_origin == "site" ? local.unknown_page.status : null
      response_page_path    = custom_error_response.value == 403 && local.default_origin == "site" ? local.unknown_page.path : null
    }
  }

  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }

  viewer_certificate {
    acm_certificate_arn            = local.certificate
    cloudfront_default_certificate = local.certificate == null
    minimum_protocol_version       = local.certificate == null ? null : "TLSv1.2_2021"
    ssl_support_method             = local.certificate == null ? null : "sni-only"
  }
}
