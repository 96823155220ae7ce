"""Settings of every test."""

from hypothesis import settings

# How long an example takes depends on what else the machine does; no test asserts that. With time to spare:
# pytest --hypothesis-profile=thorough
settings.register_profile("house", deadline=None, max_examples=50)
settings.register_profile("thorough", deadline=None, max_examples=1000)
settings.load_profile("house")

pytest_plugins = ["s3_server"]
