"""What explorables share: their hosts in a notebook and on a page, photographs, fonts and colours."""
