# The address that visitors type. `ship apply` asks for its certificate, in us-east-1, where CloudFront looks
# for it, and names it here once it is issued. Until then the site has CloudFront's own address.
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cnames-and-https-requirements.html

locals {
  certificate = try(var.domain.certificate, null)
  domain      = local.certificate == null ? null : var.domain.name
  # Where the zone is in this account; elsewhere people enter the record.
  zone = local.domain == null ? null : var.domain.zone
}

resource "aws_route53_record" "site" {
  for_each = toset(local.zone == null ? [] : ["A", "AAAA"])

  name    = local.domain
  type    = each.key
  zone_id = local.zone

  alias {
    evaluate_target_health = false
    name                   = aws_cloudfront_distribution.site.domain_name
    zone_id                = aws_cloudfront_distribution.site.hosted_zone_id
  }
}
