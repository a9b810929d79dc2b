"""The site: executed notebooks, documents and a landing page as static HTML."""
