"""What is fuzzed: one module for each kind of input; every parser stands in one of them."""

from targets import (
    alerts,
    batches,
    configurations,
    counting,
    documents,
    feeds,
    label_files,
    model_folders,
    notifications,
    watch_lists,
)
from targets.target import Target

TARGETS: tuple[Target, ...] = (
    *batches.TARGETS,
    *documents.TARGETS,
    *feeds.TARGETS,
    *counting.TARGETS,
    *alerts.TARGETS,
    *notifications.TARGETS,
    *configurations.TARGETS,
    *model_folders.TARGETS,
    *label_files.TARGETS,
    *watch_lists.TARGETS,
)
BY_NAME = {target.name: target for target in TARGETS}
