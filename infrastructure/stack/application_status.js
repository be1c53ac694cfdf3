// Runs for the viewer's response of each behaviour of the application. Its 403 comes from the function as
// a 200 with a header, because CloudFront would replace a 403 with the site's 404 page. CloudFront calls
// no function for an origin's status from 400 on:
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-functions-restrictions-all.html
function handler(event) {
  const response = event.response;
  if (response.headers["x-viewer-status"]) {
    delete response.headers["x-viewer-status"];
    response.statusCode = 403;
    response.statusDescription = "Forbidden";
  }
  return response;
}
