"""Where recordings come from: a module a corpus, and what all of them need."""
