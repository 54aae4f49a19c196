"""Commands with commands of their own: `ebbtide commvault …`."""
