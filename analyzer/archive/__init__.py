"""The analysis of many files: in processes of this machine or on a cluster, resumable, results in a fixed order."""
