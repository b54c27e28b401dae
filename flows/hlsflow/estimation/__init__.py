"""Resources and latency of an HLS design without a tool: arithmetic, calibrated on real reports, with error bars."""
