"""What Keras' front end needs installed."""

from __future__ import annotations

from hlsflow.frontends.installed import Needs

FRAMEWORK = "Keras"
KERAS_2 = Needs(framework=FRAMEWORK, packages=("tensorflow", "qkeras"), environment="", extra="keras2", python="3.11")
