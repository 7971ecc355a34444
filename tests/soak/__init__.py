"""What the record must survive: crashes, kills, faults, outages, storms and skewed clocks, judged by one checker.

The numbers in the tests' names and docstrings are those of the list of fault and load tests that the storage
design demands. `make test` runs the short form, `make soak` the long one, `python -m tests.soak --help` any other.
"""
