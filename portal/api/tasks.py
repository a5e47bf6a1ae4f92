"""Commands that the gateway runs in the background (Tasks, 5.12)."""

from portal.api.operation import Operation

# Rights depend on the command; which ones is not documented. 202 says accepted, and there is nothing to poll.
RUN = Operation("executeTask", "POST", "/tasks")
