"""Runs any WSGI application in AWS Lambda, behind an API Gateway HTTP API."""
