"""WHAT THE USER DECLARES. Assets, resources, jobs, schedules, selections, the graph, and loading user code."""
