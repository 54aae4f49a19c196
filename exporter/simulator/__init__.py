"""A living CommServe and a Veeam server that speak their vendors' wire format, for the demo and the tests."""
