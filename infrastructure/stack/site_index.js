// A bucket has no folders. A path with a slash at its end is answered with that folder's page; at the path
// without it `ship` leaves an empty object, which becomes a redirect to the folder.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-event-structure.html
function handler(event) {
  const request = event.request;
  const response = event.response;
  if (!response) {
    if (request.uri.endsWith("/")) {
      request.uri += "index.html";
    }
    return request;
  }
  const type = response.headers["content-type"];
  if (type && type.value === "application/x-directory") {
    const query = Object.keys(request.querystring)
      .map((name) => {
        const found = request.querystring[name];
        return (found.multiValue || [found]).map((one) => `${name}=${one.value}`).join("&");
      })
      .join("&");
    response.statusCode = 301;
    response.statusDescription = "Moved Permanently";
    response.headers.location = { value: `${request.uri}/${query ? "?" : ""}${query}` };
  }
  return response;
}
