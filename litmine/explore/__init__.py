"""The lake in a browser, and a JSON API: a web application over the sandboxed queries of `litmine.lake.query`."""
