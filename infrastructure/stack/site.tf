locals {
  security = {
    content_security_policy = join("; ", [
      "default-src 'none'",
      "base-uri 'none'",
      "connect-src 'self'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      "img-src 'self' data:",
      "script-src 'self'",
      "style-src 'self'",
    ])
    headers = {
      Cross-Origin-Opener-Policy   = "same-origin"
      Cross-Origin-Resource-Policy = "same-origin"
      Permissions-Policy           = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
    }
    https_seconds   = 31536000
    referrer_policy = "strict-origin-when-cross-origin"
  }

  # What tells one answer from another. The API's may depend on who asks: no caller gets what was
  # kept for another.
  caching = {
    api = {
      comment = "Keeps only answers that allow it, and never one caller's for another."
      cookies = "all"
      headers = ["Accept", "Authorization", "Origin"]
      queries = "all"
    }
    pages = {
      comment = "Keeps what says it may be kept, up to a year; asks again for all else."
      cookies = "none"
      headers = []
      queries = "none"
    }
  }

  # Deploy roles may make and delete such policies but not change them: AWS offers no way to say
  # which ones are whose, but lets nobody delete one that is in use. So what changes gets another
  # name, and takes the old one's place.
  edge_revisions = {
    for name, content in merge(local.caching, { security = local.security }) :
    name => substr(sha256(jsonencode(content)), 0, 8)
  }

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

resource "aws_s3_bucket" "site" {
  #checkov:skip=CKV_AWS_18:CloudTrail's data events tell who touched an object, where an account wants to know.
  #checkov:skip=CKV_AWS_144:ship can publish every release again from the artifact bucket.
  #checkov:skip=CKV_AWS_145:Holds no secret; with a KMS key every reader would need one more policy.
  #checkov:skip=CKV2_AWS_62:Nothing waits for its objects.
  #checkov:skip=CKV_AWS_21:What it held before lies in the artifact bucket, which is versioned.
  #checkov:skip=CKV2_AWS_61:ship clears away what no kept release names.
  bucket        = "${local.name}-site-${local.account_id}"
  force_destroy = local.force_destroy
}

resource "aws_s3_bucket_ownership_controls" "site" {
  bucket = aws_s3_bucket.site.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "site" {
  bucket                  = aws_s3_bucket.site.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "site" {
  bucket = aws_s3_bucket.site.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_policy" "site" {
  bucket = aws_s3_bucket.site.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "ReadByOwnDistribution"
        Effect    = "Allow"
        Principal = { Service = "cloudfront.amazonaws.com" }
        Action    = ["s3:GetObject"]
        Resource  = ["${aws_s3_bucket.site.arn}/*"]
        Condition = {
          StringEquals = {
            "AWS:SourceArn" = aws_cloudfront_distribution.site.arn
          }
        }
      },
      {
        Sid       = "OnlyOverTls"
        Effect    = "Deny"
        Principal = "*"
        Action    = ["s3:*"]
        Resource  = [aws_s3_bucket.site.arn, "${aws_s3_bucket.site.arn}/*"]
        Condition = {
          Bool = {
            "aws:SecureTransport" = "false"
          }
        }
      },
    ]
  })

  depends_on = [aws_s3_bucket_public_access_block.site]
}

resource "terraform_data" "edge_revision" {
  for_each = local.edge_revisions

  input = each.value
}

resource "aws_cloudfront_origin_access_control" "site" {
  name                              = local.name
  description                       = "Signs what the distribution of ${local.name} asks its bucket for."
  origin_access_control_origin_type = "s3"
  signing_behavior                  = "always"
  signing_protocol                  = "sigv4"
}

resource "aws_cloudfront_cache_policy" "this" {
  for_each = local.caching

  name        = "${local.name}-${each.key}-${local.edge_revisions[each.key]}"
  comment     = each.value.comment
  min_ttl     = 0
  default_ttl = 0
  max_ttl     = 31536000

  parameters_in_cache_key_and_forwarded_to_origin {
    enable_accept_encoding_brotli = true
    enable_accept_encoding_gzip   = true

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
  #checkov:skip=CKV_AWS_259:Preloading is a promise for a whole domain, which is its owner's to give.
  name    = "${local.name}-security-${local.edge_revisions.security}"
  comment = "Security headers of ${local.name}."

  security_headers_config {
    content_security_policy {
      content_security_policy = local.security.content_security_policy
      override                = true
    }

    content_type_options {
      override = true
    }

    frame_options {
      frame_option = "DENY"
      override     = true
    }

    referrer_policy {
      referrer_policy = local.security.referrer_policy
      override        = true
    }

    strict_transport_security {
      access_control_max_age_sec = local.security.https_seconds
      include_subdomains         = true
      override                   = true
    }
  }

  custom_headers_config {
    dynamic "items" {
      for_each = local.security.headers

      content {
        header   = items.key
        override = true
        value    = items.value
      }
    }
  }

  remove_headers_config {
    items {
      header = "Server"
    }
  }

  lifecycle {
    create_before_destroy = true
    replace_triggered_by  = [terraform_data.edge_revision["security"]]
  }
}

resource "aws_cloudfront_distribution" "site" {
  #checkov:skip=CKV_AWS_68:The stage throttles and the function's concurrency is bounded; add a WAF where its price is worth it.
  #checkov:skip=CKV2_AWS_47:Nothing behind it runs Java.
  #checkov:skip=CKV_AWS_86:Requests that do something reach the API, which logs each of them.
  #checkov:skip=CKV_AWS_174:CloudFront's own certificate fixes the version; browsers negotiate 1.3.
  #checkov:skip=CKV2_AWS_42:A domain of one's own comes with a certificate of one's own.
  #checkov:skip=CKV_AWS_310:A second origin would need a second set of releases.
  #checkov:skip=CKV_AWS_374:Everybody may read it.
  comment             = "${var.project} ${var.environment}"
  default_root_object = "index.html"
  enabled             = true
  http_version        = "http2and3"
  is_ipv6_enabled     = true
  price_class         = "PriceClass_100"
  wait_for_deployment = false

  origin {
    domain_name              = aws_s3_bucket.site.bucket_regional_domain_name
    origin_access_control_id = aws_cloudfront_origin_access_control.site.id
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
  }

  default_cache_behavior {
    allowed_methods            = ["GET", "HEAD"]
    cache_policy_id            = aws_cloudfront_cache_policy.this["pages"].id
    cached_methods             = ["GET", "HEAD"]
    compress                   = true
    response_headers_policy_id = aws_cloudfront_response_headers_policy.security.id
    target_origin_id           = "site"
    viewer_protocol_policy     = "redirect-to-https"
  }

  ordered_cache_behavior {
    allowed_methods = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]
    cache_policy_id = aws_cloudfront_cache_policy.this["api"].id
    cached_methods  = ["GET", "HEAD"]
    compress        = true
    # AWS's own AllViewerExceptHostHeader: API Gateway answers only to its own host name.
    # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-origin-request-policies.html
    origin_request_policy_id   = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
    path_pattern               = "/api/*"
    response_headers_policy_id = aws_cloudfront_response_headers_policy.security.id
    target_origin_id           = "api"
    viewer_protocol_policy     = "redirect-to-https"
  }

  # A bucket that may not be listed answers 403 for what it does not hold. The API never answers
  # 403, so its errors pass as they are.
  custom_error_response {
    error_caching_min_ttl = 0
    error_code            = 403
    response_code         = 404
    response_page_path    = "/404.html"
  }

  # Without this CloudFront keeps an error for ten seconds, whatever the answer says.
  dynamic "custom_error_response" {
    for_each = [400, 404, 405, 414, 416, 500, 501, 502, 503, 504]

    content {
      error_caching_min_ttl = 0
      error_code            = custom_error_response.value
    }
  }

  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }

  viewer_certificate {
    cloudfront_default_certificate = true
  }

  depends_on = [aws_s3_bucket_ownership_controls.site]
}
