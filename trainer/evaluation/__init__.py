"""How well a classifier does: predictions, calibration, metrics, the model card and its plots."""
