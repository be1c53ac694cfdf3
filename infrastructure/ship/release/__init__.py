"""Making a release live in one environment, and going back."""
