"""Real reports in tests/data, and the configuration that lies beside some."""

from __future__ import annotations

from pathlib import Path

SAMPLES = Path(__file__).parent / "data" / "reports"


VITIS = SAMPLES / "vitis_hls_2024_1"


VIVADO = SAMPLES / "vivado"


CONFIG = (
    "Backend: Vitis\nPart: xczu7ev-ffvc1156-2-e\nClockPeriod: 10\nProjectName: digits\nKerasModel: !keras_model x\n"
)
