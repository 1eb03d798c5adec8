"""From labelled text to a fine-tuned, evaluated, exported model. Nothing that runs in production is here."""

import os
import sys

from bearwatch.core.telemetry import switch_off

switch_off(os.environ, sys.modules)
