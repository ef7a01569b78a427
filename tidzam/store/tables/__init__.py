"""The tables of the store, a module per topic. Importing this package imports all of them."""

from tidzam.store.tables import accounts as accounts
from tidzam.store.tables import annotations as annotations
from tidzam.store.tables import detections as detections
from tidzam.store.tables import jobs as jobs
from tidzam.store.tables import models as models
from tidzam.store.tables import places as places
from tidzam.store.tables import recordings as recordings
