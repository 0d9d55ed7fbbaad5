"""What all explorables share: photographs, styles, and code that runs them in notebooks and on web pages."""
