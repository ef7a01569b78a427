"""The model library: installed models, the classifiers that run, evaluations, and thresholds."""
