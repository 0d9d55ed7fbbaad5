"""What all explorables share: code that runs them in notebooks and on web pages, photographs and styles."""
