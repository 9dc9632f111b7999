"""Imported by the fork server before it forks a worker, so that every worker watches the fuse."""

import os
from pathlib import Path

from tests.chaos.fuse import watch
from tests.chaos.runner import STORE

watch("worker", Path(os.environ[STORE]))
