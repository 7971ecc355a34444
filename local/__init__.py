"""The local stack: Azurite, a stand-in of Azure's control plane, Event Grid, and a host for the function app.

Nothing in `audit/` imports this package. It lets one machine run the very same functions as Azure does.
"""
