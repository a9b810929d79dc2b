"""What a web site of the results has beside its pages."""
