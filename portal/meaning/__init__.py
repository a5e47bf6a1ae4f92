"""What the gateway's data means: messages, names, DNS, keys, diagnostics, times. Pure: no request, no call, no database."""
