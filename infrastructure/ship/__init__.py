"""The release tool: builds, deploys and rolls back the application, here or on AWS."""
